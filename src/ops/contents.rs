//! What lies in a package, file by file: kept when it was counted, for the pages that show and compare it.

use crate::app::App;
use crate::error::Result;
use crate::model::contents::Contents;
use crate::package;
use crate::store::key;

pub async fn keep(app: &App, release: &str, files: Vec<(String, i64)>) -> anyhow::Result<()> {
    app.store.put(&key::contents(release), &serde_json::to_vec(&Contents::new(files))?).await
}

/// Entries of an archive and their packed bytes; `None` for what is no archive. Blocking.
pub fn of_archive(path: &std::path::Path) -> Option<Vec<(String, i64)>> {
    package::entries(path)
}

/// `None` for releases whose package was never counted.
pub async fn find(app: &App, release: &str) -> Result<Option<Contents>> {
    let Some(bytes) = app.store.get(&key::contents(release)).await? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&bytes)?))
}

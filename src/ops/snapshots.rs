//! What is kept between releases, as admins see and clear it. The runner's sweep removes the folders of rows that are gone.

use super::{allow, audit};
use crate::app::App;
use crate::db;
use crate::error::Result;
use crate::model::snapshot::Snapshot;
use crate::model::user::{User, Verb};

pub async fn list(app: &App, actor: &User) -> Result<Vec<Snapshot>> {
    allow(actor, Verb::EditPrograms)?;
    Ok(db::snapshots::list(&app.db).await?)
}

/// One, or all of them. The next release that would have used it installs again.
pub async fn clear(app: &App, actor: &User, id: Option<&str>) -> Result<()> {
    allow(actor, Verb::EditPrograms)?;
    match id {
        Some(id) => db::snapshots::delete(&app.db, id).await?,
        None => db::snapshots::delete_all(&app.db).await?,
    }
    audit::note(app, actor, "kept.clear", (id.unwrap_or("all"), ""), serde_json::json!(null)).await;
    Ok(())
}

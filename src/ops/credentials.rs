//! Credentials: taken once, checked, sealed; opened only on their way into a container.

use std::collections::BTreeMap;

use super::{audit, program_for};
use crate::app::App;
use crate::bus::Moved;
use crate::db;
use crate::error::{Error, Result};
use crate::model::credential::{Credential, Secrets};
use crate::model::user::{User, Verb};
use crate::platform::fields;

/// Replaces a program's credential; the fingerprint.
pub async fn put(app: &App, actor: &User, program_id: &str, form: &BTreeMap<String, String>) -> Result<String> {
    let program = program_for(app, actor, Verb::EditPrograms, program_id).await?;
    let platform = app.platforms.get(&program.platform).ok_or(Error::NotFound)?;
    let (secrets, fingerprint) = fields::credential(platform, form)?;
    let sealed = app.vault.seal(&program.id, &serde_json::to_vec(&secrets)?)?;
    let credential = Credential {
        program_id: program.id.clone(),
        sealed,
        fingerprint: fingerprint.clone(),
        updated_at: app.clock.now(),
    };
    db::credentials::put(&app.db, &credential).await?;
    app.bus.tell(Moved::Programs);
    let detail = serde_json::json!({ "fingerprint": fingerprint });
    audit::note(app, actor, "credential.replace", (&program.id, &program.name), detail).await;
    Ok(fingerprint)
}

/// The values in the clear, for the runner's deliver stage; `None` when nobody gave any.
pub async fn open(app: &App, program_id: &str) -> Result<Option<Secrets>> {
    let Some(credential) = db::credentials::find(&app.db, program_id).await? else {
        return Ok(None);
    };
    let plain = app.vault.unseal(program_id, &credential.sealed)?;
    Ok(Some(serde_json::from_slice(&plain)?))
}

//! The audit log: who did what, from where, and what changed. Written by `ops` after the change, read by admins.

use serde_json::Value;

use super::allow;
use crate::app::App;
use crate::clock::DAY;
use crate::db;
use crate::db::audit::Filter;
use crate::error::Result;
use crate::model::audit::Entry;
use crate::model::new_id;
use crate::model::user::{User, Verb};

/// What something was done to: its id and its name as it was then.
pub(super) type Target<'a> = (&'a str, &'a str);

/// The change has happened: a log that cannot be written is said in the server's own, and undoes nothing.
pub(super) async fn note(app: &App, actor: &User, action: &str, target: Target<'_>, detail: Value) {
    let by = (Some(actor.id.clone()), actor.login.as_str(), actor.address.as_str());
    write(app, by, action, target, detail).await;
}

/// By somebody who is not signed in, or by a command on the server.
pub(super) async fn note_stranger(app: &App, login: &str, address: &str, action: &str, detail: Value) {
    write(app, (None, login, address), action, ("", login), detail).await;
}

async fn write(
    app: &App,
    (user_id, user_name, address): (Option<String>, &str, &str),
    action: &str,
    (target_id, target_name): Target<'_>,
    detail: Value,
) {
    let short = |text: &str| text.chars().take(200).collect::<String>();
    let entry = Entry {
        id: new_id(),
        at: app.clock.now(),
        user_id,
        user_name: short(user_name),
        address: short(address),
        action: action.to_owned(),
        target_id: short(target_id),
        target_name: short(target_name),
        detail,
    };
    if let Err(error) = db::audit::insert(&app.db, &entry).await {
        tracing::error!(?entry, error = format!("{error:#}"), "cannot write the audit log");
    }
}

/// Newest first. Without `before` from the newest on.
pub async fn list(app: &App, actor: &User, filter: &Filter, before: Option<&str>, limit: i64) -> Result<Vec<Entry>> {
    allow(actor, Verb::Oversee)?;
    Ok(db::audit::search(&app.db, filter, before, limit).await?)
}

/// Something was taken away as a file: no change, but worth knowing.
pub async fn downloaded(app: &App, actor: &User, what: &str, target: Target<'_>) {
    note(app, actor, &format!("{what}.download"), target, Value::Null).await;
}

/// Forgets what is older than the setting says.
pub async fn sweep(app: &App) -> Result<()> {
    Ok(db::audit::delete_before(&app.db, app.clock.now() - app.config.audit_days * DAY).await?)
}

//! Tells people on any page that a release of theirs has ended.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::shown::Shown;
use crate::app::App;
use crate::db;
use crate::error::Result;
use crate::lang::Lang;
use crate::model::user::User;

/// A person's releases that had not ended at the last look.
pub(super) struct Notices {
    awaited: HashSet<String>,
}

impl Notices {
    pub(super) async fn start(app: &App, user: &User) -> Result<Self> {
        Ok(Self { awaited: awaited(app, user).await? })
    }

    /// What has ended since.
    pub(super) async fn news(&mut self, app: &App, user: &User, l: Lang) -> Result<Vec<Value>> {
        let now = awaited(app, user).await?;
        let before = std::mem::replace(&mut self.awaited, now);
        let mut news = vec![];
        for id in before.difference(&self.awaited) {
            let Some(ended) = db::releases::find(&app.db, user.scope(), id).await? else { continue };
            let program = db::programs::find(&app.db, user.scope(), &ended.release.program_id).await?;
            let shown = Shown::new(app, l, ended, program.as_ref());
            news.push(json!({
                "id": id,
                "state": shown.state(),
                "title": format!("{} · {}", shown.program, shown.label()),
                "text": shown.short_why(),
                "url": format!("/releases/{id}"),
            }));
        }
        Ok(news)
    }
}

async fn awaited(app: &App, user: &User) -> Result<HashSet<String>> {
    let active = db::releases::list_active(&app.db, user.scope()).await?;
    let own = active.into_iter().filter(|item| item.release.requested_by == user.id);
    Ok(own.map(|item| item.release.id).collect())
}

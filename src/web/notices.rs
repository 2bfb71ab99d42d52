//! Tells people on any page that a release of theirs has ended.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::shown::Shown;
use crate::app::App;
use crate::clock::{DAY, MINUTE};
use crate::db;
use crate::error::Result;
use crate::lang::Lang;
use crate::model::user::User;

/// What ended so short a while ago may not have been told: between two pages nobody listens. Scripts drop what they know.
const RECENT: i64 = 2 * MINUTE;
const LOOK: i64 = 10;

/// A person's releases that had not ended at the last look.
pub(super) struct Notices {
    awaited: HashSet<String>,
}

impl Notices {
    pub(super) async fn start(app: &App, user: &User) -> Result<Self> {
        let now = app.clock.now();
        let own = db::releases::Filter { user: Some(user.id.clone()), since: Some(now - DAY), ..Default::default() };
        let latest = db::releases::search(&app.db, user.scope(), &own, None, LOOK).await?;
        let recent = latest.into_iter().filter(|item| item.release.finished_at.is_some_and(|at| at > now - RECENT));
        let mut awaited = awaited(app, user).await?;
        awaited.extend(recent.map(|item| item.release.id));
        Ok(Self { awaited })
    }

    /// What has ended since.
    pub(super) async fn news(&mut self, app: &App, user: &User, l: Lang) -> Result<Vec<Value>> {
        let now = awaited(app, user).await?;
        let before = std::mem::replace(&mut self.awaited, now);
        let mut news = vec![];
        for id in before.into_iter().filter(|id| !self.awaited.contains(id)).collect::<Vec<_>>() {
            let Some(ended) = db::releases::find(&app.db, user.scope(), &id).await? else { continue };
            if !ended.release.status.is_final() {
                // Where very many are on their way, the list of them has an end.
                self.awaited.insert(id);
                continue;
            }
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

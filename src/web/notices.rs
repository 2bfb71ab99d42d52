//! Tells people on any page that a release of theirs has ended.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::shown::Shown;
use crate::app::App;
use crate::clock::{DAY, SECOND};
use crate::db;
use crate::error::Result;
use crate::lang::Lang;
use crate::model::user::User;

/// For so long an end is news: between two pages nobody listens. Scripts drop what an earlier page has told.
const RECENT: i64 = 15 * SECOND;
/// Of a person's latest releases.
const LOOK: i64 = 30;

/// What one connection has told.
#[derive(Default)]
pub(super) struct Notices {
    told: HashSet<String>,
}

impl Notices {
    /// What has ended lately and was not told yet.
    pub(super) async fn news(&mut self, app: &App, user: &User, l: Lang) -> Result<Vec<Value>> {
        let now = app.clock.now();
        let own = db::releases::Filter { user: Some(user.id.clone()), since: Some(now - DAY), ..Default::default() };
        let mut latest = db::releases::search(&app.db, user.scope(), &own, None, LOOK).await?;
        latest.retain(|item| item.release.finished_at.is_some_and(|at| at > now - RECENT));
        let mut news = vec![];
        for ended in latest {
            let id = ended.release.id.clone();
            if !self.told.insert(id.clone()) {
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
        // In the order in which they were asked for.
        news.reverse();
        Ok(news)
    }
}

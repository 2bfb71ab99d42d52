//! `/tasks`: everybody's releases, for admins: filtered, canceled, deleted. And `/robots`: who holds which slot.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::page::{Frame, html};
use super::session::SignedIn;
use super::shown::Shown;
use crate::app::App;
use crate::clock::{DAY, Ms, rfc3339};
use crate::db;
use crate::db::releases::Filter;
use crate::error::{Error, Result};
use crate::lang::Lang;
use crate::model::program::Program;
use crate::model::release::Status;
use crate::model::robot::Lease;
use crate::model::user::{User, Verb};
use crate::ops::robots;

const PAGE: i64 = 50;
/// People a filter offers.
const PEOPLE: i64 = 500;

#[derive(Template)]
#[template(path = "tasks.html")]
struct TasksPage {
    frame: Frame,
    rows: Vec<Shown>,
    groups: Vec<(String, String)>,
    programs: Vec<(String, String)>,
    people: Vec<User>,
    asked: Asked,
    query: String,
    older: Option<String>,
    paged: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    group: String,
    program: String,
    user: String,
    status: String,
    /// Days back; empty for all time.
    days: String,
    before: Option<String>,
}

impl TasksPage {
    fn statuses(&self) -> &'static [Status] {
        Status::ALL
    }
}

pub(super) async fn tasks(State(app): State<App>, who: SignedIn, Query(asked): Query<Asked>) -> Result<Response> {
    if !who.user.may(Verb::Oversee) {
        return Err(Error::Forbidden);
    }
    let (scope, l) = (who.user.scope(), who.visitor.lang);
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let filter = Filter {
        program: some(&asked.program),
        group: some(&asked.group),
        user: some(&asked.user),
        status: asked.status.parse().ok(),
        since: asked.days.parse::<i64>().ok().map(|days| app.clock.now() - days.clamp(1, 3650) * DAY),
        until: None,
    };
    let mut listed = db::releases::search(&app.db, scope, &filter, asked.before.as_deref(), PAGE + 1).await?;
    let more = listed.len() as i64 > PAGE;
    listed.truncate(PAGE as usize);
    let older = listed.last().filter(|_| more).map(|last| last.release.id.clone());
    let programs = db::programs::list_with_archived(&app.db, scope).await?;
    let by_id: HashMap<&str, &Program> = programs.iter().map(|program| (program.id.as_str(), program)).collect();
    let rows = listed.into_iter().map(|item| {
        let program = by_id.get(item.release.program_id.as_str()).copied();
        Shown::new(&app, l, item, program)
    });
    let rows = rows.collect();
    let query = serde_urlencoded::to_string([
        ("group", &asked.group),
        ("program", &asked.program),
        ("user", &asked.user),
        ("status", &asked.status),
        ("days", &asked.days),
    ])?;
    Ok(html(&TasksPage {
        frame: Frame::load(&app, &who, l.t("tasks.title")).await?,
        rows,
        groups: db::programs::list_groups(&app.db, scope).await?.into_iter().map(|g| (g.id, g.name)).collect(),
        programs: programs.into_iter().map(|p| (p.id, p.name)).collect(),
        people: db::users::search(&app.db, "", "", PEOPLE).await?,
        paged: asked.before.is_some(),
        older,
        asked,
        query,
    }))
}

#[derive(Template)]
#[template(path = "robots.html")]
struct RobotsPage {
    frame: Frame,
    apps: Vec<Held>,
}

/// An app and who holds its slots.
struct Held {
    label: String,
    app_id: String,
    total: i64,
    leases: Vec<(Lease, Program)>,
}

impl RobotsPage {
    fn time(&self, at: &Ms) -> String {
        rfc3339(*at)
    }
}

pub(super) async fn robots(State(app): State<App>, who: SignedIn) -> Result<Response> {
    let l: Lang = who.visitor.lang;
    let mut apps: Vec<Held> = vec![];
    for (lease, program) in robots::list(&app, &who.user).await? {
        if apps.last().is_none_or(|held| held.app_id != lease.app_id) {
            let platform = app.platforms.get(&lease.platform);
            apps.push(Held {
                label: platform.map(|p| p.label.get(l).to_owned()).unwrap_or_default(),
                app_id: lease.app_id.clone(),
                total: platform.and_then(|p| p.robots).map_or(0, |robots| robots.max - robots.min + 1),
                leases: vec![],
            });
        }
        if let Some(held) = apps.last_mut() {
            held.leases.push((lease, program));
        }
    }
    Ok(html(&RobotsPage { frame: Frame::load(&app, &who, l.t("robots.title")).await?, apps }))
}

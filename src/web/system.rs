//! `/system`: what this installation keeps between releases. For admins.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::extract::{Form, State};
use axum::response::{Redirect, Response};

use super::page::{Frame, html, platform_icon};
use super::session::SignedIn;
use crate::app::App;
use crate::clock::{Ms, SECOND, rfc3339};
use crate::db;
use crate::error::Result;
use crate::lang::{Lang, bytes, duration};
use crate::model::snapshot::Snapshot;
use crate::ops::snapshots;

#[derive(Template)]
#[template(path = "system/show.html")]
struct SystemPage {
    frame: Frame,
    facts: Vec<(&'static str, String)>,
    runners: Vec<Running>,
    tools: Vec<Tool>,
    version: &'static str,
    kept: Vec<Kept>,
    total: String,
    limit: String,
    /// For a bar, in MB.
    used_mb: i64,
    limit_mb: i64,
}

/// A platform and what talks to its vendor.
struct Tool {
    glyph: String,
    platform: String,
    name: String,
    version: String,
    image: String,
}

/// A runner and what it holds.
struct Running {
    id: String,
    seen: String,
    alive: bool,
    engine: String,
    slots: usize,
    disk: String,
    missing: Vec<String>,
    holds: Vec<String>,
}

/// After so long without a word a runner counts as gone.
const SILENT: Ms = 60 * SECOND;

struct Kept {
    row: Snapshot,
    program: String,
    size: String,
    made: String,
    used: String,
}

pub(super) async fn show(State(app): State<App>, who: SignedIn) -> Result<Response> {
    let rows = snapshots::list(&app, &who.user).await?;
    let total: i64 = rows.iter().map(|row| row.bytes).sum();
    let programs = db::programs::list_with_archived(&app.db, who.user.scope()).await?;
    let names: HashMap<String, String> = programs.into_iter().map(|p| (p.id, p.name)).collect();
    let kept = rows.into_iter().map(|row| Kept {
        program: row.program_id.as_ref().and_then(|id| names.get(id)).cloned().unwrap_or_default(),
        size: bytes(row.bytes),
        made: rfc3339(row.created_at),
        used: rfc3339(row.used_at),
        row,
    });
    let l = who.visitor.lang;
    let tools = app.platforms.iter().map(|platform| Tool {
        glyph: platform_icon(&platform.id),
        platform: platform.label.get(l).to_owned(),
        name: platform.tool.clone(),
        version: app.platforms.tool_version(&platform.id).unwrap_or_default().to_owned(),
        image: format!("sampan/{}", platform.image),
    });
    let limit = app.config.snapshot_limit as i64;
    let runners = runners(&app).await?;
    Ok(html(&SystemPage {
        facts: facts(&app, l).await?,
        runners,
        tools: tools.collect(),
        version: env!("CARGO_PKG_VERSION"),
        kept: kept.collect(),
        frame: Frame::load(&app, &who, who.visitor.lang.t("system.title")).await?,
        total: bytes(total),
        limit: bytes(limit),
        used_mb: total / 1024 / 1024,
        limit_mb: limit / 1024 / 1024,
    }))
}

async fn runners(app: &App) -> Result<Vec<Running>> {
    let held = db::releases::list_held(&app.db).await?;
    let now = app.clock.now();
    let running = |row: crate::model::runner::Runner| Running {
        seen: rfc3339(row.seen_at),
        alive: now - row.seen_at < SILENT,
        engine: row.state.engine,
        slots: row.state.slots,
        disk: format!("{} / {}", bytes(row.state.disk_free as i64), bytes(row.state.disk_total as i64)),
        missing: row.state.images.into_iter().filter(|(_, id)| id.is_none()).map(|(name, _)| name).collect(),
        holds: held.iter().filter(|held| held.0 == row.id).map(|held| held.1.clone()).collect(),
        id: row.id,
    };
    Ok(db::runners::list(&app.db).await?.into_iter().map(running).collect())
}

/// What the instance is made of: label key and value.
async fn facts(app: &App, l: Lang) -> Result<Vec<(&'static str, String)>> {
    let (waiting, oldest) = db::releases::queue_depth(&app.db).await?;
    let age = oldest.map(|at| duration(app.clock.now() - at)).unwrap_or_default();
    let database = if app.config.database_url.starts_with("postgres") { "PostgreSQL" } else { "SQLite" };
    let sessions = if app.config.redis_url.is_some() { "Redis" } else { database };
    let objects = app.store.measure().await?;
    let egress = db::releases::last_refused_address(&app.db).await?;
    Ok(vec![
        ("system.version", env!("CARGO_PKG_VERSION").to_owned()),
        (
            "system.queue",
            if age.is_empty() { waiting.to_string() } else { format!("{waiting} · {} {age}", l.t("system.oldest")) },
        ),
        ("system.database", database.to_owned()),
        ("system.sessions", sessions.to_owned()),
        ("system.store", bytes(objects as i64)),
        ("system.egress", egress.unwrap_or_else(|| l.t("system.egress_unknown").into_owned())),
    ])
}

/// One by its id, or `all`.
pub(super) async fn clear(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Redirect> {
    let id = form.get("id").map(String::as_str).filter(|id| !id.is_empty());
    if id.is_some() || form.get("all").is_some_and(|all| all == "yes") {
        snapshots::clear(&app, &who.user, id).await?;
    }
    Ok(Redirect::to("/system"))
}

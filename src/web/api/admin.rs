//! What admins look after: the audit log, uploader slots, images, the system.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::releases::time;
use super::shapes::{DONE, Done, Page};
use super::{Asked, Caller, Failures, Result, limit};
use crate::app::App;
use crate::clock::rfc3339;
use crate::db;
use crate::error::Error;
use crate::model::user::Verb;
use crate::ops::{audit as log, robots as slots};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// A login.
    user: Option<String>,
    /// An action, or the noun before its dot.
    action: Option<String>,
    /// The id of what was changed.
    target: Option<String>,
    /// RFC 3339.
    since: Option<String>,
    /// RFC 3339.
    until: Option<String>,
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// Who did what.
#[derive(Serialize, ToSchema)]
pub(super) struct Entry {
    id: String,
    at: String,
    user_id: Option<String>,
    user: String,
    address: String,
    action: String,
    target_id: String,
    target: String,
    /// Field → before and after.
    #[schema(value_type = Object)]
    detail: Value,
}

/// The audit log, newest first.
#[utoipa::path(get, path = "/audit", params(Search), responses((status = 200, body = Page<Entry>), Failures))]
pub(super) async fn audit(
    State(app): State<App>,
    who: Caller,
    Asked(search): Asked<Search>,
) -> Result<Json<Page<Entry>>> {
    let limit = limit(search.limit)?;
    let filter = db::audit::Filter {
        since: time("since", search.since.as_ref())?,
        until: time("until", search.until.as_ref())?,
        user: search.user,
        action: search.action,
        target: search.target,
    };
    let rows = log::list(&app, &who.user, &filter, search.cursor.as_deref(), limit + 1).await?;
    let shown = |entry: crate::model::audit::Entry| Entry {
        id: entry.id,
        at: rfc3339(entry.at),
        user_id: entry.user_id,
        user: entry.user_name,
        address: entry.address,
        action: entry.action,
        target_id: entry.target_id,
        target: entry.target_name,
        detail: if entry.detail.is_null() { serde_json::json!({}) } else { entry.detail },
    };
    Ok(Json(Page::cut(rows, limit, |last| last.id.clone(), shown)))
}

/// A branch and the uploader slot it holds.
#[derive(Serialize, ToSchema)]
pub(super) struct Robot {
    platform: String,
    app_id: String,
    r#ref: String,
    robot: i64,
    program_id: String,
    /// The program's name.
    program: String,
    used_at: String,
}

/// Uploader slots that are held.
#[utoipa::path(get, path = "/robots", responses((status = 200, body = Page<Robot>), Failures))]
pub(super) async fn robots(State(app): State<App>, who: Caller) -> Result<Json<Page<Robot>>> {
    let items = slots::list(&app, &who.user).await?.into_iter().map(|(lease, program)| Robot {
        platform: lease.platform,
        app_id: lease.app_id,
        r#ref: lease.reference,
        robot: lease.robot,
        program_id: program.id,
        program: program.name,
        used_at: rfc3339(lease.used_at),
    });
    Ok(Json(Page { items: items.collect(), next_cursor: None }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Slot {
    platform: String,
    app_id: String,
    r#ref: String,
}

/// Take a slot away from a branch.
#[utoipa::path(delete, path = "/robots", params(Slot), responses((status = 200, body = Done), Failures))]
pub(super) async fn free_robot(State(app): State<App>, who: Caller, Asked(slot): Asked<Slot>) -> Result<Json<Done>> {
    let held = slots::list(&app, &who.user).await?;
    let wanted = held.into_iter().find(|(lease, _)| {
        (&lease.platform, &lease.app_id, &lease.reference) == (&slot.platform, &slot.app_id, &slot.r#ref)
    });
    let (lease, program) = wanted.ok_or(Error::NotFound)?;
    slots::free(&app, &who.user, &program.id, &lease.reference).await?;
    Ok(DONE)
}

/// An image that builds run in, as one runner has it.
#[derive(Serialize, ToSchema)]
pub(super) struct Image {
    runner: String,
    name: String,
    /// Null where it is missing.
    id: Option<String>,
}

fn oversee(who: &Caller) -> Result<()> {
    if who.user.may(Verb::Oversee) { Ok(()) } else { Err(Error::Forbidden.into()) }
}

/// The images of every runner.
#[utoipa::path(get, path = "/images", responses((status = 200, body = Page<Image>), Failures))]
pub(super) async fn images(State(app): State<App>, who: Caller) -> Result<Json<Page<Image>>> {
    oversee(&who)?;
    let runners = db::runners::list(&app.db).await?;
    let items = runners.into_iter().flat_map(|runner| {
        let name = runner.id;
        runner.state.images.into_iter().map(move |(image, id)| Image { runner: name.clone(), name: image, id })
    });
    Ok(Json(Page { items: items.collect(), next_cursor: None }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct Runner {
    id: String,
    seen_at: String,
    slots: usize,
    engine: String,
    disk_free: u64,
    disk_total: u64,
    /// Releases it holds.
    holds: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct System {
    version: String,
    /// Releases that wait.
    queued: i64,
    oldest_queued_at: Option<String>,
    /// Bytes in the store.
    stored: u64,
    /// Platform → version of its vendor's tool.
    tools: BTreeMap<String, String>,
    runners: Vec<Runner>,
}

/// What the instance is made of, and how it is doing.
#[utoipa::path(get, path = "/system", responses((status = 200, body = System), Failures))]
pub(super) async fn system(State(app): State<App>, who: Caller) -> Result<Json<System>> {
    oversee(&who)?;
    let (queued, oldest) = db::releases::queue_depth(&app.db).await?;
    let held = db::releases::list_held(&app.db).await?;
    let runners = db::runners::list(&app.db).await?.into_iter().map(|runner| Runner {
        holds: held.iter().filter(|held| held.0 == runner.id).map(|held| held.1.clone()).collect(),
        seen_at: rfc3339(runner.seen_at),
        slots: runner.state.slots,
        engine: runner.state.engine,
        disk_free: runner.state.disk_free,
        disk_total: runner.state.disk_total,
        id: runner.id,
    });
    let tool = |id: &str| Some((id.to_owned(), app.platforms.tool_version(id)?.to_owned()));
    Ok(Json(System {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        queued,
        oldest_queued_at: oldest.map(rfc3339),
        stored: app.store.measure().await?,
        tools: app.platforms.iter().filter_map(|platform| tool(&platform.id)).collect(),
        runners: runners.collect(),
    }))
}

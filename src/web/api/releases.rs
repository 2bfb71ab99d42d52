//! Releases: asking for them, following them, what came of them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::{find_release, release_log, releases as pages};
use super::programs::option_fields;
use super::shapes::{DONE, Done, Failed, LogLine, LogPage, Page, Receipt, Release, Size, StageState, Terms};
use super::{ApiError, Asked, Body, Caller, Failures, Result, limit};
use crate::app::App;
use crate::clock::{Ms, rfc3339};
use crate::db;
use crate::db::releases::{Filter, Listed};
use crate::error::{Error, Text};
use crate::lang::Lang;
use crate::model::release::{Action, Environment, Status};
use crate::model::user::User;
use crate::ops::programs::Form;
use crate::ops::{logs, releases};
use crate::platform::hints;

const MAX_LINES: i64 = 10_000;

/// What to make of which commit; what is absent takes its default.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    /// `preview`, `upload` or `publish`.
    action: String,
    /// Branch, tag or commit.
    r#ref: Option<String>,
    version: Option<String>,
    description: Option<String>,
    /// `production` or `development`.
    environment: Option<String>,
    page_path: Option<String>,
    query: Option<String>,
    scene: Option<String>,
    /// What the platform asks at every release.
    #[serde(default)]
    #[schema(value_type = Object)]
    options: BTreeMap<String, Value>,
    #[serde(default)]
    without_lockfile: bool,
    /// Whom a published update is for.
    update: Option<Terms>,
}

impl Ask {
    fn request(self, default_ref: &str, key: Option<String>) -> Result<releases::Request> {
        let wrong = |field: &str, key: &'static str| ApiError::from(Error::invalid(field, Text::new(key)));
        let action: Action = self.action.parse().map_err(|_| wrong("action", "errors.action"))?;
        let environment: Option<Environment> =
            self.environment.map(|e| e.parse()).transpose().map_err(|_| wrong("environment", "errors.choice"))?;
        let mut more: Form = option_fields(&self.options).collect();
        more.extend(self.update.map(|terms| terms.form()).unwrap_or_default());
        Ok(releases::Request {
            action,
            reference: self.r#ref.unwrap_or_else(|| default_ref.to_owned()),
            version: self.version.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            environment: environment.unwrap_or(Environment::Production),
            page_path: self.page_path.unwrap_or_default(),
            query: self.query.unwrap_or_default(),
            scene: self.scene.unwrap_or_default(),
            idempotency_key: key,
            retry_of: None,
            without_lockfile: self.without_lockfile,
            more,
        })
    }
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if key.len() <= 200 => Ok(Some(key.to_owned())),
        _ => Err(ApiError::bad_request("Idempotency-Key: at most 200 printable characters")),
    }
}

/// Ask for a release. The same `Idempotency-Key` gives the same release for 24 hours.
#[utoipa::path(post, path = "/programs/{id}/releases",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "At most 200 characters")),
    request_body = Ask, responses((status = 201, body = Release), Failures))]
pub(super) async fn create(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(ask): Body<Ask>,
) -> Result<(StatusCode, Json<Release>)> {
    let program = db::programs::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    let request = ask.request(&program.default_ref, key_of(&headers)?)?;
    let made = releases::request(&app, &who.user, &id, request).await?;
    Ok((StatusCode::CREATED, Json(one(&app, &who.user, &made.id, who.lang).await?)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// A program's id.
    program: Option<String>,
    /// A group's id.
    group: Option<String>,
    /// `queued`, `running`, `succeeded`, `failed`, `canceled`, `unconfirmed`.
    status: Option<String>,
    /// Who asked for it: an id or a login.
    user: Option<String>,
    /// RFC 3339.
    since: Option<String>,
    /// RFC 3339.
    until: Option<String>,
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// A time as RFC 3339 has it.
pub(super) fn time(name: &str, text: Option<&String>) -> Result<Option<Ms>> {
    let parsed = text.map(|text| text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond)).transpose();
    parsed.map_err(|_| ApiError::bad_request(&format!("{name}: a time as in 2026-01-31T08:00:00Z")))
}

/// Releases, newest first, without their stages.
#[utoipa::path(get, path = "/releases", params(Search), responses((status = 200, body = Page<Release>), Failures))]
pub(super) async fn list(
    State(app): State<App>,
    who: Caller,
    Asked(search): Asked<Search>,
) -> Result<Json<Page<Release>>> {
    let limit = limit(search.limit)?;
    let status = search.status.as_deref().map(str::parse::<Status>).transpose();
    let user = match search.user {
        Some(name) => Some(db::users::find_by_login(&app.db, &name).await?.map_or(name, |user| user.id)),
        None => None,
    };
    let filter = Filter {
        since: time("since", search.since.as_ref())?,
        until: time("until", search.until.as_ref())?,
        status: status.map_err(|_| ApiError::bad_request("status: not one of ours"))?,
        program: search.program,
        group: search.group,
        user,
    };
    let listed = db::releases::search(&app.db, who.user.scope(), &filter, search.cursor.as_deref(), limit + 1).await?;
    let programs = db::programs::list_with_archived(&app.db, who.user.scope()).await?;
    let cursor = |last: &Listed| last.release.id.clone();
    Ok(Json(Page::cut(listed, limit, cursor, |item| {
        let program = programs.iter().find(|program| program.id == item.release.program_id);
        shown(&app, item, program, vec![], who.lang)
    })))
}

/// One as the API shows it.
pub(super) async fn one(app: &App, user: &User, id: &str, l: Lang) -> crate::error::Result<Release> {
    let listed = find_release(app, user, id).await?;
    let program = db::programs::find(&app.db, user.scope(), &listed.release.program_id).await?;
    let stages = db::releases::list_stages(&app.db, id).await?.into_iter().map(|row| StageState {
        name: row.name,
        status: row.status,
        started_at: rfc3339(row.started_at),
        finished_at: row.finished_at.map(rfc3339),
    });
    Ok(shown(app, listed, program.as_ref(), stages.collect(), l))
}

fn shown(
    app: &App,
    listed: Listed,
    program: Option<&crate::model::program::Program>,
    stages: Vec<StageState>,
    l: Lang,
) -> Release {
    let (r, name) = (listed.release, listed.requested_by_name);
    let platform = program.and_then(|program| app.platforms.get(&program.platform));
    let hint = r.failure.as_ref().and_then(|failure| hints::hint(platform, failure, l));
    let waits = (r.status == Status::Queued).then_some(if r.dispatched_at.is_some() { "runner" } else { "program" });
    Release {
        qr_url: r.qr_key.as_ref().map(|_| format!("{}/releases/{}/qr", super::BASE, r.id)),
        program: program.map(|program| program.name.clone()).unwrap_or_default(),
        platform: program.map(|program| program.platform.clone()).unwrap_or_default(),
        error: r.failure.map(|failure| Failed { code: failure.code, message: failure.message, hint }),
        receipt: r.receipt.map(|receipt| Receipt {
            version: receipt.version,
            qr_url: receipt.qr_url,
            vendor: receipt.vendor,
            received_at: rfc3339(receipt.received_at),
        }),
        sizes: r.sizes.into_iter().map(|s| Size { name: s.name, bytes: s.bytes, limit: s.limit }).collect(),
        waiting_for: waits.map(str::to_owned),
        id: r.id,
        program_id: r.program_id,
        action: r.parameters.action,
        r#ref: r.parameters.reference,
        version: r.parameters.version,
        description: r.parameters.description,
        environment: r.parameters.environment,
        commit: r.commit,
        commit_subject: r.commit_subject,
        status: r.status,
        stage: r.stage,
        remark: r.remark,
        retry_of: r.retry_of,
        attempt: r.attempt,
        stages,
        qr_expires_at: r.qr_expires_at.map(rfc3339),
        requested_by: r.requested_by,
        requested_by_name: name,
        created_at: rfc3339(r.created_at),
        started_at: r.started_at.map(rfc3339),
        finished_at: r.finished_at.map(rfc3339),
    }
}

/// A release.
#[utoipa::path(get, path = "/releases/{id}", params(("id" = String, Path)), responses((status = 200, body = Release), Failures))]
pub(super) async fn get(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Release>> {
    Ok(Json(one(&app, &who.user, &id, who.lang).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Remark {
    /// At most 200 characters.
    remark: String,
}

/// Note something on a release.
#[utoipa::path(patch, path = "/releases/{id}", params(("id" = String, Path)), request_body = Remark,
    responses((status = 200, body = Release), Failures))]
pub(super) async fn remark(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Body(asked): Body<Remark>,
) -> Result<Json<Release>> {
    releases::remark(&app, &who.user, &id, &asked.remark).await?;
    Ok(Json(one(&app, &who.user, &id, who.lang).await?))
}

/// Delete a release that ended, with its log.
#[utoipa::path(delete, path = "/releases/{id}", params(("id" = String, Path)), responses((status = 200, body = Done), Failures))]
pub(super) async fn delete(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Done>> {
    releases::delete(&app, &who.user, &id).await?;
    Ok(DONE)
}

/// Stop a release: at once while it waits, else as soon as its runner hears of it.
#[utoipa::path(post, path = "/releases/{id}/cancel", params(("id" = String, Path)), responses((status = 200, body = Release), Failures))]
pub(super) async fn cancel(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Release>> {
    releases::cancel(&app, &who.user, &id).await?;
    Ok(Json(one(&app, &who.user, &id, who.lang).await?))
}

#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Again {
    /// Let the package manager choose versions anew.
    without_lockfile: bool,
}

/// The same again as a new release: of a preview, for a fresh QR code.
#[utoipa::path(post, path = "/releases/{id}/retry",
    params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "At most 200 characters")),
    request_body = Again, responses((status = 201, body = Release), Failures))]
pub(super) async fn retry(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(asked): Body<Again>,
) -> Result<(StatusCode, Json<Release>)> {
    let key = key_of(&headers)?;
    let made = releases::retry(&app, &who.user, &id, asked.without_lockfile, key).await?;
    Ok((StatusCode::CREATED, Json(one(&app, &who.user, &made.id, who.lang).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// Whether the vendor's console shows it.
    arrived: bool,
}

/// Say what the vendor's console shows of an unconfirmed release.
#[utoipa::path(post, path = "/releases/{id}/confirm", params(("id" = String, Path)), request_body = Answer,
    responses((status = 200, body = Release), Failures))]
pub(super) async fn confirm(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Body(asked): Body<Answer>,
) -> Result<Json<Release>> {
    releases::confirm(&app, &who.user, &id, asked.arrived).await?;
    Ok(Json(one(&app, &who.user, &id, who.lang).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Lines {
    /// The first line wanted; 1 unless said.
    #[param(minimum = 1)]
    from: Option<i64>,
    /// At most 10 000; 1000 unless said.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<i64>,
}

/// Lines of the log.
#[utoipa::path(get, path = "/releases/{id}/log", params(("id" = String, Path), Lines), responses((status = 200, body = LogPage), Failures))]
pub(super) async fn log(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Asked(asked): Asked<Lines>,
) -> Result<Json<LogPage>> {
    let (from, wanted) = (asked.from.unwrap_or(1), asked.limit.unwrap_or(1_000));
    if from < 1 || !(1..=MAX_LINES).contains(&wanted) {
        return Err(ApiError::bad_request("from: at least 1; limit: from 1 to 10000"));
    }
    // The row before the lines: a runner stores every line before it ends a release.
    let over = find_release(&app, &who.user, &id).await?.release.status.is_final();
    let mut lines: Vec<LogLine> = vec![];
    let mut next = from;
    let mut dry = false;
    while !dry && (lines.len() as i64) < wanted {
        let mut more = logs::read(&app, &id, next).await?;
        dry = more.is_empty();
        more.truncate(wanted as usize - lines.len());
        next = more.last().map_or(next, |last| last.n + 1);
        lines.extend(more.into_iter().map(LogLine::from));
    }
    Ok(Json(LogPage { lines, next, complete: over && dry }))
}

/// The whole log as plain text.
#[utoipa::path(get, path = "/releases/{id}/log.txt", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), Failures))]
pub(super) async fn log_text(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Response> {
    Ok(release_log::whole(app, who.user, id).await?)
}

/// The QR code's image.
#[utoipa::path(get, path = "/releases/{id}/qr", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "image/*"), Failures))]
pub(super) async fn qr(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Response> {
    Ok(pages::image(&app, &who.user, &id).await?)
}

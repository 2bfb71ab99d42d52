//! Updates: what phones get.

use axum::Json;
use axum::extract::multipart::Multipart;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::phones::{base_url, url_of};
use super::super::update_form::receive;
use super::super::updates::values_of;
use super::shapes::{DONE, Done, Page, Paging, Terms, Update};
use super::{ApiError, Asked, Body, Caller, Failures, Result, limit};
use crate::app::App;
use crate::clock::rfc3339;
use crate::db;
use crate::error::{Error, Text};
use crate::model;
use crate::ops::programs::Form;
use crate::ops::updates;

fn shown(u: model::update::Update, base: &str) -> Update {
    Update {
        url: url_of(&u, base),
        id: u.id,
        program_id: u.program_id,
        kind: u.kind,
        version: u.version,
        version_code: u.version_code,
        channel: u.channel,
        min_native: u.min_native,
        max_native: u.max_native,
        mode: u.mode,
        enabled: u.enabled,
        sha256: u.package.as_ref().map(|package| package.sha256.clone()),
        bytes: u.package.as_ref().map(|package| package.bytes),
        signature: u.package.map(|package| package.signature),
        link: u.link,
        embedded_wgt_code: u.embedded_wgt_code,
        changelog: u.changelog,
        remark: u.remark,
        release_id: u.release_id,
        created_by: u.created_by,
        created_at: rfc3339(u.created_at),
        updated_at: rfc3339(u.updated_at),
    }
}

/// A program's updates, newest first.
#[utoipa::path(get, path = "/programs/{id}/updates", params(("id" = String, Path), Paging),
    responses((status = 200, body = Page<Update>), Failures))]
pub(super) async fn list(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Asked(paging): Asked<Paging>,
) -> Result<Json<Page<Update>>> {
    let limit = limit(paging.limit)? as usize;
    updates::program(&app, &who.user, &id).await?;
    let base = base_url(&app, &headers);
    let mut all = db::updates::list_of_program(&app.db, who.user.scope(), &id).await?;
    all.sort_by(|a, b| b.id.cmp(&a.id));
    // Ids grow with time.
    let mut rest = all.into_iter().filter(|update| paging.cursor.as_ref().is_none_or(|cursor| update.id < *cursor));
    let items: Vec<Update> = rest.by_ref().take(limit).map(|update| shown(update, &base)).collect();
    let more = rest.next().is_some();
    let next_cursor = items.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Json(Page { items, next_cursor }))
}

/// A native build with a link, or one that phones already run. A package comes as a form with a field `file`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUpdate {
    /// `wgt-android`, `wgt-ios`, `wgt-harmony`, `android`, `ios`, `harmony`.
    kind: String,
    version: Option<String>,
    version_code: Option<i64>,
    link: Option<String>,
    embedded_wgt_code: Option<i64>,
    channel: Option<String>,
    min_native: Option<i64>,
    max_native: Option<i64>,
    mode: Option<String>,
    changelog: Option<String>,
    remark: Option<String>,
}

impl NewUpdate {
    fn form(self) -> Form {
        let terms = Terms {
            channel: self.channel,
            min_native: self.min_native,
            max_native: self.max_native,
            mode: self.mode,
            changelog: self.changelog,
            remark: self.remark,
            version_code: self.version_code,
            systems: vec![],
        };
        let mut form = terms.form();
        let own = [
            ("kind", Some(self.kind)),
            ("version", self.version),
            ("link", self.link),
            ("embedded_wgt_code", self.embedded_wgt_code.map(|code| code.to_string())),
        ];
        form.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        form
    }
}

/// A package and what is said of it, as `multipart/form-data`; text fields as in the JSON form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a form; it is read as it comes")]
pub(super) struct PackageForm {
    kind: String,
    #[schema(format = Binary)]
    file: String,
    channel: Option<String>,
    min_native: Option<i64>,
    max_native: Option<i64>,
    mode: Option<String>,
    changelog: Option<String>,
    remark: Option<String>,
}

/// Add an update by hand.
#[utoipa::path(post, path = "/programs/{id}/updates", params(("id" = String, Path)),
    request_body(content((NewUpdate = "application/json"), (PackageForm = "multipart/form-data"))),
    responses((status = 201, body = Update), Failures))]
pub(super) async fn create(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<(StatusCode, Json<Update>)> {
    // Before anything is taken in.
    updates::program_to_publish(&app, &who.user, &id).await?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let made = if kind.starts_with("multipart/form-data") {
        let form = Multipart::from_request(request, &app).await;
        let form = form.map_err(|error| ApiError::bad_request(&error.body_text()))?;
        let sent = receive(&app, form).await?;
        let added = match sent.problem {
            Some(text) => Err(Error::invalid("file", text)),
            None => updates::add(&app, &who.user, &id, &sent.fields, sent.staged.as_ref()).await,
        };
        // A script sends its file again; nobody comes back for this one.
        if let (Err(_), Some(staged)) = (&added, &sent.staged) {
            app.store.drop_staged(staged).await;
        }
        added?
    } else {
        let Body(asked) = Body::<NewUpdate>::from_request(request, &app).await?;
        updates::add(&app, &who.user, &id, &asked.form(), None).await?
    };
    Ok((StatusCode::CREATED, Json(shown(made, &base_url(&app, &headers)))))
}

/// An update.
#[utoipa::path(get, path = "/updates/{id}", params(("id" = String, Path)), responses((status = 200, body = Update), Failures))]
pub(super) async fn get(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Update>> {
    let found = db::updates::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    Ok(Json(shown(found.update, &base_url(&app, &headers))))
}

/// What a person decided; never the bytes or their version. What is absent keeps its value.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UpdateChange {
    min_native: Option<i64>,
    max_native: Option<i64>,
    mode: Option<String>,
    changelog: Option<String>,
    remark: Option<String>,
    link: Option<String>,
    /// Whether phones are offered it.
    enabled: Option<bool>,
}

/// Change an update, offer it, stop offering it.
#[utoipa::path(patch, path = "/updates/{id}", params(("id" = String, Path)), request_body = UpdateChange,
    responses((status = 200, body = Update), Failures))]
pub(super) async fn update(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(asked): Body<UpdateChange>,
) -> Result<Json<Update>> {
    let old = db::updates::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?.update;
    let link = asked.link.map(|link| ("link".to_owned(), link));
    let terms = Terms {
        min_native: asked.min_native,
        max_native: asked.max_native,
        mode: asked.mode,
        changelog: asked.changelog,
        remark: asked.remark,
        ..Terms::default()
    };
    let changed: Vec<_> = terms.form().into_iter().chain(link).collect();
    if changed.is_empty() && asked.enabled.is_none() {
        return Err(ApiError::from(Error::invalid("enabled", Text::new("errors.required"))));
    }
    // What may fail comes first.
    if !changed.is_empty() {
        let mut form = values_of(&old);
        form.extend(changed);
        updates::edit(&app, &who.user, &id, &form).await?;
    }
    if let Some(enabled) = asked.enabled {
        updates::set_enabled(&app, &who.user, &id, enabled).await?;
    }
    let now = db::updates::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    Ok(Json(shown(now.update, &base_url(&app, &headers))))
}

/// Delete an update and its bytes.
#[utoipa::path(delete, path = "/updates/{id}", params(("id" = String, Path)), responses((status = 200, body = Done), Failures))]
pub(super) async fn delete(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Done>> {
    updates::delete(&app, &who.user, &id).await?;
    Ok(DONE)
}

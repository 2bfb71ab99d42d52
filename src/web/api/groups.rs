//! Groups and their members.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shapes::{DONE, Done, Group, Page};
use super::{Body, Caller, Failures, Result};
use crate::app::App;
use crate::db;
use crate::error::Error;
use crate::ops::groups;

/// The groups one sees.
#[utoipa::path(get, path = "/groups", responses((status = 200, body = Page<Group>), Failures))]
pub(super) async fn list(State(app): State<App>, who: Caller) -> Result<Json<Page<Group>>> {
    let items = db::programs::list_groups(&app.db, who.user.scope()).await?.into_iter().map(Group::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGroup {
    name: String,
    #[serde(default)]
    restricted: bool,
}

/// Make a group.
#[utoipa::path(post, path = "/groups", request_body = NewGroup, responses((status = 201, body = Group), Failures))]
pub(super) async fn create(
    State(app): State<App>,
    who: Caller,
    Body(asked): Body<NewGroup>,
) -> Result<(StatusCode, Json<Group>)> {
    let group = groups::create(&app, &who.user, &asked.name, asked.restricted).await?;
    Ok((StatusCode::CREATED, Json(group.into())))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupChange {
    name: Option<String>,
    restricted: Option<bool>,
}

/// Rename or restrict a group.
#[utoipa::path(patch, path = "/groups/{id}", params(("id" = String, Path)), request_body = GroupChange,
    responses((status = 200, body = Group), Failures))]
pub(super) async fn update(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Body(asked): Body<GroupChange>,
) -> Result<Json<Group>> {
    let group = db::programs::find_group(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    let name = asked.name.unwrap_or(group.name);
    let group = groups::update(&app, &who.user, &id, &name, asked.restricted.unwrap_or(group.restricted)).await?;
    Ok(Json(group.into()))
}

/// Delete an empty group.
#[utoipa::path(delete, path = "/groups/{id}", params(("id" = String, Path)), responses((status = 200, body = Done), Failures))]
pub(super) async fn delete(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Done>> {
    groups::delete(&app, &who.user, &id).await?;
    Ok(DONE)
}

#[derive(Serialize, ToSchema)]
pub(super) struct Member {
    user_id: String,
    login: String,
    name: String,
    can_publish: bool,
    can_publish_updates: bool,
}

/// Who is in a group.
#[utoipa::path(get, path = "/groups/{id}/members", params(("id" = String, Path)), responses((status = 200, body = Page<Member>), Failures))]
pub(super) async fn members(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Page<Member>>> {
    let items = groups::members(&app, &who.user, &id).await?.into_iter().map(|listed| Member {
        user_id: listed.user_id,
        login: listed.login,
        name: listed.name,
        can_publish: listed.membership.can_publish,
        can_publish_updates: listed.membership.can_publish_updates,
    });
    Ok(Json(Page { items: items.collect(), next_cursor: None }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct Rights {
    can_publish: bool,
    can_publish_updates: bool,
}

/// Let somebody in, or change what they may do there.
#[utoipa::path(put, path = "/groups/{id}/members/{user}", params(("id" = String, Path), ("user" = String, Path, description = "An id or a login")),
    request_body = Rights, responses((status = 200, body = Done), Failures))]
pub(super) async fn set_member(
    State(app): State<App>,
    who: Caller,
    Path((id, user)): Path<(String, String)>,
    Body(asked): Body<Rights>,
) -> Result<Json<Done>> {
    let login = db::users::find(&app.db, &user).await?.map_or(user, |user| user.login);
    groups::set_member(&app, &who.user, &id, &login, asked.can_publish, asked.can_publish_updates).await?;
    Ok(DONE)
}

/// Take somebody out.
#[utoipa::path(delete, path = "/groups/{id}/members/{user}", params(("id" = String, Path), ("user" = String, Path)),
    responses((status = 200, body = Done), Failures))]
pub(super) async fn remove_member(
    State(app): State<App>,
    who: Caller,
    Path((id, user)): Path<(String, String)>,
) -> Result<Json<Done>> {
    let found = db::users::find_by_login(&app.db, &user).await?;
    groups::remove_member(&app, &who.user, &id, &found.map_or(user, |user| user.id)).await?;
    Ok(DONE)
}

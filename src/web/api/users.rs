//! People. For admins.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::shapes::{DONE, Done, Page, User};
use super::{ApiError, Asked, Body, Caller, Failures, Result, limit};
use crate::app::App;
use crate::error::{Error, Text};
use crate::model::user::Role;
use crate::ops::people;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// Part of a login or a name.
    q: Option<String>,
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// People, by login.
#[utoipa::path(get, path = "/users", params(Search), responses((status = 200, body = Page<User>), Failures))]
pub(super) async fn list(
    State(app): State<App>,
    who: Caller,
    Asked(search): Asked<Search>,
) -> Result<Json<Page<User>>> {
    let limit = limit(search.limit)?;
    let (like, after) = (search.q.unwrap_or_default(), search.cursor.unwrap_or_default());
    let people = people::list(&app, &who.user, &like, &after, limit + 1).await?;
    Ok(Json(Page::cut(people, limit, |last| last.login.clone(), User::from)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    login: String,
    name: Option<String>,
    /// `viewer`, `publisher` or `admin`.
    role: String,
    /// Generated where it is absent. Either must be changed at the first sign-in.
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct MadeUser {
    user: User,
    /// Shown once, where it was generated.
    password: Option<String>,
}

fn role(text: &str) -> Result<Role> {
    text.parse().map_err(|_| ApiError::from(Error::invalid("role", Text::new("errors.choice"))))
}

/// Add a person.
#[utoipa::path(post, path = "/users", request_body = NewUser, responses((status = 201, body = MadeUser), Failures))]
pub(super) async fn create(
    State(app): State<App>,
    who: Caller,
    Body(asked): Body<NewUser>,
) -> Result<(StatusCode, Json<MadeUser>)> {
    let name = asked.name.as_deref().unwrap_or_default();
    let made = people::create(&app, &who.user, &asked.login, name, role(&asked.role)?, asked.password.as_deref());
    let (user, password) = made.await?;
    Ok((StatusCode::CREATED, Json(MadeUser { user: user.into(), password })))
}

/// A person.
#[utoipa::path(get, path = "/users/{id}", params(("id" = String, Path)), responses((status = 200, body = User), Failures))]
pub(super) async fn get(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<User>> {
    Ok(Json(people::find(&app, &who.user, &id).await?.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChange {
    name: Option<String>,
    role: Option<String>,
    disabled: Option<bool>,
}

/// Change a name, a role, or whether they may sign in; the latter two end their sessions.
#[utoipa::path(patch, path = "/users/{id}", params(("id" = String, Path)), request_body = UserChange,
    responses((status = 200, body = User), Failures))]
pub(super) async fn update(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Body(asked): Body<UserChange>,
) -> Result<Json<User>> {
    let role = asked.role.as_deref().map(role).transpose()?;
    let change = people::Change { name: asked.name, role, disabled: asked.disabled };
    Ok(Json(people::update(&app, &who.user, &id, &change).await?.into()))
}

/// Delete a person; their releases stay.
#[utoipa::path(delete, path = "/users/{id}", params(("id" = String, Path)), responses((status = 200, body = Done), Failures))]
pub(super) async fn delete(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Done>> {
    people::delete(&app, &who.user, &id).await?;
    Ok(DONE)
}

#[derive(Serialize, ToSchema)]
pub(super) struct NewPassword {
    password: String,
}

/// Give a person a new password, shown once; their sessions end.
#[utoipa::path(post, path = "/users/{id}/password", params(("id" = String, Path)), responses((status = 200, body = NewPassword), Failures))]
pub(super) async fn reset_password(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
) -> Result<Json<NewPassword>> {
    Ok(Json(NewPassword { password: people::reset_password(&app, &who.user, &id).await? }))
}

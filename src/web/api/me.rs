//! Who one is: signing in for a token, tokens, sessions.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::session::address_of;
use super::shapes::{DONE, Done, Page, Token};
use super::{ApiError, Body, Caller, Failures, Result};
use crate::app::App;
use crate::clock::rfc3339;
use crate::error::{Error, Text};
use crate::model::token::TokenScope;
use crate::model::user::Role;
use crate::ops::accounts::{self, Door};
use crate::ops::tokens;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    login: String,
    password: String,
    /// What the token is for; `CLI` unless said.
    name: Option<String>,
    /// `read`, `publish` or `admin`; as far as the role goes unless said.
    scope: Option<String>,
    expires_in_days: Option<i64>,
}

/// A token that was just made: its value is never shown again.
#[derive(Serialize, ToSchema)]
pub(super) struct Fresh {
    token: String,
    #[serde(flatten)]
    about: Token,
}

/// Trade login and password for a token.
#[utoipa::path(post, path = "/sign-in", request_body = SignIn, security(()), responses((status = 201, body = Fresh), Failures))]
pub(super) async fn sign_in(
    State(app): State<App>,
    address: Address,
    Body(asked): Body<SignIn>,
) -> Result<(StatusCode, Json<Fresh>)> {
    let door = Door { address: &address.0, known_device: None };
    let user = accounts::sign_in(&app, &asked.login, &asked.password, &door).await?;
    let user = user.filter(|user| !user.must_change).ok_or_else(ApiError::unauthorized)?;
    let usual = if user.role >= Role::Admin { TokenScope::Admin } else { TokenScope::Publish };
    let scope = scope(asked.scope.as_deref())?.unwrap_or(usual);
    let name = asked.name.as_deref().unwrap_or("CLI");
    let (token, about) = tokens::create(&app, &user, name, scope, None, asked.expires_in_days).await?;
    Ok((StatusCode::CREATED, Json(Fresh { token, about: about.into() })))
}

fn scope(asked: Option<&str>) -> Result<Option<TokenScope>> {
    let wrong = |_| ApiError::from(Error::invalid("scope", Text::new("errors.choice")));
    asked.map(|scope| scope.parse().map_err(wrong)).transpose()
}

/// Where a request comes from.
pub(super) struct Address(String);

impl axum::extract::FromRequestParts<App> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, Self::Rejection> {
        Ok(Self(address_of(&app.config, parts)))
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    id: String,
    login: String,
    name: String,
    #[schema(value_type = String)]
    role: Role,
    lang: String,
    token: Token,
}

/// Whom this token speaks for.
#[utoipa::path(get, path = "/me", responses((status = 200, body = Me), Failures))]
pub(super) async fn me(who: Caller) -> Json<Me> {
    let user = who.user;
    let token = who.token.into();
    Json(Me { id: user.id, login: user.login, name: user.name, role: user.role, lang: user.lang, token })
}

/// One's tokens.
#[utoipa::path(get, path = "/tokens", responses((status = 200, body = Page<Token>), Failures))]
pub(super) async fn list_tokens(State(app): State<App>, who: Caller) -> Result<Json<Page<Token>>> {
    let items = tokens::list(&app, &who.user).await?.into_iter().map(Token::from).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    name: String,
    /// `read`, `publish` or `admin`.
    scope: String,
    group_id: Option<String>,
    expires_in_days: Option<i64>,
}

/// Make a token. Tokens cannot: make one on the page "My settings", or with `POST /sign-in`.
#[utoipa::path(post, path = "/tokens", request_body = NewToken, responses((status = 201, body = Fresh), Failures))]
pub(super) async fn make_token(
    State(app): State<App>,
    who: Caller,
    Body(asked): Body<NewToken>,
) -> Result<(StatusCode, Json<Fresh>)> {
    let scope = scope(Some(&asked.scope))?.unwrap_or(TokenScope::Read);
    let group = asked.group_id.as_deref();
    let (token, about) = tokens::create(&app, &who.user, &asked.name, scope, group, asked.expires_in_days).await?;
    Ok((StatusCode::CREATED, Json(Fresh { token, about: about.into() })))
}

/// End this token.
#[utoipa::path(delete, path = "/tokens/{id}", params(("id" = String, Path)), responses((status = 200, body = Done), Failures))]
pub(super) async fn delete_token(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Done>> {
    tokens::delete(&app, &who.user, &id).await?;
    Ok(DONE)
}

/// A browser that is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    id: String,
    since: Option<String>,
    last_seen_at: Option<String>,
    address: String,
    agent: String,
    expires_at: String,
}

/// Where one is signed in.
#[utoipa::path(get, path = "/sessions", responses((status = 200, body = Page<Session>), Failures))]
pub(super) async fn list_sessions(State(app): State<App>, who: Caller) -> Result<Json<Page<Session>>> {
    use super::super::session::{ADDRESS, AGENT, SEEN, SINCE};
    let stored = app.sessions.list_of_user(&who.user.id).await.map_err(accounts::away)?;
    let items = stored.into_iter().map(|stored| {
        let text = |name: &str| stored.data.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let time = |name: &str| stored.data.get(name).and_then(serde_json::Value::as_i64).map(rfc3339);
        Session {
            since: time(SINCE),
            last_seen_at: time(SEEN),
            address: text(ADDRESS),
            agent: text(AGENT),
            expires_at: rfc3339(stored.expires_at),
            id: stored.id,
        }
    });
    Ok(Json(Page { items: items.collect(), next_cursor: None }))
}

/// Sign a browser out.
#[utoipa::path(delete, path = "/sessions/{id}", params(("id" = String, Path)), responses((status = 200, body = Done), Failures))]
pub(super) async fn end_session(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Done>> {
    accounts::end_session(&app, &who.user, &id).await?;
    Ok(DONE)
}

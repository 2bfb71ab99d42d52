//! `/api/v1`: everything the pages can do, for scripts. A bearer token says who asks; answers and errors are JSON.

mod admin;
mod docs;
mod error;
mod groups;
mod live;
mod me;
mod programs;
mod releases;
mod shapes;
mod updates;
mod users;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::address_of;
use crate::app::App;
use crate::lang::Lang;
use crate::model::token::Token;
use crate::model::user::User;
use crate::ops::tokens;
use error::{ApiError, Failures, Result};

/// A key and a few texts.
const MAX_BODY: usize = 256 * 1024;
const BASE: &str = "/api/v1";
const MAX_LIMIT: i64 = 100;

/// The routes and their description, which is made from them.
fn described() -> (Router<App>, OpenApi) {
    let (routes, paths) = OpenApiRouter::new()
        .routes(routes!(me::sign_in))
        .routes(routes!(me::me))
        .routes(routes!(me::list_tokens, me::make_token))
        .routes(routes!(me::delete_token))
        .routes(routes!(me::list_sessions))
        .routes(routes!(me::end_session))
        .routes(routes!(programs::list, programs::create))
        .routes(routes!(programs::get, programs::update, programs::delete))
        .routes(routes!(programs::put_credential))
        .routes(routes!(programs::put_login, programs::delete_login))
        .routes(routes!(programs::archive))
        .routes(routes!(programs::refs))
        .routes(routes!(programs::detect))
        .routes(routes!(releases::create))
        .routes(routes!(releases::list))
        .routes(routes!(releases::get, releases::remark, releases::delete))
        .routes(routes!(releases::cancel))
        .routes(routes!(releases::retry))
        .routes(routes!(releases::confirm))
        .routes(routes!(releases::log))
        .routes(routes!(releases::log_text))
        .routes(routes!(releases::qr))
        .routes(routes!(live::log_live))
        .routes(routes!(updates::list, updates::create))
        .routes(routes!(updates::get, updates::update, updates::delete))
        .routes(routes!(groups::list, groups::create))
        .routes(routes!(groups::update, groups::delete))
        .routes(routes!(groups::members))
        .routes(routes!(groups::set_member, groups::remove_member))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::get, users::update, users::delete))
        .routes(routes!(users::reset_password))
        .routes(routes!(admin::audit))
        .routes(routes!(admin::robots, admin::free_robot))
        .routes(routes!(admin::images))
        .routes(routes!(admin::system))
        .split_for_parts();
    let routes = routes.fallback(error::nothing_here).method_not_allowed_fallback(error::wrong_method);
    (Router::new().nest(BASE, routes), docs::document().nest(BASE, paths))
}

/// The description alone, for tests and for whoever generates clients.
pub fn openapi() -> OpenApi {
    described().1
}

pub(super) fn router(app: &App) -> Router<App> {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let (router, document) = described();
    let docs = if app.config.api_docs { docs::router(document) } else { Router::new() };
    router
        .layer(middleware::from_fn(no_nul))
        // Bodies watch their own size; a package has another.
        .layer(DefaultBodyLimit::disable())
        .merge(docs)
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(CatchPanicLayer::new())
}

/// No text of ours holds a zero byte, and databases refuse it in their own words.
async fn no_nul(request: Request, next: Next) -> Response {
    let uri = request.uri();
    let has = |text: &str| text.contains("%00");
    if has(uri.path()) || uri.query().is_some_and(has) {
        return ApiError::bad_request("a zero byte in the address").into_response();
    }
    next.run(request).await
}

/// Whoever a token speaks for.
struct Caller {
    pub user: User,
    pub token: Token,
    pub lang: Lang,
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let address = address_of(&app.config, parts);
        let found = match token {
            Some(token) => tokens::open(app, token, &address).await?,
            None => None,
        };
        let (user, token) = found.ok_or_else(ApiError::unauthorized)?;
        Ok(Self { user, token, lang: asked_language(&parts.headers) })
    }
}

/// English, unless Chinese is asked for.
fn asked_language(headers: &axum::http::HeaderMap) -> Lang {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if asked.trim_start().starts_with("zh") { Lang::Zh } else { Lang::En }
}

/// A JSON body; says what is wrong with it as an error of ours.
struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            return Err(ApiError::unsupported("the body is application/json"));
        }
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY).await;
        let bytes = bytes.map_err(|_| ApiError::too_large("the body is larger than 256 KB"))?;
        if bytes.windows(6).any(|part| part.eq_ignore_ascii_case(b"\\u0000")) {
            return Err(ApiError::bad_request("a zero byte in the body"));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| ApiError::bad_request(&error.to_string()))
    }
}

/// Query parameters; unknown ones are ignored.
struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        serde_urlencoded::from_str(query).map(Self).map_err(|error| ApiError::bad_request(&error.to_string()))
    }
}

/// How many are asked for: 50 unless said, at most [`MAX_LIMIT`].
fn limit(asked: Option<i64>) -> Result<i64> {
    match asked.unwrap_or(50) {
        n @ 1..=MAX_LIMIT => Ok(n),
        _ => Err(ApiError::bad_request("limit: from 1 to 100")),
    }
}

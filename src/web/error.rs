//! Errors as pages: what happened, what to do, a request id. Internal details never leave the log.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::page::{Frame, html};
use super::session::{Rejected, lang_of, theme_of};
use crate::app::App;
use crate::error::Error;

/// What a path keeps as it is inside a query value.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Waits in a response's extensions until [`pages`] knows the visitor's language.
#[derive(Clone)]
struct Raised(Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(Raised(Arc::new(self)));
        response
    }
}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        match self {
            Self::Error(error) => error.into_response(),
            Self::MustChange => Redirect::to("/me/password").into_response(),
            Self::NotSignedIn(path) => {
                let next = utf8_percent_encode(&path, QUERY_VALUE);
                Redirect::to(&format!("/sign-in?next={next}")).into_response()
            }
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    title: String,
    advice: String,
    request_id: String,
}

/// The layer that turns raised errors, and bare 404s and 405s, into pages.
pub(super) async fn pages(State(app): State<App>, request: Request, next: Next) -> Response {
    let (lang, theme) = (lang_of(request.headers()), theme_of(request.headers()));
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let raised = response.extensions().get::<Raised>().cloned();
    let status = response.status();
    if raised.is_none() && !matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
        return response;
    }
    let request_id = crate::model::new_id();
    let key = match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "not_found",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::CONFLICT => "conflict",
        StatusCode::UNPROCESSABLE_ENTITY => "invalid",
        StatusCode::SERVICE_UNAVAILABLE => "busy",
        _ => "internal",
    };
    let mut advice = lang.t(&format!("error_page.{key}_advice")).into_owned();
    match raised.as_ref().map(|raised| &*raised.0) {
        Some(Error::Internal(error)) => {
            tracing::error!(request_id, path, error = format!("{error:#}"), "request failed")
        }
        Some(Error::Conflict(text) | Error::Busy(text)) => advice = lang.text(text),
        Some(Error::Invalid(fields)) => {
            advice =
                fields.iter().map(|f| format!("{}: {}", f.field, lang.text(&f.text))).collect::<Vec<_>>().join("\n");
        }
        _ => {}
    }
    let title = lang.t(&format!("error_page.{key}")).into_owned();
    let frame = Frame::bare(&app, lang, theme, title.clone());
    let page = ErrorPage { frame, status: status.as_u16(), title, advice, request_id };
    (status, html(&page)).into_response()
}

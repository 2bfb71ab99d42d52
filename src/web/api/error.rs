//! Errors as JSON, with the right status and an id that the server's log knows too.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::error::Error;
use crate::lang::Lang;

pub(super) type Result<T> = std::result::Result<T, ApiError>;

#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: BTreeMap<String, String>,
    retry_after: Option<u64>,
}

/// What every error looks like.
#[derive(Serialize, ToSchema)]
pub(super) struct Envelope {
    error: Detail,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Detail {
    /// `bad_request`, `unauthorized`, `forbidden`, `not_found`, `conflict`, `invalid`, `too_many_requests`, `busy`, `internal`, …
    code: String,
    message: String,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
    /// Names this answer in the server's log.
    request_id: String,
}

/// The ways in which any call can fail.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes answers; nobody makes one")]
pub(super) enum Failures {
    /// The request cannot be read.
    #[response(status = 400)]
    BadRequest(#[to_schema] Envelope),
    /// No token, or one that does not work.
    #[response(status = 401)]
    Unauthorized(#[to_schema] Envelope),
    /// The person or the token may not do this.
    #[response(status = 403)]
    Forbidden(#[to_schema] Envelope),
    /// There is no such thing, or none to see.
    #[response(status = 404)]
    NotFound(#[to_schema] Envelope),
    /// Not with this method.
    #[response(status = 405)]
    WrongMethod(#[to_schema] Envelope),
    /// A rule forbids it now.
    #[response(status = 409)]
    Conflict(#[to_schema] Envelope),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(#[to_schema] Envelope),
    /// The body is of another kind.
    #[response(status = 415)]
    Unsupported(#[to_schema] Envelope),
    /// Some field is wrong; nothing was stored.
    #[response(status = 422)]
    Invalid(#[to_schema] Envelope),
    /// Too many wrong passwords.
    #[response(status = 429)]
    TooMany(#[to_schema] Envelope),
    /// Try again later.
    #[response(status = 503)]
    Busy(#[to_schema] Envelope),
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: BTreeMap::new(), retry_after: None }
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "a valid token in the header Authorization is needed")
    }

    pub(super) fn unsupported(message: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported", message)
    }

    pub(super) fn too_large(message: &str) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let l = Lang::En;
        match error {
            Error::NotFound => Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing, or none to see"),
            Error::Forbidden => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "your role or this token does not allow it")
            }
            Error::Conflict(text) => Self::new(StatusCode::CONFLICT, "conflict", l.text(&text)),
            Error::Busy(text) if text.key == "errors.throttled" => Self {
                retry_after: text.args.first().and_then(|(_, minutes)| minutes.parse::<u64>().ok()).map(|m| m * 60),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", l.text(&text))
            },
            Error::Busy(text) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", l.text(&text)),
            Error::Invalid(fields) => Self {
                fields: fields.iter().map(|error| (error.field.clone(), l.text(&error.text))).collect(),
                ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "some fields are wrong")
            },
            Error::Internal(error) => {
                tracing::error!(error = format!("{error:#}"), "an API call failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong inside the server")
            }
        }
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Error::Internal(error.into()).into()
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Error::Internal(error).into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let request_id = crate::model::new_id();
        if self.status.is_server_error() {
            tracing::error!(request_id, code = self.code, "an API call was answered with an error");
        }
        let detail = Detail { code: self.code.to_owned(), message: self.message, fields: self.fields, request_id };
        let mut response = (self.status, Json(Envelope { error: detail })).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

pub(super) async fn nothing_here() -> ApiError {
    Error::NotFound.into()
}

pub(super) async fn wrong_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "not with this method")
}

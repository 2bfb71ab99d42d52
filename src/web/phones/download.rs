//! `/d/…`: packages by the hash of their bytes. They never change, so anything in between may keep them.

use std::ops::Bound;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use headers::{ETag, HeaderMapExt, IfNoneMatch, IfRange, Range};

use crate::app::App;
use crate::store::key;

pub(super) async fn package(
    State(app): State<App>,
    Path((sha256, name)): Path<(String, String)>,
    asked: HeaderMap,
) -> Response {
    let Some(package) = app.catalogue.read().package(&sha256).cloned() else {
        return (StatusCode::NOT_FOUND, "no such package\n").into_response();
    };
    let size = package.bytes as u64;
    let Ok(etag) = format!("\"{sha256}\"").parse::<ETag>() else { return StatusCode::NOT_FOUND.into_response() };
    let mut headers = HeaderMap::new();
    headers.typed_insert(etag.clone());
    headers.insert(header::ACCEPT_RANGES, header::HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type(&name)));
    headers.insert(header::CONTENT_DISPOSITION, header::HeaderValue::from_static("attachment"));
    if asked.typed_get::<IfNoneMatch>().is_some_and(|known| !known.precondition_passes(&etag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let (status, from, to) = match part(&asked, &etag, size) {
        Part::Whole => (StatusCode::OK, 0, size),
        Part::Some(from, to) => (StatusCode::PARTIAL_CONTENT, from, to),
        Part::Outside => {
            headers.typed_insert(headers::ContentRange::unsatisfied_bytes(size));
            return (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response();
        }
    };
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = headers::ContentRange::bytes(from..to, size)
    {
        headers.typed_insert(range);
    }
    headers.typed_insert(headers::ContentLength(to - from));
    match app.store.read(&key::package(&sha256), from..to).await {
        Ok(Some(stream)) => (status, headers, Body::from_stream(stream)).into_response(),
        Ok(None) => {
            tracing::error!(sha256, "a package that the catalogue names is not in the store");
            (StatusCode::NOT_FOUND, "the package is gone\n").into_response()
        }
        Err(error) => {
            tracing::error!(sha256, error = format!("{error:#}"), "cannot read a package");
            (StatusCode::INTERNAL_SERVER_ERROR, "the package cannot be read\n").into_response()
        }
    }
}

enum Part {
    Whole,
    /// From, and up to without.
    Some(u64, u64),
    Outside,
}

/// One range is honoured; several, or one of an older file, get the whole.
fn part(asked: &HeaderMap, etag: &ETag, size: u64) -> Part {
    let Some(range) = asked.typed_get::<Range>() else { return Part::Whole };
    if asked.typed_get::<IfRange>().is_some_and(|known| known.is_modified(Some(etag), None)) {
        return Part::Whole;
    }
    let mut ranges = range.satisfiable_ranges(size);
    let (Some(first), None) = (ranges.next(), ranges.next()) else {
        return if range.satisfiable_ranges(size).next().is_none() { Part::Outside } else { Part::Whole };
    };
    let from = match first.0 {
        Bound::Included(from) => from,
        Bound::Excluded(from) => from + 1,
        Bound::Unbounded => 0,
    };
    let to = match first.1 {
        Bound::Included(to) => (to + 1).min(size),
        Bound::Excluded(to) => to.min(size),
        Bound::Unbounded => size,
    };
    if from < to { Part::Some(from, to) } else { Part::Outside }
}

fn media_type(name: &str) -> &'static str {
    if name.ends_with(".apk") { "application/vnd.android.package-archive" } else { "application/octet-stream" }
}

/// What signatures verify with; kept in apps that check them.
pub(super) async fn signing_key(State(app): State<App>) -> Response {
    match app.signer.public_pem() {
        Ok(pem) => ([(header::CONTENT_TYPE, "application/x-pem-file")], pem).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

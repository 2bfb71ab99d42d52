//! Files of `static/`, embedded, with their hash as ETag.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::model::hex_of;

#[derive(rust_embed::RustEmbed)]
#[folder = "static/"]
struct Files;

pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = Files::get(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = format!("\"{}\"", &hex_of(&file.metadata.sha256_hash())[..16]);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == etag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let kind = file.metadata.mimetype().to_owned();
    // Asked for again with every version: the name carries none.
    ([(header::CONTENT_TYPE, kind), (header::ETAG, etag), (header::CACHE_CONTROL, "no-cache".to_owned())], file.data)
        .into_response()
}

/// Whether the sprite holds a symbol of this name.
pub(super) fn has_icon(id: &str) -> bool {
    let wanted = format!("id=\"{id}\"");
    Files::get("icons.svg").is_some_and(|file| std::str::from_utf8(&file.data).is_ok_and(|text| text.contains(&wanted)))
}

//! Files of `static/`, embedded, with their hash as ETag; and under an address of their version, which browsers keep.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::model::hex_of;

#[derive(rust_embed::RustEmbed)]
#[folder = "static/"]
struct Files;

const VERSION: &str = "v-";

/// `/static/v-…`: changes with any of the files, as they name each other without a version.
pub(super) fn base() -> &'static str {
    static BASE: LazyLock<String> = LazyLock::new(|| {
        let mut hash = openssl::sha::Sha256::new();
        let mut names: Vec<_> = Files::iter().collect();
        names.sort();
        names.iter().filter_map(|name| Files::get(name)).for_each(|file| hash.update(&file.metadata.sha256_hash()));
        format!("/static/{VERSION}{}", &hex_of(&hash.finish())[..12])
    });
    &BASE
}

pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let versioned = path.strip_prefix(VERSION).and_then(|rest| rest.split_once('/'));
    let Some(file) = Files::get(versioned.map_or(path.as_str(), |(_, name)| name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = format!("\"{}\"", &hex_of(&file.metadata.sha256_hash())[..16]);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == etag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let kind = file.metadata.mimetype().to_owned();
    // Another version, of a page that is older or newer than this server, must not stay in its place.
    let kept = versioned.is_some_and(|(version, _)| base() == format!("/static/{VERSION}{version}"));
    let cache = if kept { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(header::CONTENT_TYPE, kind), (header::ETAG, etag), (header::CACHE_CONTROL, cache.to_owned())], file.data)
        .into_response()
}

/// Whether the sprite holds a symbol of this name.
pub(super) fn has_icon(id: &str) -> bool {
    let wanted = format!("id=\"{id}\"");
    Files::get("icons.svg").is_some_and(|file| std::str::from_utf8(&file.data).is_ok_and(|text| text.contains(&wanted)))
}

//! What phones ask, without signing in: is there an update, and its bytes. Everything here takes hostile input, answers
//! from memory, and never tells more than a phone needs.

mod center;
mod check;
mod download;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::App;
use crate::model::update::{DEFAULT_CHANNEL, Update};

/// A check is a few hundred bytes, telemetry included.
const MAX_BODY: usize = 64 * 1024;
const CHANNEL: HeaderName = HeaderName::from_static("x-sampan-channel");

pub(super) fn router() -> Router<App> {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .route("/api/update", post(check::check).fallback(check::wrong_method))
        .route("/api/basic/update", post(check::check).fallback(check::wrong_method))
        .route("/api/uni-upgrade-center", get(center::from_query).post(center::from_body))
        .route("/d/signing-key.pem", get(download::signing_key))
        .route("/d/{sha256}/{name}", get(download::package))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(CatchPanicLayer::new())
}

type Body = Result<Bytes, BytesRejection>;

/// The channel a phone is on: the query's, the header's, or everybody's.
fn channel<'a>(query: Option<&'a str>, headers: &'a HeaderMap) -> &'a str {
    let named = query.or_else(|| headers.get(CHANNEL).and_then(|value| value.to_str().ok()));
    named.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(DEFAULT_CHANNEL)
}

/// The address people and phones use for this server, without a slash at its end.
pub(super) fn base_url(app: &App, headers: &HeaderMap) -> String {
    if let Some(url) = &app.config.public_url {
        return url.clone();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.map_or_else(|| format!("http://{}", app.config.listen), |host| format!("http://{host}"))
}

/// Where an update leads a phone; always ends in `.wgt` or `.apk` where it is a package, because clients look.
pub(super) fn url_of(update: &Update, base: &str) -> Option<String> {
    match (&update.package, &update.link) {
        (Some(package), _) => {
            let extension = update.kind.extension().unwrap_or("bin");
            let version: String = update
                .version
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' })
                .collect();
            Some(format!("{base}/d/{}/{version}-{}.{extension}", package.sha256, update.version_code))
        }
        (None, Some(link)) => Some(link.clone()),
        (None, None) => None,
    }
}

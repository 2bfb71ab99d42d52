//! What both WebSockets share: who may open one, and how frames are sent.

use axum::extract::ws::{Message, WebSocket};
use axum::http::{HeaderMap, header};

use crate::app::App;
use crate::error::Error;

/// A GET passes CSRF protection, so the origin of an upgrade is checked here: a foreign page must not listen in.
pub(super) fn check_origin(app: &App, headers: &HeaderMap) -> Result<(), Error> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // Programs send no origin, and no browser leaves it out.
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let same_host = origin.split_once("://").is_some_and(|(_, host)| Some(host) == text(header::HOST));
    let public = app.config.public_url.as_deref() == Some(origin);
    if same_host || public { Ok(()) } else { Err(Error::Forbidden) }
}

/// Viewers have nothing to say; more than this is no viewer.
pub(super) const MAX_HEARD: usize = 4 * 1024;

/// False once the other side is gone.
pub(super) async fn send(socket: &mut WebSocket, frame: &serde_json::Value) -> bool {
    socket.send(Message::Text(frame.to_string().into())).await.is_ok()
}

/// Replaces the content of elements, with the partial the page itself was made of.
pub(super) fn fragments(items: &[(&str, &str)]) -> serde_json::Value {
    let items: Vec<_> =
        items.iter().map(|(target, html)| serde_json::json!({ "target": target, "html": html })).collect();
    serde_json::json!({ "fragments": items })
}

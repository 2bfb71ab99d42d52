//! What WebSockets share: who may open one, how frames are sent, how a release is followed.

use axum::extract::ws::{Message, WebSocket};
use axum::http::{HeaderMap, header};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::find_release;
use crate::app::App;
use crate::bus::Moved;
use crate::error::Error;
use crate::model::log::Line;
use crate::model::user::User;
use crate::ops::logs;

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

/// A release over a WebSocket: its lines from number `next` on as `line` words them, whatever `head` gives whenever it is
/// another than before, and `{"end":true}` at last. `head` is what is compared, and the frame that is sent.
pub(super) async fn follow<'a>(
    app: &App,
    user: &User,
    id: &str,
    mut next: i64,
    mut socket: WebSocket,
    line: fn(Line) -> serde_json::Result<Value>,
    head: impl Fn() -> BoxFuture<'a, Result<(Value, Value), Error>>,
) -> Result<(), Error> {
    // Before the first look: what moves in between is heard.
    let mut bus = app.bus.listen();
    let mut shown = Value::Null;
    let mut head_moved = true;
    loop {
        // The row before the lines: a runner stores every line before it ends a release.
        let over = find_release(app, user, id).await?.release.status.is_final();
        loop {
            let lines = logs::read(app, id, next).await?;
            let Some(last) = lines.last() else { break };
            next = last.n + 1;
            let lines = lines.into_iter().map(line).collect::<Result<Vec<_>, _>>()?;
            if !send(&mut socket, &json!({ "lines": lines })).await {
                return Ok(());
            }
        }
        if head_moved || over {
            let (now, frame) = head().await?;
            if now != shown {
                if !send(&mut socket, &frame).await {
                    return Ok(());
                }
                shown = now;
            }
        }
        if over {
            send(&mut socket, &json!({ "end": true })).await;
            return Ok(());
        }
        tokio::select! {
            moved = bus.release(id) => match moved {
                Some(moved) => head_moved = !matches!(moved, Moved::Log(_)),
                None => return Ok(()),
            },
            heard = socket.recv() => match heard {
                Some(Ok(_)) => head_moved = false,
                _ => return Ok(()),
            },
        }
    }
}

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

//! What WebSockets share: who may open one, how frames are sent, how a release is followed.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::find_release;
use crate::app::App;
use crate::error::Error;
use crate::logs::block::Frame;
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
const MAX_HEARD: usize = 4 * 1024;

/// What keeps a quiet connection known to be alive; scripts reopen one that says nothing for longer.
pub(super) const BEAT: Duration = Duration::from_secs(20);

/// What one message may take: who needs longer holds it in our memory all that time.
const PATIENCE: Duration = Duration::from_secs(120);

/// An upgrade with the buffers that a viewer needs: hundreds of them are open at once.
pub(super) fn small(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade.max_message_size(MAX_HEARD).max_frame_size(MAX_HEARD).read_buffer_size(MAX_HEARD).write_buffer_size(0)
}

/// A release over a WebSocket: its log from line `next` on as `lines` words some frames (from a line on), whatever `head`
/// gives whenever it is another than before, and `{"end":true}` at last. `head` is what is compared, and the frame that is
/// sent. A viewer that is slow waits here for its own socket, and for nobody else's.
pub(super) async fn follow<'a>(
    app: &App,
    user: &User,
    id: &str,
    next: i64,
    mut socket: WebSocket,
    lines: fn(Vec<Frame>, i64) -> anyhow::Result<Message>,
    head: impl Fn() -> BoxFuture<'a, Result<(Value, Value), Error>>,
) -> Result<(), Error> {
    // Before the first look: what moves in between is heard.
    let mut bus = app.bus.listen();
    let mut beat = tokio::time::interval_at(Instant::now() + BEAT, BEAT);
    let mut log = logs::follow(app, id, next);
    let mut shown = Value::Null;
    // The row before the lines: a runner stores every line before it ends a release.
    let mut over = find_release(app, user, id).await?.release.status.is_final();
    let mut head_moved = true;
    loop {
        let from = log.next();
        let frames = if over { log.read_rest().await? } else { log.read().await? };
        let dry = frames.is_empty();
        if !dry && !give(&mut socket, lines(frames, from)?).await {
            return Ok(());
        }
        // The end of a release is shown after its last line.
        if head_moved && (dry || !over) {
            let (now, frame) = head().await?;
            if now != shown && !send(&mut socket, &frame).await {
                return Ok(());
            }
            shown = now;
            head_moved = false;
        }
        if over && dry {
            send(&mut socket, &json!({ "end": true })).await;
            return Ok(());
        }
        let moved = if dry {
            tokio::select! {
                moved = bus.release(id) => Some(moved),
                () = log.moved() => None,
                heard = socket.recv() => match heard {
                    Some(Ok(_)) => None,
                    _ => return Ok(()),
                },
                _ = beat.tick() => match send(&mut socket, &json!({ "beat": true })).await {
                    true => None,
                    false => return Ok(()),
                },
            }
        } else {
            bus.release(id).now_or_never()
        };
        match moved {
            Some(Some(())) => {
                over = find_release(app, user, id).await?.release.status.is_final();
                head_moved = true;
            }
            Some(None) => return Ok(()),
            None => {}
        }
    }
}

/// False once the other side is gone.
pub(super) async fn send(socket: &mut WebSocket, frame: &serde_json::Value) -> bool {
    give(socket, Message::Text(frame.to_string().into())).await
}

/// False once the other side is gone, or takes nothing any more: a script connects again and goes on where it was.
async fn give(socket: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(PATIENCE, socket.send(message)).await, Ok(Ok(())))
}

/// Replaces the content of elements, with the partial the page itself was made of.
pub(super) fn fragments(items: &[(&str, &str)]) -> serde_json::Value {
    let items: Vec<_> =
        items.iter().map(|(target, html)| serde_json::json!({ "target": target, "html": html })).collect();
    serde_json::json!({ "fragments": items })
}

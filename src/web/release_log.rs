//! A release's log: live over a WebSocket, in parts, searched, whole as text. Viewers pull by line number.

use askama::Template;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use serde::Deserialize;
use serde_json::json;

use super::find_release;
use super::live::{check_origin, follow, fragments, small};
use super::releases::parts;
use super::session::SignedIn;
use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::logs::block::Frame;
use crate::model::user::User;
use crate::ops::{audit, logs};

/// The media type of frames; packed already.
pub(super) const PACKED: &str = "application/vnd.sampan.log";

#[derive(Deserialize)]
pub(super) struct From {
    #[serde(default = "one")]
    from: i64,
}

fn one() -> i64 {
    1
}

/// Frames of lines as binary messages, `{"fragments":[…]}` and at last `{"end":true}`; `from` is the first line wanted.
pub(super) async fn live(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<From>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response> {
    check_origin(&app, &headers)?;
    find_release(&app, &who.user, &id).await?;
    Ok(small(upgrade).on_upgrade(move |socket| async move {
        let head = || {
            let parts = async {
                let (head, more) = parts(&app, &who, &id).await?;
                let (head, more) = (head.render()?, more.render()?);
                let frame = fragments(&[("#release-head", &head), ("#release-more", &more)]);
                Ok((head.into(), frame))
            };
            parts.boxed()
        };
        tokio::select! {
            followed = follow(&app, &who.user, &id, query.from.max(1), socket, packed, head) => {
                if let Err(error) = followed {
                    tracing::warn!(release = id, %error, "a live log ended");
                }
            }
            () = who.ended(&app) => {}
        }
    }))
}

/// Frames as the store has them: the browser unpacks them, and leaves out what comes before `from`.
fn packed(frames: Vec<Frame>, _from: i64) -> anyhow::Result<Message> {
    Ok(Message::Binary(joined(frames)))
}

fn joined(mut frames: Vec<Frame>) -> Bytes {
    match frames.len() {
        1 => frames.swap_remove(0).bytes,
        _ => frames.iter().map(|frame| &frame.bytes[..]).collect::<Vec<_>>().concat().into(),
    }
}

#[derive(Deserialize)]
pub(super) struct Between {
    from: i64,
    to: i64,
}

/// Frames that hold these lines; the first of them where they are many.
pub(super) async fn chunks(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Between>,
) -> Result<Response> {
    find_release(&app, &who.user, &id).await?;
    let frames = logs::frames_between(&app, &id, asked.from.max(1), asked.to).await?;
    Ok(([(header::CONTENT_TYPE, PACKED)], joined(frames)).into_response())
}

#[derive(Deserialize)]
pub(super) struct Sought {
    q: String,
    #[serde(default = "one")]
    from: i64,
}

/// `{"total", "before", "lines", "through", "more"}`: where a text stands in the log.
pub(super) async fn search(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Sought>,
) -> Result<Response> {
    find_release(&app, &who.user, &id).await?;
    let found = logs::search(&app, &id, &asked.q, asked.from).await?;
    let logs::Found { total, before, lines, through, more } = found;
    let answer = json!({ "total": total, "before": before, "lines": lines, "through": through, "more": more });
    Ok(Json(answer).into_response())
}

/// The whole log as it was written, colours and all, streamed block by block.
pub(super) async fn text(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    whole(app, who.user, id).await
}

pub(super) async fn whole(app: App, user: User, id: String) -> Result<Response> {
    let release = find_release(&app, &user, &id).await?.release;
    let program = db::programs::find(&app.db, user.scope(), &release.program_id).await?.ok_or(Error::NotFound)?;
    audit::downloaded(&app, &user, "log", (&id, &program.name)).await;
    let name: String = program.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}-{}.log\"", &id[id.len().saturating_sub(8)..]),
        ),
    ];
    Ok((headers, Body::from_stream(logs::text(app, id))).into_response())
}

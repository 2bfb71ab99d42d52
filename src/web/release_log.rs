//! A release's log: live over a WebSocket, whole as text. Viewers pull from the rows by line number; the bus only wakes them.

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures::{FutureExt, stream};
use serde::Deserialize;

use super::find_release;
use super::live::{MAX_HEARD, check_origin, follow, fragments};
use super::releases::parts;
use super::session::SignedIn;
use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::model::log::plain;
use crate::model::user::User;
use crate::ops::{audit, logs};

#[derive(Deserialize)]
pub(super) struct From {
    #[serde(default = "one")]
    from: i64,
}

fn one() -> i64 {
    1
}

/// `{"lines":[…]}`, `{"fragments":[…]}` and at last `{"end":true}`; `from` is the first line wanted.
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
    Ok(upgrade.max_message_size(MAX_HEARD).on_upgrade(move |socket| async move {
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
            followed = follow(&app, &who.user, &id, query.from.max(1), socket, serde_json::to_value, head) => {
                if let Err(error) = followed {
                    tracing::warn!(release = id, %error, "a live log ended");
                }
            }
            () = who.ended(&app) => {}
        }
    }))
}

/// The whole log, plain, streamed chunk by chunk.
pub(super) async fn text(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    whole(app, who.user, id).await
}

pub(super) async fn whole(app: App, user: User, id: String) -> Result<Response> {
    let release = find_release(&app, &user, &id).await?.release;
    let program = db::programs::find(&app.db, user.scope(), &release.program_id).await?.ok_or(Error::NotFound)?;
    audit::downloaded(&app, &user, "log", (&id, &program.name)).await;
    let name: String = program.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let lines = stream::try_unfold((app, id.clone(), 1), |(app, id, next)| async move {
        let lines = logs::read(&app, &id, next).await.map_err(|error| std::io::Error::other(error.to_string()))?;
        let Some(last) = lines.last() else { return Ok::<_, std::io::Error>(None) };
        let next = last.n + 1;
        let text: String = lines.iter().map(|line| plain(&line.text) + "\n").collect();
        Ok(Some((Bytes::from(text), (app, id, next))))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}-{}.log\"", &id[id.len().saturating_sub(8)..]),
        ),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

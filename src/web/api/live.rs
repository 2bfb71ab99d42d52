//! A release's log as it grows, over a WebSocket: lines by number and the release whenever it moves.

use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures::FutureExt;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::super::find_release;
use super::super::live::{check_origin, follow, small};
use super::super::session::{Ground, until_ended};
use super::releases::one;
use super::shapes::LogLine;
use super::{ApiError, Asked, Caller, Failures, Result};
use crate::app::App;
use crate::logs::block::Frame;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The first line wanted; 1 unless said.
    from: Option<i64>,
}

/// Follow a release over a WebSocket: frames `{"lines": […]}`, `{"release": {…}}`, `{"beat": true}` after 20 s in
/// which nothing was said, at last `{"end": true}`. Closes when
/// the token ends or what it may do changes.
#[utoipa::path(get, path = "/releases/{id}/log/live", params(("id" = String, Path), From),
    responses((status = 101, description = "A WebSocket"), (status = 426, description = "Not asked for as a WebSocket"), Failures))]
pub(super) async fn log_live(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Asked(asked): Asked<From>,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response> {
    check_origin(&app, &headers)?;
    find_release(&app, &who.user, &id).await?;
    let upgrade = upgrade.map_err(|error| ApiError::bad_request(&error.body_text()))?;
    let from = asked.from.unwrap_or(1).max(1);
    Ok(small(upgrade).on_upgrade(move |socket| async move {
        let ground = Ground::Token(who.token.id.clone());
        let head = || {
            let release = async {
                let release = serde_json::to_value(one(&app, &who.user, &id, who.lang).await?)?;
                let frame = json!({ "release": release });
                Ok((release, frame))
            };
            release.boxed()
        };
        tokio::select! {
            followed = follow(&app, &who.user, &id, from, socket, worded, head) => {
                if followed.is_err() {
                    tracing::warn!(release = id, "a live log ended early");
                }
            }
            () = until_ended(&app, &who.user, &ground) => {}
        }
    }))
}

fn worded(frames: Vec<Frame>, from: i64) -> anyhow::Result<Message> {
    let mut lines: Vec<LogLine> = vec![];
    for frame in frames {
        lines.extend(frame.lines(from)?.into_iter().map(LogLine::from));
    }
    Ok(Message::Text(json!({ "lines": lines }).to_string().into()))
}

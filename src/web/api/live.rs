//! A release's log as it grows, over a WebSocket: lines by number and the release whenever it moves.

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::super::find_release;
use super::super::live::{MAX_HEARD, check_origin, send};
use super::super::session::{Ground, until_ended};
use super::releases::one;
use super::shapes::LogLine;
use super::{ApiError, Asked, Caller, Failures, Result};
use crate::app::App;
use crate::bus::Moved;
use crate::ops::logs;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The first line wanted; 1 unless said.
    from: Option<i64>,
}

/// Follow a release over a WebSocket: frames `{"lines": […]}`, `{"release": {…}}`, at last `{"end": true}`. Closes when
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
    Ok(upgrade.max_message_size(MAX_HEARD).on_upgrade(move |socket| async move {
        let ground = Ground::Token(who.token.id.clone());
        tokio::select! {
            followed = follow(&app, &who, &id, from, socket) => {
                if followed.is_err() {
                    tracing::warn!(release = id, "a live log ended early");
                }
            }
            () = until_ended(&app, &who.user, &ground) => {}
        }
    }))
}

async fn follow(app: &App, who: &Caller, id: &str, from: i64, mut socket: WebSocket) -> Result<()> {
    // Before the first look: what moves in between is heard.
    let mut bus = app.bus.listen();
    let mut next = from;
    let mut shown = Value::Null;
    let mut moved = true;
    loop {
        // The row before the lines: a runner stores every line before it ends a release.
        let over = find_release(app, &who.user, id).await?.release.status.is_final();
        loop {
            let lines = logs::read(app, id, next).await?;
            let Some(last) = lines.last() else { break };
            next = last.n + 1;
            let lines: Vec<LogLine> = lines.into_iter().map(LogLine::from).collect();
            if !send(&mut socket, &json!({ "lines": lines })).await {
                return Ok(());
            }
        }
        if moved || over {
            let release = serde_json::to_value(one(app, &who.user, id, who.lang).await?)?;
            if release != shown {
                if !send(&mut socket, &json!({ "release": release })).await {
                    return Ok(());
                }
                shown = release;
            }
        }
        if over {
            send(&mut socket, &json!({ "end": true })).await;
            return Ok(());
        }
        tokio::select! {
            heard = bus.release(id) => match heard {
                Some(heard) => moved = !matches!(heard, Moved::Log(_)),
                None => return Ok(()),
            },
            said = socket.recv() => match said {
                Some(Ok(_)) => moved = false,
                _ => return Ok(()),
            },
        }
    }
}

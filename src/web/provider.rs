//! `/sign-in/provider` and `/sign-in/callback`: out to an OpenID provider and back.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::session::{Visitor, gone};
use super::sign_in::{let_in, local};
use crate::app::App;
use crate::error::Result;
use crate::ops::provider::{self, Refused, Started};

const STARTED: &str = "provider";

/// What waits in the session.
#[derive(Serialize, Deserialize)]
struct Waiting {
    started: Started,
    next: String,
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// Back to the sign-in page with the reason; another way in is there.
fn told(refused: Refused) -> Result<Response> {
    let problem = match refused {
        Refused::Provider => "provider",
        Refused::Away => "provider_away",
        Refused::Taken => "provider_taken",
        Refused::Disabled => "disabled",
        Refused::Error(error) => return Err(error),
    };
    Ok(Redirect::to(&format!("/sign-in?problem={problem}")).into_response())
}

pub(super) async fn leave(State(app): State<App>, visitor: Visitor, Query(query): Query<Next>) -> Result<Response> {
    let (url, started) = match provider::start(&app).await {
        Ok(begun) => begun,
        Err(refused) => return told(refused),
    };
    let waiting = Waiting { started, next: local(&query.next) };
    visitor.session.insert(STARTED, waiting).await.map_err(gone)?;
    visitor.session.save().await.map_err(gone)?;
    Ok(Redirect::to(&url).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Back {
    code: String,
    state: String,
}

pub(super) async fn back(State(app): State<App>, visitor: Visitor, Query(query): Query<Back>) -> Result<Response> {
    if app.config.oidc.is_none() {
        return Err(crate::error::Error::NotFound);
    }
    // Whatever comes of it, once only.
    let waiting: Option<Waiting> = visitor.session.remove(STARTED).await.map_err(gone)?;
    let Some(waiting) = waiting.filter(|_| !query.code.is_empty()) else { return told(Refused::Provider) };
    match provider::finish(&app, waiting.started, &query.state, &query.code, &visitor.address).await {
        Ok(user) => let_in(&app, &visitor, &user, &waiting.next).await,
        Err(refused) => told(refused),
    }
}

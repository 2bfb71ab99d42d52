//! `/sign-in`, `/sign-out`.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page::{Frame, html};
use super::session::{self, SignedIn, Visitor};
use crate::app::App;
use crate::error::Result;
use crate::ops::accounts;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    login: String,
    next: String,
    failed: bool,
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

pub(super) async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query<Next>) -> Result<Response> {
    if visitor.user.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    Ok(html(&page(&app, &visitor, String::new(), query.next, false)))
}

fn page(app: &App, visitor: &Visitor, login: String, next: String, failed: bool) -> SignInPage {
    let mut frame = Frame::bare(app, visitor.lang, visitor.theme, visitor.lang.t("sign_in.title").into_owned());
    frame.path = "/sign-in".to_owned();
    SignInPage { frame, login, next: local(&next), failed }
}

/// Only a path of ours: an address elsewhere would make a page that leads on a trap.
pub(super) fn local(next: &str) -> String {
    let plain = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\n', '\r']);
    if plain { next.to_owned() } else { "/".to_owned() }
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    login: String,
    password: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn post(State(app): State<App>, visitor: Visitor, Form(form): Form<SignIn>) -> Result<Response> {
    let Some(user) = accounts::sign_in(&app, &form.login, &form.password).await? else {
        tracing::info!(login = form.login, "sign-in refused");
        return Ok((StatusCode::UNAUTHORIZED, html(&page(&app, &visitor, form.login, form.next, true))).into_response());
    };
    session::sign_in(&visitor.session, &user).await?;
    Ok(Redirect::to(&local(&form.next)).into_response())
}

pub(super) async fn out(who: SignedIn) -> Result<Redirect> {
    who.visitor.session.flush().await?;
    Ok(Redirect::to("/sign-in"))
}

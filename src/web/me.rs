//! `/me`: my password; `/preferences`: language and theme, for anybody.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page::{Errors, Frame, html};
use super::session::{self, SignedIn};
use super::sign_in::local;
use crate::app::App;
use crate::error::Result;
use crate::lang::Lang;
use crate::ops::accounts;

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    frame: Frame,
    errors: Errors,
    saved: bool,
    login: String,
    role: String,
}

async fn page(app: &App, who: &SignedIn, errors: Errors, saved: bool) -> Result<MePage> {
    let l = who.visitor.lang;
    let mut frame = Frame::load(app, who, l.t("me.title")).await?;
    frame.path = "/me".to_owned();
    let role = l.t(&format!("role.{}", who.user.role)).into_owned();
    Ok(MePage { frame, errors, saved, login: who.user.login.clone(), role })
}

pub(super) async fn get(State(app): State<App>, who: SignedIn) -> Result<Response> {
    Ok(html(&page(&app, &who, Errors::default(), false).await?))
}

#[derive(Deserialize)]
pub(super) struct NewPassword {
    current: String,
    password: String,
}

/// A new password ends every other session of that person.
pub(super) async fn password(State(app): State<App>, who: SignedIn, Form(form): Form<NewPassword>) -> Result<Response> {
    match accounts::change_password(&app, &who.user, &form.current, &form.password).await {
        Ok(()) => {
            session::end_others(&app, &who.visitor.session, &who.user).await?;
            Ok(html(&page(&app, &who, Errors::default(), true).await?))
        }
        Err(error) => {
            let errors = Errors::take(error)?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page(&app, &who, errors, false).await?)).into_response())
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Preferences {
    #[serde(default)]
    lang: Option<String>,
    #[serde(default)]
    theme: Option<String>,
    #[serde(default)]
    next: String,
}

pub(super) async fn preferences(Form(form): Form<Preferences>) -> Response {
    let cookie = |name: &str, value: &str| {
        (header::SET_COOKIE, format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax"))
    };
    let mut cookies = Vec::new();
    if let Some(lang) = form.lang.as_deref().and_then(Lang::parse) {
        cookies.push(cookie("lang", lang.tag()));
    }
    if let Some(theme @ ("light" | "dark" | "auto")) = form.theme.as_deref() {
        cookies.push(cookie("theme", theme));
    }
    (AppendHeaders(cookies), Redirect::to(&local(&form.next))).into_response()
}

//! `/sign-in`, `/sign-up`, `/sign-out`.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page::{Errors, Frame, html};
use super::session::{self, SignedIn, Visitor, cookie_value};
use crate::app::App;
use crate::error::{Error, Result};
use crate::lang::Lang;
use crate::model::user::User;
use crate::model::{hex_of, new_id};
use crate::ops::accounts::{self, Door};

/// Names a browser that an account has signed in from.
const DEVICE: &str = "sampan_device";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    login: String,
    next: String,
    problem: String,
    may_register: bool,
    /// What the provider's button says.
    provider: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
    #[serde(default)]
    pub problem: String,
}

pub(super) async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query<Next>) -> Result<Response> {
    if visitor.user.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let problem = visitor.lang.maybe("sign_in.problem", &query.problem);
    Ok(html(&page(&app, &visitor, String::new(), query.next, problem)))
}

fn page(app: &App, visitor: &Visitor, login: String, next: String, problem: String) -> SignInPage {
    let mut frame = Frame::bare(app, visitor.lang, visitor.theme, visitor.lang.t("sign_in.title").into_owned());
    frame.path = "/sign-in".to_owned();
    SignInPage {
        frame,
        login,
        next: local(&next),
        problem,
        may_register: app.config.self_registration,
        provider: app.config.oidc.as_ref().map(|oidc| oidc.name.clone()),
    }
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

pub(super) async fn post(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Response> {
    let device = known_device(&app, &headers, &form.login)?;
    let door = Door { address: &visitor.address, known_device: device.as_deref() };
    let l = visitor.lang;
    match accounts::sign_in(&app, &form.login, &form.password, &door).await {
        Ok(Some(user)) => let_in(&app, &visitor, &user, &form.next).await,
        Ok(None) => {
            tracing::info!(login = form.login, address = visitor.address, "sign-in refused");
            let problem = l.t("sign_in.failed").into_owned();
            let page = page(&app, &visitor, form.login, form.next, problem);
            Ok((StatusCode::UNAUTHORIZED, html(&page)).into_response())
        }
        Err(Error::Busy(text)) if text.key == "errors.throttled" => {
            let page = page(&app, &visitor, form.login, form.next, l.text(&text));
            Ok((StatusCode::TOO_MANY_REQUESTS, html(&page)).into_response())
        }
        Err(error) => Err(error),
    }
}

/// Starts the session of somebody who has shown who they are.
pub(super) async fn let_in(app: &App, visitor: &Visitor, user: &User, next: &str) -> Result<Response> {
    session::sign_in(app, &visitor.session, user, &visitor.agent).await?;
    let mut cookies = vec![cookie(DEVICE, &device(app, &user.login)?, "HttpOnly; ", app.config.secure_cookies())];
    if let Some(lang) = Lang::parse(&user.lang) {
        cookies.push(cookie("lang", lang.tag(), "", false));
    }
    Ok((AppendHeaders(cookies), Redirect::to(&local(next))).into_response())
}

pub(super) fn cookie(name: &str, value: &str, more: &str, secure: bool) -> (HeaderName, String) {
    let secure = if secure { "Secure; " } else { "" };
    (header::SET_COOKIE, format!("{name}={value}; Path=/; Max-Age=31536000; {more}{secure}SameSite=Lax"))
}

fn seal(app: &App, login: &str, device: &str) -> Result<String> {
    let key = openssl::pkey::PKey::hmac(&app.vault.derive("device cookie")?)?;
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key)?;
    Ok(hex_of(&signer.sign_oneshot_to_vec(format!("{login}|{device}").as_bytes())?))
}

fn device(app: &App, login: &str) -> Result<String> {
    let device = new_id();
    Ok(format!("{device}.{}", seal(app, login, &device)?))
}

/// The browser's name, where this very account has signed in from it.
fn known_device(app: &App, headers: &HeaderMap, login: &str) -> Result<Option<String>> {
    let Some((device, mac)) = cookie_value(headers, DEVICE).and_then(|value| value.split_once('.')) else {
        return Ok(None);
    };
    let expected = seal(app, &login.trim().to_lowercase(), device)?;
    let same = expected.len() == mac.len() && openssl::memcmp::eq(expected.as_bytes(), mac.as_bytes());
    Ok(same.then(|| device.to_owned()))
}

pub(super) async fn out(State(app): State<App>, who: SignedIn) -> Result<Redirect> {
    who.visitor.session.flush().await.map_err(session::gone)?;
    app.bus.tell(crate::bus::Moved::User(who.user.id.clone()));
    accounts::signed_out(&app, &who.user).await;
    Ok(Redirect::to("/sign-in"))
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage {
    frame: Frame,
    login: String,
    name: String,
    errors: Errors,
}

#[derive(Deserialize, Default)]
pub(super) struct SignUp {
    login: String,
    name: String,
    password: String,
}

fn up(app: &App, visitor: &Visitor, form: SignUp, errors: Errors) -> Result<Response> {
    if !app.config.self_registration {
        return Err(Error::NotFound);
    }
    let mut frame = Frame::bare(app, visitor.lang, visitor.theme, visitor.lang.t("sign_up.title").into_owned());
    frame.path = "/sign-up".to_owned();
    let status = if errors.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, html(&SignUpPage { frame, login: form.login, name: form.name, errors })).into_response())
}

pub(super) async fn get_up(State(app): State<App>, visitor: Visitor) -> Result<Response> {
    up(&app, &visitor, SignUp::default(), Errors::default())
}

pub(super) async fn post_up(State(app): State<App>, visitor: Visitor, Form(form): Form<SignUp>) -> Result<Response> {
    match accounts::register(&app, &form.login, &form.name, &form.password, &visitor.address).await {
        Ok(user) => let_in(&app, &visitor, &user, "/").await,
        Err(error) => up(&app, &visitor, form, Errors::take(error)?),
    }
}

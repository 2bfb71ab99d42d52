//! `/me`: profile, password, sessions, tokens; `/preferences`: language and theme, for anybody.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page::{Errors, Frame, html};
use super::session::{self, SignedIn};
use super::sign_in::{cookie, local};
use crate::app::App;
use crate::clock::rfc3339;
use crate::db;
use crate::error::{Error, Result, Text};
use crate::lang::Lang;
use crate::model::token::{Token, TokenScope};
use crate::ops::{accounts, tokens};
use crate::sessions::Stored;

type Values = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    frame: Frame,
    errors: Errors,
    saved: &'static str,
    login: String,
    name: String,
    lang: String,
    role: String,
    has_password: bool,
    sessions: Vec<Session>,
    tokens: Vec<Shown>,
    groups: Vec<(String, String)>,
    scopes: &'static [TokenScope],
    /// A token that was just made: shown once.
    fresh: Option<String>,
}

struct Session {
    id: String,
    current: bool,
    since: String,
    seen: String,
    address: String,
    agent: String,
}

struct Shown {
    token: Token,
    group: String,
    used: String,
    expires: String,
    over: bool,
}

async fn page(app: &App, who: &SignedIn, errors: Errors, saved: &'static str, fresh: Option<String>) -> Result<MePage> {
    let l = who.visitor.lang;
    let mut frame = Frame::load(app, who, l.t("me.title")).await?;
    frame.path = "/me".to_owned();
    let user = db::users::find(&app.db, &who.user.id).await?.ok_or(Error::NotFound)?;
    let groups: Vec<_> =
        db::programs::list_groups(&app.db, who.user.scope()).await?.into_iter().map(|g| (g.id, g.name)).collect();
    let current = session::current(&who.visitor.session);
    let stored = app.sessions.list_of_user(&user.id).await.map_err(accounts::away)?;
    let now = app.clock.now();
    let shown = |token: Token| Shown {
        group: groups
            .iter()
            .find(|(id, _)| Some(id) == token.group_id.as_ref())
            .map(|g| g.1.clone())
            .unwrap_or_default(),
        used: token.used_at.map(rfc3339).unwrap_or_default(),
        expires: token.expires_at.map(rfc3339).unwrap_or_default(),
        over: token.expires_at.is_some_and(|at| at <= now),
        token,
    };
    let tokens = tokens::list(app, &who.user).await?.into_iter().map(shown).collect();
    Ok(MePage {
        role: l.role(&user.role).into_owned(),
        has_password: !user.password_hash.is_empty(),
        sessions: stored.into_iter().map(|stored| described(stored, &current)).collect(),
        scopes: TokenScope::ALL,
        frame,
        errors,
        saved,
        login: user.login,
        name: user.name,
        lang: user.lang,
        tokens,
        groups,
        fresh,
    })
}

fn described(stored: Stored, current: &str) -> Session {
    let text = |name: &str| stored.data.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let time = |name: &str| stored.data.get(name).and_then(serde_json::Value::as_i64).map(rfc3339).unwrap_or_default();
    Session {
        current: stored.id == current,
        since: time(session::SINCE),
        seen: time(session::SEEN),
        address: text(session::ADDRESS),
        agent: text(session::AGENT),
        id: stored.id,
    }
}

impl MePage {
    /// A browser and a system, as far as the line it sends tells.
    fn agent(&self, session: &Session) -> String {
        let has = |words: &[(&'static str, &'static str)]| {
            words.iter().find(|(word, _)| session.agent.contains(word)).map_or("", |(_, name)| *name)
        };
        let browser = has(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")]);
        let system = has(&[
            ("Harmony", "HarmonyOS"),
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS", "macOS"),
            ("Linux", "Linux"),
        ]);
        let text = [browser, system].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" · ");
        if text.is_empty() { session.agent.chars().take(60).collect() } else { text }
    }
}

fn with_errors(page: &MePage) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, html(page)).into_response()
}

pub(super) async fn get(State(app): State<App>, who: SignedIn) -> Result<Response> {
    Ok(html(&page(&app, &who, Errors::default(), "", None).await?))
}

#[derive(Deserialize)]
pub(super) struct Profile {
    name: String,
    #[serde(default)]
    lang: String,
}

pub(super) async fn profile(State(app): State<App>, who: SignedIn, Form(form): Form<Profile>) -> Result<Response> {
    match accounts::update_profile(&app, &who.user, &form.name, &form.lang).await {
        Ok(()) => {
            let cookies: Vec<_> =
                Lang::parse(&form.lang).into_iter().map(|lang| cookie("lang", lang.tag(), "", false)).collect();
            Ok((AppendHeaders(cookies), Redirect::to("/me")).into_response())
        }
        Err(error) => Ok(with_errors(&page(&app, &who, Errors::take(error)?, "", None).await?)),
    }
}

/// The page of somebody whose password somebody else chose: nothing but the new one.
#[derive(Template)]
#[template(path = "first_password.html")]
struct FirstPassword {
    frame: Frame,
    errors: Errors,
}

fn first(app: &App, who: &SignedIn, errors: Errors) -> FirstPassword {
    let l = who.visitor.lang;
    let mut frame = Frame::bare(app, l, who.visitor.theme, l.t("me.first_title").into_owned());
    frame.path = "/me/password".to_owned();
    FirstPassword { frame, errors }
}

pub(super) async fn password_page(State(app): State<App>, who: SignedIn) -> Response {
    match who.user.must_change {
        true => html(&first(&app, &who, Errors::default())),
        false => Redirect::to("/me#pw").into_response(),
    }
}

#[derive(Deserialize)]
pub(super) struct NewPassword {
    current: String,
    password: String,
}

/// A new password ends every other session of that person.
pub(super) async fn password(State(app): State<App>, who: SignedIn, Form(form): Form<NewPassword>) -> Result<Response> {
    let keep = session::current(&who.visitor.session);
    match accounts::change_password(&app, &who.user, &form.current, &form.password, &keep).await {
        Ok(()) if who.user.must_change => Ok(Redirect::to("/").into_response()),
        Ok(()) => Ok(html(&page(&app, &who, Errors::default(), "me.saved", None).await?)),
        Err(error) if who.user.must_change => {
            let page = first(&app, &who, Errors::take(error)?);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
        Err(error) => Ok(with_errors(&page(&app, &who, Errors::take(error)?, "", None).await?)),
    }
}

/// One session by its id, or all others.
pub(super) async fn end_sessions(State(app): State<App>, who: SignedIn, Form(form): Form<Values>) -> Result<Redirect> {
    match form.get("id").filter(|id| !id.is_empty()) {
        Some(id) => accounts::end_session(&app, &who.user, id).await?,
        None => {
            accounts::sign_out_everywhere(&app, &who.user, &session::current(&who.visitor.session)).await?;
        }
    }
    Ok(Redirect::to("/me#sessions"))
}

pub(super) async fn make_token(State(app): State<App>, who: SignedIn, Form(form): Form<Values>) -> Result<Response> {
    let field = |name: &str| form.get(name).map(|text| text.trim()).unwrap_or_default();
    let made = async {
        let scope = field("scope").parse().map_err(|_| Error::invalid("scope", Text::new("errors.choice")))?;
        let days = match field("expires_in_days") {
            "" => None,
            text => Some(text.parse().unwrap_or(0)),
        };
        tokens::create(&app, &who.user, field("name"), scope, Some(field("group_id")), days).await
    };
    match made.await {
        Ok((value, _)) => Ok(html(&page(&app, &who, Errors::default(), "", Some(value)).await?)),
        Err(error) => Ok(with_errors(&page(&app, &who, Errors::take(error)?, "", None).await?)),
    }
}

pub(super) async fn delete_token(State(app): State<App>, who: SignedIn, Form(form): Form<Values>) -> Result<Redirect> {
    tokens::delete(&app, &who.user, form.get("id").map(String::as_str).unwrap_or_default()).await?;
    Ok(Redirect::to("/me#tokens"))
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
    let mut cookies = Vec::new();
    if let Some(lang) = form.lang.as_deref().and_then(Lang::parse) {
        cookies.push(cookie("lang", lang.tag(), "", false));
    }
    if let Some(theme @ ("light" | "dark" | "auto")) = form.theme.as_deref() {
        cookies.push(cookie("theme", theme, "", false));
    }
    (AppendHeaders(cookies), Redirect::to(&local(&form.next))).into_response()
}

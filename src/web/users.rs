//! `/users`: people. For admins.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page::{Errors, Frame, html};
use super::session::SignedIn;
use crate::app::App;
use crate::clock::rfc3339;
use crate::db;
use crate::error::{Error, Result};
use crate::model::user::{Role, User, Verb};
use crate::ops::people;

const PAGE: i64 = 50;

type Values = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "users/index.html")]
struct UsersPage {
    frame: Frame,
    people: Vec<User>,
    query: String,
    total: i64,
    next: Option<String>,
    paged: bool,
}

impl UsersPage {
    fn seen(&self, user: &User) -> String {
        user.seen_at.map(rfc3339).unwrap_or_default()
    }
}

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
}

pub(super) async fn index(State(app): State<App>, who: SignedIn, Query(search): Query<Search>) -> Result<Response> {
    let mut people = people::list(&app, &who.user, &search.q, &search.after, PAGE + 1).await?;
    let more = people.len() as i64 > PAGE;
    people.truncate(PAGE as usize);
    Ok(html(&UsersPage {
        frame: Frame::load(&app, &who, who.visitor.lang.t("users.title")).await?,
        next: people.last().filter(|_| more).map(|last| last.login.clone()),
        total: db::users::count(&app.db).await?,
        query: search.q,
        paged: !search.after.is_empty(),
        people,
    }))
}

#[derive(Template)]
#[template(path = "users/form.html")]
struct UserPage {
    frame: Frame,
    errors: Errors,
    /// Somebody who is there.
    user: Option<User>,
    values: Values,
    roles: Vec<Role>,
    /// Shown once: a password that was just generated.
    password: Option<String>,
    /// Why role and access cannot be changed here.
    fixed: &'static str,
}

impl UserPage {
    fn value(&self, name: &str) -> &str {
        self.values.get(name).map(String::as_str).unwrap_or_default()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }
}

async fn page(
    app: &App,
    who: &SignedIn,
    user: Option<User>,
    values: Values,
    errors: Errors,
    password: Option<String>,
) -> Result<UserPage> {
    if !who.user.may(Verb::ManageUsers) {
        return Err(Error::Forbidden);
    }
    let l = who.visitor.lang;
    let fixed = match &user {
        Some(user) if user.id == who.user.id => "users.yourself",
        Some(user) if user.role == Role::Owner => "users.the_owner",
        Some(user) if user.role >= who.user.role => "users.above",
        _ => "",
    };
    let title = user.as_ref().map_or_else(|| l.t("users.new").into_owned(), |user| user.name.clone());
    let mut frame = Frame::load(app, who, title).await?;
    frame.path = user.as_ref().map_or("/users/new".to_owned(), |user| format!("/users/{}", user.id));
    let roles = Role::ALL.iter().copied().filter(|role| *role < Role::Owner && *role <= who.user.role).collect();
    Ok(UserPage { frame, errors, user, values, roles, password, fixed })
}

fn values_of(user: &User) -> Values {
    [("login", user.login.clone()), ("name", user.name.clone()), ("role", user.role.to_string())]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

pub(super) async fn new(State(app): State<App>, who: SignedIn) -> Result<Response> {
    let values = Values::from([("role".to_owned(), Role::Publisher.to_string())]);
    Ok(html(&page(&app, &who, None, values, Errors::default(), None).await?))
}

pub(super) async fn create(State(app): State<App>, who: SignedIn, Form(form): Form<Values>) -> Result<Response> {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let role = field("role").parse().unwrap_or(Role::Viewer);
    match people::create(&app, &who.user, field("login"), field("name"), role, None).await {
        Ok((user, password)) => {
            let values = values_of(&user);
            Ok(html(&page(&app, &who, Some(user), values, Errors::default(), password).await?))
        }
        Err(error) => {
            let page = page(&app, &who, None, form, Errors::take(error)?, None).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) async fn show(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    let user = people::find(&app, &who.user, &id).await?;
    let values = values_of(&user);
    Ok(html(&page(&app, &who, Some(user), values, Errors::default(), None).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Values>,
) -> Result<Response> {
    let change = people::Change {
        name: form.get("name").cloned(),
        role: form.get("role").and_then(|role| role.parse().ok()),
        disabled: form.get("disabled").map(|value| value == "yes"),
    };
    match people::update(&app, &who.user, &id, &change).await {
        Ok(_) => Ok(Redirect::to("/users").into_response()),
        Err(error) => {
            let errors = Errors::take(error)?;
            let user = people::find(&app, &who.user, &id).await?;
            let page = page(&app, &who, Some(user), form, errors, None).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) async fn reset(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    let password = people::reset_password(&app, &who.user, &id).await?;
    let user = people::find(&app, &who.user, &id).await?;
    let values = values_of(&user);
    Ok(html(&page(&app, &who, Some(user), values, Errors::default(), Some(password)).await?))
}

pub(super) async fn delete(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Redirect> {
    people::delete(&app, &who.user, &id).await?;
    Ok(Redirect::to("/users"))
}

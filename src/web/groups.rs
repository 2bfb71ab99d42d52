//! `/groups/…`: adding, renaming, restricting, members, deleting an empty one.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::page::{Errors, Frame, html};
use super::session::SignedIn;
use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::ops::groups;

type Values = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "groups/form.html")]
struct GroupPage {
    frame: Frame,
    errors: Errors,
    id: Option<String>,
    name: String,
    restricted: bool,
    empty: bool,
    members: Vec<db::members::Listed>,
    /// What was typed to let somebody in.
    member: String,
}

async fn page(app: &App, who: &SignedIn, id: Option<String>, form: &Values, errors: Errors) -> Result<GroupPage> {
    let key = if id.is_some() { "group.edit" } else { "group.new" };
    let mut frame = Frame::load(app, who, who.visitor.lang.t(key)).await?;
    if !frame.may_edit() {
        return Err(Error::Forbidden);
    }
    frame.path = id.as_ref().map_or("/groups/new".to_owned(), |id| format!("/groups/{id}/edit"));
    let empty = frame.nav.groups.iter().any(|group| Some(&group.id) == id.as_ref() && group.programs.is_empty());
    let members = match &id {
        Some(id) => groups::members(app, &who.user, id).await?,
        None => vec![],
    };
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    Ok(GroupPage {
        frame,
        errors,
        name: field("name"),
        restricted: form.contains_key("restricted"),
        member: field("login"),
        id,
        empty,
        members,
    })
}

pub(super) async fn new(State(app): State<App>, who: SignedIn) -> Result<Response> {
    Ok(html(&page(&app, &who, None, &Values::new(), Errors::default()).await?))
}

fn name(form: &Values) -> &str {
    form.get("name").map(String::as_str).unwrap_or_default()
}

pub(super) async fn create(State(app): State<App>, who: SignedIn, Form(form): Form<Values>) -> Result<Response> {
    match groups::create(&app, &who.user, name(&form), form.contains_key("restricted")).await {
        Ok(group) if group.restricted => {
            Ok(Redirect::to(&format!("/groups/{}/edit#members", group.id)).into_response())
        }
        Ok(group) => Ok(Redirect::to(&format!("/programs/new?group={}", group.id)).into_response()),
        Err(error) => {
            let page = page(&app, &who, None, &form, Errors::take(error)?).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

async fn values_of(app: &App, who: &SignedIn, id: &str) -> Result<Values> {
    let group = db::programs::find_group(&app.db, who.user.scope(), id).await?.ok_or(Error::NotFound)?;
    let mut values = Values::from([("name".to_owned(), group.name)]);
    if group.restricted {
        values.insert("restricted".to_owned(), "yes".to_owned());
    }
    Ok(values)
}

pub(super) async fn edit(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    let values = values_of(&app, &who, &id).await?;
    Ok(html(&page(&app, &who, Some(id), &values, Errors::default()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Values>,
) -> Result<Response> {
    match groups::update(&app, &who.user, &id, name(&form), form.contains_key("restricted")).await {
        Ok(_) => Ok(Redirect::to("/").into_response()),
        Err(error) => {
            let page = page(&app, &who, Some(id), &form, Errors::take(error)?).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) async fn delete(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Redirect> {
    groups::delete(&app, &who.user, &id).await?;
    Ok(Redirect::to("/"))
}

pub(super) async fn set_member(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Values>,
) -> Result<Response> {
    let login = form.get("login").map(String::as_str).unwrap_or_default();
    let (publish, updates) = (form.contains_key("can_publish"), form.contains_key("can_publish_updates"));
    match groups::set_member(&app, &who.user, &id, login, publish, updates).await {
        Ok(()) => Ok(Redirect::to(&format!("/groups/{id}/edit#members")).into_response()),
        Err(error) => {
            let errors = Errors::take(error)?;
            let mut values = values_of(&app, &who, &id).await?;
            values.insert("login".to_owned(), login.to_owned());
            let page = page(&app, &who, Some(id), &values, errors).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) async fn remove_member(
    State(app): State<App>,
    who: SignedIn,
    Path((id, user)): Path<(String, String)>,
) -> Result<Redirect> {
    groups::remove_member(&app, &who.user, &id, &user).await?;
    Ok(Redirect::to(&format!("/groups/{id}/edit#members")))
}

//! `/groups/…`: adding, renaming, deleting an empty one.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page::{Errors, Frame, html};
use super::session::SignedIn;
use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::ops::programs;

#[derive(Template)]
#[template(path = "groups/form.html")]
struct GroupPage {
    frame: Frame,
    errors: Errors,
    id: Option<String>,
    name: String,
    empty: bool,
}

#[derive(Deserialize)]
pub(super) struct GroupForm {
    name: String,
}

async fn page(app: &App, who: &SignedIn, id: Option<String>, name: String, errors: Errors) -> Result<GroupPage> {
    let key = if id.is_some() { "group.edit" } else { "group.new" };
    let frame = Frame::load(app, who, who.visitor.lang.t(key)).await?;
    if !frame.may_edit() {
        return Err(Error::Forbidden);
    }
    let empty = frame.nav.groups.iter().any(|group| Some(&group.id) == id.as_ref() && group.programs.is_empty());
    Ok(GroupPage { frame, errors, id, name, empty })
}

pub(super) async fn new(State(app): State<App>, who: SignedIn) -> Result<Response> {
    Ok(html(&page(&app, &who, None, String::new(), Errors::default()).await?))
}

pub(super) async fn create(State(app): State<App>, who: SignedIn, Form(form): Form<GroupForm>) -> Result<Response> {
    match programs::create_group(&app, &who.user, &form.name).await {
        Ok(group) => Ok(Redirect::to(&format!("/programs/new?group={}", group.id)).into_response()),
        Err(error) => {
            let page = page(&app, &who, None, form.name, Errors::take(error)?).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) async fn edit(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    let group = db::programs::find_group(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    Ok(html(&page(&app, &who, Some(id), group.name, Errors::default()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<GroupForm>,
) -> Result<Response> {
    match programs::rename_group(&app, &who.user, &id, &form.name).await {
        Ok(()) => Ok(Redirect::to("/").into_response()),
        Err(error) => {
            let page = page(&app, &who, Some(id), form.name, Errors::take(error)?).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) async fn delete(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Redirect> {
    programs::delete_group(&app, &who.user, &id).await?;
    Ok(Redirect::to("/"))
}

//! Programs, their secrets, their repositories.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::program_form::{defaults, values_of};
use super::shapes::{Credential, DONE, Done, Page, Program};
use super::{Asked, Body, Caller, Failures, Result, limit};
use crate::app::App;
use crate::clock::rfc3339;
use crate::db;
use crate::error::Error;
use crate::model;
use crate::model::program::{Group, without_credentials};
use crate::model::user::User;
use crate::ops::programs::Form;
use crate::ops::{credentials, programs, repositories};
use crate::platform::fields;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// Of this group only: its id.
    group: Option<String>,
    /// The archived ones instead.
    archived: Option<bool>,
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// The programs one sees, by group and name.
#[utoipa::path(get, path = "/programs", params(Search), responses((status = 200, body = Page<Program>), Failures))]
pub(super) async fn list(
    State(app): State<App>,
    who: Caller,
    Asked(search): Asked<Search>,
) -> Result<Json<Page<Program>>> {
    let (scope, limit) = (who.user.scope(), limit(search.limit)? as usize);
    let all = match search.archived.unwrap_or(false) {
        true => db::programs::list_archived(&app.db, scope).await?,
        false => db::programs::list(&app.db, scope).await?,
    };
    let mut fitting = all.into_iter().filter(|p| search.group.as_ref().is_none_or(|group| *group == p.group_id));
    if let Some(cursor) = &search.cursor {
        fitting.by_ref().find(|program| program.id == *cursor);
    }
    let page: Vec<_> = fitting.by_ref().take(limit).collect();
    let more = fitting.next().is_some();
    let next_cursor = page.last().filter(|_| more).map(|last| last.id.clone());
    let groups = db::programs::list_groups(&app.db, scope).await?;
    let mut items = Vec::with_capacity(page.len());
    for program in page {
        items.push(shown(&app, &groups, program).await?);
    }
    Ok(Json(Page { items, next_cursor }))
}

/// One as the API shows it.
async fn one(app: &App, user: &User, program: model::program::Program) -> Result<Program> {
    let group = db::programs::find_group(&app.db, user.scope(), &program.group_id).await?;
    shown(app, group.as_slice(), program).await
}

async fn shown(app: &App, groups: &[Group], program: model::program::Program) -> Result<Program> {
    let group = groups.iter().find(|group| group.id == program.group_id);
    let stored = db::credentials::find(&app.db, &program.id).await?;
    Ok(Program {
        group: group.map(|group| group.name.clone()).unwrap_or_default(),
        credential: Credential {
            configured: stored.is_some(),
            fingerprint: stored.as_ref().map(|c| c.fingerprint.clone()),
            updated_at: stored.map(|c| rfc3339(c.updated_at)),
        },
        settings: serde_json::to_value(&program.settings)?,
        repo_url: without_credentials(&program.repo_url),
        archived_at: program.archived_at.map(rfc3339),
        created_at: rfc3339(program.created_at),
        updated_at: rfc3339(program.updated_at),
        id: program.id,
        name: program.name,
        group_id: program.group_id,
        platform: program.platform,
        app_id: program.app_id,
        default_ref: program.default_ref,
        root_dir: program.root_dir,
        install_command: program.install_command,
        build_command: program.build_command,
        dev_build_command: program.dev_build_command,
        output_dir: program.output_dir,
        options: program.options,
    })
}

/// What is absent keeps its value, or takes its default.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wanted {
    group_id: Option<String>,
    name: Option<String>,
    /// Cannot be changed later.
    platform: Option<String>,
    app_id: Option<String>,
    /// A user and token in it are stored as the repository's login.
    repo_url: Option<String>,
    default_ref: Option<String>,
    root_dir: Option<String>,
    install_command: Option<String>,
    build_command: Option<String>,
    dev_build_command: Option<String>,
    output_dir: Option<String>,
    /// The platform's options by name; null takes one away.
    #[schema(value_type = Object)]
    options: BTreeMap<String, Value>,
    /// How builds run; null means the instance's default.
    #[schema(value_type = Object)]
    settings: BTreeMap<String, Value>,
}

impl Wanted {
    fn onto(self, form: &mut Form) {
        let plain = [
            ("group", self.group_id),
            ("name", self.name),
            ("platform", self.platform),
            ("app_id", self.app_id),
            ("repo_url", self.repo_url),
            ("default_ref", self.default_ref),
            ("root_dir", self.root_dir),
            ("install_command", self.install_command),
            ("build_command", self.build_command),
            ("dev_build_command", self.dev_build_command),
            ("output_dir", self.output_dir),
        ];
        form.extend(plain.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        form.extend(option_fields(&self.options));
        form.extend(self.settings.iter().map(|(name, value)| (name.clone(), text(value))));
    }
}

fn text(value: &Value) -> String {
    if value.is_null() { String::new() } else { fields::shown(value) }
}

/// As forms name them.
pub(super) fn option_fields(options: &BTreeMap<String, Value>) -> impl Iterator<Item = (String, String)> {
    options.iter().map(|(name, value)| (format!("{}{name}", fields::PREFIX), text(value)))
}

/// Add a program.
#[utoipa::path(post, path = "/programs", request_body = Wanted, responses((status = 201, body = Program), Failures))]
pub(super) async fn create(
    State(app): State<App>,
    who: Caller,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Program>)> {
    let mut form = Form::new();
    wanted.onto(&mut form);
    if let Some(platform) = form.get("platform").and_then(|id| app.platforms.get(id)) {
        defaults(platform, &mut form);
    }
    let program = programs::create(&app, &who.user, &form).await?;
    Ok((StatusCode::CREATED, Json(one(&app, &who.user, program).await?)))
}

/// A program.
#[utoipa::path(get, path = "/programs/{id}", params(("id" = String, Path)), responses((status = 200, body = Program), Failures))]
pub(super) async fn get(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Program>> {
    let program = db::programs::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    Ok(Json(one(&app, &who.user, program).await?))
}

/// Change a program.
#[utoipa::path(patch, path = "/programs/{id}", params(("id" = String, Path)), request_body = Wanted,
    responses((status = 200, body = Program), Failures))]
pub(super) async fn update(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Program>> {
    let old = db::programs::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    let mut form = values_of(&old);
    wanted.onto(&mut form);
    let program = programs::update(&app, &who.user, &id, &form).await?;
    Ok(Json(one(&app, &who.user, program).await?))
}

/// Delete a program that never had a release; others are archived.
#[utoipa::path(delete, path = "/programs/{id}", params(("id" = String, Path)), responses((status = 200, body = Done), Failures))]
pub(super) async fn delete(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Done>> {
    programs::delete(&app, &who.user, &id).await?;
    Ok(DONE)
}

/// What is stored of a secret.
#[derive(Serialize, ToSchema)]
pub(super) struct Stored {
    configured: bool,
    fingerprint: String,
}

/// Replace what the vendor knows the program by. Its fields are the platform's; none is ever given out again.
#[utoipa::path(put, path = "/programs/{id}/credential", params(("id" = String, Path)),
    request_body(content = BTreeMap<String, String>, content_type = "application/json"),
    responses((status = 200, body = Stored), Failures))]
pub(super) async fn put_credential(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Body(values): Body<Form>,
) -> Result<Json<Stored>> {
    let fingerprint = credentials::put(&app, &who.user, &id, &values).await?;
    Ok(Json(Stored { configured: true, fingerprint }))
}

/// A token with its user, or an SSH key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    user: Option<String>,
    token: Option<String>,
    /// An unencrypted private key in PEM.
    key: Option<String>,
}

impl Login {
    fn onto(self, form: &mut Form) {
        let given = [("repo_user", self.user), ("repo_token", self.token), ("repo_key", self.key)];
        form.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
}

/// Replace how the server gets into the repository.
#[utoipa::path(put, path = "/programs/{id}/repository-credential", params(("id" = String, Path)), request_body = Login,
    responses((status = 200, body = Stored), Failures))]
pub(super) async fn put_login(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Body(login): Body<Login>,
) -> Result<Json<Stored>> {
    let mut form = Form::new();
    login.onto(&mut form);
    let fingerprint = repositories::put_login(&app, &who.user, &id, &form).await?;
    Ok(Json(Stored { configured: true, fingerprint }))
}

/// Forget how the server gets into the repository.
#[utoipa::path(delete, path = "/programs/{id}/repository-credential", params(("id" = String, Path)), responses((status = 200, body = Done), Failures))]
pub(super) async fn delete_login(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Done>> {
    repositories::remove_login(&app, &who.user, &id).await?;
    Ok(DONE)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Archive {
    archived: bool,
}

/// Archive a program, or bring it back.
#[utoipa::path(post, path = "/programs/{id}/archive", params(("id" = String, Path)), request_body = Archive,
    responses((status = 200, body = Done), Failures))]
pub(super) async fn archive(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Body(asked): Body<Archive>,
) -> Result<Json<Done>> {
    programs::archive(&app, &who.user, &id, asked.archived).await?;
    Ok(DONE)
}

#[derive(Serialize, ToSchema)]
pub(super) struct Refs {
    branches: Vec<String>,
    tags: Vec<String>,
}

/// Branches and tags, asked of the git server now.
#[utoipa::path(get, path = "/programs/{id}/refs", params(("id" = String, Path)), responses((status = 200, body = Refs), Failures))]
pub(super) async fn refs(State(app): State<App>, who: Caller, Path(id): Path<String>) -> Result<Json<Refs>> {
    let refs = repositories::refs(&app, &who.user, &id).await?;
    Ok(Json(Refs { branches: refs.branches, tags: refs.tags }))
}

/// Where to look; what is absent is as the program has it.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Look {
    repo_url: Option<String>,
    r#ref: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Found {
    branches: Vec<String>,
    tags: Vec<String>,
    default_branch: Option<String>,
    /// Best first.
    proposals: Vec<Proposal>,
}

/// What a project looks like and how it is built.
#[derive(Serialize, ToSchema)]
pub(super) struct Proposal {
    label: String,
    root_dir: String,
    install_command: String,
    build_command: String,
    dev_build_command: String,
    output_dir: String,
    node: String,
}

/// Look at the repository: its branches, and how its projects are probably built. Changes nothing.
#[utoipa::path(post, path = "/programs/{id}/detect", params(("id" = String, Path)), request_body = Look,
    responses((status = 200, body = Found), Failures))]
pub(super) async fn detect(
    State(app): State<App>,
    who: Caller,
    Path(id): Path<String>,
    Body(look): Body<Look>,
) -> Result<Json<Found>> {
    let program = db::programs::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    let mut form = values_of(&program);
    Wanted { repo_url: look.repo_url, default_ref: look.r#ref, ..Wanted::default() }.onto(&mut form);
    let found = repositories::inspect(&app, &who.user, Some(&id), &form).await?;
    let proposals = found.proposals.into_iter().map(|proposal| Proposal {
        label: proposal.preset.label.get(who.lang).to_owned(),
        root_dir: proposal.root_dir,
        install_command: proposal.preset.install,
        build_command: proposal.build_command,
        dev_build_command: proposal.dev_build_command,
        output_dir: proposal.preset.output_dir,
        node: proposal.preset.node,
    });
    Ok(Json(Found {
        proposals: proposals.collect(),
        branches: found.refs.branches,
        tags: found.refs.tags,
        default_branch: found.refs.default_branch,
    }))
}

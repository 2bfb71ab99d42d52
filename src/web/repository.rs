//! The repository part of a program's form: its login, its host's key, a look at what is there.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Redirect, Response};

use super::page::{Errors, html};
use super::program_form::{defaults, form_page};
use super::session::SignedIn;
use crate::app::App;
use crate::clock::rfc3339;
use crate::db;
use crate::error::{Error, Result};
use crate::lang::Lang;
use crate::model::program::Program;
use crate::ops::{repositories, robots};
use crate::platform::detect::Proposal;

type Values = BTreeMap<String, String>;

/// How the server gets into the repository, without the secret.
#[derive(Default)]
pub(super) struct WayIn {
    /// `token` or `key`; empty when there is none.
    pub kind: &'static str,
    pub fingerprint: String,
    pub at: String,
    /// Of an SSH host: its pinned key.
    pub host: String,
    pub host_key: String,
}

pub(super) async fn way_in(app: &App, program: Option<&Program>) -> Result<WayIn> {
    let Some(program) = program else { return Ok(WayIn::default()) };
    let mut way_in = WayIn::default();
    if let Some(credential) = db::repositories::find_credential(&app.db, &program.id).await? {
        way_in.kind = credential.kind.as_str();
        way_in.fingerprint = credential.fingerprint;
        way_in.at = rfc3339(credential.updated_at);
    }
    if let Some(known) = repositories::known_host(app, &program.repo_url).await? {
        way_in.host = known.host;
        way_in.host_key = known.fingerprint;
    }
    Ok(way_in)
}

/// What a look found, as the form shows it; also sent alone to a page that asked by script.
#[derive(Template)]
#[template(path = "programs/_inspection.html")]
pub(super) struct Inspection {
    l: Lang,
    branches: Vec<String>,
    tags: usize,
    default_branch: String,
    proposals: Vec<Shown>,
}

struct Shown {
    label: String,
    note: String,
    /// Form fields and what would stand in them.
    fields: Vec<(&'static str, String)>,
}

impl Inspection {
    fn new(l: Lang, found: repositories::Inspection) -> Self {
        Self {
            l,
            default_branch: found.refs.default_branch.unwrap_or_default(),
            tags: found.refs.tags.len(),
            branches: found.refs.branches,
            proposals: found.proposals.iter().map(|proposal| shown(proposal, l)).collect(),
        }
    }

    /// As JSON, for the script that fills the form in.
    fn json(&self, fields: &[(&'static str, String)]) -> String {
        let fields: BTreeMap<_, _> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        serde_json::to_string(&fields).unwrap_or_default()
    }
}

fn shown(proposal: &Proposal, l: Lang) -> Shown {
    Shown {
        label: proposal.preset.label.get(l).to_owned(),
        note: proposal.preset.note.as_ref().map(|note| note.get(l).to_owned()).unwrap_or_default(),
        fields: vec![
            ("root_dir", proposal.root_dir.clone()),
            ("install_command", proposal.preset.install.clone()),
            ("build_command", proposal.build_command.clone()),
            ("dev_build_command", proposal.dev_build_command.clone()),
            ("output_dir", proposal.preset.output_dir.clone()),
            ("node", proposal.preset.node.clone()),
        ],
    }
}

/// The form again with what was found. `use=N` fills the Nth proposal in; a new program takes the first by itself.
pub(super) async fn inspect(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(mut values): Form<Values>,
) -> Result<Response> {
    let id = values.get("id").cloned().filter(|id| !id.is_empty());
    let program = match &id {
        Some(id) => Some(db::programs::find(&app.db, who.user.scope(), id).await?.ok_or(Error::NotFound)?),
        None => None,
    };
    if let Some(program) = &program {
        values.insert("platform".to_owned(), program.platform.clone());
    }
    let found = repositories::inspect(&app, &who.user, id.as_deref(), &values).await;
    let alone = headers.contains_key("x-fragment");
    match found {
        Ok(found) => {
            let inspection = Inspection::new(who.visitor.lang, found);
            if alone {
                return Ok(html(&inspection));
            }
            let wanted = values.get("use").and_then(|n| n.parse().ok()).or(program.is_none().then_some(0usize));
            let mut usual = Values::new();
            if let Some(platform) = values.get("platform").and_then(|id| app.platforms.get(id)) {
                defaults(platform, &mut usual);
            }
            // Asked for, a proposal replaces everything; by itself only what nobody typed.
            let asked = values.contains_key("use");
            if let Some(proposal) = wanted.and_then(|n| inspection.proposals.get(n)) {
                for (name, value) in &proposal.fields {
                    let typed = values.get(*name).is_some_and(|old| !old.is_empty() && Some(old) != usual.get(*name));
                    if asked || !typed {
                        values.insert((*name).to_owned(), value.clone());
                    }
                }
            }
            for (name, value) in usual {
                values.entry(name).or_insert(value);
            }
            let page = form_page(&app, &who, program.as_ref(), values, Errors::default()).await?;
            Ok(html(&page.inspected(inspection)))
        }
        Err(error) => {
            let errors = Errors::take(error)?;
            if alone {
                let (field, text) = errors.first(&who.visitor.lang);
                return Ok((StatusCode::UNPROCESSABLE_ENTITY, [("x-field", field)], text).into_response());
            }
            let page = form_page(&app, &who, program.as_ref(), values, errors).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

/// Branches and tags, asked of the git server: for the publish form's list.
pub(super) async fn refs(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    let refs = repositories::refs(&app, &who.user, &id).await?;
    Ok(Json(serde_json::json!({ "branches": refs.branches, "tags": refs.tags })).into_response())
}

pub(super) async fn remove_login(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Redirect> {
    repositories::remove_login(&app, &who.user, &id).await?;
    Ok(Redirect::to(&format!("/programs/{id}/edit#repository")))
}

pub(super) async fn forget_host(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Redirect> {
    repositories::forget_host(&app, &who.user, &id).await?;
    Ok(Redirect::to(&format!("/programs/{id}/edit#repository")))
}

pub(super) async fn free_robot(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Values>,
) -> Result<Redirect> {
    robots::free(&app, &who.user, &id, form.get("reference").map(String::as_str).unwrap_or_default()).await?;
    match form.get("next").map(String::as_str) {
        Some("/robots") => Ok(Redirect::to("/robots")),
        _ => Ok(Redirect::to(&format!("/programs/{id}/edit#robots"))),
    }
}

//! `/programs/{id}`: a program's page, with its publish forms and its history.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::page::{Errors, Frame, html, platform_icon};
use super::program_form::{Drawn, draw};
use super::session::SignedIn;
use super::shown::{Shown, platform_label};
use super::terms::{Asks, Terms};
use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::lang::Lang;
use crate::model;
use crate::model::program::{Program, web_url, without_credentials};
use crate::model::release::{Action, Parameters};
use crate::model::update::Update;
use crate::model::user::{User, Verb};
use crate::ops::{releases, repositories, update_terms};
use crate::platform::fields::PREFIX;
use crate::platform::manifest::Produces;
use crate::platform::{Platform, fields};

const HISTORY: i64 = 20;
const MAX_REFS: usize = 300;

type Values = BTreeMap<String, String>;

pub(super) fn may_edit(user: &User) -> bool {
    user.may(Verb::EditPrograms)
}

#[derive(Template)]
#[template(path = "programs/show.html")]
struct ProgramPage {
    frame: Frame,
    program: Program,
    glyph: String,
    group: String,
    platform: String,
    /// The repository's page, where its address tells one.
    repo: String,
    repo_shown: String,
    console_url: String,
    forms: Vec<ActionForm>,
    fingerprint: Option<String>,
    /// Whether releases of this platform need a key or a login.
    needs_credential: bool,
    may_publish: bool,
    may_edit: bool,
    /// Whether its releases are updates, with a catalogue of their own.
    has_updates: bool,
    /// Updates need a native build to run on; none is known yet.
    lacks_native: bool,
    /// Branches and tags as the last fetch left them.
    refs: Vec<String>,
    history: History,
    total: i64,
    /// Cursor of the next page of history.
    older: Option<String>,
    paged: bool,
}

/// One publish form; only what the platform takes for this action.
pub(super) struct ActionForm {
    pub l: Lang,
    pub action: Action,
    pub params: Vec<String>,
    /// What the platform asks beyond the usual.
    pub(super) asked: Vec<Drawn>,
    /// Whom an update is for.
    pub(super) terms: Option<Terms>,
    pub version_required: bool,
    pub description_max: usize,
    pub values: Values,
    pub errors: Errors,
    pub open: bool,
    pub key: String,
}

impl ActionForm {
    fn takes(&self, param: &str) -> bool {
        self.params.iter().any(|p| p == param)
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map(String::as_str).unwrap_or_default()
    }

    /// `publish.preview_lead` and its like.
    fn text(&self, key: &str) -> String {
        self.l.of("publish", format!("{}_{key}", self.action)).into_owned()
    }

    fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.action)
    }

    fn label(&self, name: &str) -> String {
        self.l.of("publish", name).into_owned()
    }

    fn help(&self, name: &str) -> String {
        self.l.maybe("publish", format!("{name}_help"))
    }

    fn placeholder(&self, name: &str) -> &'static str {
        match name {
            "page_path" => "pages/index/index",
            "query" => "id=1&from=qr",
            "scene" => "1011",
            _ => "",
        }
    }

    fn icon(&self) -> &'static str {
        match self.action {
            Action::Preview => "qr",
            Action::Upload => "upload",
            Action::Publish => "publish",
        }
    }
}

/// Releases as cards; the newest of them are live.
#[derive(Template)]
#[template(path = "programs/_history.html")]
pub(super) struct History {
    l: Lang,
    history: Vec<Shown>,
}

impl History {
    fn is_empty(&self) -> bool {
        self.history.is_empty()
    }
}

/// The newest releases of a program, down to the oldest that its page showed when it came.
pub(super) async fn newest(app: &App, user: &User, l: Lang, id: &str, oldest: &str) -> Result<Option<History>> {
    let Some(program) = db::programs::find(&app.db, user.scope(), id).await? else { return Ok(None) };
    let listed = db::releases::list_of_program(&app.db, user.scope(), id, None, HISTORY * 5).await?;
    let listed = listed.into_iter().filter(|item| item.release.id.as_str() >= oldest);
    let history = listed.map(|item| Shown::new(app, l, item, Some(&program))).collect();
    Ok(Some(History { l, history }))
}

#[derive(Deserialize)]
pub(super) struct Before {
    before: Option<String>,
}

pub(super) async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(page): Query<Before>,
) -> Result<Response> {
    Ok(html(&program_page(&app, &who, &id, page.before, None).await?))
}

/// The page again, with what was typed and what is wrong with it.
pub(super) async fn with_errors(
    app: &App,
    who: &SignedIn,
    id: &str,
    action: Action,
    values: Values,
    errors: Errors,
) -> Result<Response> {
    let page = program_page(app, who, id, None, Some((action, values, errors))).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
}

async fn program_page(
    app: &App,
    who: &SignedIn,
    id: &str,
    before: Option<String>,
    typed: Option<(Action, Values, Errors)>,
) -> Result<ProgramPage> {
    let (scope, l) = (who.user.scope(), who.visitor.lang);
    let program = db::programs::find(&app.db, scope, id).await?.ok_or(Error::NotFound)?;
    let group = db::programs::find_group(&app.db, scope, &program.group_id).await?.ok_or(Error::NotFound)?;
    let may = |verb: Verb| who.user.may_in(verb, &group.id, group.restricted);
    let (may_publish, may_edit) = (may(Verb::Publish) || may(Verb::PublishUpdates), may(Verb::EditPrograms));
    let platform = app.platforms.get(&program.platform).ok_or(Error::NotFound)?;
    let mut listed = db::releases::list_of_program(&app.db, scope, id, before.as_deref(), HISTORY + 1).await?;
    let more = listed.len() as i64 > HISTORY;
    listed.truncate(HISTORY as usize);
    let older = listed.last().filter(|_| more).map(|last| last.release.id.clone());
    let mut frame = Frame::load(app, who, program.name.clone()).await?;
    // Cards of an older page do not move.
    frame.oldest = before.is_none().then(|| listed.last().map(|last| last.release.id.clone()).unwrap_or_default());
    let updates = db::updates::list_of_program(&app.db, scope, id).await?;
    let allowed = |action: Action| may(if action == Action::Publish { Verb::PublishUpdates } else { Verb::Publish });
    let forms = forms(app, who, platform, &program, typed, &updates, allowed).await?;
    Ok(ProgramPage {
        frame,
        group: group.name,
        may_publish,
        may_edit,
        platform: platform_label(Some(platform), l),
        repo: web_url(&program.repo_url),
        console_url: platform.console_url.clone(),
        forms,
        fingerprint: db::credentials::find(&app.db, id).await?.map(|c| c.fingerprint),
        needs_credential: platform.needs_credential(),
        has_updates: platform.produces == Produces::Update,
        lacks_native: platform.produces == Produces::Update && updates.iter().all(|u| u.kind.is_wgt()),
        glyph: platform_icon(&program.platform),
        repo_shown: without_credentials(&program.repo_url),
        refs: refs(app, &program).await,
        history: History {
            l,
            history: listed.into_iter().map(|item| Shown::new(app, l, item, Some(&program))).collect(),
        },
        total: db::releases::count_of_program(&app.db, id).await?,
        older,
        paged: before.is_some(),
        program,
    })
}

/// What the same person asked for last time, but a fresh version and description.
fn again(last: Option<Parameters>, program: &Program, version: &str) -> Values {
    let mut values = vec![("version", version.to_owned())];
    let mut more = Values::new();
    match last {
        Some(last) => {
            more.extend(last.options.iter().map(|(name, value)| (format!("{PREFIX}{name}"), fields::shown(value))));
            let terms = last.terms.map(|terms| model::update::Terms {
                changelog: String::new(),
                remark: String::new(),
                ..terms
            });
            more.extend(terms.as_ref().map(update_terms::values).unwrap_or_default());
            values.extend([
                ("ref", last.reference),
                ("environment", last.environment.to_string()),
                ("page_path", last.page_path),
                ("query", last.query),
                ("scene", last.scene),
            ])
        }
        None => values.extend([("ref", program.default_ref.clone()), ("environment", "production".to_owned())]),
    }
    more.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
    more
}

/// What people type most: branches first, then the newest-looking tags.
async fn refs(app: &App, program: &Program) -> Vec<String> {
    let known = repositories::known_refs(app, program).await;
    let mut tags = known.tags;
    tags.sort_by(|a, b| b.cmp(a));
    known.branches.into_iter().chain(tags).take(MAX_REFS).collect()
}

async fn forms(
    app: &App,
    who: &SignedIn,
    platform: &Platform,
    program: &Program,
    typed: Option<(Action, Values, Errors)>,
    updates: &[Update],
    allowed: impl Fn(Action) -> bool,
) -> Result<Vec<ActionForm>> {
    let version = releases::propose_version(app, program).await?;
    let mut typed = typed;
    let mut forms = Vec::with_capacity(platform.actions.len());
    for action in platform.actions.iter().filter(|action| allowed(**action)) {
        let last = db::releases::find_last(&app.db, &program.id, &who.user.id, *action).await?;
        let fresh = last.is_none();
        let (mut values, errors, open) = match typed.take_if(|(typed, ..)| typed == action) {
            Some((_, values, errors)) => (values, errors, true),
            None => (again(last, program, &version), Errors::default(), false),
        };
        let terms = (platform.produces == Produces::Update).then(|| {
            // At first: both usual systems, and the next code where codes are counted here.
            if fresh && !open {
                values.extend(update_terms::values(&model::update::Terms::default()));
            }
            if !open && values.get("version_code").is_some_and(|code| !code.is_empty()) {
                let next = update_terms::next_code(updates).map(|code| code.to_string()).unwrap_or_default();
                values.insert("version_code".to_owned(), next);
            }
            Terms::new(who.visitor.lang, Asks::Release, "publish-", values.clone(), &errors, updates)
        });
        let asked = platform.asked(*action).map(|field| {
            let name = format!("{PREFIX}{}", field.name);
            let value = values.get(&name).cloned().unwrap_or_default();
            draw(field, name, value, who.visitor.lang)
        });
        forms.push(ActionForm {
            l: who.visitor.lang,
            action: *action,
            params: platform.params.get(action).cloned().unwrap_or_default(),
            asked: asked.collect(),
            terms,
            version_required: !platform.version.from_project,
            description_max: platform.description_max,
            values,
            errors,
            open,
            key: crate::model::new_id(),
        });
    }
    Ok(forms)
}

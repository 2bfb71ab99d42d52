//! `/releases/…`: asking for one, its page, its QR, cancel, retry, confirm.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};

use super::find_release;
use super::page::{Errors, Frame, html};
use super::session::SignedIn;
use super::shown::Shown;
use crate::app::App;
use crate::clock::{rfc3339, time_of_day};
use crate::db;
use crate::error::{Error, Result, Text};
use crate::lang::Lang;
use crate::model::log::{Line, Mark, plain};
use crate::model::program::Program;
use crate::model::release::{Action, Environment};
use crate::model::user::{User, Verb};
use crate::ops::{logs, releases};
use crate::store::key;

/// Lines a page opens with, and all of them that it shows without a script; the rest is in the download.
const FIRST_LINES: i64 = 200;

/// From a page's form. The key was drawn with it, so that a double click publishes once.
pub(super) async fn create(
    State(app): State<App>,
    who: SignedIn,
    Path(program): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response> {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let action: Action = field("action").parse().map_err(|_| Error::invalid("action", Text::new("errors.action")))?;
    let request = releases::Request {
        action,
        reference: field("ref"),
        version: field("version"),
        description: field("description"),
        environment: field("environment").parse().unwrap_or(Environment::Production),
        page_path: field("page_path"),
        query: field("query"),
        scene: field("scene"),
        idempotency_key: Some(field("key")),
        retry_of: None,
        without_lockfile: false,
        more: form.clone(),
    };
    match releases::request(&app, &who.user, &program, request).await {
        Ok(release) => Ok(Redirect::to(&format!("/releases/{}", release.id)).into_response()),
        Err(error) => super::programs::with_errors(&app, &who, &program, action, form, Errors::take(error)?).await,
    }
}

#[derive(Template)]
#[template(path = "releases/show.html")]
struct ReleasePage {
    frame: Frame,
    head: Head,
    more: More,
    program_id: String,
    program: String,
    lines: Vec<Line>,
    skipped: i64,
    /// The number of the last line that is stored; the script goes on from there, back and forth.
    last: i64,
    /// Where stages begin, as JSON.
    marks: String,
    /// It cannot be read.
    broken: bool,
    over: bool,
    ended: String,
    first_error: String,
    zone: String,
    remark: String,
    may_remark: bool,
}

/// State, QR, stages: what fits one phone screen. Also sent over the live connection.
#[derive(Template)]
#[template(path = "releases/_head.html")]
pub(super) struct Head {
    l: Lang,
    s: Shown,
    may_stop: bool,
    may_retry: bool,
    may_confirm: bool,
    may_delete: bool,
    /// Whatever one may do to a release of one's own, or to anybody's.
    may: bool,
    /// The failure lies in the lockfile, and the package manager could do without.
    may_drop_lockfile: bool,
    console_url: String,
    retry_key: String,
}

/// Receipt, sizes, parameters: below the log.
#[derive(Template)]
#[template(path = "releases/_more.html")]
pub(super) struct More {
    l: Lang,
    s: Shown,
}

async fn may_in(app: &App, who: &SignedIn, program: Option<&Program>, verb: Verb) -> Result<bool> {
    let Some(program) = program else { return Ok(false) };
    let group = db::programs::find_group(&app.db, who.user.scope(), &program.group_id).await?;
    Ok(group.is_some_and(|group| who.user.may_in(verb, &group.id, group.restricted)))
}

/// Both live parts of a release's page.
pub(super) async fn parts(app: &App, who: &SignedIn, id: &str) -> Result<(Head, More)> {
    let l = who.visitor.lang;
    let listed = find_release(app, &who.user, id).await?;
    let program = db::programs::find(&app.db, who.user.scope(), &listed.release.program_id).await?;
    let console_url = program.as_ref().and_then(|p| app.platforms.get(&p.platform)).map(|p| p.console_url.clone());
    let stages = db::releases::list_stages(&app.db, id).await?;
    let own = listed.release.requested_by == who.user.id;
    let may_any = may_in(app, who, program.as_ref(), Verb::HandleAnyRelease).await?;
    let verb = if listed.release.parameters.action == Action::Publish { Verb::PublishUpdates } else { Verb::Publish };
    let may = may_any || (own && may_in(app, who, program.as_ref(), verb).await?);
    let mut s = Shown::new(app, l, listed.clone(), program.as_ref());
    let active = db::releases::list_active(&app.db, who.user.scope()).await?;
    s.ahead = active
        .iter()
        .filter(|a| a.release.program_id == s.r.program_id && a.release.created_at < s.r.created_at)
        .count();
    s.stages = stages;
    let head = Head {
        l,
        may_stop: may && !s.is_over() && !s.r.cancel_requested,
        may_retry: may
            && s.is_over()
            && !s.is_unconfirmed()
            && program.as_ref().is_some_and(|program| program.archived_at.is_none()),
        may_confirm: s.is_unconfirmed() && may_any,
        may_delete: s.is_over() && may_any,
        may,
        may_drop_lockfile: !s.r.parameters.without_lockfile
            && program.as_ref().is_some_and(|p| p.install_command.is_empty())
            && s.r.failure.as_ref().is_some_and(|f| f.code.starts_with("lockfile_")),
        console_url: console_url.unwrap_or_default(),
        // Drawn with the button: clicking it twice retries once.
        retry_key: crate::model::new_id(),
        s,
    };
    Ok((head, More { l, s: Shown::new(app, l, listed, program.as_ref()) }))
}

pub(super) async fn show(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    let (head, more) = parts(&app, &who, &id).await?;
    // A log that cannot be read must not take the QR code with it.
    let read = beginning(&app, &id).await;
    let broken = read.as_ref().err().map(|error| tracing::error!(release = id, %error, "cannot read a log")).is_some();
    let (marks, lines) = read.unwrap_or_default();
    let last = lines.last().map_or(0, |line| line.n);
    let skipped = lines.first().map_or(0, |line| line.n - 1);
    let frame = Frame::load(&app, &who, format!("{} · {}", head.s.program, head.s.action_text())).await?;
    let (program_id, program, over) = (head.s.r.program_id.clone(), head.s.program.clone(), head.s.is_over());
    Ok(html(&ReleasePage {
        remark: head.s.r.remark.clone(),
        may_remark: head.may,
        frame,
        program_id,
        program,
        lines,
        skipped,
        last,
        marks: serde_json::to_string(&marks)?,
        broken,
        over,
        ended: head.s.r.finished_at.map(|at| at.to_string()).unwrap_or_default(),
        first_error: head.s.r.failure.as_ref().and_then(|f| f.line).map(|n| n.to_string()).unwrap_or_default(),
        head,
        more,
        zone: app.config.tz.clone(),
    }))
}

/// What a page begins with: where stages begin, and the last lines.
async fn beginning(app: &App, id: &str) -> Result<(Vec<Mark>, Vec<Line>)> {
    let (last, marks) = logs::outline(app, id).await?;
    Ok((marks, logs::tail(app, id, last, FIRST_LINES).await?))
}

impl ReleasePage {
    fn plain(&self, text: &str) -> String {
        plain(text)
    }

    /// True where the stage changes: there a header stands.
    fn opens_stage(&self, index: &usize) -> bool {
        *index == 0 || self.lines[*index].stage != self.lines[*index - 1].stage
    }

    fn time(&self, line: &Line) -> String {
        rfc3339(line.t)
    }

    /// Hours, minutes, seconds in the instance's zone; a script shows the viewer's own.
    fn clock(&self, line: &Line) -> String {
        time_of_day(line.t, &self.zone)
    }
}

impl Head {
    fn id(&self) -> &str {
        &self.s.r.id
    }

    fn action(&self) -> String {
        self.s.action_text()
    }
}

pub(super) async fn qr(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    image(&app, &who.user, &id).await
}

pub(super) async fn image(app: &App, user: &User, id: &str) -> Result<Response> {
    let release = find_release(app, user, id).await?.release;
    let bytes = app.store.get(&release.qr_key.ok_or(Error::NotFound)?).await?.ok_or(Error::NotFound)?;
    let (_, kind) = key::image_type(&bytes).ok_or(Error::NotFound)?;
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=3600")], bytes).into_response())
}

pub(super) async fn cancel(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Redirect> {
    releases::cancel(&app, &who.user, &id).await?;
    Ok(Redirect::to(&format!("/releases/{id}")))
}

pub(super) async fn delete(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Redirect> {
    releases::delete(&app, &who.user, &id).await?;
    Ok(Redirect::to("/tasks"))
}

pub(super) async fn retry(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Redirect> {
    let again =
        releases::retry(&app, &who.user, &id, form.contains_key("without_lockfile"), form.get("key").cloned()).await?;
    Ok(Redirect::to(&format!("/releases/{}", again.id)))
}

pub(super) async fn remark(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Redirect> {
    releases::remark(&app, &who.user, &id, form.get("remark").map(String::as_str).unwrap_or_default()).await?;
    Ok(Redirect::to(&format!("/releases/{id}#remark")))
}

pub(super) async fn confirm(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Redirect> {
    releases::confirm(&app, &who.user, &id, form.get("arrived").is_some_and(|value| value == "yes")).await?;
    Ok(Redirect::to(&format!("/releases/{id}")))
}

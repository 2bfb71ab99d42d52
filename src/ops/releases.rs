//! Releases: asking for one, canceling, retrying, confirming.

use serde_json::json;

use super::programs::Form;
use super::{audit, program_for, robots, turns, update_terms};
use crate::app::App;
use crate::bus::Moved;
use crate::clock::{self, HOUR};
use crate::db;
use crate::error::{Error, FieldError, Result, Text};
use crate::model::program::{Program, is_valid_ref};
use crate::model::release::{Action, Environment, Failure, Parameters, Release, Status};
use crate::model::user::{User, Verb};
use crate::model::{new_id, version};
use crate::platform::manifest::Produces;
use crate::platform::{Platform, fields};
use crate::store::key;

const KEYS_LIVE: clock::Ms = 24 * HOUR;

/// As asked for; what the platform does not take for this action is ignored.
#[derive(Debug, Clone)]
pub struct Request {
    pub action: Action,
    pub reference: String,
    /// Empty: the proposed one, or the project's own where the platform can read it.
    pub version: String,
    pub description: String,
    pub environment: Environment,
    pub page_path: String,
    pub query: String,
    pub scene: String,
    /// The same key from the same person gives the same release for 24 hours.
    pub idempotency_key: Option<String>,
    pub retry_of: Option<String>,
    /// Let the package manager choose versions anew.
    pub without_lockfile: bool,
    /// What the platform asks beyond these, as `options.<name>`, and whom an update is for (`update_terms`).
    pub more: Form,
}

/// Queues a release; the one an earlier click with the same key made, where there is one.
pub async fn request(app: &App, actor: &User, program_id: &str, request: Request) -> Result<Release> {
    let verb = if request.action == Action::Publish { Verb::PublishUpdates } else { Verb::Publish };
    let program = program_for(app, actor, verb, program_id).await?;
    let platform = app.platforms.get(&program.platform).ok_or(Error::NotFound)?;
    if program.archived_at.is_some() {
        return Err(Error::Conflict(Text::new("errors.archived")));
    }
    if platform.needs_credential() && db::credentials::find(&app.db, &program.id).await?.is_none() {
        return Err(Error::Conflict(Text::new("errors.no_credential")));
    }
    let mut parameters = checked(platform, &program, &request)?;
    if parameters.version.is_empty() && !platform.version.from_project {
        parameters.version = propose_version(app, &program).await?;
    }
    if platform.version.must_grow && platform.takes(request.action, "version") {
        must_grow(app, &program, &parameters.version).await?;
    }
    let mut tx = app.db.begin().await?;
    db::programs::lock(&mut tx, &program.id).await?;
    robots::lease(app, &mut tx, platform, &program, &mut parameters).await?;
    let release = queued(app, actor, &program, parameters, request.retry_of);
    let key = request.idempotency_key.as_deref().filter(|key| !key.is_empty());
    if !db::releases::insert(&mut tx, &release, key, app.clock.now() - KEYS_LIVE).await? {
        let earlier = db::releases::find_by_key(&mut tx, &actor.id, &program.id, key.unwrap_or_default()).await?;
        return earlier.ok_or_else(|| Error::Conflict(Text::new("errors.try_again")));
    }
    turns::dispatch(app, &mut tx, &program.id).await?;
    tx.commit().await?;
    app.bus.tell(Moved::Release(release.id.clone()));
    app.bus.tell(Moved::Queue);
    let p = &release.parameters;
    let detail = json!({ "action": p.action, "ref": p.reference, "version": p.version, "environment": p.environment });
    audit::note(app, actor, "release.request", (&release.id, &program.name), detail).await;
    Ok(release)
}

fn checked(platform: &Platform, program: &Program, request: &Request) -> Result<Parameters> {
    let taken = |param: &str, value: &str| {
        if platform.takes(request.action, param) { value.trim().to_owned() } else { String::new() }
    };
    let mut errors = Vec::new();
    let mut options = program.options.clone();
    match fields::asked(platform, request.action, &request.more) {
        Ok(asked) => options.extend(asked),
        Err(Error::Invalid(more)) => errors.extend(more),
        Err(other) => return Err(other),
    }
    let terms = match platform.produces {
        Produces::Update => Some(update_terms::checked(&request.more, &mut errors)),
        Produces::Receipt => None,
    };
    if terms.as_ref().is_some_and(|terms| terms.systems.is_empty()) {
        errors.push(FieldError::new("systems", Text::new("errors.systems")));
    }
    if let Some(code) = terms.as_ref().and_then(|terms| terms.version_code) {
        options.insert("version_code".to_owned(), code.into());
    }
    let p = Parameters {
        action: request.action,
        reference: request.reference.trim().to_owned(),
        version: taken("version", &request.version),
        description: taken("description", &request.description),
        environment: request.environment,
        page_path: taken("page_path", &request.page_path),
        query: taken("query", &request.query),
        scene: taken("scene", &request.scene),
        options,
        without_lockfile: request.without_lockfile,
        terms,
    };
    let one_line = |text: &str, max: usize| text.chars().count() <= max && !text.chars().any(char::is_control);
    let mut require = |ok: bool, field: &str, key: &'static str| {
        if !ok {
            errors.push(FieldError { field: field.into(), text: Text::new(key) });
        }
    };
    require(platform.actions.contains(&p.action), "action", "errors.action");
    require(is_valid_ref(&p.reference), "ref", "errors.reference");
    require(p.version.is_empty() || version::is_valid(&p.version), "version", "errors.version");
    let fits = platform.version.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&p.version));
    require(p.version.is_empty() || fits, "version", "errors.version_pattern");
    require(one_line(&p.page_path, 500) && !p.page_path.starts_with('/'), "page_path", "errors.page_path");
    require(one_line(&p.query, 1000), "query", "errors.too_long");
    require(p.scene.is_empty() || p.scene.parse::<u32>().is_ok(), "scene", "errors.scene");
    if p.description.chars().count() > platform.description_max {
        let text = Text::new("errors.longer_than").arg("max", platform.description_max.to_string());
        errors.push(FieldError::new("description", text));
    }
    if errors.is_empty() { Ok(p) } else { Err(Error::Invalid(errors)) }
}

/// The vendor would refuse it too, but only after everything was built.
async fn must_grow(app: &App, program: &Program, version: &str) -> Result<()> {
    let last = db::releases::last_receipt(&app.db, &program.id).await?;
    match last.filter(|last| version::compare(version, &last.version).is_some_and(|order| order.is_le())) {
        Some(last) => Err(Error::invalid("version", Text::new("errors.version_not_higher").arg("last", last.version))),
        None => Ok(()),
    }
}

fn queued(app: &App, actor: &User, program: &Program, parameters: Parameters, retry_of: Option<String>) -> Release {
    Release {
        id: new_id(),
        program_id: program.id.clone(),
        parameters,
        status: Status::Queued,
        stage: None,
        attempt: 0,
        dispatched_at: None,
        lease_until: None,
        cancel_requested: false,
        retry_of,
        remark: String::new(),
        commit: None,
        commit_subject: None,
        failure: None,
        receipt: None,
        sizes: vec![],
        qr_key: None,
        qr_expires_at: None,
        requested_by: actor.id.clone(),
        created_at: app.clock.now(),
        started_at: None,
        finished_at: None,
    }
}

/// The version a form proposes: by the platform's rule, counting today's releases of the program. Empty where the
/// project's own is a better guess.
pub async fn propose_version(app: &App, program: &Program) -> Result<String> {
    let platform = app.platforms.get(&program.platform).ok_or(Error::NotFound)?;
    let zone = &app.config.tz;
    let now = app.clock.now();
    let (Some(day), Some(since)) = (clock::date_in(now, zone), clock::day_start(now, zone)) else {
        return Err(Error::Internal(anyhow::anyhow!("time zone {zone}")));
    };
    let n = 1 + db::releases::count_since(&app.db, &program.id, since).await?;
    let last = db::releases::last_receipt(&app.db, &program.id).await?.map(|receipt| receipt.version);
    if last.is_none() && platform.version.from_project {
        return Ok(String::new());
    }
    Ok(version::propose(platform.version.rule, day, n, last.as_deref()))
}

/// Stops a release: at once while queued, else the runner is told and ends it.
pub async fn cancel(app: &App, actor: &User, id: &str) -> Result<()> {
    let release = own_or_any(app, actor, id).await?;
    let mut tx = app.db.begin().await?;
    db::programs::lock(&mut tx, &release.program_id).await?;
    if db::releases::cancel_queued(&mut tx, id, app.clock.now()).await? {
        turns::dispatch(app, &mut tx, &release.program_id).await?;
    } else if !db::releases::request_cancel(&mut tx, id).await? {
        return Err(Error::Conflict(Text::new("errors.already_finished")));
    }
    tx.commit().await?;
    app.bus.tell(Moved::Release(id.to_owned()));
    app.bus.tell(Moved::Queue);
    audit::note(app, actor, "release.cancel", (id, ""), json!(null)).await;
    Ok(())
}

/// The same again as a new release: for a preview a fresh QR.
pub async fn retry(
    app: &App,
    actor: &User,
    id: &str,
    without_lockfile: bool,
    idempotency_key: Option<String>,
) -> Result<Release> {
    let old = own_or_any(app, actor, id).await?;
    if !old.status.is_final() {
        return Err(Error::Conflict(Text::new("errors.not_finished")));
    }
    if old.status == Status::Unconfirmed {
        return Err(Error::Conflict(Text::new("errors.confirm_first")));
    }
    let p = old.parameters;
    // A version the vendor has already seen would hide which build a tester scans.
    let fresh = old.status == Status::Succeeded;
    let program = db::programs::find(&app.db, actor.scope(), &old.program_id).await?.ok_or(Error::NotFound)?;
    let version = if fresh { propose_version(app, &program).await? } else { p.version };
    let mut more: Form =
        p.options.iter().map(|(name, value)| (format!("{}{name}", fields::PREFIX), fields::shown(value))).collect();
    if let Some(mut terms) = p.terms {
        if fresh && terms.version_code.is_some() {
            terms.version_code =
                update_terms::next_code(&db::updates::list_of_program(&app.db, actor.scope(), &program.id).await?);
        }
        more.extend(update_terms::values(&terms));
    }
    let again = Request {
        action: p.action,
        reference: p.reference,
        version,
        description: p.description,
        environment: p.environment,
        page_path: p.page_path,
        query: p.query,
        scene: p.scene,
        idempotency_key,
        retry_of: Some(old.id),
        without_lockfile: p.without_lockfile || without_lockfile,
        more,
    };
    request(app, actor, &old.program_id, again).await
}

/// After a crash during delivery: a person looked at the vendor's console.
pub async fn confirm(app: &App, actor: &User, id: &str, arrived: bool) -> Result<()> {
    let release = db::releases::find(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?.release;
    program_for(app, actor, Verb::HandleAnyRelease, &release.program_id).await?;
    let (status, failure) = match arrived {
        true => (Status::Succeeded, None),
        false => (Status::Failed, Some(Failure::new("confirmed_failed", ""))),
    };
    let mut tx = app.db.begin().await?;
    if !db::releases::confirm(&mut tx, id, status.as_str(), failure.as_ref()).await? {
        return Err(Error::Conflict(Text::new("errors.not_unconfirmed")));
    }
    tx.commit().await?;
    app.bus.tell(Moved::Release(id.to_owned()));
    audit::note(app, actor, "release.confirm", (id, ""), json!({ "arrived": arrived })).await;
    Ok(())
}

/// Forgets one that ended, with its log and its objects. What the vendor has, it keeps; so do phones.
pub async fn delete(app: &App, actor: &User, id: &str) -> Result<()> {
    let release = db::releases::find(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?.release;
    let program = program_for(app, actor, Verb::HandleAnyRelease, &release.program_id).await?;
    let mut tx = app.db.begin().await?;
    let log = db::logs::find_key(&mut tx, id).await?;
    if !db::releases::delete_ended(&mut tx, id).await? {
        return Err(Error::Conflict(Text::new("errors.not_finished")));
    }
    tx.commit().await?;
    for key in release.qr_key.iter().chain(&log).chain([&key::contents(id)]) {
        app.store.delete(key).await?;
    }
    app.bus.tell(Moved::Programs);
    let p = &release.parameters;
    let detail = json!({ "action": p.action, "ref": p.reference, "version": p.version, "status": release.status });
    audit::note(app, actor, "release.delete", (id, &program.name), detail).await;
    Ok(())
}

/// A note for people, written at any time: "this one went to the customer".
pub async fn remark(app: &App, actor: &User, id: &str, text: &str) -> Result<()> {
    let release = own_or_any(app, actor, id).await?;
    let text = text.trim();
    if text.chars().count() > 200 {
        return Err(Error::invalid("remark", Text::new("errors.too_long")));
    }
    db::releases::set_remark(&app.db, &release.id, text).await?;
    let detail = json!({ "remark": [release.remark, text] });
    audit::note(app, actor, "release.remark", (&release.id, ""), detail).await;
    app.bus.tell(Moved::Release(release.id));
    Ok(())
}

async fn own_or_any(app: &App, actor: &User, id: &str) -> Result<Release> {
    let release = db::releases::find(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?.release;
    let own = release.requested_by == actor.id;
    let verb = match (own, release.parameters.action) {
        (false, _) => Verb::HandleAnyRelease,
        (true, Action::Publish) => Verb::PublishUpdates,
        (true, _) => Verb::Publish,
    };
    program_for(app, actor, verb, &release.program_id).await?;
    Ok(release)
}

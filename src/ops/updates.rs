//! Updates: publishing what a release built, adding by hand, editing, taking back. Phones see a change when it is stored.

use std::path::Path;

use serde_json::json;

use super::programs::Form;
use super::{allow_in, audit, update_terms};
use crate::app::App;
use crate::bus::Moved;
use crate::clock::Ms;
use crate::db::{self, Tx};
use crate::error::{Error, FieldError, Result, Text};
use crate::model::audit::changes;
use crate::model::new_id;
use crate::model::program::Program;
use crate::model::release::{Action, Delivered, Receipt, Release};
use crate::model::update::{Kind, Package, Terms, Update, statement};
use crate::model::user::{User, Verb};
use crate::model::version;
use crate::package::{self, Manifest};
use crate::platform::manifest::Produces;
use crate::store::{Staged, key};

/// A program whose releases make updates.
pub async fn program(app: &App, actor: &User, id: &str) -> Result<Program> {
    let program = db::programs::find(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    let platform = app.platforms.get(&program.platform).ok_or(Error::NotFound)?;
    if platform.produces == Produces::Update { Ok(program) } else { Err(Error::NotFound) }
}

/// The same, for somebody who wants to publish there; asked before a person's bytes are taken in.
pub async fn program_to_publish(app: &App, actor: &User, id: &str) -> Result<Program> {
    let program = program(app, actor, id).await?;
    allow_in(app, actor, Verb::PublishUpdates, &program.group_id).await?;
    Ok(program)
}

/// An update in sight, and leave to change it.
async fn update_for(app: &App, actor: &User, id: &str) -> Result<Update> {
    let update = db::updates::find(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?.update;
    program_to_publish(app, actor, &update.program_id).await?;
    Ok(update)
}

fn about(update: &Update) -> serde_json::Value {
    json!({ "kind": update.kind, "version": update.version, "version_code": update.version_code,
        "channel": update.channel, "min_native": update.min_native, "max_native": update.max_native,
        "mode": update.mode, "enabled": update.enabled, "link": update.link, "changelog": update.changelog,
        "remark": update.remark, "sha256": update.package.as_ref().map(|package| &package.sha256) })
}

/// An update by hand: a wgt or an apk in the store, a link, or a native build that phones already run.
pub async fn add(app: &App, actor: &User, id: &str, form: &Form, staged: Option<&Staged>) -> Result<Update> {
    let program = program_to_publish(app, actor, id).await?;
    let mut errors = Vec::new();
    let terms = update_terms::checked(form, &mut errors);
    let field = |name: &str| form.get(name).map(|text| text.trim()).unwrap_or_default();
    let kind: Kind = field("kind").parse().map_err(|_| Error::invalid("kind", Text::new("errors.choice")))?;
    let link = Some(field("link")).filter(|link| !link.is_empty());
    let embedded = match field("embedded_wgt_code") {
        "" => None,
        text => {
            let code = text.parse().ok().filter(|code| package::is_code(*code));
            if code.is_none() {
                errors.push(FieldError::new("embedded_wgt_code", Text::new("errors.version_code")));
            }
            code
        }
    };
    match (staged, link) {
        (None, None) if kind.is_wgt() => errors.push(FieldError::new("file", Text::new("errors.required"))),
        (Some(_), _) if kind.extension().is_none() => {
            errors.push(FieldError::new("file", Text::new("errors.link_only")));
        }
        (Some(_), Some(_)) => errors.push(FieldError::new("link", Text::new("errors.file_or_link"))),
        (_, Some(_)) if kind.is_wgt() => errors.push(FieldError::new("link", Text::new("errors.file_only"))),
        (_, Some(link)) if !is_link(link) => errors.push(FieldError::new("link", Text::new("errors.link"))),
        _ => {}
    }
    if !kind.is_wgt() {
        if version::compare(field("version"), "0").is_none() {
            errors.push(FieldError::new("version", Text::new("errors.version_dotted")));
        }
        if terms.version_code.is_none() && errors.iter().all(|error| error.field != "version_code") {
            errors.push(FieldError::new("version_code", Text::new("errors.required")));
        }
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let manifest = match staged {
        Some(staged) => inspect(&staged.path, kind).await?,
        None => None,
    };
    if let Some(manifest) = &manifest {
        check_manifest(&program, manifest)?;
    }
    let (version, version_code) = match &manifest {
        Some(manifest) => (manifest.version.clone(), manifest.version_code),
        None => (field("version").to_owned(), terms.version_code.unwrap_or_default()),
    };
    let draft = Draft { kind, version, version_code, terms: &terms, link: link.map(str::to_owned), embedded };
    let mut tx = app.db.begin().await?;
    db::programs::lock(&mut tx, &program.id).await?;
    let update = draft.place(app, &mut tx, &program, staged, &actor.id, None).await?;
    if let Some(staged) = staged {
        app.store.keep(staged, &key::package(&staged.sha256)).await?;
    }
    tx.commit().await?;
    changed(app).await?;
    audit::note(app, actor, "update.add", (&update.id, &program.name), about(&update)).await;
    Ok(update)
}

/// What a release built becomes an update for each system it is for; `None` when another attempt owns the release.
/// A release that got this far before publishes nothing twice.
pub async fn publish(
    app: &App,
    release: &Release,
    program: &Program,
    terms: &Terms,
    staged: &Staged,
    manifest: &Manifest,
) -> Result<Option<Vec<Update>>> {
    check_manifest(program, manifest)?;
    let mut tx = app.db.begin().await?;
    db::programs::lock(&mut tx, &program.id).await?;
    if !db::releases::hold(&mut tx, &release.id, release.attempt).await? {
        return Ok(None);
    }
    let mut updates = db::updates::list_of_release(&mut tx, &release.id).await?;
    if updates.is_empty() {
        for os in &terms.systems {
            let (version, version_code) = (manifest.version.clone(), manifest.version_code);
            let draft = Draft { kind: os.wgt(), version, version_code, terms, link: None, embedded: None };
            let by = &release.requested_by;
            updates.push(draft.place(app, &mut tx, program, Some(staged), by, Some(&release.id)).await?);
        }
        app.store.keep(staged, &key::package(&staged.sha256)).await?;
    }
    tx.commit().await?;
    changed(app).await?;
    if let Some(by) = db::users::find(&app.db, &release.requested_by).await? {
        for update in &updates {
            audit::note(app, &by, "update.publish", (&update.id, &program.name), about(update)).await;
        }
    }
    Ok(Some(updates))
}

/// Changes what a person decided; never the bytes or their version.
pub async fn edit(app: &App, actor: &User, id: &str, form: &Form) -> Result<Update> {
    let mut update = update_for(app, actor, id).await?;
    let before = about(&update);
    let mut errors = Vec::new();
    let terms = update_terms::checked(form, &mut errors);
    let link = form.get("link").map(|link| link.trim().to_owned()).filter(|link| !link.is_empty());
    if link.as_deref().is_some_and(|link| !is_link(link)) {
        errors.push(FieldError::new("link", Text::new("errors.link")));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let mut tx = app.db.begin().await?;
    db::programs::lock(&mut tx, &update.program_id).await?;
    let others = db::updates::list_within(&mut tx, &update.program_id).await?;
    let range = (terms.min_native.or(update.min_native), terms.max_native);
    (update.min_native, update.max_native) =
        update_terms::range(update.kind, range, &others).map_err(|error| Error::Invalid(vec![error]))?;
    update_terms::above_native(&update, &others).map_err(|error| Error::invalid("min_native", error.text))?;
    if !update.kind.is_wgt() && update.package.is_none() {
        update.link = link;
    }
    (update.mode, update.changelog, update.remark) = (terms.mode, terms.changelog, terms.remark);
    update.updated_at = app.clock.now();
    db::updates::update(&mut tx, &update).await?;
    tx.commit().await?;
    changed(app).await?;
    audit::note(app, actor, "update.edit", (id, &update.version), changes(&before, &about(&update))).await;
    Ok(update)
}

/// Offers an update, or stops offering it; phones that have it keep it.
pub async fn set_enabled(app: &App, actor: &User, id: &str, enabled: bool) -> Result<()> {
    let mut update = update_for(app, actor, id).await?;
    (update.enabled, update.updated_at) = (enabled, app.clock.now());
    let mut tx = app.db.begin().await?;
    db::updates::update(&mut tx, &update).await?;
    tx.commit().await?;
    changed(app).await?;
    audit::note(app, actor, "update.offer", (id, &update.version), json!({ "enabled": enabled })).await;
    Ok(())
}

/// Forgets an update and its bytes. A native build that a wgt refers to stays. Gives the program's id.
pub async fn delete(app: &App, actor: &User, id: &str) -> Result<String> {
    let update = update_for(app, actor, id).await?;
    let mut tx = app.db.begin().await?;
    db::programs::lock(&mut tx, &update.program_id).await?;
    let others = db::updates::list_within(&mut tx, &update.program_id).await?;
    let mut needing: Vec<&str> =
        others.iter().filter(|other| update.is_needed_by(other)).map(|other| other.version.as_str()).collect();
    if !needing.is_empty() {
        needing.truncate(5);
        return Err(Error::Conflict(Text::new("errors.update_needed").arg("versions", needing.join(", "))));
    }
    db::updates::delete(&mut tx, id).await?;
    tx.commit().await?;
    changed(app).await?;
    if let Some(package) = &update.package {
        forget_bytes(app, &update.program_id, &package.sha256).await?;
    }
    audit::note(app, actor, "update.delete", (id, &update.version), about(&update)).await;
    Ok(update.program_id)
}

/// Under the program's lock, so that nobody adds the same bytes in between.
async fn forget_bytes(app: &App, program: &str, sha256: &str) -> Result<()> {
    let mut tx = app.db.begin().await?;
    db::programs::lock(&mut tx, program).await?;
    if !db::updates::is_package_used(&mut tx, sha256).await? {
        app.store.delete(&key::package(sha256)).await?;
    }
    Ok(tx.commit().await?)
}

/// What a release left behind that published; `None` where it did not get that far.
pub(crate) async fn delivered(app: &App, release: &Release) -> Result<Option<Delivered>> {
    if release.parameters.action != Action::Publish {
        return Ok(None);
    }
    let mut tx = app.db.begin().await?;
    let made = db::updates::list_of_release(&mut tx, &release.id).await?;
    tx.commit().await?;
    Ok(receipt_of(&made, app.clock.now()).map(|receipt| Delivered {
        receipt,
        sizes: release.sizes.clone(),
        qr_key: None,
        qr_expires_at: None,
    }))
}

/// What was published, in place of a vendor's answer.
pub fn receipt_of(made: &[Update], now: Ms) -> Option<Receipt> {
    let first = made.first()?;
    let kinds: Vec<&str> = made.iter().map(|update| update.kind.as_str()).collect();
    let package = first.package.as_ref();
    let vendor = serde_json::json!({
        "version_code": first.version_code, "channel": first.channel, "kinds": kinds.join(", "),
        "sha256": package.map(|p| &p.sha256), "signature": package.map(|p| &p.signature),
    });
    Some(Receipt { version: first.version.clone(), qr_url: None, vendor, received_at: now })
}

/// Follows changes that other processes make, until the process ends.
pub async fn keep_catalogue(app: App) {
    let mut bus = app.bus.listen();
    while let Some(moved) = bus.next().await {
        if matches!(moved, Moved::Updates | Moved::Programs | Moved::Anything)
            && let Err(error) = app.refresh_catalogue().await
        {
            tracing::warn!(%error, "cannot read the updates; phones are answered from the old ones");
        }
    }
}

/// What a package says of itself, read off the async threads.
pub async fn inspect(path: &Path, kind: Kind) -> Result<Option<Manifest>> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || package::inspect(&path, kind)).await?;
    read.map_err(|text| Error::invalid("file", text))
}

fn check_manifest(program: &Program, manifest: &Manifest) -> Result<()> {
    if manifest.id != program.app_id {
        let text = Text::new("failures.update_other_app").arg("1", manifest.id.clone());
        return Err(Error::invalid("file", text.arg("2", program.app_id.clone())));
    }
    if version::compare(&manifest.version, "0").is_none() {
        let text = Text::new("failures.update_version_not_dotted").arg("1", manifest.version.clone());
        return Err(Error::invalid("file", text));
    }
    Ok(())
}

/// Shops and plain web addresses; nothing that runs code in a page.
fn is_link(link: &str) -> bool {
    let rest = ["https://", "http://", "itms-apps://", "market://"].iter().find_map(|scheme| link.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && link.len() <= 1000
        && !link.chars().any(|c| c.is_whitespace() || c.is_control() || "\"'<>".contains(c))
}

/// An update that is about to find its place among the others.
struct Draft<'a> {
    kind: Kind,
    version: String,
    version_code: i64,
    terms: &'a Terms,
    link: Option<String>,
    embedded: Option<i64>,
}

impl Draft<'_> {
    /// Checks the rules and stores the row. Call under the program's lock.
    async fn place(
        self,
        app: &App,
        tx: &mut Tx,
        program: &Program,
        staged: Option<&Staged>,
        by: &str,
        release: Option<&str>,
    ) -> Result<Update> {
        let refused = |error: FieldError| Error::Invalid(vec![error]);
        let others = db::updates::list_within(tx, &program.id).await?;
        let asked = (self.terms.min_native, self.terms.max_native);
        let (min_native, max_native) = update_terms::range(self.kind, asked, &others).map_err(refused)?;
        let package = match staged {
            Some(staged) => {
                let bytes = staged.bytes as i64;
                let text = statement(&program.id, &self.version, self.version_code, &staged.sha256, bytes);
                Some(Package { sha256: staged.sha256.clone(), bytes, signature: app.signer.sign(&text)? })
            }
            None => None,
        };
        let now = app.clock.now();
        let update = Update {
            id: new_id(),
            program_id: program.id.clone(),
            kind: self.kind,
            version: self.version,
            version_code: self.version_code,
            channel: self.terms.channel.clone(),
            min_native,
            max_native,
            mode: self.terms.mode,
            enabled: true,
            package,
            link: self.link,
            embedded_wgt_code: self.embedded,
            changelog: self.terms.changelog.clone(),
            remark: self.terms.remark.clone(),
            release_id: release.map(str::to_owned),
            created_by: by.to_owned(),
            created_at: now,
            updated_at: now,
        };
        update_terms::fits(&update, &others).map_err(refused)?;
        db::updates::insert(tx, &update).await?;
        Ok(update)
    }
}

/// This process's phones see it at once; the bus tells the others.
async fn changed(app: &App) -> Result<()> {
    app.refresh_catalogue().await?;
    app.bus.tell(Moved::Updates);
    Ok(())
}

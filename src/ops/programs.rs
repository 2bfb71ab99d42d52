//! Programs: adding, editing, archiving, deleting.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::accounts::checked_name;
use super::{allow_in, audit, program_for, program_settings, repositories};
use crate::app::App;
use crate::bus::Moved;
use crate::db;
use crate::error::{Error, FieldError, Result, Text};
use crate::git;
use crate::model::audit::changes;
use crate::model::new_id;
use crate::model::program::{Program, is_plain_relative, is_valid_ref, is_valid_repo_url, without_credentials};
use crate::model::user::{User, Verb};
use crate::platform::fields;
use crate::platform::manifest::Produces;

/// As typed: field name → text, names as in the contract, options as `options.<name>`.
pub type Form = BTreeMap<String, String>;

pub async fn create(app: &App, actor: &User, form: &Form) -> Result<Program> {
    if !actor.role.may(Verb::EditPrograms) {
        return Err(Error::Forbidden);
    }
    let mut form = form.clone();
    let login = repositories::take_login(&mut form)?;
    let platform = form.get("platform").cloned().unwrap_or_default();
    let now = app.clock.now();
    let program = checked(app, actor, &platform, &form, new_id(), now).await?;
    allow_in(app, actor, Verb::EditPrograms, &program.group_id).await?;
    one_of_its_app_id(app, &program).await?;
    unique("name", db::programs::insert(&app.db, &program).await)?;
    app.refresh_catalogue().await?;
    if let Some(login) = login {
        repositories::store_login(app, &program.id, login).await?;
    }
    app.bus.tell(Moved::Programs);
    audit::note(app, actor, "program.create", (&program.id, &program.name), changes(&Value::Null, &shown(&program)))
        .await;
    Ok(program)
}

pub async fn update(app: &App, actor: &User, id: &str, form: &Form) -> Result<Program> {
    let old = program_for(app, actor, Verb::EditPrograms, id).await?;
    let mut form = form.clone();
    let login = repositories::take_login(&mut form)?;
    let program = checked(app, actor, &old.platform, &form, old.id.clone(), old.created_at).await?;
    allow_in(app, actor, Verb::EditPrograms, &program.group_id).await?;
    one_of_its_app_id(app, &program).await?;
    unique("name", db::programs::update(&app.db, &program).await)?;
    app.refresh_catalogue().await?;
    if let Some(login) = login {
        repositories::store_login(app, &program.id, login).await?;
    } else if git::host_of(&old.repo_url) != git::host_of(&program.repo_url) {
        // A token was given for one host; whoever may edit the address must not send it to another.
        db::repositories::delete_credential(&app.db, &program.id).await?;
    }
    app.bus.tell(Moved::Programs);
    let changed = changes(&shown(&old), &shown(&program));
    audit::note(app, actor, "program.update", (&program.id, &program.name), changed).await;
    Ok(program)
}

/// An archived program takes no releases and leaves the lists; nothing of it is lost.
pub async fn archive(app: &App, actor: &User, id: &str, archived: bool) -> Result<()> {
    let program = program_for(app, actor, Verb::EditPrograms, id).await?;
    db::programs::set_archived(&app.db, id, archived.then(|| app.clock.now())).await?;
    app.bus.tell(Moved::Programs);
    audit::note(app, actor, "program.archive", (id, &program.name), json!({ "archived": archived })).await;
    Ok(())
}

/// Only one that never had a release or an update: the others are archived, their history stays.
pub async fn delete(app: &App, actor: &User, id: &str) -> Result<()> {
    let program = program_for(app, actor, Verb::EditPrograms, id).await?;
    let updates = db::updates::list_of_program(&app.db, actor.scope(), id).await?;
    let mut tx = app.db.begin().await?;
    if !updates.is_empty() || !db::programs::delete_unused(&mut tx, id).await? {
        return Err(Error::Conflict(Text::new("errors.program_used")));
    }
    tx.commit().await?;
    app.refresh_catalogue().await?;
    app.bus.tell(Moved::Programs);
    audit::note(app, actor, "program.delete", (id, &program.name), changes(&shown(&program), &Value::Null)).await;
    Ok(())
}

/// As the audit log keeps it: no login in an address, no secret.
fn shown(p: &Program) -> Value {
    let mut value = json!({
        "name": p.name, "group": p.group_id, "platform": p.platform, "app_id": p.app_id,
        "repo_url": without_credentials(&p.repo_url), "default_ref": p.default_ref, "root_dir": p.root_dir,
        "install_command": p.install_command, "build_command": p.build_command,
        "dev_build_command": p.dev_build_command, "output_dir": p.output_dir, "options": p.options,
    });
    value["settings"] = serde_json::to_value(&p.settings).unwrap_or_default();
    value
}

async fn checked(app: &App, actor: &User, platform: &str, form: &Form, id: String, created_at: i64) -> Result<Program> {
    let field = |name: &str| form.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    let mut errors = Vec::new();
    let mut require = |ok: bool, name: &str, key: &'static str| {
        if !ok {
            errors.push(FieldError { field: name.into(), text: Text::new(key) });
        }
    };
    let kind = app.platforms.get(platform);
    let group_id = field("group");
    require(kind.is_some(), "platform", "errors.platform");
    require(db::programs::find_group(&app.db, actor.scope(), &group_id).await?.is_some(), "group", "errors.group");
    require(checked_name(&field("name")).is_ok(), "name", "errors.name");
    require(kind.is_none_or(|p| p.valid_app_id(&field("app_id"))), "app_id", "errors.app_id");
    require(is_valid_repo_url(&field("repo_url")), "repo_url", "errors.repo_url");
    require(is_valid_ref(&field("default_ref")), "default_ref", "errors.reference");
    require(is_plain_relative(&field("root_dir")), "root_dir", "errors.path");
    require(is_plain_relative(&field("output_dir")), "output_dir", "errors.path");
    for name in ["install_command", "build_command", "dev_build_command"] {
        require(!field(name).contains(['\n', '\0']) && field(name).len() <= 2000, name, "errors.command");
    }
    let options = match kind.map(|kind| fields::options(kind, form)) {
        Some(Ok(options)) => options,
        Some(Err(Error::Invalid(more))) => {
            errors.extend(more);
            Default::default()
        }
        Some(Err(other)) => return Err(other),
        None => Default::default(),
    };
    let settings = program_settings::checked(form, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    Ok(Program {
        id,
        group_id,
        name: field("name"),
        platform: platform.to_owned(),
        app_id: field("app_id"),
        repo_url: field("repo_url"),
        default_ref: field("default_ref"),
        root_dir: field("root_dir"),
        install_command: field("install_command"),
        build_command: field("build_command"),
        dev_build_command: field("dev_build_command"),
        output_dir: field("output_dir"),
        options,
        settings,
        archived_at: None,
        created_at,
        updated_at: app.clock.now(),
    })
}

/// Phones name their program by its app id, where we answer them.
async fn one_of_its_app_id(app: &App, program: &Program) -> Result<()> {
    let answers = app.platforms.get(&program.platform).is_some_and(|p| p.produces == Produces::Update);
    if !answers {
        return Ok(());
    }
    match db::programs::find_twin(&app.db, &program.id, &program.platform, &program.app_id).await? {
        Some(twin) => Err(Error::invalid("app_id", Text::new("errors.app_id_taken").arg("name", twin.name))),
        None => Ok(()),
    }
}

/// A database that refuses a second one of the same name speaks of that field.
pub(super) fn unique(field: &str, done: anyhow::Result<()>) -> Result<()> {
    match done {
        Err(error) if db::is_duplicate(&error) => Err(Error::invalid(field, Text::new("errors.taken"))),
        done => Ok(done?),
    }
}

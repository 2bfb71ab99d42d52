//! Groups and programs: adding, editing.

use std::collections::BTreeMap;

use super::{allow, program_settings, repositories};
use crate::app::App;
use crate::bus::Moved;
use crate::db;
use crate::error::{Error, FieldError, Result, Text};
use crate::git;
use crate::model::new_id;
use crate::model::program::{Group, Program, is_plain_relative, is_valid_ref, is_valid_repo_url};
use crate::model::user::{User, Verb};
use crate::platform::fields;
use crate::platform::manifest::Produces;

pub async fn create_group(app: &App, actor: &User, name: &str) -> Result<Group> {
    allow(actor, Verb::EditPrograms)?;
    let group = Group { id: new_id(), name: checked_name(name)?, created_at: app.clock.now() };
    unique("name", db::programs::insert_group(&app.db, &group).await)?;
    app.bus.tell(Moved::Programs);
    Ok(group)
}

pub async fn rename_group(app: &App, actor: &User, id: &str, name: &str) -> Result<()> {
    allow(actor, Verb::EditPrograms)?;
    db::programs::find_group(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    unique("name", db::programs::rename_group(&app.db, id, &checked_name(name)?).await)?;
    app.bus.tell(Moved::Programs);
    Ok(())
}

/// Only an empty group can go.
pub async fn delete_group(app: &App, actor: &User, id: &str) -> Result<()> {
    allow(actor, Verb::EditPrograms)?;
    db::programs::find_group(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    if !db::programs::delete_empty_group(&app.db, id).await? {
        return Err(Error::Conflict(Text::new("errors.group_not_empty")));
    }
    app.bus.tell(Moved::Programs);
    Ok(())
}

/// As typed: field name → text, names as in the contract, options as `options.<name>`.
pub type Form = BTreeMap<String, String>;

pub async fn create(app: &App, actor: &User, form: &Form) -> Result<Program> {
    allow(actor, Verb::EditPrograms)?;
    let mut form = form.clone();
    let login = repositories::take_login(&mut form)?;
    let platform = form.get("platform").cloned().unwrap_or_default();
    let now = app.clock.now();
    let program = checked(app, actor, &platform, &form, new_id(), now).await?;
    one_of_its_app_id(app, &program).await?;
    unique("name", db::programs::insert(&app.db, &program).await)?;
    app.refresh_catalogue().await?;
    if let Some(login) = login {
        repositories::store_login(app, &program.id, login).await?;
    }
    app.bus.tell(Moved::Programs);
    Ok(program)
}

pub async fn update(app: &App, actor: &User, id: &str, form: &Form) -> Result<Program> {
    allow(actor, Verb::EditPrograms)?;
    let old = db::programs::find(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    let mut form = form.clone();
    let login = repositories::take_login(&mut form)?;
    let program = checked(app, actor, &old.platform, &form, old.id, old.created_at).await?;
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
    Ok(program)
}

/// An archived program takes no releases and leaves the lists; nothing of it is lost.
pub async fn archive(app: &App, actor: &User, id: &str, archived: bool) -> Result<()> {
    allow(actor, Verb::EditPrograms)?;
    db::programs::find(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    db::programs::set_archived(&app.db, id, archived.then(|| app.clock.now())).await?;
    app.bus.tell(Moved::Programs);
    Ok(())
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

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    let fine = !name.is_empty() && name.chars().count() <= 60 && !name.chars().any(char::is_control);
    if fine { Ok(name.to_owned()) } else { Err(Error::invalid("name", Text::new("errors.name"))) }
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
fn unique(field: &str, done: anyhow::Result<()>) -> Result<()> {
    match done {
        Err(error) if db::is_duplicate(&error) => Err(Error::invalid(field, Text::new("errors.taken"))),
        done => Ok(done?),
    }
}

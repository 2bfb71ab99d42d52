//! Groups and their members: adding, renaming, restricting, deleting.

use serde_json::json;

use super::{allow, allow_in, audit};
use crate::app::App;
use crate::bus::Moved;
use crate::db;
use crate::error::{Error, Result, Text};
use crate::model::audit::changes;
use crate::model::new_id;
use crate::model::program::Group;
use crate::model::user::{Membership, User, Verb};
use crate::ops::accounts::checked_name;
use crate::ops::programs::unique;

pub async fn create(app: &App, actor: &User, name: &str, restricted: bool) -> Result<Group> {
    allow(actor, Verb::EditPrograms)?;
    let group = Group { id: new_id(), name: checked_name(name)?, restricted, created_at: app.clock.now() };
    unique("name", db::programs::insert_group(&app.db, &group).await)?;
    app.bus.tell(Moved::Programs);
    audit::note(app, actor, "group.create", (&group.id, &group.name), json!({ "restricted": restricted })).await;
    Ok(group)
}

pub async fn update(app: &App, actor: &User, id: &str, name: &str, restricted: bool) -> Result<Group> {
    allow_in(app, actor, Verb::EditPrograms, id).await?;
    let before = db::programs::find_group(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    let group = Group { name: checked_name(name)?, restricted, ..before.clone() };
    unique("name", db::programs::update_group(&app.db, id, &group.name, restricted).await)?;
    app.bus.tell(Moved::Programs);
    app.bus.tell(Moved::Anything);
    let shown = |group: &Group| json!({ "name": group.name, "restricted": group.restricted });
    audit::note(app, actor, "group.update", (id, &group.name), changes(&shown(&before), &shown(&group))).await;
    Ok(group)
}

/// Only an empty group can go.
pub async fn delete(app: &App, actor: &User, id: &str) -> Result<()> {
    allow_in(app, actor, Verb::EditPrograms, id).await?;
    let group = db::programs::find_group(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    if !db::programs::delete_empty_group(&app.db, id).await? {
        return Err(Error::Conflict(Text::new("errors.group_not_empty")));
    }
    app.bus.tell(Moved::Programs);
    audit::note(app, actor, "group.delete", (id, &group.name), json!(null)).await;
    Ok(())
}

pub async fn members(app: &App, actor: &User, id: &str) -> Result<Vec<db::members::Listed>> {
    allow_in(app, actor, Verb::EditPrograms, id).await?;
    Ok(db::members::list_of_group(&app.db, id).await?)
}

/// Lets somebody in, or changes what they may do there.
pub async fn set_member(
    app: &App,
    actor: &User,
    id: &str,
    login: &str,
    can_publish: bool,
    can_publish_updates: bool,
) -> Result<()> {
    allow_in(app, actor, Verb::EditPrograms, id).await?;
    let group = db::programs::find_group(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    let user = db::users::find_by_login(&app.db, &login.trim().to_lowercase()).await?;
    let user = user.ok_or_else(|| Error::invalid("login", Text::new("errors.no_such_user")))?;
    let membership = Membership { group_id: id.to_owned(), can_publish, can_publish_updates };
    db::members::put(&app.db, &user.id, &membership).await?;
    app.bus.tell(Moved::User(user.id));
    app.bus.tell(Moved::Programs);
    let detail = json!({ "login": user.login, "can_publish": can_publish, "can_publish_updates": can_publish_updates });
    audit::note(app, actor, "group.member", (id, &group.name), detail).await;
    Ok(())
}

pub async fn remove_member(app: &App, actor: &User, id: &str, user_id: &str) -> Result<()> {
    allow_in(app, actor, Verb::EditPrograms, id).await?;
    let group = db::programs::find_group(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    let login = db::users::find(&app.db, user_id).await?.map(|user| user.login).unwrap_or_default();
    if !db::members::delete(&app.db, id, user_id).await? {
        return Err(Error::NotFound);
    }
    app.bus.tell(Moved::User(user_id.to_owned()));
    app.bus.tell(Moved::Programs);
    audit::note(app, actor, "group.member_remove", (id, &group.name), json!({ "login": login })).await;
    Ok(())
}

//! Other people's accounts: adding, roles, disabling, deleting. For admins.

use serde_json::json;

use super::accounts::{self, New};
use super::{allow, audit};
use crate::app::App;
use crate::bus::Moved;
use crate::db;
use crate::error::{Error, Result, Text};
use crate::model::audit::changes;
use crate::model::user::{Role, User, Verb};

/// By login; `like` narrows it. `after` is the cursor: the login of the last one seen.
pub async fn list(app: &App, actor: &User, like: &str, after: &str, limit: i64) -> Result<Vec<User>> {
    allow(actor, Verb::ManageUsers)?;
    Ok(db::users::search(&app.db, like.trim(), after, limit).await?)
}

pub async fn find(app: &App, actor: &User, id: &str) -> Result<User> {
    allow(actor, Verb::ManageUsers)?;
    db::users::find(&app.db, id).await?.ok_or(Error::NotFound)
}

/// Adds a person; without a password one is generated, to be told them once. Either must be changed at the first sign-in.
pub async fn create(
    app: &App,
    actor: &User,
    login: &str,
    name: &str,
    role: Role,
    password: Option<&str>,
) -> Result<(User, Option<String>)> {
    allow(actor, Verb::ManageUsers)?;
    may_give(actor, role)?;
    let generated = if password.is_none() { Some(accounts::generate_password()?) } else { None };
    let password = password.or(generated.as_deref()).unwrap_or_default();
    let user = accounts::insert(app, New { login, name, role, password, must_change: true }).await?;
    audit::note(app, actor, "user.create", (&user.id, &user.login), json!({ "role": role, "name": user.name })).await;
    Ok((user, generated))
}

/// What an admin may change of somebody.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub disabled: Option<bool>,
}

/// A new role or a closed door ends that person's sessions.
pub async fn update(app: &App, actor: &User, id: &str, change: &Change) -> Result<User> {
    let before = find(app, actor, id).await?;
    let role = change.role.unwrap_or(before.role);
    let disabled = change.disabled.unwrap_or(before.disabled_at.is_some());
    let touched = role != before.role || disabled != before.disabled_at.is_some();
    if touched {
        may_touch(actor, &before)?;
    } else {
        may_see_to(actor, &before)?;
    }
    if role != before.role {
        may_give(actor, role)?;
    }
    let after = User {
        name: match &change.name {
            Some(name) => accounts::checked_name(name)?,
            None => before.name.clone(),
        },
        role,
        disabled_at: disabled.then(|| before.disabled_at.unwrap_or_else(|| app.clock.now())),
        ..before.clone()
    };
    db::users::update(&app.db, &after).await?;
    if touched {
        accounts::end_sessions(app, id, "").await?;
    }
    let shown = |user: &User| json!({ "name": user.name, "role": user.role, "disabled": user.disabled_at.is_some() });
    audit::note(app, actor, "user.update", (id, &after.login), changes(&shown(&before), &shown(&after))).await;
    Ok(after)
}

/// A generated one, to be told them once.
pub async fn reset_password(app: &App, actor: &User, id: &str) -> Result<String> {
    let user = find(app, actor, id).await?;
    may_touch(actor, &user)?;
    let password = accounts::new_password(app, &user).await?;
    audit::note(app, actor, "user.password", (id, &user.login), json!(null)).await;
    Ok(password)
}

/// Their releases stay; everything they could sign in with goes.
pub async fn delete(app: &App, actor: &User, id: &str) -> Result<()> {
    let user = find(app, actor, id).await?;
    may_touch(actor, &user)?;
    db::users::delete(&app.db, id, app.clock.now()).await?;
    db::tokens::delete_of_user(&app.db, id).await?;
    accounts::end_sessions(app, id, "").await?;
    app.bus.tell(Moved::Programs);
    audit::note(app, actor, "user.delete", (id, &user.login), json!({ "role": user.role, "name": user.name })).await;
    Ok(())
}

/// Nobody raises somebody above themselves, and the owner is one.
fn may_give(actor: &User, role: Role) -> Result<()> {
    if role == Role::Owner || role > actor.role { Err(Error::Forbidden) } else { Ok(()) }
}

/// People below oneself, never oneself and never the owner.
fn may_touch(actor: &User, other: &User) -> Result<()> {
    if other.id == actor.id {
        return Err(Error::Conflict(Text::new("errors.yourself")));
    }
    if other.role == Role::Owner {
        return Err(Error::Conflict(Text::new("errors.the_owner")));
    }
    may_see_to(actor, other)
}

/// An admin's name is another admin's business as little as their role.
fn may_see_to(actor: &User, other: &User) -> Result<()> {
    let below = other.role < actor.role || other.id == actor.id;
    if below { Ok(()) } else { Err(Error::Forbidden) }
}

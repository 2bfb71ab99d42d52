//! Personal tokens: made once, shown once, kept as a hash.

use serde_json::json;

use super::audit;
use crate::app::App;
use crate::clock::{DAY, MINUTE};
use crate::db;
use crate::error::{Error, Result, Text};
use crate::model::token::{Limit, PREFIX, Token, TokenScope};
use crate::model::user::User;
use crate::model::{hex_of, new_id};

const MAX_DAYS: i64 = 3650;
/// How exactly "last used" is kept.
const USED_EVERY: i64 = MINUTE;

fn hash(token: &str) -> String {
    hex_of(&openssl::sha::sha256(token.as_bytes()))
}

/// The token, and what is kept of it. A token cannot make another: what it could reach would outlive it.
pub async fn create(
    app: &App,
    actor: &User,
    name: &str,
    scope: TokenScope,
    group_id: Option<&str>,
    days: Option<i64>,
) -> Result<(String, Token)> {
    if actor.limit.is_some() {
        return Err(Error::Forbidden);
    }
    let name = super::accounts::checked_name(name)?;
    if days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        let text = Text::new("errors.number_range").arg("min", "1").arg("max", MAX_DAYS.to_string());
        return Err(Error::invalid("expires_in_days", text));
    }
    let group_id = group_id.filter(|id| !id.is_empty());
    if let Some(id) = group_id
        && db::programs::find_group(&app.db, actor.scope(), id).await?.is_none()
    {
        return Err(Error::invalid("group_id", Text::new("errors.group")));
    }
    let mut bytes = [0; 24];
    openssl::rand::rand_bytes(&mut bytes)?;
    let value = format!("{PREFIX}{}", hex_of(&bytes));
    let now = app.clock.now();
    let token = Token {
        id: new_id(),
        user_id: actor.id.clone(),
        name,
        hash: hash(&value),
        scope,
        group_id: group_id.map(str::to_owned),
        created_at: now,
        expires_at: days.map(|days| now + days * DAY),
        used_at: None,
    };
    db::tokens::insert(&app.db, &token).await?;
    let detail = json!({ "scope": scope, "group_id": token.group_id, "days": days });
    audit::note(app, actor, "token.create", (&token.id, &token.name), detail).await;
    Ok((value, token))
}

/// The person a token speaks for, cut down to what it may do; `None` for one that does not work.
pub async fn open(app: &App, value: &str, address: &str) -> Result<Option<(User, Token)>> {
    if !value.starts_with(PREFIX) {
        return Ok(None);
    }
    let now = app.clock.now();
    let Some(token) = db::tokens::find_by_hash(&app.db, &hash(value), now).await? else { return Ok(None) };
    let user = db::users::find(&app.db, &token.user_id).await?;
    let Some(mut user) = user.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
    if token.used_at.is_none_or(|at| now - at > USED_EVERY) {
        db::tokens::set_used(&app.db, &token.id, now).await?;
    }
    user.address = address.to_owned();
    user.limit = Some(Limit { token_id: token.id.clone(), scope: token.scope, group_id: token.group_id.clone() });
    Ok(Some((user, token)))
}

/// One's own.
pub async fn list(app: &App, actor: &User) -> Result<Vec<Token>> {
    Ok(db::tokens::list_of_user(&app.db, &actor.id).await?)
}

/// One's own; a token may end itself and no other.
pub async fn delete(app: &App, actor: &User, id: &str) -> Result<()> {
    if actor.limit.as_ref().is_some_and(|limit| limit.token_id != id) {
        return Err(Error::Forbidden);
    }
    let token = db::tokens::list_of_user(&app.db, &actor.id).await?.into_iter().find(|token| token.id == id);
    let token = token.ok_or(Error::NotFound)?;
    db::tokens::delete(&app.db, &actor.id, id).await?;
    app.bus.tell(crate::bus::Moved::User(actor.id.clone()));
    audit::note(app, actor, "token.delete", (id, &token.name), json!(null)).await;
    Ok(())
}

//! `app_user`: people. Those who were deleted are found by nobody but their releases.

use sqlx::Row;

use super::{Db, Result, members, on, rows, word};
use crate::clock::Ms;
use crate::model::user::User;

rows!(User, r => User {
    id: r.try_get("id")?,
    login: r.try_get("login")?,
    name: r.try_get("name")?,
    role: word(r.try_get("role")?)?,
    password_hash: r.try_get("password_hash")?,
    created_at: r.try_get("created_at")?,
    disabled_at: r.try_get("disabled_at")?,
    must_change: r.try_get("must_change")?,
    lang: r.try_get("lang")?,
    seen_at: r.try_get("seen_at")?,
    subject: r.try_get("subject")?,
    memberships: vec![],
    address: String::new(),
    limit: None,
});

pub async fn insert(db: &Db, user: &User) -> Result<()> {
    const SQL: &str = "INSERT INTO app_user (id, login, name, role, password_hash, created_at, must_change, lang, subject) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    on!(db, c => sqlx::query(SQL)
        .bind(&user.id).bind(&user.login).bind(&user.name).bind(user.role.as_str())
        .bind(&user.password_hash).bind(user.created_at).bind(user.must_change).bind(&user.lang).bind(&user.subject)
        .execute(c).await.map(drop))?;
    Ok(())
}

pub async fn count_owners(db: &Db) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM app_user WHERE role = 'owner' AND deleted_at IS NULL";
    Ok(on!(db, c => sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

pub async fn find(db: &Db, id: &str) -> Result<Option<User>> {
    const SQL: &str = "SELECT * FROM app_user WHERE id = $1 AND deleted_at IS NULL";
    with_groups(db, on!(db, c => sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?).await
}

pub async fn find_by_login(db: &Db, login: &str) -> Result<Option<User>> {
    const SQL: &str = "SELECT * FROM app_user WHERE login = $1 AND deleted_at IS NULL";
    with_groups(db, on!(db, c => sqlx::query_as(SQL).bind(login).fetch_optional(c).await)?).await
}

pub async fn find_by_subject(db: &Db, subject: &str) -> Result<Option<User>> {
    const SQL: &str = "SELECT * FROM app_user WHERE subject = $1 AND deleted_at IS NULL";
    with_groups(db, on!(db, c => sqlx::query_as(SQL).bind(subject).fetch_optional(c).await)?).await
}

async fn with_groups(db: &Db, user: Option<User>) -> Result<Option<User>> {
    let Some(mut user) = user else { return Ok(None) };
    user.memberships = members::list_of_user(db, &user.id).await?;
    Ok(Some(user))
}

/// By login; `like` is part of a login or name, in any case. `after` is the cursor: the login of the last one seen.
pub async fn search(db: &Db, like: &str, after: &str, limit: i64) -> Result<Vec<User>> {
    const SQL: &str = "SELECT * FROM app_user WHERE deleted_at IS NULL AND login > $2 \
        AND (LOWER(login) LIKE $1 ESCAPE '!' OR LOWER(name) LIKE $1 ESCAPE '!') ORDER BY login LIMIT $3";
    let escaped = like.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let pattern = format!("%{escaped}%");
    Ok(on!(db, c => sqlx::query_as(SQL).bind(&pattern).bind(after).bind(limit).fetch_all(c).await)?)
}

pub async fn count(db: &Db) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM app_user WHERE deleted_at IS NULL";
    Ok(on!(db, c => sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// Name, role, whether they may sign in, language.
pub async fn update(db: &Db, user: &User) -> Result<()> {
    const SQL: &str =
        "UPDATE app_user SET name = $2, role = $3, disabled_at = $4, lang = $5, must_change = $6 WHERE id = $1";
    on!(db, c => sqlx::query(SQL)
        .bind(&user.id).bind(&user.name).bind(user.role.as_str()).bind(user.disabled_at).bind(&user.lang).bind(user.must_change)
        .execute(c).await.map(drop))?;
    Ok(())
}

pub async fn set_password(db: &Db, id: &str, hash: &str, must_change: bool) -> Result<()> {
    const SQL: &str = "UPDATE app_user SET password_hash = $2, must_change = $3 WHERE id = $1";
    on!(db, c => sqlx::query(SQL).bind(id).bind(hash).bind(must_change).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn set_seen(db: &Db, id: &str, at: Ms) -> Result<()> {
    on!(db, c => sqlx::query("UPDATE app_user SET seen_at = $2 WHERE id = $1").bind(id).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Gone from every list; the login and the provider's subject are free for somebody else, the releases stay theirs.
pub async fn delete(db: &Db, id: &str, now: Ms) -> Result<()> {
    const SQL: &str = "UPDATE app_user SET deleted_at = $2, login = login || '#' || id, subject = NULL, \
        password_hash = '', disabled_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    on!(db, c => sqlx::query(SQL).bind(id).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

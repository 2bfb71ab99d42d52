//! `session`: opaque data of the session layer, and whose it is.

use super::{Db, Result, on};
use crate::clock::Ms;

/// False when the id is taken.
pub async fn insert(db: &Db, id: &str, user_id: Option<&str>, data: &str, expires_at: Ms) -> Result<bool> {
    const SQL: &str =
        "INSERT INTO session (id, user_id, data, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
    let done = on!(db, c => sqlx::query(SQL).bind(id).bind(user_id).bind(data).bind(expires_at).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(done == 1)
}

/// Only ever updates: a request in flight must not bring a revoked session back.
pub async fn update(db: &Db, id: &str, user_id: Option<&str>, data: &str, expires_at: Ms) -> Result<()> {
    const SQL: &str = "UPDATE session SET user_id = $2, data = $3, expires_at = $4 WHERE id = $1";
    on!(db, c => sqlx::query(SQL).bind(id).bind(user_id).bind(data).bind(expires_at).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn find(db: &Db, id: &str, now: Ms) -> Result<Option<(String, Ms)>> {
    const SQL: &str = "SELECT data, expires_at FROM session WHERE id = $1 AND expires_at > $2";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(id).bind(now).fetch_optional(c).await)?)
}

/// Id, data, expiry of all that still stand.
pub async fn list_of_user(db: &Db, user_id: &str, now: Ms) -> Result<Vec<(String, String, Ms)>> {
    const SQL: &str = "SELECT id, data, expires_at FROM session WHERE user_id = $1 AND expires_at > $2";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(user_id).bind(now).fetch_all(c).await)?)
}

pub async fn delete(db: &Db, id: &str) -> Result<()> {
    on!(db, c => sqlx::query("DELETE FROM session WHERE id = $1").bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// Ends a person's sessions, all but one where `keep` names it.
pub async fn delete_of_user(db: &Db, user_id: &str, keep: &str) -> Result<u64> {
    const SQL: &str = "DELETE FROM session WHERE user_id = $1 AND id <> $2";
    Ok(on!(db, c => sqlx::query(SQL).bind(user_id).bind(keep).execute(c).await.map(|r| r.rows_affected()))?)
}

pub async fn delete_expired(db: &Db, now: Ms) -> Result<u64> {
    const SQL: &str = "DELETE FROM session WHERE expires_at <= $1";
    Ok(on!(db, c => sqlx::query(SQL).bind(now).execute(c).await.map(|r| r.rows_affected()))?)
}

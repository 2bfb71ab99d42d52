//! `token`: hashes only.

use sqlx::Row;

use super::{Db, Result, on, rows, word};
use crate::clock::Ms;
use crate::model::token::Token;

rows!(Token, r => Token {
    id: r.try_get("id")?,
    user_id: r.try_get("user_id")?,
    name: r.try_get("name")?,
    hash: r.try_get("hash")?,
    scope: word(r.try_get("scope")?)?,
    group_id: r.try_get("group_id")?,
    created_at: r.try_get("created_at")?,
    expires_at: r.try_get("expires_at")?,
    used_at: r.try_get("used_at")?,
});

pub async fn insert(db: &Db, t: &Token) -> Result<()> {
    const SQL: &str = "INSERT INTO token (id, user_id, name, hash, scope, group_id, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    on!(db, c => sqlx::query(SQL)
        .bind(&t.id).bind(&t.user_id).bind(&t.name).bind(&t.hash).bind(t.scope.as_str()).bind(&t.group_id)
        .bind(t.created_at).bind(t.expires_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

/// One that still works.
pub async fn find_by_hash(db: &Db, hash: &str, now: Ms) -> Result<Option<Token>> {
    const SQL: &str = "SELECT * FROM token WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(hash).bind(now).fetch_optional(c).await)?)
}

pub async fn list_of_user(db: &Db, user: &str) -> Result<Vec<Token>> {
    const SQL: &str = "SELECT * FROM token WHERE user_id = $1 ORDER BY created_at DESC, id DESC";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(user).fetch_all(c).await)?)
}

pub async fn set_used(db: &Db, id: &str, at: Ms) -> Result<()> {
    on!(db, c => sqlx::query("UPDATE token SET used_at = $2 WHERE id = $1").bind(id).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Of this person; false where there is none.
pub async fn delete(db: &Db, user: &str, id: &str) -> Result<bool> {
    const SQL: &str = "DELETE FROM token WHERE id = $1 AND user_id = $2";
    Ok(on!(db, c => sqlx::query(SQL).bind(id).bind(user).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

pub async fn delete_of_user(db: &Db, user: &str) -> Result<u64> {
    Ok(
        on!(db, c => sqlx::query("DELETE FROM token WHERE user_id = $1").bind(user).execute(c).await.map(|r| r.rows_affected()))?,
    )
}

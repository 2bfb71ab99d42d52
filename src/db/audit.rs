//! `audit`: only ever added to, and swept by age.

use sqlx::Row;

use super::{Db, Result, json, on, rows};
use crate::clock::Ms;
use crate::model::audit::Entry;

rows!(Entry, r => Entry {
    id: r.try_get("id")?,
    at: r.try_get("at")?,
    user_id: r.try_get("user_id")?,
    user_name: r.try_get("user_name")?,
    address: r.try_get("address")?,
    action: r.try_get("action")?,
    target_id: r.try_get("target_id")?,
    target_name: r.try_get("target_name")?,
    detail: json(r.try_get("detail")?)?,
});

pub async fn insert(db: &Db, e: &Entry) -> Result<()> {
    const SQL: &str = "INSERT INTO audit (id, at, user_id, user_name, address, action, target_id, target_name, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let detail = e.detail.to_string();
    on!(db, c => sqlx::query(SQL)
        .bind(&e.id).bind(e.at).bind(&e.user_id).bind(&e.user_name).bind(&e.address).bind(&e.action)
        .bind(&e.target_id).bind(&e.target_name).bind(&detail)
        .execute(c).await.map(drop))?;
    Ok(())
}

/// What a list is narrowed to; nothing narrows it where a field is empty.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// A login.
    pub user: Option<String>,
    /// An action, or the noun before its dot.
    pub action: Option<String>,
    pub target: Option<String>,
    pub since: Option<Ms>,
    pub until: Option<Ms>,
}

/// Newest first; `before` is the cursor: the id of the last one seen, ids sort by time of making.
pub async fn search(db: &Db, filter: &Filter, before: Option<&str>, limit: i64) -> Result<Vec<Entry>> {
    const SQL: &str = "SELECT * FROM audit WHERE ($1 IS NULL OR user_name = $1) \
        AND ($2 IS NULL OR action = $2 OR action LIKE $2 || '.%') AND ($3 IS NULL OR target_id = $3) \
        AND at >= $4 AND at < $5 AND ($6 IS NULL OR id < $6) ORDER BY id DESC LIMIT $7";
    let (since, until) = (filter.since.unwrap_or(0), filter.until.unwrap_or(Ms::MAX));
    Ok(on!(db, c => sqlx::query_as(SQL)
        .bind(&filter.user).bind(&filter.action).bind(&filter.target).bind(since).bind(until).bind(before).bind(limit)
        .fetch_all(c).await)?)
}

pub async fn delete_before(db: &Db, at: Ms) -> Result<()> {
    on!(db, c => sqlx::query("DELETE FROM audit WHERE at < $1").bind(at).execute(c).await.map(drop))?;
    Ok(())
}

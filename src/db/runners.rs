//! `runner`: who is there to take releases.

use sqlx::Row;

use super::{Db, Result, json, on, rows};
use crate::clock::Ms;
use crate::model::runner::Runner;

rows!(Runner, r => Runner {
    id: r.try_get("id")?,
    seen_at: r.try_get("seen_at")?,
    state: json(r.try_get("detail")?)?,
});

/// Says that one is there; those that have not said so since `before` are forgotten.
pub async fn put(db: &Db, runner: &Runner, before: Ms) -> Result<()> {
    const SQL: &str = "INSERT INTO runner (id, seen_at, detail) VALUES ($1, $2, $3) \
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, detail = excluded.detail";
    let detail = serde_json::to_string(&runner.state)?;
    on!(db, c => sqlx::query(SQL).bind(&runner.id).bind(runner.seen_at).bind(&detail).execute(c).await.map(drop))?;
    on!(db, c => sqlx::query("DELETE FROM runner WHERE seen_at < $1").bind(before).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn list(db: &Db) -> Result<Vec<Runner>> {
    Ok(on!(db, c => sqlx::query_as("SELECT * FROM runner ORDER BY seen_at DESC, id").fetch_all(c).await)?)
}

//! A handful of named values of this instance.

use super::{Db, Result, on};

pub async fn get(db: &Db, name: &str) -> Result<Option<String>> {
    const SQL: &str = "SELECT value FROM meta WHERE name = $1";
    Ok(on!(db, c => sqlx::query_scalar(SQL).bind(name).fetch_optional(c).await)?)
}

/// The value of a name; the first to ask decides it.
pub async fn get_or_set(db: &Db, name: &str, value: &str) -> Result<String> {
    const SET: &str = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    const GET: &str = "SELECT value FROM meta WHERE name = $1";
    on!(db, c => sqlx::query(SET).bind(name).bind(value).execute(c).await.map(drop))?;
    Ok(on!(db, c => sqlx::query_scalar(GET).bind(name).fetch_one(c).await)?)
}

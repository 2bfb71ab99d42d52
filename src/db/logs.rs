//! `log_chunk`: compressed runs of lines.

use sqlx::Row;

use super::{Db, Result, on, rows};
use crate::model::log::Chunk;

rows!(Chunk, r => Chunk {
    first_n: r.try_get("first_n")?,
    last_n: r.try_get("last_n")?,
    data: r.try_get("data")?,
});

/// False when this attempt no longer owns the release: the lines belong to nobody.
pub async fn append(db: &Db, release: &str, attempt: i64, chunk: &Chunk) -> Result<bool> {
    const SQL: &str = "INSERT INTO log_chunk (release_id, first_n, last_n, data) \
        SELECT id, $3, $4, $5 FROM release WHERE id = $1 AND attempt = $2 AND status = 'running'";
    let done = on!(db, c => sqlx::query(SQL)
        .bind(release).bind(attempt).bind(chunk.first_n).bind(chunk.last_n).bind(&chunk.data)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(done == 1)
}

/// The chunks that hold line `from` and later ones, in order, at most `limit`.
pub async fn list_from(db: &Db, release: &str, from: i64, limit: i64) -> Result<Vec<Chunk>> {
    const SQL: &str =
        "SELECT first_n, last_n, data FROM log_chunk WHERE release_id = $1 AND last_n >= $2 ORDER BY first_n LIMIT $3";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(release).bind(from).bind(limit).fetch_all(c).await)?)
}

/// The number of the last stored line; 0 for an empty log.
pub async fn last_line(db: &Db, release: &str) -> Result<i64> {
    const SQL: &str = "SELECT COALESCE(MAX(last_n), 0) FROM log_chunk WHERE release_id = $1";
    Ok(on!(db, c => sqlx::query_scalar(SQL).bind(release).fetch_one(c).await)?)
}

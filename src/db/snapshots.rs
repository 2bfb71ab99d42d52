//! `snapshot`: what is kept on the runner's disk between releases.

use sqlx::Row;

use super::{Db, Result, on, rows, word};
use crate::clock::Ms;
use crate::model::snapshot::Snapshot;

rows!(Snapshot, r => Snapshot {
    id: r.try_get("id")?,
    kind: word(r.try_get("kind")?)?,
    repository: r.try_get("repository")?,
    program_id: r.try_get("program_id")?,
    reference: r.try_get("reference")?,
    bytes: r.try_get("bytes")?,
    files: r.try_get("files")?,
    created_at: r.try_get("created_at")?,
    used_at: r.try_get("used_at")?,
});

/// Makes or refreshes a row; the time of making stays.
pub async fn put(db: &Db, s: &Snapshot) -> Result<()> {
    const SQL: &str = "INSERT INTO snapshot (id, kind, repository, program_id, reference, bytes, files, created_at, used_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes, files = excluded.files, used_at = excluded.used_at";
    on!(db, c => sqlx::query(SQL)
        .bind(&s.id).bind(s.kind.as_str()).bind(&s.repository).bind(&s.program_id).bind(&s.reference)
        .bind(s.bytes).bind(s.files).bind(s.created_at).bind(s.used_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

/// Marks a use; `None` when it was cleared.
pub async fn touch(db: &Db, id: &str, now: Ms) -> Result<Option<Snapshot>> {
    const SQL: &str = "UPDATE snapshot SET used_at = $2 WHERE id = $1 RETURNING *";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(id).bind(now).fetch_optional(c).await)?)
}

/// The most recently used first.
pub async fn list(db: &Db) -> Result<Vec<Snapshot>> {
    Ok(on!(db, c => sqlx::query_as("SELECT * FROM snapshot ORDER BY used_at DESC, id").fetch_all(c).await)?)
}

pub async fn delete(db: &Db, id: &str) -> Result<()> {
    on!(db, c => sqlx::query("DELETE FROM snapshot WHERE id = $1").bind(id).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn delete_all(db: &Db) -> Result<()> {
    on!(db, c => sqlx::query("DELETE FROM snapshot").execute(c).await.map(drop))?;
    Ok(())
}

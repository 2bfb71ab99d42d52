//! `log_chunk`: packed runs of lines of what runs; `log_object`: where a finished log lies in the store.

use sqlx::Row;

use super::{Db, Result, Tx, json, on, rows, within};
use crate::model::log::{Chunk, Kept};

rows!(Chunk, r => Chunk {
    first_n: r.try_get("first_n")?,
    last_n: r.try_get("last_n")?,
    marks: json(r.try_get("marks")?)?,
    data: r.try_get("data")?,
});

rows!(Kept, r => Kept {
    key: r.try_get("object_key")?,
    last_n: r.try_get("last_n")?,
    blocks: json(r.try_get("blocks")?)?,
    marks: json(r.try_get("marks")?)?,
});

/// False when this attempt no longer owns the release: the lines belong to nobody.
pub async fn append(db: &Db, release: &str, attempt: i64, chunk: &Chunk) -> Result<bool> {
    const SQL: &str = "INSERT INTO log_chunk (release_id, first_n, last_n, marks, data) \
        SELECT id, $3, $4, $5, $6 FROM release WHERE id = $1 AND attempt = $2 AND status = 'running'";
    let marks = serde_json::to_string(&chunk.marks)?;
    let done = on!(db, c => sqlx::query(SQL)
        .bind(release).bind(attempt).bind(chunk.first_n).bind(chunk.last_n).bind(&marks).bind(&chunk.data)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(done == 1)
}

/// The chunks that hold line `from` and later ones, in order, at most `limit`.
pub async fn list_from(db: &Db, release: &str, from: i64, limit: i64) -> Result<Vec<Chunk>> {
    const SQL: &str = "SELECT first_n, last_n, marks, data FROM log_chunk \
        WHERE release_id = $1 AND last_n >= $2 ORDER BY first_n LIMIT $3";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(release).bind(from).bind(limit).fetch_all(c).await)?)
}

/// The chunks in which a stage begins, without their lines.
pub async fn list_marked(db: &Db, release: &str) -> Result<Vec<Chunk>> {
    const SQL: &str = "SELECT first_n, last_n, marks, SUBSTR(data, 1, 0) AS data FROM log_chunk \
        WHERE release_id = $1 AND marks <> '[]' ORDER BY first_n";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(release).fetch_all(c).await)?)
}

/// The number of the last stored line; 0 for an empty log.
pub async fn last_line(db: &Db, release: &str) -> Result<i64> {
    const SQL: &str = "SELECT COALESCE((SELECT MAX(last_n) FROM log_chunk WHERE release_id = $1), \
        (SELECT last_n FROM log_object WHERE release_id = $1), 0)";
    Ok(on!(db, c => sqlx::query_scalar(SQL).bind(release).fetch_one(c).await)?)
}

/// Whether a release is over and its log still lies in chunks.
pub async fn is_unkept(db: &Db, release: &str) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM release r WHERE r.id = $1 AND r.status NOT IN ('running', 'queued') \
        AND EXISTS (SELECT 1 FROM log_chunk l WHERE l.release_id = r.id)";
    let found: i64 = on!(db, c => sqlx::query_scalar(SQL).bind(release).fetch_one(c).await)?;
    Ok(found == 1)
}

/// Where the log lies once it is one object.
pub async fn find_kept(db: &Db, release: &str) -> Result<Option<Kept>> {
    const SQL: &str = "SELECT object_key, last_n, blocks, marks FROM log_object WHERE release_id = $1";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(release).fetch_optional(c).await)?)
}

/// Puts the object in the place of the chunks; does nothing where another did so before, or the release is gone.
pub async fn keep(tx: &mut Tx, release: &str, kept: &Kept) -> Result<()> {
    const SQL: &str = "INSERT INTO log_object (release_id, object_key, last_n, bytes, blocks, marks) \
        SELECT id, $2, $3, $4, $5, $6 FROM release WHERE id = $1 ON CONFLICT (release_id) DO NOTHING";
    const CHUNKS: &str = "DELETE FROM log_chunk WHERE release_id = $1";
    let bytes = kept.blocks.iter().map(|block| block.bytes as i64).sum::<i64>();
    let (blocks, marks) = (serde_json::to_string(&kept.blocks)?, serde_json::to_string(&kept.marks)?);
    let done = within!(&mut *tx, c => sqlx::query(SQL)
        .bind(release).bind(&kept.key).bind(kept.last_n).bind(bytes).bind(&blocks).bind(&marks)
        .execute(c).await.map(|r| r.rows_affected()))?;
    if done == 1 {
        within!(tx, c => sqlx::query(CHUNKS).bind(release).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Rows that an object has taken the place of.
pub async fn delete_chunks(db: &Db, release: &str) -> Result<()> {
    const SQL: &str = "DELETE FROM log_chunk WHERE release_id = $1";
    on!(db, c => sqlx::query(SQL).bind(release).execute(c).await.map(drop))?;
    Ok(())
}

/// The key of the object, for who is about to delete the release.
pub async fn find_key(tx: &mut Tx, release: &str) -> Result<Option<String>> {
    const SQL: &str = "SELECT object_key FROM log_object WHERE release_id = $1";
    Ok(within!(tx, c => sqlx::query_scalar(SQL).bind(release).fetch_optional(c).await)?)
}

/// Releases that are over and whose log still lies in chunks, some of them.
pub async fn list_unkept(db: &Db) -> Result<Vec<String>> {
    const SQL: &str = "SELECT DISTINCT l.release_id FROM log_chunk l JOIN release r ON r.id = l.release_id \
        WHERE r.status NOT IN ('running', 'queued') ORDER BY l.release_id DESC LIMIT 200";
    Ok(on!(db, c => sqlx::query_scalar(SQL).fetch_all(c).await)?)
}

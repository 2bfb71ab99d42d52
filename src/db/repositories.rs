//! `repository_credential` and `known_host`: ways into git servers, and who those are.

use sqlx::Row;

use super::{Db, Result, on, rows, word};
use crate::clock::Ms;
use crate::model::credential::{KnownHost, RepositoryCredential};

rows!(RepositoryCredential, r => RepositoryCredential {
    program_id: r.try_get("program_id")?,
    kind: word(r.try_get("kind")?)?,
    sealed: r.try_get("sealed")?,
    fingerprint: r.try_get("fingerprint")?,
    updated_at: r.try_get("updated_at")?,
});

rows!(KnownHost, r => KnownHost {
    host: r.try_get("host")?,
    fingerprint: r.try_get("fingerprint")?,
    seen_at: r.try_get("seen_at")?,
});

pub async fn put_credential(db: &Db, c: &RepositoryCredential) -> Result<()> {
    const SQL: &str = "INSERT INTO repository_credential (program_id, kind, sealed, fingerprint, updated_at) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (program_id) DO UPDATE SET kind = excluded.kind, \
        sealed = excluded.sealed, fingerprint = excluded.fingerprint, updated_at = excluded.updated_at";
    on!(db, db => sqlx::query(SQL)
        .bind(&c.program_id).bind(c.kind.as_str()).bind(&c.sealed).bind(&c.fingerprint).bind(c.updated_at)
        .execute(db).await.map(drop))?;
    Ok(())
}

pub async fn find_credential(db: &Db, program_id: &str) -> Result<Option<RepositoryCredential>> {
    const SQL: &str = "SELECT * FROM repository_credential WHERE program_id = $1";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(program_id).fetch_optional(c).await)?)
}

pub async fn delete_credential(db: &Db, program_id: &str) -> Result<()> {
    const SQL: &str = "DELETE FROM repository_credential WHERE program_id = $1";
    on!(db, c => sqlx::query(SQL).bind(program_id).execute(c).await.map(drop))?;
    Ok(())
}

/// The first key wins; a later one changes nothing.
pub async fn learn_host(db: &Db, host: &str, fingerprint: &str, now: Ms) -> Result<()> {
    const SQL: &str =
        "INSERT INTO known_host (host, fingerprint, seen_at) VALUES ($1, $2, $3) ON CONFLICT (host) DO NOTHING";
    on!(db, c => sqlx::query(SQL).bind(host).bind(fingerprint).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn find_host(db: &Db, host: &str) -> Result<Option<KnownHost>> {
    Ok(on!(db, c => sqlx::query_as("SELECT * FROM known_host WHERE host = $1").bind(host).fetch_optional(c).await)?)
}

pub async fn forget_host(db: &Db, host: &str) -> Result<()> {
    on!(db, c => sqlx::query("DELETE FROM known_host WHERE host = $1").bind(host).execute(c).await.map(drop))?;
    Ok(())
}

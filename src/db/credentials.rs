//! `credential`: sealed values only.

use sqlx::Row;

use super::{Db, Result, on, rows};
use crate::model::credential::Credential;

rows!(Credential, r => Credential {
    program_id: r.try_get("program_id")?,
    sealed: r.try_get("sealed")?,
    fingerprint: r.try_get("fingerprint")?,
    updated_at: r.try_get("updated_at")?,
});

pub async fn put(db: &Db, credential: &Credential) -> Result<()> {
    const SQL: &str = "INSERT INTO credential (program_id, sealed, fingerprint, updated_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (program_id) DO UPDATE SET sealed = excluded.sealed, fingerprint = excluded.fingerprint, updated_at = excluded.updated_at";
    on!(db, c => sqlx::query(SQL)
        .bind(&credential.program_id).bind(&credential.sealed).bind(&credential.fingerprint).bind(credential.updated_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

pub async fn find(db: &Db, program_id: &str) -> Result<Option<Credential>> {
    Ok(
        on!(db, c => sqlx::query_as("SELECT * FROM credential WHERE program_id = $1").bind(program_id).fetch_optional(c).await)?,
    )
}

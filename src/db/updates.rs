//! `app_update`: what phones may get.

use sqlx::Row;

use super::{Db, Result, Tx, json_opt, on, rows, within, word};
use crate::clock::Ms;
use crate::model::update::{Kind, Update};
use crate::model::user::Scope;

rows!(Update, r => Update {
    id: r.try_get("id")?,
    program_id: r.try_get("program_id")?,
    kind: word(r.try_get("kind")?)?,
    version: r.try_get("version")?,
    version_code: r.try_get("version_code")?,
    channel: r.try_get("channel")?,
    min_native: r.try_get("min_native")?,
    max_native: r.try_get("max_native")?,
    mode: word(r.try_get("mode")?)?,
    enabled: r.try_get("enabled")?,
    package: json_opt(r.try_get("package")?)?,
    link: r.try_get("link")?,
    embedded_wgt_code: r.try_get("embedded_wgt_code")?,
    changelog: r.try_get("changelog")?,
    remark: r.try_get("remark")?,
    release_id: r.try_get("release_id")?,
    created_by: r.try_get("created_by")?,
    created_at: r.try_get("created_at")?,
    updated_at: r.try_get("updated_at")?,
});

/// An update with the name a list shows beside it.
#[derive(Debug, Clone)]
pub struct Listed {
    pub update: Update,
    pub created_by_name: String,
}

rows!(Listed, r => Listed {
    update: sqlx::FromRow::from_row(r)?,
    created_by_name: r.try_get("created_by_name")?,
});

pub async fn insert(tx: &mut Tx, u: &Update) -> Result<()> {
    const SQL: &str = "INSERT INTO app_update (id, program_id, kind, version, version_code, channel, min_native, \
        max_native, mode, enabled, package, link, embedded_wgt_code, changelog, remark, release_id, created_by, \
        created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    let package = u.package.as_ref().map(serde_json::to_string).transpose()?;
    within!(tx, c => sqlx::query(SQL)
        .bind(&u.id).bind(&u.program_id).bind(u.kind.as_str()).bind(&u.version).bind(u.version_code).bind(&u.channel)
        .bind(u.min_native).bind(u.max_native).bind(u.mode.as_str()).bind(u.enabled).bind(&package).bind(&u.link)
        .bind(u.embedded_wgt_code).bind(&u.changelog).bind(&u.remark).bind(&u.release_id).bind(&u.created_by)
        .bind(u.created_at).bind(u.updated_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

/// What a person may change afterwards; the bytes and their version never.
pub async fn update(tx: &mut Tx, u: &Update) -> Result<()> {
    const SQL: &str = "UPDATE app_update SET min_native = $2, max_native = $3, mode = $4, enabled = $5, link = $6, \
        embedded_wgt_code = $7, changelog = $8, remark = $9, updated_at = $10 WHERE id = $1";
    within!(tx, c => sqlx::query(SQL)
        .bind(&u.id).bind(u.min_native).bind(u.max_native).bind(u.mode.as_str()).bind(u.enabled).bind(&u.link)
        .bind(u.embedded_wgt_code).bind(&u.changelog).bind(&u.remark).bind(u.updated_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

pub async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    within!(tx, c => sqlx::query("DELETE FROM app_update WHERE id = $1").bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// All of a program, for rules that look at several at once. Call under [`super::programs::lock`].
pub async fn list_within(tx: &mut Tx, program: &str) -> Result<Vec<Update>> {
    const SQL: &str = "SELECT * FROM app_update WHERE program_id = $1 ORDER BY version_code DESC, id DESC";
    Ok(within!(tx, c => sqlx::query_as(SQL).bind(program).fetch_all(c).await)?)
}

pub async fn list_of_program(db: &Db, scope: Scope<'_>, program: &str) -> Result<Vec<Update>> {
    const SQL: &str = "SELECT a.* FROM app_update a JOIN visible_program v ON v.program_id = a.program_id \
        WHERE a.program_id = $1 AND v.user_id = $2 AND ($3 IS NULL OR v.group_id = $3) \
        ORDER BY a.version_code DESC, a.id DESC";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(program).bind(scope.user()).bind(scope.group()).fetch_all(c).await)?)
}

/// One page of two kinds (a system's wgt and native builds), newest made first; `before` is the cursor: the
/// `created_at` of the last one seen.
pub async fn page(
    db: &Db,
    scope: Scope<'_>,
    program: &str,
    kinds: [Kind; 2],
    before: Ms,
    limit: i64,
) -> Result<Vec<Listed>> {
    const SQL: &str = "SELECT a.*, u.name AS created_by_name FROM app_update a JOIN app_user u ON u.id = a.created_by \
        JOIN visible_program v ON v.program_id = a.program_id \
        WHERE a.program_id = $1 AND a.kind IN ($2, $3) AND a.created_at < $4 \
        AND v.user_id = $6 AND ($7 IS NULL OR v.group_id = $7) ORDER BY a.created_at DESC, a.id DESC LIMIT $5";
    Ok(on!(db, c => sqlx::query_as(SQL)
        .bind(program).bind(kinds[0].as_str()).bind(kinds[1].as_str()).bind(before).bind(limit)
        .bind(scope.user()).bind(scope.group()).fetch_all(c).await)?)
}

pub async fn find(db: &Db, scope: Scope<'_>, id: &str) -> Result<Option<Listed>> {
    const SQL: &str = "SELECT a.*, u.name AS created_by_name FROM app_update a JOIN app_user u ON u.id = a.created_by \
        JOIN visible_program v ON v.program_id = a.program_id \
        WHERE a.id = $1 AND v.user_id = $2 AND ($3 IS NULL OR v.group_id = $3)";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(id).bind(scope.user()).bind(scope.group()).fetch_optional(c).await)?)
}

pub async fn list_of_release(tx: &mut Tx, release: &str) -> Result<Vec<Update>> {
    const SQL: &str = "SELECT * FROM app_update WHERE release_id = $1 ORDER BY kind";
    Ok(within!(tx, c => sqlx::query_as(SQL).bind(release).fetch_all(c).await)?)
}

/// Everything, for the catalogue in memory: it answers phones, who have no scope.
pub async fn list_all(db: &Db) -> Result<Vec<Update>> {
    Ok(on!(db, c => sqlx::query_as("SELECT * FROM app_update").fetch_all(c).await)?)
}

/// Whether another update refers to the same bytes.
pub async fn is_package_used(tx: &mut Tx, sha256: &str) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM app_update WHERE package LIKE $1";
    let count: i64 = within!(tx, c => sqlx::query_scalar(SQL).bind(format!("%\"{sha256}\"%")).fetch_one(c).await)?;
    Ok(count > 0)
}

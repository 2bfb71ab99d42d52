//! Releases as people look for them: each query within what its reader may see.

use super::Listed;
use crate::clock::Ms;
use crate::db::{Db, Result, on};
use crate::model::release::Status;
use crate::model::user::Scope;

pub async fn find(db: &Db, scope: Scope<'_>, id: &str) -> Result<Option<Listed>> {
    const SQL: &str = "SELECT r.*, u.name AS requested_by_name FROM release r JOIN app_user u ON u.id = r.requested_by \
        JOIN visible_program v ON v.program_id = r.program_id \
        WHERE r.id = $1 AND v.user_id = $2 AND ($3 IS NULL OR v.group_id = $3)";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(id).bind(scope.user()).bind(scope.group()).fetch_optional(c).await)?)
}

/// The same of one program.
pub async fn list_of_program(
    db: &Db,
    scope: Scope<'_>,
    program: &str,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Listed>> {
    let filter = Filter { program: Some(program.to_owned()), ..Filter::default() };
    search(db, scope, &filter, before, limit).await
}

/// What a list of releases is narrowed to; nothing narrows it where a field is empty.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub program: Option<String>,
    pub group: Option<String>,
    pub user: Option<String>,
    pub status: Option<Status>,
    pub since: Option<Ms>,
    pub until: Option<Ms>,
}

/// Newest first; `before` is the cursor: the id of the last one seen, ids sort by time of making.
pub async fn search(
    db: &Db,
    scope: Scope<'_>,
    filter: &Filter,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Listed>> {
    const SQL: &str = "SELECT r.*, u.name AS requested_by_name FROM release r JOIN app_user u ON u.id = r.requested_by \
        JOIN visible_program v ON v.program_id = r.program_id \
        WHERE v.user_id = $1 AND ($2 IS NULL OR v.group_id = $2) \
        AND ($3 IS NULL OR r.program_id = $3) AND ($4 IS NULL OR v.group_id = $4) AND ($5 IS NULL OR r.requested_by = $5) \
        AND ($6 IS NULL OR r.status = $6) AND r.created_at >= $7 AND r.created_at < $8 AND ($9 IS NULL OR r.id < $9) \
        ORDER BY r.id DESC LIMIT $10";
    let status = filter.status.map(Status::as_str);
    let (since, until) = (filter.since.unwrap_or(0), filter.until.unwrap_or(Ms::MAX));
    Ok(on!(db, c => sqlx::query_as(SQL)
        .bind(scope.user()).bind(scope.group()).bind(&filter.program).bind(&filter.group).bind(&filter.user)
        .bind(status).bind(since).bind(until).bind(before).bind(limit)
        .fetch_all(c).await)?)
}

/// The program's releases whose package was measured, newest first.
pub async fn list_measured(db: &Db, scope: Scope<'_>, program: &str, limit: i64) -> Result<Vec<Listed>> {
    const SQL: &str = "SELECT r.*, u.name AS requested_by_name FROM release r JOIN app_user u ON u.id = r.requested_by \
        JOIN visible_program v ON v.program_id = r.program_id \
        WHERE r.program_id = $1 AND v.user_id = $2 AND ($3 IS NULL OR v.group_id = $3) AND r.sizes <> '[]' \
        ORDER BY r.id DESC LIMIT $4";
    Ok(on!(db, c => sqlx::query_as(SQL)
        .bind(program).bind(scope.user()).bind(scope.group()).bind(limit).fetch_all(c).await)?)
}

/// Running first, then waiting in their order.
pub async fn list_active(db: &Db, scope: Scope<'_>) -> Result<Vec<Listed>> {
    const SQL: &str = "SELECT r.*, u.name AS requested_by_name FROM release r JOIN app_user u ON u.id = r.requested_by \
        JOIN visible_program v ON v.program_id = r.program_id \
        WHERE r.status IN ('running', 'queued') AND v.user_id = $1 AND ($2 IS NULL OR v.group_id = $2) \
        ORDER BY r.status DESC, r.created_at, r.id LIMIT 200";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(scope.user()).bind(scope.group()).fetch_all(c).await)?)
}

/// The newest release of every program that ended, the newest successful one, the newest with a QR code: what a list of programs shows.
pub async fn list_latest(db: &Db, scope: Scope<'_>) -> Result<Vec<Listed>> {
    const SQL: &str = "SELECT r.*, u.name AS requested_by_name FROM release r JOIN app_user u ON u.id = r.requested_by \
        JOIN visible_program v ON v.program_id = r.program_id \
        WHERE v.user_id = $1 AND ($2 IS NULL OR v.group_id = $2) AND ( \
        r.id IN (SELECT MAX(id) FROM release WHERE status NOT IN ('running', 'queued') GROUP BY program_id) \
        OR r.id IN (SELECT MAX(id) FROM release WHERE status = 'succeeded' GROUP BY program_id) \
        OR r.id IN (SELECT MAX(id) FROM release WHERE qr_key IS NOT NULL GROUP BY program_id)) ORDER BY r.created_at DESC";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(scope.user()).bind(scope.group()).fetch_all(c).await)?)
}

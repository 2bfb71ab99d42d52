//! `release` and `stage`: the truth that queue, runner and pages agree on.

mod lists;

use sqlx::Row;

pub use lists::{Filter, find, list_active, list_latest, list_measured, list_of_program, search};

use super::{Db, Result, Tx, json, json_opt, on, rows, within, word};
use crate::clock::Ms;
use crate::model::release::{
    Action, Failure, Outcome, Parameters, Receipt, Release, Size, Stage, StageRow, StageStatus,
};

rows!(Release, r => Release {
    id: r.try_get("id")?,
    program_id: r.try_get("program_id")?,
    parameters: Parameters {
        action: word(r.try_get("action")?)?,
        reference: r.try_get("reference")?,
        version: r.try_get("version")?,
        description: r.try_get("description")?,
        environment: word(r.try_get("environment")?)?,
        page_path: r.try_get("page_path")?,
        query: r.try_get("query")?,
        scene: r.try_get("scene")?,
        options: json(r.try_get("options")?)?,
        without_lockfile: r.try_get("without_lockfile")?,
        terms: json_opt(r.try_get("terms")?)?,
    },
    status: word(r.try_get("status")?)?,
    stage: r.try_get::<Option<String>, _>("stage")?.map(word).transpose()?,
    attempt: r.try_get("attempt")?,
    dispatched_at: r.try_get("dispatched_at")?,
    lease_until: r.try_get("lease_until")?,
    cancel_requested: r.try_get("cancel_requested")?,
    retry_of: r.try_get("retry_of")?,
    remark: r.try_get("remark")?,
    commit: r.try_get("commit_id")?,
    commit_subject: r.try_get("commit_subject")?,
    failure: json_opt(r.try_get("failure")?)?,
    receipt: json_opt(r.try_get("receipt")?)?,
    sizes: json(r.try_get("sizes")?)?,
    qr_key: r.try_get("qr_key")?,
    qr_expires_at: r.try_get("qr_expires_at")?,
    requested_by: r.try_get("requested_by")?,
    created_at: r.try_get("created_at")?,
    started_at: r.try_get("started_at")?,
    finished_at: r.try_get("finished_at")?,
});

rows!(StageRow, r => StageRow {
    name: word(r.try_get("name")?)?,
    status: word(r.try_get("status")?)?,
    started_at: r.try_get("started_at")?,
    finished_at: r.try_get("finished_at")?,
});

/// A release with the names a list shows beside it.
#[derive(Debug, Clone)]
pub struct Listed {
    pub release: Release,
    pub requested_by_name: String,
}

rows!(Listed, r => Listed {
    release: sqlx::FromRow::from_row(r)?,
    requested_by_name: r.try_get("requested_by_name")?,
});

/// Stores a queued release; false when the idempotency key was used within its time.
pub async fn insert(tx: &mut Tx, r: &Release, idempotency_key: Option<&str>, keys_since: Ms) -> Result<bool> {
    const FORGET: &str = "UPDATE release SET idempotency_key = NULL \
        WHERE requested_by = $1 AND program_id = $2 AND idempotency_key = $3 AND created_at < $4";
    const SQL: &str = "INSERT INTO release (id, program_id, action, reference, version, description, environment, \
        page_path, query, scene, options, status, attempt, cancel_requested, retry_of, idempotency_key, sizes, \
        requested_by, created_at, without_lockfile, terms) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', 0, FALSE, $12, $13, '[]', $14, $15, $16, $17) \
        ON CONFLICT (requested_by, program_id, idempotency_key) DO NOTHING";
    if let Some(key) = idempotency_key {
        within!(tx, c => sqlx::query(FORGET).bind(&r.requested_by).bind(&r.program_id).bind(key).bind(keys_since).execute(c).await.map(drop))?;
    }
    let p = &r.parameters;
    let options = serde_json::to_string(&p.options)?;
    let terms = p.terms.as_ref().map(serde_json::to_string).transpose()?;
    let done = within!(tx, c => sqlx::query(SQL)
        .bind(&r.id).bind(&r.program_id).bind(p.action.as_str()).bind(&p.reference).bind(&p.version)
        .bind(&p.description).bind(p.environment.as_str()).bind(&p.page_path).bind(&p.query).bind(&p.scene)
        .bind(&options).bind(&r.retry_of).bind(idempotency_key).bind(&r.requested_by).bind(r.created_at).bind(p.without_lockfile).bind(&terms)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(done == 1)
}

pub async fn find_by_key(tx: &mut Tx, user: &str, program: &str, key: &str) -> Result<Option<Release>> {
    const SQL: &str = "SELECT * FROM release WHERE requested_by = $1 AND program_id = $2 AND idempotency_key = $3";
    Ok(within!(tx, c => sqlx::query_as(SQL).bind(user).bind(program).bind(key).fetch_optional(c).await)?)
}

/// What a person last asked of a program; `None` when they never did.
pub async fn find_last(db: &Db, program: &str, user: &str, action: Action) -> Result<Option<Parameters>> {
    const SQL: &str = "SELECT * FROM release WHERE program_id = $1 AND requested_by = $2 AND action = $3 \
        ORDER BY created_at DESC LIMIT 1";
    let found: Option<Release> = on!(db, c => sqlx::query_as(SQL)
        .bind(program).bind(user).bind(action.as_str()).fetch_optional(c).await)?;
    Ok(found.map(|release| release.parameters))
}

/// Marks the program's oldest queued release as dispatched if the program is free. Call under [`super::programs::lock`].
pub async fn dispatch_next(tx: &mut Tx, program: &str, now: Ms) -> Result<Option<(String, i64)>> {
    const SQL: &str = "UPDATE release SET dispatched_at = $2 WHERE id = (SELECT id FROM release WHERE program_id = $1 \
        AND status = 'queued' AND dispatched_at IS NULL ORDER BY created_at, id LIMIT 1) \
        AND status = 'queued' AND dispatched_at IS NULL AND NOT EXISTS (SELECT 1 FROM release WHERE program_id = $1 \
        AND dispatched_at IS NOT NULL AND finished_at IS NULL) RETURNING id, attempt";
    Ok(within!(tx, c => sqlx::query_as(SQL).bind(program).bind(now).fetch_optional(c).await)?)
}

/// Compare-and-set: only the first delivery of a job gets the release.
pub async fn claim(db: &Db, id: &str, attempt: i64, runner: &str, now: Ms, lease_until: Ms) -> Result<Option<Release>> {
    const SQL: &str = "UPDATE release SET status = 'running', attempt = attempt + 1, runner = $3, lease_until = $5, \
        started_at = COALESCE(started_at, $4), stage = NULL WHERE id = $1 AND attempt = $2 AND status = 'queued' \
        AND dispatched_at IS NOT NULL RETURNING *";
    Ok(
        on!(db, c => sqlx::query_as(SQL).bind(id).bind(attempt).bind(runner).bind(now).bind(lease_until).fetch_optional(c).await)?,
    )
}

/// Prolongs the lease and tells whether a cancel waits; `None` when the release is no longer this attempt's.
pub async fn renew(db: &Db, id: &str, attempt: i64, lease_until: Ms) -> Result<Option<bool>> {
    const SQL: &str = "UPDATE release SET lease_until = $3 WHERE id = $1 AND attempt = $2 AND status = 'running' RETURNING cancel_requested";
    Ok(on!(db, c => sqlx::query_scalar(SQL).bind(id).bind(attempt).bind(lease_until).fetch_optional(c).await)?)
}

pub async fn set_commit(db: &Db, id: &str, attempt: i64, commit: &str, subject: &str) -> Result<bool> {
    const SQL: &str =
        "UPDATE release SET commit_id = $3, commit_subject = $4 WHERE id = $1 AND attempt = $2 AND status = 'running'";
    Ok(
        on!(db, c => sqlx::query(SQL).bind(id).bind(attempt).bind(commit).bind(subject).execute(c).await.map(|r| r.rows_affected()))?
            == 1,
    )
}

/// The version, once the project has told it.
pub async fn set_version(db: &Db, id: &str, attempt: i64, version: &str) -> Result<bool> {
    const SQL: &str = "UPDATE release SET version = $3 WHERE id = $1 AND attempt = $2 AND status = 'running'";
    Ok(on!(db, c => sqlx::query(SQL).bind(id).bind(attempt).bind(version).execute(c).await.map(|r| r.rows_affected()))?
        == 1)
}

/// Whether this attempt still owns the release; nobody takes it before the transaction ends.
pub async fn hold(tx: &mut Tx, id: &str, attempt: i64) -> Result<bool> {
    const SQL: &str = "UPDATE release SET attempt = attempt WHERE id = $1 AND attempt = $2 AND status = 'running'";
    Ok(within!(tx, c => sqlx::query(SQL).bind(id).bind(attempt).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// The receipt that came last for a version people chose: of an upload, or of an update.
pub async fn last_receipt(db: &Db, program: &str) -> Result<Option<Receipt>> {
    const SQL: &str = "SELECT receipt FROM release WHERE program_id = $1 AND status = 'succeeded' \
        AND action IN ('upload', 'publish') AND receipt IS NOT NULL ORDER BY finished_at DESC, id DESC LIMIT 1";
    let found: Option<String> = on!(db, c => sqlx::query_scalar(SQL).bind(program).fetch_optional(c).await)?;
    Ok(json_opt(found)?)
}

pub async fn set_remark(db: &Db, id: &str, remark: &str) -> Result<()> {
    on!(db, c => sqlx::query("UPDATE release SET remark = $2 WHERE id = $1").bind(id).bind(remark).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn set_sizes(db: &Db, id: &str, attempt: i64, sizes: &[Size]) -> Result<bool> {
    const SQL: &str = "UPDATE release SET sizes = $3 WHERE id = $1 AND attempt = $2 AND status = 'running'";
    let sizes = serde_json::to_string(sizes)?;
    Ok(on!(db, c => sqlx::query(SQL).bind(id).bind(attempt).bind(&sizes).execute(c).await.map(|r| r.rows_affected()))?
        == 1)
}

/// False when the attempt lost the release.
pub async fn begin_stage(db: &Db, id: &str, attempt: i64, stage: Stage, now: Ms) -> Result<bool> {
    const MARK: &str = "UPDATE release SET stage = $3 WHERE id = $1 AND attempt = $2 AND status = 'running'";
    const SQL: &str = "INSERT INTO stage (release_id, name, status, started_at, finished_at) VALUES ($1, $2, 'running', $3, NULL) \
        ON CONFLICT (release_id, name) DO UPDATE SET status = 'running', started_at = excluded.started_at, finished_at = NULL";
    let mut tx = db.begin().await?;
    let marked = within!(&mut tx, c => sqlx::query(MARK).bind(id).bind(attempt).bind(stage.as_str()).execute(c).await.map(|r| r.rows_affected()))?;
    if marked == 1 {
        within!(&mut tx, c => sqlx::query(SQL).bind(id).bind(stage.as_str()).bind(now).execute(c).await.map(drop))?;
    }
    tx.commit().await?;
    Ok(marked == 1)
}

pub async fn end_stage(db: &Db, id: &str, attempt: i64, stage: Stage, status: StageStatus, now: Ms) -> Result<()> {
    const SQL: &str = "UPDATE stage SET status = $3, finished_at = $4 WHERE release_id = $1 AND name = $2 \
        AND EXISTS (SELECT 1 FROM release WHERE id = $1 AND attempt = $5 AND status = 'running')";
    on!(db, c => sqlx::query(SQL).bind(id).bind(stage.as_str()).bind(status.as_str()).bind(now).bind(attempt).execute(c).await.map(drop))?;
    Ok(())
}

/// Ends an attempt; false when it had already lost the release. Dispatch the next one in the same transaction.
pub async fn finish(tx: &mut Tx, id: &str, attempt: i64, outcome: &Outcome, now: Ms) -> Result<bool> {
    const SQL: &str = "UPDATE release SET status = $3, finished_at = $4, lease_until = NULL, failure = $5, receipt = $6, \
        sizes = COALESCE($7, sizes), qr_key = $8, qr_expires_at = $9 WHERE id = $1 AND attempt = $2 AND status = 'running'";
    let (mut failure, mut receipt, mut sizes, mut qr_key, mut qr_expires_at) = (None, None, None, None, None);
    match outcome {
        Outcome::Succeeded(delivered) => {
            receipt = Some(serde_json::to_string(&delivered.receipt)?);
            sizes = Some(serde_json::to_string(&delivered.sizes)?);
            qr_key = delivered.qr_key.clone();
            qr_expires_at = delivered.qr_expires_at;
        }
        Outcome::Failed(f) | Outcome::Unconfirmed(f) => failure = Some(serde_json::to_string(f)?),
        Outcome::Canceled => {}
    }
    let done = within!(tx, c => sqlx::query(SQL)
        .bind(id).bind(attempt).bind(outcome.status().as_str()).bind(now).bind(&failure).bind(&receipt).bind(&sizes)
        .bind(&qr_key).bind(qr_expires_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(done == 1)
}

/// Releases whose runner stopped renewing.
pub async fn list_expired(db: &Db, now: Ms) -> Result<Vec<Release>> {
    const SQL: &str =
        "SELECT * FROM release WHERE status = 'running' AND lease_until < $1 ORDER BY lease_until LIMIT 100";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(now).fetch_all(c).await)?)
}

/// Puts an expired attempt back: dispatched again at once, under the same turn of its program.
pub async fn requeue(tx: &mut Tx, id: &str, attempt: i64, now: Ms) -> Result<bool> {
    const SQL: &str = "UPDATE release SET status = 'queued', stage = NULL, lease_until = NULL, dispatched_at = $3 \
        WHERE id = $1 AND attempt = $2 AND status = 'running' AND lease_until < $3";
    const STAGES: &str = "DELETE FROM stage WHERE release_id = $1";
    let done = within!(&mut *tx, c => sqlx::query(SQL).bind(id).bind(attempt).bind(now).execute(c).await.map(|r| r.rows_affected()))?
        == 1;
    if done {
        within!(tx, c => sqlx::query(STAGES).bind(id).execute(c).await.map(drop))?;
    }
    Ok(done)
}

/// Dispatched but not claimed since `before`: their jobs may be lost.
pub async fn list_stale(db: &Db, before: Ms) -> Result<Vec<(String, i64)>> {
    const SQL: &str = "SELECT id, attempt FROM release WHERE status = 'queued' AND dispatched_at < $1 LIMIT 100";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(before).fetch_all(c).await)?)
}

/// Takes note that a stale job was pushed again; false when it was claimed meanwhile.
pub async fn redispatch(tx: &mut Tx, id: &str, before: Ms, now: Ms) -> Result<bool> {
    const SQL: &str =
        "UPDATE release SET dispatched_at = $3 WHERE id = $1 AND status = 'queued' AND dispatched_at < $2";
    Ok(within!(tx, c => sqlx::query(SQL).bind(id).bind(before).bind(now).execute(c).await.map(|r| r.rows_affected()))?
        == 1)
}

/// Programs with something queued and nothing dispatched.
pub async fn list_undispatched(db: &Db) -> Result<Vec<String>> {
    const SQL: &str = "SELECT DISTINCT r.program_id FROM release r WHERE r.status = 'queued' AND r.dispatched_at IS NULL \
        AND NOT EXISTS (SELECT 1 FROM release a WHERE a.program_id = r.program_id AND a.dispatched_at IS NOT NULL AND a.finished_at IS NULL)";
    Ok(on!(db, c => sqlx::query_scalar(SQL).fetch_all(c).await)?)
}

/// Ends a release that nobody claimed yet.
pub async fn cancel_queued(tx: &mut Tx, id: &str, now: Ms) -> Result<bool> {
    const SQL: &str = "UPDATE release SET status = 'canceled', finished_at = $2 WHERE id = $1 AND status = 'queued'";
    Ok(within!(tx, c => sqlx::query(SQL).bind(id).bind(now).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// Asks the runner to stop; it looks whenever it is woken or renews.
pub async fn request_cancel(tx: &mut Tx, id: &str) -> Result<bool> {
    const SQL: &str = "UPDATE release SET cancel_requested = TRUE WHERE id = $1 AND status = 'running'";
    Ok(within!(tx, c => sqlx::query(SQL).bind(id).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// A person's word on what the vendor's console shows.
pub async fn confirm(tx: &mut Tx, id: &str, status: &str, failure: Option<&Failure>) -> Result<bool> {
    const SQL: &str = "UPDATE release SET status = $2, failure = $3 WHERE id = $1 AND status = 'unconfirmed'";
    let failure = failure.map(serde_json::to_string).transpose()?;
    Ok(
        within!(tx, c => sqlx::query(SQL).bind(id).bind(status).bind(&failure).execute(c).await.map(|r| r.rows_affected()))?
            == 1,
    )
}

/// Attempts that own containers now: `(release, attempt)`.
pub async fn list_live_attempts(db: &Db, now: Ms) -> Result<Vec<(String, i64)>> {
    const SQL: &str = "SELECT id, attempt FROM release WHERE status = 'running' AND lease_until >= $1";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(now).fetch_all(c).await)?)
}

/// Removes one that ended, with its stages and its log; false where it has not.
pub async fn delete_ended(tx: &mut Tx, id: &str) -> Result<bool> {
    const SQL: &str = "DELETE FROM release WHERE id = $1 AND status NOT IN ('running', 'queued')";
    Ok(within!(tx, c => sqlx::query(SQL).bind(id).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// The address that a vendor last refused to let in: ours, as it sees us.
pub async fn last_refused_address(db: &Db) -> Result<Option<String>> {
    const SQL: &str =
        "SELECT failure FROM release WHERE failure LIKE '%\"ip_not_allowed\"%' ORDER BY created_at DESC LIMIT 1";
    let found: Option<String> = on!(db, c => sqlx::query_scalar(SQL).fetch_optional(c).await)?;
    let failure: Option<Failure> = json_opt(found)?;
    Ok(failure.and_then(|failure| failure.args.into_iter().next()))
}

/// How many wait, and since when the oldest of them does.
pub async fn queue_depth(db: &Db) -> Result<(i64, Option<Ms>)> {
    const SQL: &str = "SELECT COUNT(*), MIN(created_at) FROM release WHERE status = 'queued'";
    Ok(on!(db, c => sqlx::query_as(SQL).fetch_one(c).await)?)
}

/// What runners hold now: runner, release, lease.
pub async fn list_held(db: &Db) -> Result<Vec<(String, String, Ms)>> {
    const SQL: &str = "SELECT COALESCE(runner, ''), id, COALESCE(lease_until, 0) FROM release \
        WHERE status = 'running' ORDER BY runner, started_at";
    Ok(on!(db, c => sqlx::query_as(SQL).fetch_all(c).await)?)
}

pub async fn list_stages(db: &Db, id: &str) -> Result<Vec<StageRow>> {
    const SQL: &str =
        "SELECT name, status, started_at, finished_at FROM stage WHERE release_id = $1 ORDER BY started_at";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(id).fetch_all(c).await)?)
}

/// How many releases of this program were made since then, whatever came of them.
pub async fn count_since(db: &Db, program: &str, since: Ms) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM release WHERE program_id = $1 AND created_at >= $2";
    Ok(on!(db, c => sqlx::query_scalar(SQL).bind(program).bind(since).fetch_one(c).await)?)
}

pub async fn count_of_program(db: &Db, program: &str) -> Result<i64> {
    count_since(db, program, 0).await
}

//! `robot_lease`: which branch of an app holds which uploader slot.

use sqlx::Row;

use super::{Db, Result, Tx, on, rows, within};
use crate::model::robot::Lease;

rows!(Lease, r => Lease {
    platform: r.try_get("platform")?,
    app_id: r.try_get("app_id")?,
    reference: r.try_get("reference")?,
    robot: r.try_get("robot")?,
    program_id: r.try_get("program_id")?,
    used_at: r.try_get("used_at")?,
});

/// All of an app's, by robot.
pub async fn list_in(tx: &mut Tx, platform: &str, app_id: &str) -> Result<Vec<Lease>> {
    const SQL: &str = "SELECT * FROM robot_lease WHERE platform = $1 AND app_id = $2 ORDER BY robot";
    Ok(within!(tx, c => sqlx::query_as(SQL).bind(platform).bind(app_id).fetch_all(c).await)?)
}

pub async fn list(db: &Db, platform: &str, app_id: &str) -> Result<Vec<Lease>> {
    const SQL: &str = "SELECT * FROM robot_lease WHERE platform = $1 AND app_id = $2 ORDER BY robot";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(platform).bind(app_id).fetch_all(c).await)?)
}

pub async fn list_all(db: &Db) -> Result<Vec<Lease>> {
    const SQL: &str = "SELECT * FROM robot_lease ORDER BY platform, app_id, robot";
    Ok(on!(db, c => sqlx::query_as(SQL).fetch_all(c).await)?)
}

/// Takes or keeps a slot. A slot that somebody else took in between is a duplicate.
pub async fn put(tx: &mut Tx, lease: &Lease) -> Result<()> {
    const SQL: &str = "INSERT INTO robot_lease (platform, app_id, reference, robot, program_id, used_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (platform, app_id, reference) \
        DO UPDATE SET used_at = excluded.used_at";
    within!(tx, c => sqlx::query(SQL)
        .bind(&lease.platform).bind(&lease.app_id).bind(&lease.reference).bind(lease.robot)
        .bind(&lease.program_id).bind(lease.used_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

pub async fn delete(db: &Db, platform: &str, app_id: &str, reference: &str) -> Result<()> {
    const SQL: &str = "DELETE FROM robot_lease WHERE platform = $1 AND app_id = $2 AND reference = $3";
    on!(db, c => sqlx::query(SQL).bind(platform).bind(app_id).bind(reference).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn delete_in(tx: &mut Tx, platform: &str, app_id: &str, reference: &str) -> Result<()> {
    const SQL: &str = "DELETE FROM robot_lease WHERE platform = $1 AND app_id = $2 AND reference = $3";
    within!(tx, c => sqlx::query(SQL).bind(platform).bind(app_id).bind(reference).execute(c).await.map(drop))?;
    Ok(())
}

//! `group_member`: who may do what in one group.

use sqlx::Row;

use super::{Db, Result, on, rows};
use crate::model::user::Membership;

rows!(Membership, r => Membership {
    group_id: r.try_get("group_id")?,
    can_publish: r.try_get("can_publish")?,
    can_publish_updates: r.try_get("can_publish_updates")?,
});

/// A member with the names a list shows.
#[derive(Debug, Clone)]
pub struct Listed {
    pub user_id: String,
    pub login: String,
    pub name: String,
    pub membership: Membership,
}

rows!(Listed, r => Listed {
    user_id: r.try_get("user_id")?,
    login: r.try_get("login")?,
    name: r.try_get("name")?,
    membership: sqlx::FromRow::from_row(r)?,
});

pub async fn list_of_user(db: &Db, user: &str) -> Result<Vec<Membership>> {
    Ok(on!(db, c => sqlx::query_as("SELECT * FROM group_member WHERE user_id = $1").bind(user).fetch_all(c).await)?)
}

pub async fn list_of_group(db: &Db, group: &str) -> Result<Vec<Listed>> {
    const SQL: &str = "SELECT m.*, u.login, u.name FROM group_member m JOIN app_user u ON u.id = m.user_id \
        WHERE m.group_id = $1 AND u.deleted_at IS NULL ORDER BY u.login";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(group).fetch_all(c).await)?)
}

pub async fn put(db: &Db, user: &str, m: &Membership) -> Result<()> {
    const SQL: &str = "INSERT INTO group_member (group_id, user_id, can_publish, can_publish_updates) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (group_id, user_id) \
        DO UPDATE SET can_publish = excluded.can_publish, can_publish_updates = excluded.can_publish_updates";
    on!(db, c => sqlx::query(SQL)
        .bind(&m.group_id).bind(user).bind(m.can_publish).bind(m.can_publish_updates).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn delete(db: &Db, group: &str, user: &str) -> Result<bool> {
    const SQL: &str = "DELETE FROM group_member WHERE group_id = $1 AND user_id = $2";
    Ok(on!(db, c => sqlx::query(SQL).bind(group).bind(user).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

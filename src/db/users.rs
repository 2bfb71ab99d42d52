//! `app_user`.

use sqlx::Row;

use super::{Db, Result, on, rows, word};
use crate::model::user::User;

rows!(User, r => User {
    id: r.try_get("id")?,
    login: r.try_get("login")?,
    name: r.try_get("name")?,
    role: word(r.try_get("role")?)?,
    password_hash: r.try_get("password_hash")?,
    created_at: r.try_get("created_at")?,
});

pub async fn insert(db: &Db, user: &User) -> Result<()> {
    const SQL: &str =
        "INSERT INTO app_user (id, login, name, role, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    on!(db, c => sqlx::query(SQL)
        .bind(&user.id).bind(&user.login).bind(&user.name).bind(user.role.as_str())
        .bind(&user.password_hash).bind(user.created_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

pub async fn count_owners(db: &Db) -> Result<i64> {
    Ok(on!(db, c => sqlx::query_scalar("SELECT COUNT(*) FROM app_user WHERE role = 'owner'").fetch_one(c).await)?)
}

pub async fn find(db: &Db, id: &str) -> Result<Option<User>> {
    Ok(on!(db, c => sqlx::query_as("SELECT * FROM app_user WHERE id = $1").bind(id).fetch_optional(c).await)?)
}

pub async fn find_by_login(db: &Db, login: &str) -> Result<Option<User>> {
    Ok(on!(db, c => sqlx::query_as("SELECT * FROM app_user WHERE login = $1").bind(login).fetch_optional(c).await)?)
}

pub async fn set_password(db: &Db, id: &str, hash: &str) -> Result<()> {
    const SQL: &str = "UPDATE app_user SET password_hash = $2 WHERE id = $1";
    on!(db, c => sqlx::query(SQL).bind(id).bind(hash).execute(c).await.map(drop))?;
    Ok(())
}

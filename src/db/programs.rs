//! `program_group` and `program`.

use sqlx::Row;

use super::{Db, Result, Tx, json, on, rows, within};
use crate::clock::Ms;
use crate::model::program::{Group, Program};
use crate::model::user::Scope;

rows!(Group, r => Group {
    id: r.try_get("id")?,
    name: r.try_get("name")?,
    restricted: r.try_get("restricted")?,
    created_at: r.try_get("created_at")?,
});

rows!(Program, r => Program {
    id: r.try_get("id")?,
    group_id: r.try_get("group_id")?,
    name: r.try_get("name")?,
    platform: r.try_get("platform")?,
    app_id: r.try_get("app_id")?,
    repo_url: r.try_get("repo_url")?,
    default_ref: r.try_get("default_ref")?,
    root_dir: r.try_get("root_dir")?,
    install_command: r.try_get("install_command")?,
    build_command: r.try_get("build_command")?,
    dev_build_command: r.try_get("dev_build_command")?,
    output_dir: r.try_get("output_dir")?,
    options: json(r.try_get("options")?)?,
    settings: json(r.try_get("settings")?)?,
    archived_at: r.try_get("archived_at")?,
    created_at: r.try_get("created_at")?,
    updated_at: r.try_get("updated_at")?,
});

pub async fn insert_group(db: &Db, group: &Group) -> Result<()> {
    const SQL: &str = "INSERT INTO program_group (id, name, restricted, created_at) VALUES ($1, $2, $3, $4)";
    on!(db, c => sqlx::query(SQL).bind(&group.id).bind(&group.name).bind(group.restricted).bind(group.created_at).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn update_group(db: &Db, id: &str, name: &str, restricted: bool) -> Result<()> {
    const SQL: &str = "UPDATE program_group SET name = $2, restricted = $3 WHERE id = $1";
    on!(db, c => sqlx::query(SQL).bind(id).bind(name).bind(restricted).execute(c).await.map(drop))?;
    Ok(())
}

/// False while programs are in it.
pub async fn delete_empty_group(db: &Db, id: &str) -> Result<bool> {
    const SQL: &str =
        "DELETE FROM program_group WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM program WHERE group_id = $1)";
    Ok(on!(db, c => sqlx::query(SQL).bind(id).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

pub async fn find_group(db: &Db, scope: Scope<'_>, id: &str) -> Result<Option<Group>> {
    const SQL: &str = "SELECT g.* FROM program_group g JOIN visible_group v ON v.group_id = g.id \
        WHERE g.id = $1 AND v.user_id = $2 AND ($3 IS NULL OR g.id = $3)";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(id).bind(scope.user()).bind(scope.group()).fetch_optional(c).await)?)
}

pub async fn list_groups(db: &Db, scope: Scope<'_>) -> Result<Vec<Group>> {
    const SQL: &str = "SELECT g.* FROM program_group g JOIN visible_group v ON v.group_id = g.id \
        WHERE v.user_id = $1 AND ($2 IS NULL OR g.id = $2) ORDER BY g.name";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(scope.user()).bind(scope.group()).fetch_all(c).await)?)
}

pub async fn insert(db: &Db, p: &Program) -> Result<()> {
    const SQL: &str = "INSERT INTO program (id, group_id, name, platform, app_id, repo_url, default_ref, root_dir, \
        install_command, build_command, dev_build_command, output_dir, options, settings, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let (options, settings) = (serde_json::to_string(&p.options)?, serde_json::to_string(&p.settings)?);
    on!(db, c => sqlx::query(SQL)
        .bind(&p.id).bind(&p.group_id).bind(&p.name).bind(&p.platform).bind(&p.app_id).bind(&p.repo_url)
        .bind(&p.default_ref).bind(&p.root_dir).bind(&p.install_command).bind(&p.build_command)
        .bind(&p.dev_build_command).bind(&p.output_dir).bind(&options).bind(&settings).bind(p.created_at).bind(p.updated_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

/// All that a person may edit; the platform of a program never changes.
pub async fn update(db: &Db, p: &Program) -> Result<()> {
    const SQL: &str = "UPDATE program SET group_id = $2, name = $3, app_id = $4, repo_url = $5, default_ref = $6, \
        root_dir = $7, install_command = $8, build_command = $9, dev_build_command = $10, output_dir = $11, \
        options = $12, settings = $13, updated_at = $14 WHERE id = $1";
    let (options, settings) = (serde_json::to_string(&p.options)?, serde_json::to_string(&p.settings)?);
    on!(db, c => sqlx::query(SQL)
        .bind(&p.id).bind(&p.group_id).bind(&p.name).bind(&p.app_id).bind(&p.repo_url).bind(&p.default_ref)
        .bind(&p.root_dir).bind(&p.install_command).bind(&p.build_command).bind(&p.dev_build_command)
        .bind(&p.output_dir).bind(&options).bind(&settings).bind(p.updated_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

pub async fn find(db: &Db, scope: Scope<'_>, id: &str) -> Result<Option<Program>> {
    const SQL: &str = "SELECT p.* FROM program p JOIN visible_program v ON v.program_id = p.id \
        WHERE p.id = $1 AND v.user_id = $2 AND ($3 IS NULL OR v.group_id = $3)";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(id).bind(scope.user()).bind(scope.group()).fetch_optional(c).await)?)
}

/// The runner acts for whoever clicked; the click was checked.
pub async fn find_for_runner(db: &Db, id: &str) -> Result<Option<Program>> {
    Ok(on!(db, c => sqlx::query_as("SELECT * FROM program WHERE id = $1").bind(id).fetch_optional(c).await)?)
}

/// All of them, oldest first: phones ask about archived programs too.
pub async fn list_for_catalogue(db: &Db) -> Result<Vec<Program>> {
    Ok(on!(db, c => sqlx::query_as("SELECT * FROM program ORDER BY created_at, id").fetch_all(c).await)?)
}

/// Another program of this platform with this app id.
pub async fn find_twin(db: &Db, id: &str, platform: &str, app_id: &str) -> Result<Option<Program>> {
    const SQL: &str = "SELECT * FROM program WHERE platform = $2 AND app_id = $3 AND id <> $1 LIMIT 1";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(id).bind(platform).bind(app_id).fetch_optional(c).await)?)
}

/// Archived programs keep everything and take no releases; `None` restores.
pub async fn set_archived(db: &Db, id: &str, at: Option<Ms>) -> Result<()> {
    on!(db, c => sqlx::query("UPDATE program SET archived_at = $2 WHERE id = $1").bind(id).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Those that take releases.
pub async fn list(db: &Db, scope: Scope<'_>) -> Result<Vec<Program>> {
    const SQL: &str = "SELECT p.* FROM program p JOIN visible_program v ON v.program_id = p.id \
        WHERE p.archived_at IS NULL AND v.user_id = $1 AND ($2 IS NULL OR v.group_id = $2) ORDER BY p.name";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(scope.user()).bind(scope.group()).fetch_all(c).await)?)
}

/// The others; the latest archived first.
pub async fn list_archived(db: &Db, scope: Scope<'_>) -> Result<Vec<Program>> {
    const SQL: &str = "SELECT p.* FROM program p JOIN visible_program v ON v.program_id = p.id \
        WHERE p.archived_at IS NOT NULL AND v.user_id = $1 AND ($2 IS NULL OR v.group_id = $2) \
        ORDER BY p.archived_at DESC";
    Ok(on!(db, c => sqlx::query_as(SQL).bind(scope.user()).bind(scope.group()).fetch_all(c).await)?)
}

/// All of them, those that take releases first.
pub async fn list_with_archived(db: &Db, scope: Scope<'_>) -> Result<Vec<Program>> {
    let mut all = list(db, scope).await?;
    all.extend(list_archived(db, scope).await?);
    Ok(all)
}

/// One that never had a release; false where it has some. Its credentials and updates go with it.
pub async fn delete_unused(tx: &mut Tx, id: &str) -> Result<bool> {
    const SQL: &str = "DELETE FROM program WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM release WHERE program_id = $1)";
    Ok(within!(tx, c => sqlx::query(SQL).bind(id).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// Serialises all who queue or dispatch for this program, on either engine.
pub async fn lock(tx: &mut Tx, id: &str) -> Result<()> {
    const SQL: &str = "UPDATE program SET updated_at = updated_at WHERE id = $1";
    within!(tx, c => sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

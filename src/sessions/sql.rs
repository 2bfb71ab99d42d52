//! Sessions in our own table.

use super::{Result, Stored};
use crate::clock::Ms;
use crate::db::{self, Db};

pub(super) async fn find(db: &Db, id: &str, now: Ms) -> Result<Option<Stored>> {
    let Some((data, expires_at)) = db::sessions::find(db, id, now).await? else { return Ok(None) };
    Ok(Some(Stored { id: id.to_owned(), data: serde_json::from_str(&data)?, expires_at }))
}

pub(super) async fn list_of_user(db: &Db, user: &str, now: Ms) -> Result<Vec<Stored>> {
    let rows = db::sessions::list_of_user(db, user, now).await?;
    let stored = |(id, data, expires_at): (String, String, Ms)| {
        Ok(Stored { id, data: serde_json::from_str(&data)?, expires_at })
    };
    rows.into_iter().map(stored).collect()
}

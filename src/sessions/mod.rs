//! Who is signed in: sessions in the database or in Redis, and the brake on wrong passwords. Knows no role and no page.

mod redis;
mod sql;
pub mod throttle;

use std::collections::HashMap;

use async_trait::async_trait;
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result as StoreResult, SessionStore};

use crate::clock::{Clock, Ms};
use crate::db::Db;
use crate::model::hex_of;
pub use redis::Redis;
use throttle::Throttle;

/// The record's field that says whose session it is.
pub const USER: &str = "user_id";

/// Where sessions live; the layer above is the same.
#[derive(Clone)]
pub enum Sessions {
    Sql { db: Db, clock: Clock },
    Redis(Redis),
}

/// A session as it rests.
#[derive(Debug, Clone)]
pub struct Stored {
    /// A hash of what the browser holds: whoever reads this cannot sign in with it.
    pub id: String,
    pub data: HashMap<String, serde_json::Value>,
    pub expires_at: Ms,
}

type Result<T> = anyhow::Result<T>;

impl Sessions {
    /// In Redis where an address is given; it must answer now.
    pub async fn open(redis_url: Option<&str>, db: &Db, clock: &Clock) -> Result<(Self, Throttle)> {
        match redis_url {
            None => Ok((Self::Sql { db: db.clone(), clock: clock.clone() }, Throttle::memory(clock.clone()))),
            Some(url) => {
                let redis = Redis::connect(url).await?;
                Ok((Self::Redis(redis.clone()), Throttle::Redis(redis)))
            }
        }
    }

    /// Somebody's sessions, the newest first.
    pub async fn list_of_user(&self, user: &str) -> Result<Vec<Stored>> {
        let mut found = match self {
            Self::Sql { db, clock } => sql::list_of_user(db, user, clock.now()).await?,
            Self::Redis(redis) => redis.list_of_user(user).await?,
        };
        found.sort_by_key(|stored| std::cmp::Reverse(stored.expires_at));
        Ok(found)
    }

    /// Whether one still stands.
    pub async fn stands(&self, id: &str) -> Result<bool> {
        Ok(self.find(id).await?.is_some())
    }

    /// Ends somebody's sessions, all but one where `keep` names it.
    pub async fn end_of_user(&self, user: &str, keep: &str) -> Result<()> {
        match self {
            Self::Sql { db, .. } => crate::db::sessions::delete_of_user(db, user, keep).await.map(drop),
            Self::Redis(redis) => redis.end_of_user(user, keep).await,
        }
    }

    async fn find(&self, id: &str) -> Result<Option<Stored>> {
        match self {
            Self::Sql { db, clock } => sql::find(db, id, clock.now()).await,
            Self::Redis(redis) => redis.find(id).await,
        }
    }

    /// Ends one, if it is this person's.
    pub async fn end(&self, user: &str, id: &str) -> Result<bool> {
        let own = self.find(id).await?.is_some_and(|stored| stored.data.get(USER).is_some_and(|owner| owner == user));
        if own {
            self.remove(id).await?;
        }
        Ok(own)
    }

    async fn remove(&self, id: &str) -> Result<()> {
        match self {
            Self::Sql { db, .. } => crate::db::sessions::delete(db, id).await,
            Self::Redis(redis) => redis.delete(id).await,
        }
    }
}

/// What is stored in place of the id that the browser holds.
pub fn stored_id(id: &Id) -> String {
    hex_of(&openssl::sha::sha256(id.to_string().as_bytes()))
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sql { .. } => "Sessions::Sql",
            Self::Redis(_) => "Sessions::Redis",
        })
    }
}

fn backend(error: anyhow::Error) -> StoreError {
    StoreError::Backend(format!("{error:#}"))
}

fn expiry(record: &Record) -> Ms {
    (record.expiry_date.unix_timestamp_nanos() / 1_000_000) as Ms
}

fn data(record: &Record) -> StoreResult<String> {
    serde_json::to_string(&record.data).map_err(|error| StoreError::Encode(error.to_string()))
}

fn user(record: &Record) -> Option<&str> {
    record.data.get(USER).and_then(|value| value.as_str())
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        loop {
            let id = stored_id(&record.id);
            let (data, expires_at) = (data(record)?, expiry(record));
            let made = match self {
                Self::Sql { db, .. } => {
                    crate::db::sessions::insert(db, &id, user(record), &data, expires_at).await.map_err(backend)?
                }
                Self::Redis(redis) => redis.create(&id, user(record), &data, expires_at).await.map_err(backend)?,
            };
            if made {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    /// Only ever changes what is there: a request in flight must not bring an ended session back.
    async fn save(&self, record: &Record) -> StoreResult<()> {
        let (id, data, expires_at) = (stored_id(&record.id), data(record)?, expiry(record));
        let saved = match self {
            Self::Sql { db, .. } => crate::db::sessions::update(db, &id, user(record), &data, expires_at).await,
            Self::Redis(redis) => redis.save(&id, user(record), &data, expires_at).await,
        };
        saved.map_err(backend)
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let Some(stored) = self.find(&stored_id(id)).await.map_err(backend)? else { return Ok(None) };
        let expiry_date = OffsetDateTime::from_unix_timestamp(stored.expires_at / 1000)
            .map_err(|error| StoreError::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data: stored.data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        self.remove(&stored_id(id)).await.map_err(backend)
    }
}

//! Sessions and counters in Redis: one key a session that expires by itself, one set a person.

use std::time::Duration;

use anyhow::Context;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, ExistenceCheck, SetExpiry, SetOptions};
use serde::{Deserialize, Serialize};

use super::{Result, Stored};
use crate::clock::Ms;

/// A page must not hang because Redis does.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection that mends itself; cheap to clone.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
}

#[derive(Serialize, Deserialize)]
struct Value {
    user: Option<String>,
    data: String,
    expires_at: Ms,
}

fn key(id: &str) -> String {
    format!("sampan:session:{id}")
}

fn set(user: &str) -> String {
    format!("sampan:user:{user}:sessions")
}

impl Redis {
    pub async fn connect(url: &str) -> Result<Self> {
        let client = redis::Client::open(url).context("REDIS_URL")?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_with_config(client, config);
        let connection = connection.await.context("REDIS_URL: Redis does not answer")?;
        Ok(Self { connection })
    }

    fn line(&self) -> ConnectionManager {
        self.connection.clone()
    }

    pub(super) async fn create(&self, id: &str, user: Option<&str>, data: &str, expires_at: Ms) -> Result<bool> {
        self.write(id, user, data, expires_at, ExistenceCheck::NX).await
    }

    pub(super) async fn save(&self, id: &str, user: Option<&str>, data: &str, expires_at: Ms) -> Result<()> {
        self.write(id, user, data, expires_at, ExistenceCheck::XX).await.map(drop)
    }

    async fn write(
        &self,
        id: &str,
        user: Option<&str>,
        data: &str,
        expires_at: Ms,
        check: ExistenceCheck,
    ) -> Result<bool> {
        let value = Value { user: user.map(str::to_owned), data: data.to_owned(), expires_at };
        let options = SetOptions::default()
            .conditional_set(check)
            .with_expiration(SetExpiry::PXAT(u64::try_from(expires_at).unwrap_or_default()));
        let done: Option<String> = self.line().set_options(key(id), serde_json::to_string(&value)?, options).await?;
        if let (Some(_), Some(user)) = (&done, user) {
            let _: () = self.line().sadd(set(user), id).await?;
        }
        Ok(done.is_some())
    }

    pub(super) async fn find(&self, id: &str) -> Result<Option<Stored>> {
        let text: Option<String> = self.line().get(key(id)).await?;
        let Some(text) = text else { return Ok(None) };
        let value: Value = serde_json::from_str(&text)?;
        Ok(Some(Stored { id: id.to_owned(), data: serde_json::from_str(&value.data)?, expires_at: value.expires_at }))
    }

    pub(super) async fn delete(&self, id: &str) -> Result<()> {
        let text: Option<String> = self.line().get_del(key(id)).await?;
        let user = text.and_then(|text| serde_json::from_str::<Value>(&text).ok()).and_then(|value| value.user);
        if let Some(user) = user {
            let _: () = self.line().srem(set(&user), id).await?;
        }
        Ok(())
    }

    /// Those that expired leave the set on the way.
    pub(super) async fn list_of_user(&self, user: &str) -> Result<Vec<Stored>> {
        let ids: Vec<String> = self.line().smembers(set(user)).await?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match self.find(&id).await? {
                Some(stored) => found.push(stored),
                None => self.line().srem::<_, _, ()>(set(user), &id).await?,
            }
        }
        Ok(found)
    }

    pub(super) async fn end_of_user(&self, user: &str, keep: &str) -> Result<()> {
        let ids: Vec<String> = self.line().smembers(set(user)).await?;
        for id in ids.iter().filter(|id| *id != keep) {
            self.delete(id).await?;
        }
        Ok(())
    }

    /// Adds one to a counter that forgets after `window`; the count.
    pub(super) async fn count(&self, bucket: &str, window: Duration) -> Result<i64> {
        let key = format!("sampan:throttle:{bucket}");
        let count: i64 = self.line().incr(&key, 1).await?;
        if count == 1 {
            let _: () = self.line().pexpire(&key, i64::try_from(window.as_millis())?).await?;
        }
        Ok(count)
    }

    /// A counter and how long it still stands.
    pub(super) async fn peek(&self, bucket: &str) -> Result<(i64, Duration)> {
        let key = format!("sampan:throttle:{bucket}");
        let count: Option<i64> = self.line().get(&key).await?;
        let left: i64 = self.line().pttl(&key).await?;
        Ok((count.unwrap_or_default(), Duration::from_millis(u64::try_from(left).unwrap_or_default())))
    }

    pub(super) async fn forget(&self, bucket: &str) -> Result<()> {
        Ok(self.line().del(format!("sampan:throttle:{bucket}")).await?)
    }
}

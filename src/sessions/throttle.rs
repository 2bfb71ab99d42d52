//! The brake on wrong passwords: counters that forget. Which counters count is for whoever asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Redis, Result};
use crate::clock::{Clock, Ms};

/// How long a wrong password is remembered.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);
/// More counters than this in memory: those that have forgotten go.
const MANY: usize = 10_000;

#[derive(Clone)]
pub enum Throttle {
    Memory { clock: Clock, counters: Arc<Mutex<HashMap<String, (i64, Ms)>>> },
    Redis(Redis),
}

/// A counter and what it bears.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub name: String,
    pub allowed: i64,
}

impl Throttle {
    pub fn memory(clock: Clock) -> Self {
        Self::Memory { clock, counters: Arc::default() }
    }

    /// How long to wait, where any of the counters is full.
    pub async fn wait(&self, buckets: &[Bucket]) -> Result<Option<Duration>> {
        let mut longest = None;
        for bucket in buckets {
            let (count, left) = self.peek(&bucket.name).await?;
            if count >= bucket.allowed {
                longest = longest.max(Some(left));
            }
        }
        Ok(longest)
    }

    pub async fn failed(&self, buckets: &[Bucket]) -> Result<()> {
        for bucket in buckets {
            match self {
                Self::Redis(redis) => {
                    redis.count(&bucket.name, WINDOW).await?;
                }
                Self::Memory { clock, counters } => {
                    let now = clock.now();
                    let mut counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
                    if counters.len() > MANY {
                        counters.retain(|_, (_, until)| *until > now);
                    }
                    let entry = counters.entry(bucket.name.clone()).or_insert((0, 0));
                    if entry.1 <= now {
                        *entry = (0, now + WINDOW.as_millis() as Ms);
                    }
                    entry.0 += 1;
                }
            }
        }
        Ok(())
    }

    /// After a right password.
    pub async fn forget(&self, name: &str) -> Result<()> {
        match self {
            Self::Redis(redis) => redis.forget(name).await?,
            Self::Memory { counters, .. } => {
                counters.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
            }
        }
        Ok(())
    }

    async fn peek(&self, name: &str) -> Result<(i64, Duration)> {
        match self {
            Self::Redis(redis) => redis.peek(name).await,
            Self::Memory { clock, counters } => {
                let now = clock.now();
                let counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
                let (count, until) = counters.get(name).copied().unwrap_or_default();
                let left = Duration::from_millis((until - now).max(0) as u64);
                Ok(if left.is_zero() { (0, left) } else { (count, left) })
            }
        }
    }
}

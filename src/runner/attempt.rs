//! One attempt at a release: its lease, its log, its stages, and the ways it can come to a halt.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Runner;
use super::log::Log;
use crate::bus::Moved;
use crate::db;
use crate::model::release::{Failure, LEASE, RENEW_EVERY, Release, Stage, StageStatus};
use crate::ops::turns;

/// Why an attempt stops before its end.
#[derive(Debug)]
pub(super) enum Halt {
    Failed(Failure),
    /// In deliver, without a word from the vendor's tool.
    Unconfirmed(Failure),
    Stopped(Stopped),
    Internal(anyhow::Error),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Somebody asked.
    Canceled,
    /// The release belongs to another attempt now.
    Lost,
    /// This process ends; the release goes back to the queue.
    Shutdown,
}

impl<E: Into<anyhow::Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}

pub(super) fn fail(code: &str, message: impl Into<String>) -> Halt {
    Halt::Failed(Failure::new(code, message))
}

/// Stops everything of an attempt, once, for the first reason given.
#[derive(Clone, Default)]
pub(super) struct Stopper {
    pub token: CancellationToken,
    reason: Arc<OnceLock<Stopped>>,
}

impl Stopper {
    pub(super) fn stop(&self, reason: Stopped) {
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    pub(super) fn reason(&self) -> Stopped {
        self.reason.get().copied().unwrap_or(Stopped::Lost)
    }

    /// What a step reports that noticed the token.
    pub(super) fn halt(&self) -> Halt {
        Halt::Stopped(self.reason())
    }
}

#[derive(Clone)]
pub(super) struct Attempt {
    pub runner: Runner,
    pub release: Release,
    pub log: Log,
    pub stopper: Stopper,
    delivering: Arc<AtomicBool>,
}

impl Attempt {
    pub(super) fn new(runner: Runner, release: Release, log: Log) -> Self {
        Self { runner, release, log, stopper: Stopper::default(), delivering: Arc::default() }
    }

    /// While the vendor is being talked to, a shutdown waits: stopping then would leave an upload nobody knows the end of.
    pub(super) fn delivering(&self, on: bool) {
        self.delivering.store(on, Ordering::Relaxed);
    }

    /// Runs one stage between its marks in row and log. `Ok(None)` from the body: there was nothing to do.
    pub(super) async fn stage<T>(
        &self,
        stage: Stage,
        body: impl Future<Output = Result<Option<T>, Halt>>,
    ) -> Result<Option<T>, Halt> {
        let (app, id, attempt) = (&self.runner.app, &self.release.id, self.release.attempt);
        if self.stopper.token.is_cancelled() {
            return Err(self.stopper.halt());
        }
        if !db::releases::begin_stage(&app.db, id, attempt, stage, app.clock.now()).await? {
            self.stopper.stop(Stopped::Lost);
            return Err(self.stopper.halt());
        }
        app.bus.tell(Moved::Release(id.clone()));
        let done = body.await;
        let status = match &done {
            Ok(Some(_)) => StageStatus::Succeeded,
            Ok(None) => StageStatus::Skipped,
            Err(Halt::Stopped(_)) => StageStatus::Canceled,
            Err(_) => StageStatus::Failed,
        };
        db::releases::end_stage(&app.db, id, attempt, stage, status, app.clock.now()).await?;
        app.bus.tell(Moved::Release(id.clone()));
        done
    }

    /// Renews the lease and listens for a cancel, until the attempt is over. A lost lease stops the attempt.
    pub(super) async fn keep(self) {
        let app = &self.runner.app;
        let mut bus = app.bus.listen();
        let lease = || tokio::time::Instant::now() + Duration::from_millis(LEASE as u64);
        let mut good_until = lease();
        loop {
            match turns::renew(app, &self.release).await {
                Ok(Some(cancel)) => {
                    good_until = lease();
                    if cancel {
                        self.stopper.stop(Stopped::Canceled);
                    }
                }
                Ok(None) => return self.stopper.stop(Stopped::Lost),
                Err(error) => {
                    tracing::warn!(release = %self.release.id, %error, "cannot renew the lease; trying again")
                }
            }
            if tokio::time::Instant::now() >= good_until {
                return self.stopper.stop(Stopped::Lost);
            }
            tokio::select! {
                () = tokio::time::sleep(RENEW_EVERY) => {}
                // A canceled attempt still owns its release until everything is cleared away.
                () = self.moved(&mut bus), if !self.stopper.token.is_cancelled() => {}
                () = self.runner.shutdown.cancelled(), if !self.stopper.token.is_cancelled() => {
                    if !self.delivering.load(Ordering::Relaxed) {
                        return self.stopper.stop(Stopped::Shutdown);
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    /// Until somebody else touched the row. Stages and log lines of our own are no reason to look.
    async fn moved(&self, bus: &mut crate::bus::Listener) {
        loop {
            match bus.next().await {
                Some(Moved::Release(id)) if id == self.release.id => return,
                Some(Moved::Anything) => return,
                Some(_) => {}
                None => return std::future::pending().await,
            }
        }
    }
}

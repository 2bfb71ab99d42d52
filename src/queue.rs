//! Carries the ids of runnable releases over apalis; the only file that names it. The row is the truth, not the job.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use apalis::layers::limit::GlobalConcurrencyLimitLayer;
use apalis_core::backend::ext::BackendExt;
use apalis_core::backend::ext::poll_strategy::{PollSnapshot, PollStrategy};
use apalis_core::error::{BoxDynError, WorkerError};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::data::Data;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::ext::parallelize::ParallelizeExt;
use apalis_postgres::PostgresStorage;
use apalis_sqlite::SqliteStorage;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::Semaphore;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Ms;
use crate::db::{Db, Tx};

/// apalis calls it the job type.
const QUEUE: &str = "release";
/// How long a job may wait for a runner that heard no wake-up.
const TICK: Duration = Duration::from_secs(1);
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A worker silent for so many heartbeats is dead to apalis; our own lease decides long before.
const MISSED: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// What a job says: which release, and which attempt it was pushed for.
///
/// Jobs outlive an upgrade: new fields need `#[serde(default)]`, none may go or change its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRelease {
    pub id: String,
    #[serde(default)]
    pub attempt: i64,
}

#[derive(Clone)]
pub enum Queue {
    Sqlite(SqlitePool),
    Pg(PgPool),
}

impl Queue {
    /// Beside our tables in the same database; its bookkeeping of migrations gets a table of its own.
    pub async fn open(db: &Db) -> anyhow::Result<Self> {
        match db {
            Db::Sqlite(pool) => {
                // Not `setup()`: it leaves one pooled connection at synchronous=OFF.
                let mut migrations = SqliteStorage::<()>::migrations();
                migrations.dangerous_set_table_name("_apalis_migrations");
                migrations.run(pool).await?;
                Ok(Self::Sqlite(pool.clone()))
            }
            Db::Pg(pool) => {
                PostgresStorage::<()>::migrations().run(pool).await?;
                Ok(Self::Pg(pool.clone()))
            }
        }
    }

    /// One job inside the transaction that marks its row dispatched.
    pub async fn push(&self, tx: &mut Tx, job: &RunRelease, now: Ms) -> anyhow::Result<()> {
        match tx {
            Tx::Sqlite(tx) => apalis_sqlite::queries::push_tasks(&mut **tx, QUEUE, &[task(job, now)?]).await?,
            Tx::Pg(tx) => apalis_postgres::queries::push_tasks(&mut **tx, QUEUE, vec![task(job, now)?]).await?,
        }
        Ok(())
    }

    /// Hands jobs to `handler`, `slots` at a time, until `shutdown`; returns when every handler has ended.
    ///
    /// The same job may come twice, also while it still runs: the handler claims its row by compare-and-set.
    pub async fn run<F, Fut>(
        &self,
        slots: usize,
        wakes: BoxStream<'static, ()>,
        shutdown: CancellationToken,
        handler: F,
    ) where
        F: Fn(RunRelease) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let jobs = TaskTracker::new();
        let tracked = jobs.clone();
        let parts = Parts {
            handler: Arc::new(move |job| tracked.track_future(handler(job)).boxed()),
            wakes: Arc::new(Mutex::new(wakes)),
            slots: Arc::new(Semaphore::new(slots)),
        };
        while !shutdown.is_cancelled() {
            // Unique: a name that came back within its heartbeat would be refused.
            let name = format!("runner-{}", uuid::Uuid::now_v7());
            let worker = match self {
                Self::Sqlite(pool) => sqlite_worker(pool, &parts, name),
                Self::Pg(pool) => pg_worker(pool, &parts, name),
            };
            tokio::select! {
                // Dropping the worker leaves its handlers running: they are tasks of their own.
                () = shutdown.cancelled() => break,
                end = AssertUnwindSafe(worker).catch_unwind() => match end {
                    Ok(Ok(())) => tracing::warn!("the queue worker ended; starting another"),
                    Ok(Err(error)) => tracing::warn!(%error, "the queue worker died; starting another"),
                    Err(_) => tracing::error!("the queue worker panicked; starting another"),
                },
            }
            tokio::time::sleep(PAUSE).await;
        }
        jobs.close();
        jobs.wait().await;
    }

    /// Deletes jobs finished before `before`, and workers silent since; apalis itself never does.
    pub async fn purge(&self, before: Ms) -> anyhow::Result<()> {
        let seconds = before / 1000;
        match self {
            Self::Sqlite(pool) => {
                sqlx::query("DELETE FROM Jobs WHERE job_type = $1 AND done_at < $2")
                    .bind(QUEUE)
                    .bind(seconds)
                    .execute(pool)
                    .await?;
                sqlx::query("DELETE FROM Workers WHERE worker_type = $1 AND last_seen < $2 AND NOT EXISTS (SELECT 1 FROM Jobs WHERE Jobs.lock_by = Workers.id)")
                    .bind(QUEUE).bind(seconds).execute(pool).await?;
            }
            Self::Pg(pool) => {
                sqlx::query("DELETE FROM apalis.jobs WHERE job_type = $1 AND done_at < to_timestamp($2::bigint)")
                    .bind(QUEUE)
                    .bind(seconds)
                    .execute(pool)
                    .await?;
                sqlx::query("DELETE FROM apalis.workers w WHERE w.worker_type = $1 AND w.last_seen < to_timestamp($2::bigint) AND NOT EXISTS (SELECT 1 FROM apalis.jobs j WHERE j.lock_by = w.id)")
                    .bind(QUEUE).bind(seconds).execute(pool).await?;
            }
        }
        Ok(())
    }
}

fn task(job: &RunRelease, now: Ms) -> anyhow::Result<Task<Vec<u8>>> {
    // One attempt: our own sweep decides what runs again. Due in the past: `run_at` has whole seconds only, and
    // PostgreSQL compares it with the start of the transaction.
    let due = u64::try_from(now / 1000 - 5).unwrap_or_default();
    Ok(TaskBuilder::new(serde_json::to_vec(job)?).max_attempts(1).run_at_timestamp(due).build())
}

type Handler = Arc<dyn Fn(RunRelease) -> BoxFuture<'static, ()> + Send + Sync>;
type Wakes = Arc<Mutex<BoxStream<'static, ()>>>;

struct Parts {
    handler: Handler,
    wakes: Wakes,
    slots: Arc<Semaphore>,
}

/// When an idle worker looks at the queue. apalis' own strategies leave a timer that was ready unpolled and then sleep
/// until the next heartbeat; this one polls until nothing is ready any more.
struct Wake {
    tick: Interval,
    wakes: Wakes,
}

impl Wake {
    fn new(wakes: Wakes) -> Self {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { tick, wakes }
    }
}

impl PollStrategy for Wake {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut hit = false;
        while self.tick.poll_tick(cx).is_ready() {
            hit = true;
        }
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        while let Poll::Ready(Some(())) = wakes.poll_next_unpin(cx) {
            hit = true;
        }
        if hit { Poll::Ready(Some(())) } else { Poll::Pending }
    }
}

// A batch of one: apalis sends no heartbeat for jobs that wait in a worker's buffer, and would hand them out again.
// Handlers are spawned: one that blocks must not stop heartbeats. The limit sits inside, on a semaphore of ours: a handler
// whose worker died keeps its slot.
macro_rules! worker {
    ($storage:expr, $parts:expr, $name:expr) => {
        WorkerBuilder::new($name)
            .backend($storage.poll_with_strategy(Wake::new($parts.wakes.clone())))
            .data($parts.handler.clone())
            .parallelize(tokio::spawn)
            .layer(GlobalConcurrencyLimitLayer::with_semaphore($parts.slots.clone()))
            .build(deliver)
            .run()
            .boxed()
    };
}

fn sqlite_worker(pool: &SqlitePool, parts: &Parts, name: String) -> BoxFuture<'static, Result<(), WorkerError>> {
    let config = apalis_sqlite::Config::default()
        .queue(QUEUE)
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED);
    worker!(SqliteStorage::<RunRelease>::new(pool).with_config(config), parts, name)
}

fn pg_worker(pool: &PgPool, parts: &Parts, name: String) -> BoxFuture<'static, Result<(), WorkerError>> {
    let config = apalis_postgres::Config::default()
        .queue(QUEUE)
        .batch_size(1)
        .heartbeat_interval(HEARTBEAT)
        .missed_heartbeats(MISSED);
    worker!(PostgresStorage::<RunRelease>::new(pool).with_config(config), parts, name)
}

/// Panics end here: past this point one would leave the job half-finished and have it run again later.
async fn deliver(job: RunRelease, handler: Data<Handler>) -> Result<(), BoxDynError> {
    let id = job.id.clone();
    if AssertUnwindSafe((handler.0)(job)).catch_unwind().await.is_err() {
        tracing::error!(release = %id, "the handler of a release panicked");
    }
    Ok(())
}

//! Every few seconds: what dead runners left in rows, in the engine and on disk.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::report::report;
use super::spec::{LABEL_ATTEMPT, LABEL_INSTANCE, LABEL_RELEASE};
use super::{Runner, cache};
use crate::clock::HOUR;
use crate::db;
use crate::ops::{logs, turns};

const EVERY: Duration = Duration::from_secs(3);
/// Engine and disk are looked at less often than rows.
const REAP_EVERY: u32 = 5;
const KEEP_JOBS: i64 = 24 * HOUR;
/// A package that somebody sent and has not decided about.
const KEEP_STAGED: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn run(runner: Runner) {
    // Beside the rest: packing a long log takes seconds, a lost release does not wait for it.
    tokio::join!(sweep(&runner), keep_logs(&runner));
}

async fn keep_logs(runner: &Runner) {
    loop {
        if let Err(error) = logs::keep_all(&runner.app).await {
            tracing::warn!(%error, "cannot look for logs to keep; trying again");
        }
        tokio::time::sleep(EVERY * REAP_EVERY).await;
    }
}

async fn sweep(runner: &Runner) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in 0u32.. {
        tick.tick().await;
        if round.is_multiple_of(REAP_EVERY)
            && let Err(error) = report(runner).await
        {
            tracing::warn!(%error, "cannot tell how this runner is");
        }
        if let Err(error) = turns::sweep(&runner.app).await {
            tracing::warn!(%error, "cannot sweep; trying again");
        }
        if round.is_multiple_of(REAP_EVERY)
            && let Err(error) = reap(runner).await
        {
            tracing::warn!(%error, "cannot reap; trying again");
        }
    }
}

/// Removes containers and workspaces that no live attempt owns.
async fn reap(runner: &Runner) -> anyhow::Result<()> {
    let app = &runner.app;
    let ours = BTreeMap::from([(LABEL_INSTANCE.to_owned(), app.instance.to_string())]);
    // Listed before the rows are read: whatever starts in between is claimed first, and so is found alive.
    let folders = folders(&[app.config.work_dir(), app.config.secret_dir(&app.instance)]);
    sweep_snapshots(runner).await?;
    let containers = runner.executor.list(&ours).await?;
    let live: HashSet<String> = db::releases::list_live_attempts(&app.db, app.clock.now())
        .await?
        .into_iter()
        .map(|(id, attempt)| format!("{id}-{attempt}"))
        .collect();
    let mut gone = 0;
    for container in containers {
        let name = |label: &str| container.labels.get(label).cloned().unwrap_or_default();
        if !live.contains(&format!("{}-{}", name(LABEL_RELEASE), name(LABEL_ATTEMPT))) {
            runner.executor.remove(&container.id).await;
            gone += 1;
        }
    }
    if gone > 0 {
        tracing::warn!(gone, "removed containers that no live release owns");
    }
    for folder in folders {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !live.contains(&name) {
            tracing::warn!(folder = name, "removing a workspace that no live release owns");
            let _ = tokio::fs::remove_dir_all(&folder).await;
        }
    }
    app.store.sweep_staged(KEEP_STAGED).await?;
    runner.executor.prune_volumes(&ours).await?;
    app.queue.purge(app.clock.now() - KEEP_JOBS).await
}

/// As above: folders first, then the rows that may name them.
async fn sweep_snapshots(runner: &Runner) -> anyhow::Result<()> {
    let dir = runner.app.config.snapshot_dir();
    let folders = folders(std::slice::from_ref(&dir));
    let rows: HashSet<String> = db::snapshots::list(&runner.app.db).await?.into_iter().map(|row| row.id).collect();
    tokio::task::spawn_blocking(move || cache::sweep(&dir, folders, &rows)).await?;
    Ok(())
}

fn folders(parents: &[std::path::PathBuf]) -> Vec<std::path::PathBuf> {
    parents
        .iter()
        .filter_map(|parent| std::fs::read_dir(parent).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

//! What this process tells about itself in its row: engine, images, disk. Pages read the row, never the engine.

use super::{Runner, images};
use crate::clock::DAY;
use crate::db;
use crate::model::runner::{Runner as Row, RunnerState};

pub(super) async fn report(runner: &Runner) -> anyhow::Result<()> {
    let app = &runner.app;
    let mut names: Vec<String> = app.platforms.iter().flat_map(images).collect();
    names.sort();
    names.dedup();
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let id = runner.executor.image(&name).await.unwrap_or_default();
        found.push((name, id));
    }
    let disk = rustix::fs::statvfs(&app.config.data_dir)?;
    let state = RunnerState {
        slots: app.config.runner_slots,
        engine: runner.executor.describe().await.unwrap_or_default(),
        images: found,
        disk_free: disk.f_bavail * disk.f_frsize,
        disk_total: disk.f_blocks * disk.f_frsize,
    };
    let now = app.clock.now();
    db::runners::put(&app.db, &Row { id: runner.name.clone(), seen_at: now, state }, now - DAY).await
}

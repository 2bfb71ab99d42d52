//! Takes releases off the queue and runs them. Pages never meet it: they share rows, ids, wake-ups and objects.

mod attempt;
mod cache;
pub mod events;
mod explain;
pub mod lines;
mod lockfile;
pub mod log;
pub mod mask;
mod node;
mod overlay;
mod packages;
mod report;
mod run;
mod spec;
mod stages;
mod sweep;
mod tree;
mod workspace;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use futures::StreamExt;
use futures::stream;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::bus::Moved;
use crate::executor::Executor;

pub use node::DEFAULT as DEFAULT_NODE;
pub use spec::{build_image, images};

/// What every attempt on this process shares.
#[derive(Clone)]
pub struct Runner {
    pub(self) app: App,
    pub(self) executor: Executor,
    /// Names this process in rows.
    pub(self) name: String,
    /// Who containers run as, and whom workspaces belong to.
    pub(self) user: (u32, u32),
    /// The system's and the extra authorities in one file, for containers.
    pub(self) ca_bundle: Option<PathBuf>,
    pub(self) shutdown: CancellationToken,
    /// Whether the engine mounts copy-on-write folders; found out at the first need.
    pub(self) overlays: Arc<OnceCell<bool>>,
}

impl Runner {
    /// Connects to the engine; what it needs on disk is made here.
    pub async fn new(app: App, shutdown: CancellationToken) -> anyhow::Result<Self> {
        let executor = Executor::connect(&app.config.engine_sockets)
            .await
            .context("no container engine answers; `sampan doctor` says more")?;
        let ca_bundle = workspace::write_ca_bundle(&app.config)?;
        Ok(Self {
            executor,
            name: crate::model::new_id(),
            user: workspace::container_user(),
            ca_bundle,
            shutdown,
            overlays: Arc::default(),
            app,
        })
    }

    /// Until shutdown: running attempts are then stopped and put back, so that the next start goes on at once.
    pub async fn serve(self) {
        let sweeper = tokio::spawn(sweep::run(self.clone()));
        let wakes = stream::unfold(self.app.bus.listen(), |mut listener| async move {
            loop {
                match listener.next().await? {
                    Moved::Queue | Moved::Anything => return Some(((), listener)),
                    _ => {}
                }
            }
        });
        let (queue, slots) = (self.app.queue.clone(), self.app.config.runner_slots);
        let runner = self.clone();
        queue.run(slots, wakes.boxed(), self.shutdown.clone(), move |job| run::run(runner.clone(), job)).await;
        sweeper.abort();
    }
}

//! App: boots and holds the shared adapters; cheap to clone. Knows nothing of HTTP or containers.

use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;

use anyhow::Context;

use crate::bus::Bus;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{self, Db};
use crate::platform::Platforms;
use crate::queue::Queue;
use crate::store::Store;
use crate::vault::Vault;

#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub db: Db,
    pub queue: Queue,
    pub bus: Bus,
    pub store: Store,
    pub vault: Vault,
    pub platforms: Platforms,
    pub clock: Clock,
    /// Names this installation on labels, so that two of them can share an engine.
    pub instance: Arc<str>,
}

impl App {
    pub async fn boot(config: Config) -> anyhow::Result<Self> {
        Self::boot_with(config, Clock::default()).await
    }

    pub async fn boot_with(config: Config, clock: Clock) -> anyhow::Result<Self> {
        // Rows, objects and the master key are nobody else's business on this machine.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&config.data_dir)
            .with_context(|| format!("cannot make {}", config.data_dir.display()))?;
        let db = Db::open(&config.database_url).await?;
        let queue = Queue::open(&db).await?;
        let instance = db::meta::get_or_set(&db, "instance", &crate::model::new_id()).await?;
        Ok(Self {
            queue,
            bus: Bus::default(),
            store: Store::directory(config.data_dir.join("objects"))?,
            vault: Vault::open(config.master_key.as_deref(), &config.master_key_file)?,
            platforms: Platforms::load()?,
            instance: instance.into(),
            clock,
            db,
            config: Arc::new(config),
        })
    }
}

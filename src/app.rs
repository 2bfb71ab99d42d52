//! App: boots and holds the shared adapters; cheap to clone. Knows nothing of HTTP or containers.

use std::sync::Arc;

use anyhow::{Context, bail};

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
        config.make_data_dir()?;
        let db = Db::open(&config.database_url).await?;
        let queue = Queue::open(&db).await?;
        let instance = db::meta::get_or_set(&db, "instance", &crate::model::new_id()).await?;
        Ok(Self {
            queue,
            bus: Bus::default(),
            store: Store::directory(config.data_dir.join("objects"))?,
            vault: open_vault(&config, &db).await?,
            platforms: Platforms::load()?,
            instance: instance.into(),
            clock,
            db,
            config: Arc::new(config),
        })
    }
}

const KEY_CHECK: &str = "master_key_check";

/// Opens the vault with the key this database was made with. A new key beside old rows would lose every credential
/// silently: it is refused.
async fn open_vault(config: &Config, db: &Db) -> anyhow::Result<Vault> {
    let check = db::meta::get(db, KEY_CHECK).await?;
    if check.is_some() && config.master_key.is_none() && !config.master_key_file.exists() {
        bail!(
            "{} is missing, and this database was made with it: restore it from a back-up",
            config.master_key_file.display()
        );
    }
    let vault = Vault::open(config.master_key.as_deref(), &config.master_key_file)?;
    match check {
        Some(check) => {
            vault.opens(KEY_CHECK, &check).context("this is not the master key this database was made with")?
        }
        None => {
            db::meta::get_or_set(db, KEY_CHECK, &vault.proof(KEY_CHECK)?).await?;
        }
    }
    Ok(vault)
}

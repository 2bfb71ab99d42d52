//! App: boots and holds the shared adapters; cheap to clone. Knows nothing of HTTP or containers.

use std::sync::Arc;

use anyhow::{Context, bail};

use crate::bus::Bus;
use crate::catalogue::{Catalogue, Entry};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{self, Db};
use crate::logs::tails::Tails;
use crate::model::{bytes_of, hex_of};
use crate::platform::Platforms;
use crate::platform::manifest::Produces;
use crate::queue::Queue;
use crate::sessions::Sessions;
use crate::sessions::throttle::Throttle;
use crate::store::Store;
use crate::vault::{Signer, Vault};

#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub db: Db,
    pub queue: Queue,
    pub bus: Bus,
    pub store: Store,
    pub vault: Vault,
    pub platforms: Platforms,
    /// What phones are answered from.
    pub catalogue: Catalogue,
    /// The newest lines of running logs.
    pub tails: Tails,
    /// Signs what phones install.
    pub signer: Signer,
    pub sessions: Sessions,
    pub throttle: Throttle,
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
        let vault = open_vault(&config, &db).await?;
        let (sessions, throttle) = Sessions::open(config.redis_url.as_deref(), &db, &clock).await?;
        let app = Self {
            queue,
            bus: Bus::default(),
            store: Store::directory(config.data_dir.join("objects"))?,
            signer: open_signer(&vault, &db).await?,
            vault,
            sessions,
            throttle,
            catalogue: Catalogue::default(),
            tails: Tails::default(),
            platforms: Platforms::load(config.platforms_dir.as_deref())?,
            instance: instance.into(),
            clock,
            db,
            config: Arc::new(config),
        };
        app.refresh_catalogue().await?;
        Ok(app)
    }

    /// Reads all updates anew; from then on phones are answered from them.
    pub async fn refresh_catalogue(&self) -> anyhow::Result<()> {
        let _filling = self.catalogue.filling().await;
        let makes_updates =
            |platform: &str| self.platforms.get(platform).is_some_and(|p| p.produces == Produces::Update);
        let programs = db::programs::list_for_catalogue(&self.db).await?;
        let programs = programs.into_iter().filter(|program| makes_updates(&program.platform));
        let entries = programs.map(|program| Entry { program_id: program.id, app_id: program.app_id }).collect();
        self.catalogue.fill(entries, db::updates::list_all(&self.db).await?);
        Ok(())
    }
}

const SIGNING_KEY: &str = "update_signing_key";

/// The key that updates are signed with: made once, sealed in the database.
async fn open_signer(vault: &Vault, db: &Db) -> anyhow::Result<Signer> {
    let sealed = match db::meta::get(db, SIGNING_KEY).await? {
        Some(sealed) => sealed,
        None => db::meta::get_or_set(db, SIGNING_KEY, &hex_of(&vault.new_signing_key(SIGNING_KEY)?)).await?,
    };
    vault.signer(SIGNING_KEY, &bytes_of(&sealed).context("the signing key is damaged")?)
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

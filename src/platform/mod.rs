//! What a platform is. Knows none by name: everything that differs is in `workers/<id>/platform.toml`.

pub mod detect;
pub mod fields;
pub mod hints;
pub mod manifest;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
pub use manifest::Platform;

#[derive(rust_embed::RustEmbed)]
#[folder = "workers/"]
#[include = "*/platform.toml"]
struct Manifests;

/// All platforms, by id; read once, shared.
#[derive(Clone)]
pub struct Platforms {
    all: Arc<BTreeMap<String, Platform>>,
}

impl Platforms {
    /// Those that came with this binary.
    pub fn load() -> anyhow::Result<Self> {
        let mut all = BTreeMap::new();
        for path in Manifests::iter() {
            let file = Manifests::get(&path).context("listed a moment ago")?;
            let platform =
                Platform::parse(std::str::from_utf8(&file.data)?).with_context(|| format!("workers/{path}"))?;
            anyhow::ensure!(path.split('/').next() == Some(&platform.id), "workers/{path}: id is not its folder");
            all.insert(platform.id.clone(), platform);
        }
        Ok(Self { all: Arc::new(all) })
    }

    pub fn get(&self, id: &str) -> Option<&Platform> {
        self.all.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Platform> {
        self.all.values()
    }
}

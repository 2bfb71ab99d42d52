//! What a platform is. Knows none by name: everything that differs is in `workers/<id>/platform.toml`.

pub mod detect;
pub mod fields;
pub mod hints;
pub mod manifest;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
pub use manifest::Platform;

/// The example is for whoever writes a platform; nobody publishes to it.
#[derive(rust_embed::RustEmbed)]
#[folder = "workers/"]
#[include = "*/platform.toml"]
#[include = "*/package.json"]
#[exclude = "example/*"]
struct Manifests;

/// All platforms, by id; read once, shared.
#[derive(Clone)]
pub struct Platforms {
    all: Arc<BTreeMap<String, Known>>,
}

struct Known {
    platform: Platform,
    tool_version: Option<String>,
}

impl Platforms {
    /// Those that came with this binary, and those of a folder of one's own: `<id>/platform.toml` in it, with its
    /// `package.json` beside it. The same id in both means the folder's.
    pub fn load(more: Option<&Path>) -> anyhow::Result<Self> {
        let mut all = BTreeMap::new();
        for path in Manifests::iter().filter(|path| path.ends_with("/platform.toml")) {
            let folder = path.trim_end_matches("/platform.toml");
            let text = |name: &str| {
                let file = Manifests::get(&format!("{folder}/{name}"))?;
                Some(String::from_utf8_lossy(&file.data).into_owned())
            };
            let manifest = text("platform.toml").context("listed a moment ago")?;
            let known = known(folder, &manifest, text("package.json")).with_context(|| format!("workers/{path}"))?;
            all.insert(folder.to_owned(), known);
        }
        for folder in more.map(std::fs::read_dir).transpose().context("SAMPAN_PLATFORMS_DIR")?.into_iter().flatten() {
            let folder = folder?.path();
            let path = folder.join("platform.toml");
            if !path.is_file() {
                continue;
            }
            let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let manifest = std::fs::read_to_string(&path)?;
            let package = std::fs::read_to_string(folder.join("package.json")).ok();
            all.insert(id.clone(), known(&id, &manifest, package).with_context(|| path.display().to_string())?);
        }
        Ok(Self { all: Arc::new(all) })
    }

    pub fn get(&self, id: &str) -> Option<&Platform> {
        self.all.get(id).map(|known| &known.platform)
    }

    /// By rank, then by id.
    pub fn iter(&self) -> impl Iterator<Item = &Platform> {
        let mut all: Vec<&Platform> = self.all.values().map(|known| &known.platform).collect();
        all.sort_by_key(|platform| platform.rank);
        all.into_iter()
    }

    /// The pinned version of a platform's tool; `None` where it has none.
    pub fn tool_version(&self, id: &str) -> Option<&str> {
        self.all.get(id)?.tool_version.as_deref()
    }
}

fn known(folder: &str, manifest: &str, package: Option<String>) -> anyhow::Result<Known> {
    let platform = Platform::parse(manifest)?;
    anyhow::ensure!(folder == platform.id, "id is not its folder");
    let pinned = || -> Option<String> {
        let package: serde_json::Value = serde_json::from_str(&package?).ok()?;
        package["dependencies"][&platform.tool].as_str().map(str::to_owned)
    };
    let tool_version = if platform.tool.is_empty() { None } else { pinned() };
    anyhow::ensure!(platform.tool.is_empty() || tool_version.is_some(), "package.json does not pin {}", platform.tool);
    Ok(Known { platform, tool_version })
}

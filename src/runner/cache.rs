//! Installed dependencies kept between releases: their key, their folders, their use and their end. A snapshot is written
//! once, by an install stage, and afterwards only seen below a copy-on-write mount. The row is the truth: a folder
//! without one is rubbish.

use std::collections::HashSet;
use std::fs::File;
use std::io::Result;
use std::path::{Path, PathBuf};

use openssl::sha::Sha256;
use serde::{Deserialize, Serialize};

use super::tree;
use super::workspace::own_tree;

/// What an install may write beside `node_modules` and still be kept.
const MAX_EXTRA_BYTES: u64 = 64 * 1024 * 1024;
const MAX_KEY_FILES: usize = 5_000;
const NEW: &str = ".new-";
/// Files of any folder that decide what an install does.
const DECISIVE: &[&str] = &[
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
];
/// Folders whose content does too.
const DECISIVE_FOLDERS: &[&str] = &["patches", ".yarn"];
/// Scripts of package.json that an install runs.
const LIFECYCLE: &[&str] = &[
    "preinstall",
    "install",
    "postinstall",
    "preprepare",
    "prepare",
    "postprepare",
    "prepublish",
    "pnpm:devPreinstall",
];
/// Parts of package.json that change with every version and decide nothing.
const IDLE_FIELDS: &[&str] =
    &["version", "description", "author", "contributors", "keywords", "license", "homepage", "bugs", "repository"];

/// What a snapshot depends on besides the project's files.
#[derive(Debug, Clone)]
pub(super) struct Terms<'a> {
    pub repository: &'a str,
    pub folder: &'a str,
    pub command: &'a str,
    pub image: &'a str,
    pub registry: &'a str,
    /// Without a lockfile an install depends on the day; empty with one.
    pub day: &'a str,
}

/// The same for two releases whose installs would do the same.
pub(super) fn key(source: &Path, terms: &Terms<'_>) -> Result<String> {
    let mut hash = Sha256::new();
    let mut add = |name: &str, content: &[u8]| {
        for part in [name.as_bytes(), content] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    };
    for part in [terms.repository, terms.folder, terms.command, terms.image, terms.registry, terms.day] {
        add("", part.as_bytes());
    }
    let mut files: Vec<PathBuf> = vec![];
    let mut scripts = String::new();
    tree::walk(
        source,
        |path| !tree::is_modules(path),
        |path, meta| {
            if meta.is_file() && files.len() < MAX_KEY_FILES && decides(path) {
                files.push(path.to_owned());
            }
            Ok(())
        },
    )?;
    files.sort();
    for path in &files {
        let content = std::fs::read(source.join(path))?;
        if path.ends_with("package.json") {
            let (bare, lifecycle) = without_idle(&content);
            scripts += &lifecycle;
            add(&path.to_string_lossy(), &bare);
        } else if path.ends_with("package-lock.json") {
            add(&path.to_string_lossy(), &without_own_version(&content));
        } else {
            add(&path.to_string_lossy(), &content);
        }
    }
    for path in named_files(source, &scripts)? {
        add(&path.to_string_lossy(), &std::fs::read(source.join(&path))?);
    }
    Ok(crate::model::hex_of(&hash.finish()))
}

fn decides(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    DECISIVE.contains(&&*name)
        || name.ends_with(".tgz")
        || path.components().any(|part| DECISIVE_FOLDERS.iter().any(|folder| part.as_os_str() == *folder))
}

/// package.json reduced to what an install reads, and the scripts that it runs.
fn without_idle(content: &[u8]) -> (Vec<u8>, String) {
    let Ok(serde_json::Value::Object(mut manifest)) = serde_json::from_slice(content) else {
        return (content.to_vec(), String::new());
    };
    for field in IDLE_FIELDS {
        manifest.remove(*field);
    }
    let mut run = String::new();
    if let Some(serde_json::Value::Object(scripts)) = manifest.get_mut("scripts") {
        scripts.retain(|name, _| LIFECYCLE.contains(&name.as_str()));
        for command in scripts.values().filter_map(|command| command.as_str()) {
            run += command;
            run.push('\n');
        }
    }
    (serde_json::to_vec(&manifest).unwrap_or_else(|_| content.to_vec()), run)
}

fn without_own_version(content: &[u8]) -> Vec<u8> {
    let Ok(serde_json::Value::Object(mut lock)) = serde_json::from_slice(content) else { return content.to_vec() };
    lock.remove("version");
    if let Some(own) = lock.get_mut("packages").and_then(|p| p.get_mut("")).and_then(|own| own.as_object_mut()) {
        own.remove("version");
    }
    serde_json::to_vec(&lock).unwrap_or_else(|_| content.to_vec())
}

/// Files of the project that install scripts run, with all that lies beside them: `node scripts/setup.js` may read more.
fn named_files(source: &Path, scripts: &str) -> Result<Vec<PathBuf>> {
    let words = scripts.split(|c: char| c.is_whitespace() || "\"'`;&|()".contains(c)).filter(|word| !word.is_empty());
    let folders: HashSet<PathBuf> = words
        .filter_map(|word| {
            let path = Path::new(word.trim_start_matches("./"));
            let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
            let meta = if plain { source.join(path).symlink_metadata().ok()? } else { return None };
            Some(if meta.is_dir() { path.to_owned() } else { path.parent()?.to_owned() })
        })
        .collect();
    let mut files = vec![];
    for folder in folders {
        let at_root = folder.as_os_str().is_empty();
        // Beside a script at the root lies the whole project: its own folder only.
        tree::walk(
            &source.join(&folder),
            |path| !at_root && !tree::is_modules(path),
            |path, meta| {
                if meta.is_file() && files.len() < MAX_KEY_FILES {
                    files.push(folder.join(path));
                }
                Ok(())
            },
        )?;
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// What an install wrote.
#[derive(Debug)]
pub(super) struct Found {
    folders: Vec<PathBuf>,
    extras: Vec<PathBuf>,
    pub bytes: u64,
    pub files: u64,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    /// `node_modules` folders by number: `modules/0` is the first.
    folders: Vec<PathBuf>,
    /// Files written beside them, below `extras/`.
    extras: Vec<PathBuf>,
}

/// A snapshot in use: nobody removes it while this lives.
#[derive(Debug)]
pub(super) struct Snapshot {
    folder: PathBuf,
    folders: Vec<PathBuf>,
    extras: Vec<PathBuf>,
    _lock: File,
}

/// What there is to keep; `None`: nothing, or more beside `node_modules` than a snapshot should hold.
pub(super) fn found(
    source: &Path,
    before: &std::collections::BTreeMap<PathBuf, (u64, i64, i64)>,
) -> Result<Option<Found>> {
    let folders = tree::modules(source)?;
    let after = tree::listing(source)?;
    let extras: Vec<PathBuf> =
        after.iter().filter(|(path, mark)| before.get(*path) != Some(mark)).map(|(path, _)| path.clone()).collect();
    let extra_bytes: u64 = extras.iter().filter_map(|path| after.get(path)).map(|mark| mark.0).sum();
    if folders.is_empty() || extra_bytes > MAX_EXTRA_BYTES {
        return Ok(None);
    }
    let (mut bytes, mut files) = (extra_bytes, extras.len() as u64);
    for folder in &folders {
        let (more_bytes, more_files) = tree::measure(&source.join(folder))?;
        bytes += more_bytes;
        files += more_files;
    }
    Ok(Some(Found { folders, extras, bytes, files }))
}

impl Snapshot {
    /// `None` when there is none, or a sweep is removing it.
    pub(super) fn open(dir: &Path, id: &str) -> Option<Self> {
        let folder = dir.join(id);
        let lock = File::open(&folder).ok()?;
        lock.try_lock_shared().ok()?;
        let manifest = std::fs::read(folder.join("manifest.json")).ok()?;
        let Manifest { folders, extras } = serde_json::from_slice(&manifest).ok()?;
        Some(Self { folder, folders, extras, _lock: lock })
    }

    /// Moves what an install wrote out of the workspace; empty folders stay as places to mount on.
    pub(super) fn keep(dir: &Path, id: &str, source: &Path, found: Found, user: (u32, u32)) -> Result<Self> {
        let new = dir.join(format!("{NEW}{}", crate::model::new_id()));
        std::fs::create_dir_all(new.join("modules"))?;
        for (i, folder) in found.folders.iter().enumerate() {
            std::fs::rename(source.join(folder), new.join("modules").join(i.to_string()))?;
            std::fs::create_dir(source.join(folder))?;
            own_tree(&source.join(folder), user).map_err(std::io::Error::other)?;
        }
        for extra in &found.extras {
            let to = new.join("extras").join(extra);
            std::fs::create_dir_all(to.parent().unwrap_or(&new))?;
            tree::copy_entry(&source.join(extra), &to)?;
        }
        let manifest = Manifest { folders: found.folders, extras: found.extras };
        std::fs::write(new.join("manifest.json"), serde_json::to_vec(&manifest)?)?;
        let lock = File::open(&new)?;
        lock.lock_shared()?;
        let folder = dir.join(id);
        if let Err(error) = std::fs::rename(&new, &folder) {
            // Another release with the same dependencies was faster: its copy serves both.
            let _ = std::fs::remove_dir_all(&new);
            return Self::open(dir, id).ok_or(error);
        }
        Ok(Self { folder, folders: manifest.folders, extras: manifest.extras, _lock: lock })
    }

    /// Prepares a fresh workspace for it; false where the checkout leaves no place for it.
    pub(super) fn lay_out(&self, source: &Path, user: (u32, u32)) -> Result<bool> {
        for folder in &self.folders {
            let Some(made) = tree::make_inside(source, folder) else { return Ok(false) };
            own_tree(&made, user).map_err(std::io::Error::other)?;
        }
        for extra in &self.extras {
            let parent = extra.parent().unwrap_or(Path::new(""));
            let Some(parent) = tree::make_inside(source, parent) else { return Ok(false) };
            let to = parent.join(extra.file_name().unwrap_or_default());
            tree::copy_entry(&self.folder.join("extras").join(extra), &to)?;
            own_tree(&to, user).map_err(std::io::Error::other)?;
        }
        Ok(true)
    }

    /// The `node_modules` folders: where they belong, and where they lie.
    pub(super) fn modules(&self) -> impl Iterator<Item = (&Path, PathBuf)> {
        self.folders
            .iter()
            .enumerate()
            .map(|(i, folder)| (folder.as_path(), self.folder.join("modules").join(i.to_string())))
    }
}

/// The folders of a build cache; those of one that was cleared are emptied. In use while the file lives.
pub(super) fn make_build_cache(folder: &Path, fresh: bool, user: (u32, u32)) -> Result<File> {
    if fresh && folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    let lock = File::open(folder)?;
    lock.lock_shared()?;
    for name in super::spec::BUILD_CACHES {
        let made = folder.join(name.trim_start_matches('.'));
        std::fs::create_dir_all(&made)?;
        super::workspace::own(&made, user).map_err(std::io::Error::other)?;
    }
    Ok(lock)
}

/// Removes folders that no row names and nobody uses; half-made ones of another life too.
pub(super) fn sweep(dir: &Path, folders: Vec<PathBuf>, rows: &HashSet<String>) {
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let old = |folder: &Path| {
            let age = folder.metadata().and_then(|m| m.modified()).ok().and_then(|made| made.elapsed().ok());
            age.is_some_and(|age| age.as_secs() > 3600)
        };
        let rubbish = if name.starts_with(NEW) { old(&folder) } else { !rows.contains(&name) };
        // Held until it is gone: whoever looks for it meanwhile finds nothing.
        let lock = File::open(&folder).ok().filter(|_| rubbish).filter(|lock| lock.try_lock().is_ok());
        if lock.is_some() {
            tracing::info!(folder = name, "removing a snapshot that nobody needs");
            // Out of sight first: a half-removed one must not be opened.
            let aside = dir.join(format!("{NEW}{}", crate::model::new_id()));
            let gone = std::fs::rename(&folder, &aside).and_then(|()| std::fs::remove_dir_all(&aside));
            if let Err(error) = gone {
                tracing::warn!(folder = name, %error, "cannot remove a snapshot; the sweep tries again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms<'_> =
        Terms { repository: "r", folder: "", command: "npm ci", image: "sha256:1", registry: "", day: "" };

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        dir
    }

    fn id(files: &[(&str, &str)], terms: &Terms<'_>) -> String {
        key(project(files).path(), terms).expect("a key")
    }

    #[test]
    fn only_what_decides_an_install_changes_the_key() {
        let manifest = r#"{"version":"1.0.0","scripts":{"build":"x"},"dependencies":{"a":"1"}}"#;
        let base = id(&[("package.json", manifest), ("src/a.js", "1")], &TERMS);
        let bumped = manifest.replace("1.0.0", "1.0.1").replace("\"x\"", "\"y\"");
        assert_eq!(base, id(&[("package.json", &bumped), ("src/a.js", "2")], &TERMS));
        for files in [
            &[("package.json", r#"{"dependencies":{"a":"2"}}"#)][..],
            &[("package.json", manifest), ("package-lock.json", "{}")],
            &[("package.json", manifest), (".npmrc", "x=1")],
            &[("package.json", manifest), ("patches/a.patch", "x")],
            &[("package.json", manifest), ("packages/b/package.json", "{}")],
        ] {
            assert_ne!(base, id(files, &TERMS), "{files:?}");
        }
        let same = &[("package.json", manifest)];
        for terms in [
            Terms { repository: "s", ..TERMS },
            Terms { folder: "a", ..TERMS },
            Terms { command: "npm i", ..TERMS },
            Terms { image: "sha256:2", ..TERMS },
            Terms { registry: "https://r", ..TERMS },
            Terms { day: "2026-03-07", ..TERMS },
        ] {
            assert_ne!(base, id(same, &terms), "{terms:?}");
        }
    }

    #[test]
    fn scripts_that_an_install_runs_decide_with_all_beside_them() {
        let manifest = r#"{"scripts":{"postinstall":"node ./scripts/setup.js"}}"#;
        let with = |helper: &str| {
            id(&[("package.json", manifest), ("scripts/setup.js", "1"), ("scripts/lib/help.js", helper)], &TERMS)
        };
        assert_ne!(with("1"), with("2"));
        assert_eq!(with("1"), with("1"));
    }

    #[test]
    fn a_snapshot_is_kept_laid_out_and_swept() {
        let user = super::super::workspace::container_user();
        let dir = tempfile::tempdir().expect("a directory");
        let source = project(&[("package.json", "{}")]);
        let before = tree::listing(source.path()).expect("listed");
        std::fs::create_dir_all(source.path().join("node_modules/a")).expect("made");
        std::fs::write(source.path().join("node_modules/a/index.js"), "1").expect("written");
        std::fs::write(source.path().join("generated.txt"), "g").expect("written");
        let made = found(source.path(), &before).expect("read").expect("something");
        assert!(made.files == 3 && made.bytes > 0, "{made:?}");
        let kept = Snapshot::keep(dir.path(), "k", source.path(), made, user).expect("kept");
        assert!(source.path().join("node_modules").read_dir().expect("a place to mount").next().is_none());

        let fresh = project(&[("package.json", "{}")]);
        let again = Snapshot::open(dir.path(), "k").expect("opened");
        assert!(again.lay_out(fresh.path(), user).expect("laid out"));
        assert_eq!(std::fs::read(fresh.path().join("generated.txt")).expect("there"), b"g");
        let (place, lies) = again.modules().next().expect("one");
        assert_eq!(place, Path::new("node_modules"));
        assert!(lies.join("a/index.js").exists());

        let outside = tempfile::tempdir().expect("a directory");
        let hostile = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink(outside.path(), hostile.path().join("node_modules")).expect("linked");
        assert!(!again.lay_out(hostile.path(), user).expect("read"), "no way out through a link");

        let folders = || vec![dir.path().join("k")];
        sweep(dir.path(), folders(), &HashSet::new());
        assert!(Snapshot::open(dir.path(), "k").is_some(), "in use");
        drop((kept, again));
        sweep(dir.path(), folders(), &HashSet::from(["k".to_owned()]));
        assert!(Snapshot::open(dir.path(), "k").is_some(), "its row lives");
        sweep(dir.path(), folders(), &HashSet::new());
        assert!(Snapshot::open(dir.path(), "k").is_none());
    }
}

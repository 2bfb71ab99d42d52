//! Folders of hostile code as data: walked, measured, copied, never through a link.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::Result;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

pub(super) const MODULES: &str = "node_modules";

/// Visits everything below `root` with its path relative to it; `enter` decides about each folder.
pub(super) fn walk(
    root: &Path,
    enter: impl Fn(&Path) -> bool,
    mut visit: impl FnMut(&Path, &Metadata) -> Result<()>,
) -> Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let path = folder.join(entry?.file_name());
            let meta = match root.join(&path).symlink_metadata() {
                // Gone in between: a build is still running here.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                meta => meta?,
            };
            visit(&path, &meta)?;
            if meta.is_dir() && enter(&path) {
                folders.push(path);
            }
        }
    }
    Ok(())
}

pub(super) fn is_modules(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == MODULES)
}

/// Bytes on disk and number of entries.
pub(super) fn measure(root: &Path) -> Result<(u64, u64)> {
    let (mut bytes, mut files) = (0, 0);
    walk(
        root,
        |_| true,
        |_, meta| {
            bytes += meta.blocks() * 512;
            files += 1;
            Ok(())
        },
    )?;
    Ok((bytes, files))
}

/// What tells a file from what it was: size and time of change.
type Mark = (u64, i64, i64);

/// Everything outside of `node_modules`, to find what an install wrote beside them.
pub(super) fn listing(root: &Path) -> Result<BTreeMap<PathBuf, Mark>> {
    let mut found = BTreeMap::new();
    walk(
        root,
        |path| !is_modules(path),
        |path, meta| {
            if !meta.is_dir() {
                found.insert(path.to_owned(), (meta.len(), meta.mtime(), meta.mtime_nsec()));
            }
            Ok(())
        },
    )?;
    Ok(found)
}

/// The topmost `node_modules` folders, relative to `root`.
pub(super) fn modules(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = vec![];
    walk(
        root,
        |path| !is_modules(path),
        |path, meta| {
            if meta.is_dir() && is_modules(path) {
                found.push(path.to_owned());
            }
            Ok(())
        },
    )?;
    found.sort();
    Ok(found)
}

/// One file or link with its mode; whatever was there gives way. `to`'s folder must exist.
pub(super) fn copy_entry(from: &Path, to: &Path) -> Result<()> {
    let meta = from.symlink_metadata()?;
    let _ = std::fs::remove_file(to);
    if meta.is_symlink() {
        symlink(std::fs::read_link(from)?, to)
    } else if meta.is_file() {
        std::fs::copy(from, to).map(drop)
    } else {
        // Sockets, pipes, devices: nothing a build could need.
        Ok(())
    }
}

/// A whole folder, for engines without copy-on-write mounts.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    walk(
        from,
        |_| true,
        |path, meta| match meta.is_dir() {
            true => std::fs::create_dir_all(to.join(path)),
            false => copy_entry(&from.join(path), &to.join(path)),
        },
    )
}

/// A folder for `path` below `root`, made where it is missing; `None` where a link leads outside.
pub(super) fn make_inside(root: &Path, path: &Path) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let mut at = root.clone();
    for part in path.components() {
        let std::path::Component::Normal(name) = part else { return None };
        at.push(name);
        match at.symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return None,
            Err(_) => std::fs::create_dir(&at).ok()?,
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_copied_as_links_and_never_followed() {
        let (dir, outside) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("a/node_modules/x/node_modules/y")).expect("made");
        std::fs::write(at("a/node_modules/x/f"), "1").expect("written");
        std::fs::write(outside.path().join("secret"), "2").expect("written");
        symlink(outside.path(), at("out")).expect("linked");
        assert_eq!(modules(dir.path()).expect("read"), [PathBuf::from("a/node_modules")]);
        copy(dir.path(), &outside.path().join("copy")).expect("copied");
        assert!(outside.path().join("copy/out").symlink_metadata().expect("there").is_symlink());
        assert_eq!(std::fs::read(outside.path().join("copy/a/node_modules/x/f")).expect("there"), b"1");
        assert!(make_inside(dir.path(), Path::new("out/b")).is_none());
        assert!(make_inside(dir.path(), Path::new("../b")).is_none());
        assert!(make_inside(dir.path(), Path::new("a/b/c")).is_some());
        assert_eq!(listing(dir.path()).expect("read").len(), 1, "the link alone");
    }
}

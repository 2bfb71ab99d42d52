//! What a commit holds, read from its objects: sizes, pointers, submodules, files to recognise a framework by.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{ObjectType, Oid, Repository, Tree, TreeWalkMode, TreeWalkResult};

use super::mirror::other;
use super::{GitError, Limits, Result, too_large};

const GITLINK: i32 = 0o160_000;
/// An LFS pointer is three short lines.
const POINTER: std::ops::RangeInclusive<usize> = 80..=400;
const POINTER_START: &[u8] = b"version https://git-lfs.github.com/spec/";
const MAX_NAMES: usize = 50_000;
/// Of one file that is read to recognise a framework.
const MAX_READ: usize = 512 * 1024;

#[derive(Debug, Default)]
pub(super) struct Survey {
    pub gitlinks: Vec<(String, Oid)>,
    pub lfs_pointers: Vec<String>,
}

/// Refuses a commit whose files are more than the limit before any of them is written.
pub(super) fn survey(repository: &Repository, tree: &Tree<'_>, limits: Limits) -> Result<Survey> {
    let odb = repository.odb().map_err(other)?;
    let mut found = Survey::default();
    let (mut bytes, mut attributes, mut small, mut odd) = (0u64, vec![], vec![], None);
    walk(tree, |path, entry| {
        if entry.filemode() == GITLINK {
            found.gitlinks.push((path, entry.id()));
        } else if entry.kind() == Some(ObjectType::Blob) {
            odd = odd.take().or((entry.filemode_raw() & 0o7000 != 0).then(|| path.clone()));
            let size = odb.read_header(entry.id()).map_or(0, |(size, _)| size);
            bytes += size as u64;
            if path.ends_with(".gitattributes") {
                attributes.push(entry.id());
            } else if POINTER.contains(&size) {
                small.push((path, entry.id()));
            }
        }
        bytes <= limits.bytes
    })?;
    if let Some(path) = odd {
        return Err(GitError::Other(format!("{path} has a mode (set-uid) that no source file has")));
    }
    if bytes > limits.bytes {
        return Err(too_large(limits));
    }
    let holds = |id: Oid, test: &dyn Fn(&[u8]) -> bool| repository.find_blob(id).is_ok_and(|b| test(b.content()));
    let lfs = |text: &[u8]| text.windows(10).any(|w| w == b"filter=lfs");
    if attributes.into_iter().any(|id| holds(id, &lfs)) {
        let pointer = |text: &[u8]| text.starts_with(POINTER_START);
        found.lfs_pointers = small.into_iter().filter(|(_, id)| holds(*id, &pointer)).map(|(path, _)| path).collect();
    }
    Ok(found)
}

/// Names of all files of a commit, and the text of some.
#[derive(Debug, Clone, Default)]
pub struct Files {
    pub names: Vec<String>,
    pub texts: BTreeMap<String, String>,
}

pub(super) fn files(repository: &Repository, tree: &Tree<'_>, wanted: fn(&str) -> bool) -> Result<Files> {
    let mut found = Files::default();
    let mut blobs = vec![];
    walk(tree, |path, entry| {
        if entry.kind() == Some(ObjectType::Blob) {
            if wanted(&path) {
                blobs.push((path.clone(), entry.id()));
            }
            found.names.push(path);
        }
        found.names.len() < MAX_NAMES
    })?;
    for (path, id) in blobs {
        let blob = repository.find_blob(id).map_err(other)?;
        if blob.size() <= MAX_READ {
            found.texts.insert(path, String::from_utf8_lossy(blob.content()).into_owned());
        }
    }
    Ok(found)
}

/// Visits every entry with its whole path, until the visitor has seen enough.
fn walk(tree: &Tree<'_>, mut visit: impl FnMut(String, &git2::TreeEntry<'_>) -> bool) -> Result<()> {
    let walked = tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
        let name = String::from_utf8_lossy(entry.name_bytes());
        match visit(format!("{}{name}", folder), entry) {
            true => TreeWalkResult::Ok,
            false => TreeWalkResult::Abort,
        }
    });
    match walked {
        // Our own abort arrives as an error too.
        Err(error) if error.code() != git2::ErrorCode::User => Err(other(error)),
        _ => Ok(()),
    }
}

#[derive(Debug)]
pub(super) struct Submodule {
    pub path: String,
    pub url: String,
    pub commit: Oid,
}

impl Submodule {
    /// `../x.git` is relative to the repository that names it.
    pub(super) fn absolute_url(&self, parent: &str) -> String {
        if !self.url.starts_with("./") && !self.url.starts_with("../") {
            return self.url.clone();
        }
        let mut base = parent.trim_end_matches('/').to_owned();
        let mut rest = self.url.as_str();
        loop {
            if let Some(after) = rest.strip_prefix("../") {
                base.truncate(base.rfind(['/', ':']).unwrap_or(0));
                rest = after;
            } else if let Some(after) = rest.strip_prefix("./") {
                rest = after;
            } else {
                return format!("{base}/{rest}");
            }
        }
    }
}

/// The submodules that both the commit and its `.gitmodules` name.
pub(super) fn submodules(root: &Path, gitlinks: &[(String, Oid)]) -> Result<Vec<Submodule>> {
    if gitlinks.is_empty() {
        return Ok(vec![]);
    }
    let file = root.join(".gitmodules");
    let plain = file.symlink_metadata().is_ok_and(|meta| meta.is_file());
    let text = if plain { std::fs::read_to_string(&file).unwrap_or_default() } else { String::new() };
    let spoken: String = text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    // Includes would make us read other files of this machine as configuration.
    if text.is_empty() || spoken.contains("[include") {
        return Ok(vec![]);
    }
    let bad = |error: git2::Error| GitError::Submodule(".gitmodules".to_owned(), error.message().to_owned());
    let config = git2::Config::open(&file).map_err(bad)?;
    let (mut paths, mut urls) = (BTreeMap::new(), BTreeMap::new());
    let entries = config.entries(Some(r"^submodule\..*\.(path|url)$")).map_err(bad)?;
    entries
        .for_each(|entry| {
            let (Ok(name), Ok(value)) = (entry.name(), entry.value()) else { return };
            if let Some(module) = name.strip_suffix(".path") {
                paths.insert(module.to_owned(), value.trim_end_matches('/').to_owned());
            } else if let Some(module) = name.strip_suffix(".url") {
                urls.insert(module.to_owned(), value.to_owned());
            }
        })
        .map_err(bad)?;
    let by_path = |path: &str| paths.iter().find(|(_, p)| *p == path).and_then(|(module, _)| urls.get(module));
    Ok(gitlinks
        .iter()
        .filter_map(|(path, commit)| {
            Some(Submodule { path: path.clone(), url: by_path(path)?.clone(), commit: *commit })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_of_submodules() {
        let at = |url: &str, parent: &str| {
            Submodule { path: "x".into(), url: url.into(), commit: Oid::ZERO_SHA1 }.absolute_url(parent)
        };
        assert_eq!(at("../b.git", "https://h/team/a.git"), "https://h/team/b.git");
        assert_eq!(at("../../x/b.git", "https://h/team/a.git"), "https://h/x/b.git");
        assert_eq!(at("./sub.git", "https://h/a.git"), "https://h/a.git/sub.git");
        assert_eq!(at("https://o/b.git", "https://h/a.git"), "https://o/b.git");
    }
}

//! Lockfiles that point at another registry: hosts are replaced, foreign paths are named. Pure but for [`adapt`].

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Those that carry addresses; pnpm's do not, but for tarballs outside of any registry.
const WITH_ADDRESSES: &[&str] = &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock"];
pub(super) const ALL: &[&str] = &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"];

/// `scheme://host/prefix` + `/name/-/file.tgz`, the path every registry has; the file may be followed by `#sha1`.
#[expect(clippy::unwrap_used, reason = "a literal, tested below")]
static STANDARD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(https?://[^\s"'#?/]+(?:/[^\s"'#?]*?)??)/((?:@[^\s"'#?/]+(?:/|%2[fF]))?[^\s"'#?/]+/-/[^\s"'#?]+\.tgz)"#,
    )
    .unwrap()
});
/// A mirror's own layout, which no other registry serves.
#[expect(clippy::unwrap_used, reason = "a literal, tested below")]
static FOREIGN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"https?://([^\s"'#?/]+)/[^\s"'#?]*?/download/[^\s"'#?]+\.tgz"#).unwrap());

/// What became of the lockfiles of one folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Adapted {
    /// Hosts whose addresses now name the registry.
    pub replaced: BTreeSet<String>,
    /// Addresses that only their own host can serve.
    pub foreign: Option<Foreign>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    pub file: String,
    pub host: String,
    pub example: String,
}

/// Points the lockfiles of a project at `registry`, leaving alone the hosts that its `.npmrc` names for scopes.
pub(super) fn adapt(project: &Path, registry: &str) -> std::io::Result<Adapted> {
    let npmrc = std::fs::read_to_string(project.join(".npmrc")).unwrap_or_default();
    let own = scoped_hosts(&npmrc);
    let mut adapted = Adapted::default();
    for name in WITH_ADDRESSES {
        let path = project.join(name);
        if !path.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let (new, replaced) = replace(&text, registry, &own);
        if adapted.foreign.is_none() {
            adapted.foreign = foreign(name, &text, registry, &own);
        }
        if !replaced.is_empty() {
            std::fs::write(&path, new)?;
            adapted.replaced.extend(replaced);
        }
    }
    Ok(adapted)
}

/// Without its lockfiles a project gets whatever versions its manifest allows today.
pub(super) fn remove(project: &Path) -> std::io::Result<Vec<&'static str>> {
    let mut removed = vec![];
    for name in ALL {
        match std::fs::remove_file(project.join(name)) {
            Ok(()) => removed.push(*name),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

fn replace(text: &str, registry: &str, own: &BTreeSet<String>) -> (String, BTreeSet<String>) {
    let mut hosts = BTreeSet::new();
    let new = STANDARD.replace_all(text, |found: &Captures<'_>| {
        let (base, rest) = (&found[1], &found[2]);
        let host = host(base);
        if base == registry || own.contains(host) {
            return found[0].to_owned();
        }
        hosts.insert(host.to_owned());
        format!("{registry}/{rest}")
    });
    (new.into_owned(), hosts)
}

fn foreign(file: &str, text: &str, registry: &str, own: &BTreeSet<String>) -> Option<Foreign> {
    let found = FOREIGN.captures_iter(text).find(|c| &c[1] != host(registry) && !own.contains(&c[1]))?;
    Some(Foreign { file: file.to_owned(), host: found[1].to_owned(), example: found[0].to_owned() })
}

/// `@scope:registry=https://…` lines.
fn scoped_hosts(npmrc: &str) -> BTreeSet<String> {
    let lines = npmrc.lines().map(str::trim).filter(|line| line.starts_with('@'));
    lines.filter_map(|line| line.split_once(":registry=")).map(|(_, url)| host(url.trim()).to_owned()).collect()
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = "https://npm.example/repo";

    #[test]
    fn hosts_are_replaced_in_npm_and_yarn() {
        let dir = tempfile::tempdir().expect("a directory");
        let npm = r#"{"a":{"resolved":"https://old.example/@s/a/-/a-1.0.0.tgz"},"b":{"resolved":"https://old.example/x/b/-/b-1.tgz"},
            "c":{"resolved":"https://npm.example/repo/c/-/c-1.tgz"},"d":{"resolved":"git+ssh://git@h/d.git#1"},
            "e":{"resolved":"https://private.example/@corp/e/-/e-1.tgz"}}"#;
        let yarn = "a@1:\n  resolved \"https://old.example/a/-/a-1.0.0.tgz#abc\"\n";
        std::fs::write(dir.path().join("package-lock.json"), npm).expect("written");
        std::fs::write(dir.path().join("yarn.lock"), yarn).expect("written");
        std::fs::write(dir.path().join(".npmrc"), "@corp:registry=https://private.example/\n").expect("written");
        let adapted = adapt(dir.path(), REGISTRY).expect("adapted");
        assert_eq!(adapted.replaced, BTreeSet::from(["old.example".to_owned()]));
        assert_eq!(adapted.foreign, None);
        let npm = std::fs::read_to_string(dir.path().join("package-lock.json")).expect("read");
        for expected in [
            "https://npm.example/repo/@s/a/-/a-1.0.0.tgz",
            "https://npm.example/repo/b/-/b-1.tgz",
            "https://npm.example/repo/c/-/c-1.tgz",
            "https://private.example/@corp/e/-/e-1.tgz",
            "git+ssh://git@h/d.git#1",
        ] {
            assert!(npm.contains(expected), "{expected} in {npm}");
        }
        let yarn = std::fs::read_to_string(dir.path().join("yarn.lock")).expect("read");
        assert!(yarn.contains("\"https://npm.example/repo/a/-/a-1.0.0.tgz#abc\""), "{yarn}");
    }

    #[test]
    fn paths_of_another_registry_are_named() {
        let text = r#"{"resolved":"https://mirror.example/@s/a/download/@s/a-1.0.0.tgz?cache=0&sync=1#9"}"#;
        let found = foreign("package-lock.json", text, REGISTRY, &BTreeSet::new()).expect("found");
        assert_eq!(found.host, "mirror.example");
        assert_eq!(found.example, "https://mirror.example/@s/a/download/@s/a-1.0.0.tgz");
        assert!(foreign("x", text, "https://mirror.example", &BTreeSet::new()).is_none(), "its own host serves it");
        assert!(replace(text, REGISTRY, &BTreeSet::new()).1.is_empty());
    }
}

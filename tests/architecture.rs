//! The arrows of `src/lib.rs`: reads the `crate::` paths and fails on a wrong one. And other rules of the house.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Room → rooms it may import, besides those everybody may.
const ARROWS: &[(&str, &[&str])] = &[
    ("cli", &[]),
    ("main", &["app", "cli", "ops", "runner", "serve", "demo", "doctor", "git", "images", "model"]),
    ("demo", &["serve", "app", "db", "ops", "platform", "model"]),
    ("doctor", &["db", "executor", "platform", "runner"]),
    ("images", &["executor", "model", "platform", "runner"]),
    ("serve", &["app", "ops", "runner", "web"]),
    ("web", &["app", "db", "bus", "logs", "ops", "platform", "sessions", "store", "model"]),
    ("runner", &["app", "db", "bus", "logs", "ops", "platform", "store", "queue", "executor", "git", "model"]),
    ("ops", &["app", "db", "bus", "git", "logs", "package", "platform", "queue", "sessions", "store", "model"]),
    ("app", &["db", "bus", "catalogue", "logs", "platform", "queue", "sessions", "store", "vault", "model"]),
    ("sessions", &["db", "model"]),
    ("catalogue", &["model"]),
    ("logs", &["model"]),
    ("package", &["model"]),
    ("queue", &["db"]),
    ("platform", &["model"]),
    ("db", &["model"]),
    ("executor", &["model"]),
    ("git", &["model"]),
    ("bus", &[]),
    ("store", &["model"]),
    ("vault", &["model"]),
    ("model", &[]),
    ("config", &[]),
    ("error", &[]),
    ("clock", &[]),
    ("lang", &["model"]),
];
const EVERYBODY: &[&str] = &["config", "error", "clock", "lang"];

fn files(root: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(root)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != "node_modules" {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn room(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    inside.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The rooms that a file's `crate::` (and in `main`, `sampan::`) paths name.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for mark in ["crate::", "sampan::"] {
        for (at, _) in code.match_indices(mark) {
            let rest = &code[at + mark.len()..];
            if let Some(list) = rest.strip_prefix('{') {
                let list = &list[..list.find('}').unwrap_or(list.len())];
                found.extend(list.split(',').map(|item| word(item.trim())));
            } else {
                found.insert(word(rest));
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[test]
fn arrows_only_go_right() {
    let mut wrong = Vec::new();
    for path in files("src", ".rs") {
        let own = room(&path);
        if own == "lib" {
            continue;
        }
        let allowed = ARROWS.iter().find(|(name, _)| *name == own).map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else {
            panic!("{}: a room without arrows; add it to ARROWS and to the drawing", own)
        };
        for target in imports(&fs::read_to_string(&path).unwrap()) {
            let known = ARROWS.iter().any(|(name, _)| *name == target);
            if known && target != own && !allowed.contains(&target.as_str()) && !EVERYBODY.contains(&target.as_str()) {
                wrong.push(format!("{}: {own} → {target}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in files("src", ".rs") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! ") && text.len() > 20, "{}: starts with a //! line", path.display());
        let lines = text.lines().count();
        assert!(lines <= 450, "{}: {lines} lines; give it another room", path.display());
    }
}

#[test]
fn no_platform_is_known_by_name() {
    for path in files("src", ".rs") {
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        for name in ["wechat", "alipay", "bytedance", "toutiao", "uniapp", "miniprogram"] {
            assert!(!text.contains(name), "{}: names {name}", path.display());
        }
    }
}

#[test]
fn what_belongs_to_one_room_stays_there() {
    for (needle, rooms) in [
        ("sqlx::query", &["db", "queue"][..]),
        ("std::env::", &["config"]),
        ("apalis", &["queue", "main", "lib"]),
        ("bollard", &["executor"]),
        ("SystemTime::now", &["clock"]),
        ("OffsetDateTime::now", &["clock"]),
    ] {
        for path in files("src", ".rs") {
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains(needle) || rooms.contains(&room(&path).as_str()), "{}: {needle}", path.display());
        }
    }
}

//! Stops the build where a text is missing: both languages have the same keys, and every key that a template or a script
//! names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_yaml_ng::Value;

fn main() {
    for folder in ["locales", "templates", "static", "migrations"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    let (zh, en) = (keys("locales/zh-CN.yml"), keys("locales/en.yml"));
    let mut wrong: Vec<String> =
        zh.symmetric_difference(&en).map(|key| format!("{key}: in one language only")).collect();
    for (path, text) in files("templates", "html") {
        for call in [".t(\"", ".n(\"", ".with(\""] {
            missing(&mut wrong, &path, &text, call, '"', |key| zh.contains(key));
        }
    }
    // `say('log.lines')` is `script_log.lines`, `say('copied')` is `script.copied`; one of several forms counts as well.
    let said = |key: &str| {
        let key = key.strip_prefix("log.").map_or(format!("script.{key}"), |rest| format!("script_log.{rest}"));
        zh.contains(&key) || zh.contains(&format!("{key}.other"))
    };
    for (path, text) in files("static", "js") {
        missing(&mut wrong, &path, &text, "say('", '\'', said);
    }
    for line in &wrong {
        println!("cargo::error={line}");
    }
}

fn missing(wrong: &mut Vec<String>, path: &Path, text: &str, call: &str, end: char, known: impl Fn(&str) -> bool) {
    for (at, _) in text.match_indices(call) {
        let rest = &text[at + call.len()..];
        let key = rest.split(end).next().unwrap_or_default();
        if !known(key) {
            wrong.push(format!("{}: no text for {key}", path.display()));
        }
    }
}

fn keys(path: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let tree: Value = serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut keys = BTreeSet::new();
    let mut open = vec![(String::new(), tree)];
    while let Some((prefix, value)) = open.pop() {
        match value {
            Value::Mapping(map) => {
                for (name, value) in map {
                    let name = name.as_str().unwrap_or_default();
                    open.push((if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }, value));
                }
            }
            _ => {
                keys.insert(prefix);
            }
        }
    }
    keys
}

fn files(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let text = fs::read_to_string(&path).unwrap_or_default();
                found.push((path, text));
            }
        }
    }
    found
}

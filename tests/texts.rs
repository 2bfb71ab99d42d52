//! Words: both languages have the same keys, every key in use exists, every known failure has words.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use sampan::lang::Lang;
use sampan::model::release::Failure;
use sampan::platform::{Platforms, hints};

fn all(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

fn keys(language: &str) -> BTreeMap<String, String> {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("locales/{language}.yml"))).unwrap();
    let value: serde_json::Value = serde_yaml_ng::from_str(&text).unwrap();
    let mut flat = BTreeMap::new();
    let mut open = vec![(String::new(), value)];
    while let Some((prefix, value)) = open.pop() {
        match value {
            serde_json::Value::Object(map) => {
                open.extend(
                    map.into_iter()
                        .map(|(key, value)| (if prefix.is_empty() { key } else { format!("{prefix}.{key}") }, value)),
                );
            }
            serde_json::Value::String(text) => {
                flat.insert(prefix, text);
            }
            _ => {}
        }
    }
    flat
}

fn marks(text: &str) -> BTreeSet<String> {
    Regex::new(r"%\{\w+\}|%\d").unwrap().find_iter(text).map(|m| m.as_str().to_owned()).collect()
}

#[test]
fn both_languages_say_the_same() {
    let (zh, en) = (keys("zh-CN"), keys("en"));
    assert!(zh.len() > 150);
    assert_eq!(zh.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>());
    for (key, text) in &zh {
        assert_eq!(marks(text), marks(&en[key]), "{key}");
        assert_eq!(Lang::Zh.t(key), text.as_str());
        assert_eq!(Lang::En.t(key), en[key].as_str());
    }
}

#[test]
fn every_key_in_use_exists() {
    let zh = keys("zh-CN");
    let used = Regex::new(
        r#"(?:\.t\(|\.n\(|\.with\(|Text::new\(|Failure::new\(|\bfail\(|require\([^;]*?,\s*"[\w.]+",\s*)\s*"([\w.]+)""#,
    )
    .unwrap();
    let mut missing = Vec::new();
    let mut count = 0;
    for (path, text) in all("templates", ".html").into_iter().chain(all("src", ".rs")) {
        for found in used.captures_iter(&text) {
            count += 1;
            let (call, key) = (&found[0], &found[1]);
            let key =
                if call.contains("ail") && !key.contains('.') { format!("failures.{key}") } else { key.to_owned() };
            // Codes without advice of their own show the raw text.
            let silent = ["failures.program_gone", "failures.platform_gone", "failures.confirmed_failed"];
            if key.contains('.') && !zh.contains_key(&key) && !silent.contains(&key.as_str()) {
                missing.push(format!("{}: {key}", path.display()));
            }
        }
    }
    assert!(count > 150, "found only {count} uses");
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What stands in a template outside expressions and tags, and in the attributes that people read or hear.
fn own_words(template: &str) -> String {
    let code =
        Regex::new(r"(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<!--.*?-->|<svg.*?</svg>|<kbd>.*?</kbd>|-----[A-Z ]+-----")
            .unwrap();
    let read = Regex::new(r#"\b(?:title|alt|placeholder|aria-label)="([^"]*)""#).unwrap();
    let tag = Regex::new(r"(?s)<[^>]*>").unwrap();
    let bare = code.replace_all(template, "");
    let heard: String = read.captures_iter(&bare).map(|found| found[1].to_owned() + " ").collect();
    format!("{heard} {}", tag.replace_all(&bare, " "))
}

#[test]
fn templates_hold_no_words_of_their_own() {
    // Names, a command, the language switch in the other language, and a macro that is nothing but attributes.
    let allowed = "Sampan OpenAPI SHA-256 sampan admin reset-password EN EN, Switch to English switch 中文 aria-invalid true aria-describedby error";
    let allowed: Vec<&str> = allowed.split(' ').collect();
    let letters = Regex::new(r"[\p{L}][\p{L}\p{N}_,-]*").unwrap();
    let mut wrong = Vec::new();
    for (path, text) in all("templates", ".html") {
        let text = text.replace("切换到中文", "").replace("中<", "<");
        for word in letters.find_iter(&own_words(&text)) {
            if !allowed.contains(&word.as_str()) {
                wrong.push(format!("{}: {}", path.display(), word.as_str()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn scripts_hold_no_words_of_their_own() {
    let comment = Regex::new(r"(?m)^\s*(?://|/?\*).*$|\s// .*$").unwrap();
    for (path, text) in all("static", ".js") {
        let bare = comment.replace_all(&text, "");
        assert!(!bare.chars().any(|c| ('\u{3000}'..='\u{9fff}').contains(&c)), "{}", path.display());
    }
    let words: serde_json::Value = serde_json::from_str(Lang::En.words()).unwrap();
    assert!(words["log"].is_object() && words["copied"].is_string());
    assert!(!Lang::Zh.words().contains('<'), "nothing ends the block it stands in");
}

#[test]
fn every_known_vendor_error_has_a_sample_and_a_hint_in_both_languages() {
    let platforms = Platforms::load(None).unwrap();
    assert!(platforms.iter().count() > 0);
    for platform in platforms.iter() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("workers/{}/errors.samples.json", platform.id));
        let samples: Vec<serde_json::Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let mut met = BTreeSet::new();
        for sample in &samples {
            let (text, code) = (sample["text"].as_str().unwrap(), sample["code"].as_str().unwrap());
            let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
            let failure = hints::recognise(platform, first, rest);
            assert_eq!(failure.code, code, "{text}");
            for lang in [Lang::Zh, Lang::En] {
                let hint = hints::hint(Some(platform), &failure, lang).unwrap();
                assert!(!hint.is_empty() && !hint.contains("$1"), "{hint}");
            }
            met.insert(failure.code);
        }
        for known in &platform.errors {
            assert!(met.contains(&known.code), "no sample for {}", known.code);
        }
    }
}

#[test]
fn our_codes_and_the_platforms_do_not_collide() {
    // A platform's table is asked first: one name for two failures would show the wrong advice.
    let ours: BTreeSet<String> =
        keys("en").into_keys().filter_map(|key| key.strip_prefix("failures.").map(str::to_owned)).collect();
    assert!(ours.len() > 20);
    for platform in Platforms::load(None).unwrap().iter() {
        for known in &platform.errors {
            assert!(!ours.contains(&known.code), "{}: {}", platform.id, known.code);
        }
    }
}

#[test]
fn an_address_the_vendor_refuses_is_named() {
    let platforms = Platforms::load(None).unwrap();
    let platform = platforms.get("wechat").unwrap();
    let text = r#"Error: {"errCode":-10008,"errMsg":"invalid ip: 203.0.113.7, reference: x"}"#;
    let failure: Failure = hints::recognise(platform, "20003", text);
    for lang in [Lang::Zh, Lang::En] {
        assert!(hints::hint(Some(platform), &failure, lang).unwrap().contains("203.0.113.7"));
    }
}

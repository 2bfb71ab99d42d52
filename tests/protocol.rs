//! The golden files of `workers/protocol`: the drivers' tests read the same ones.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::path::{Path, PathBuf};

use sampan::runner::events::{WorkerResult, parse, parse_result};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("workers/protocol").join(name)
}

#[test]
fn events_are_heard_and_forgeries_are_not() {
    let expected: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(golden("events.json")).unwrap()).unwrap();
    let nonce = expected["nonce"].as_str().unwrap();
    let text = fs::read_to_string(golden("events.txt")).unwrap();
    let heard: Vec<usize> =
        text.lines().enumerate().filter(|(_, line)| parse(line, nonce).is_some()).map(|(i, _)| i + 1).collect();
    let wanted: Vec<usize> =
        expected["events"].as_array().unwrap().iter().map(|e| e["line"].as_u64().unwrap() as usize).collect();
    assert_eq!(heard, wanted);
    assert!(text.lines().count() > heard.len(), "the file holds noise too");
}

#[test]
fn results_are_a_clear_yes_a_clear_no_or_refused() {
    let mut refused = 0;
    for entry in fs::read_dir(golden("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let parsed = || parse_result(&fs::read(&path).unwrap());
        if name.starts_with("result.invalid") {
            assert!(parsed().is_err(), "{name}");
            refused += 1;
        } else if name.starts_with("result.ok") {
            assert!(matches!(parsed(), Ok(WorkerResult::Ok { .. })), "{name}");
        } else if name.starts_with("result.failed") {
            assert!(matches!(parsed(), Ok(WorkerResult::Failed { .. })), "{name}");
        }
    }
    assert!(refused >= 10);
}

//! A release's stages as one line of progress, and as a line for each change. Pure: reads the API's JSON, draws text.

use serde_json::Value;

use super::screen::{Paint, Tone, clean, field};
use crate::lang::duration;

/// In the order they run, for those that have not begun.
const ALL: [&str; 5] = ["checkout", "install", "compile", "prepare", "deliver"];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stage {
    name: String,
    status: String,
    /// Milliseconds; `None` until it is over.
    took: Option<i64>,
}

/// Whether nothing more will happen to it.
pub(super) fn is_final(release: &Value) -> bool {
    matches!(release["status"].as_str(), Some("succeeded" | "failed" | "canceled" | "unconfirmed"))
}

pub(super) fn is_success(release: &Value) -> bool {
    release["status"] == "succeeded"
}

/// The colour of a status, of a release or of a stage.
pub(super) fn tone(status: &str) -> Tone {
    match status {
        "succeeded" => Tone::Good,
        "failed" => Tone::Bad,
        "canceled" | "unconfirmed" => Tone::Doubt,
        "running" => Tone::Now,
        _ => Tone::Faint,
    }
}

/// The stage that runs, whose time counts.
pub(super) fn running(release: &Value) -> Option<String> {
    read(release).into_iter().find(|stage| stage.status == "running").map(|stage| stage.name)
}

/// `✓ checkout 1.2 s  ● install 14 s  · compile  · prepare  · deliver`; `ms` is how long the running stage has run.
pub(super) fn line(release: &Value, ms: i64, paint: Paint) -> String {
    let stages = read(release);
    if stages.is_empty() && !is_final(release) {
        return paint.tone(Tone::Faint, &waiting(release));
    }
    let mut parts: Vec<String> = stages.iter().map(|stage| draw(stage, ms, paint)).collect();
    // What has not begun when it is over never will.
    let to_come = ALL.iter().filter(|name| !is_final(release) && stages.iter().all(|stage| stage.name != **name));
    parts.extend(to_come.map(|name| paint.tone(Tone::Faint, &format!("· {name}"))));
    parts.join("  ")
}

/// A line for each stage that began or ended, and for a wait, since `before`.
pub(super) fn changes(before: &Value, now: &Value) -> Vec<String> {
    let (old, new) = (read(before), read(now));
    let mut lines = Vec::new();
    if new.is_empty() && !is_final(now) && (before.is_null() || waiting(before) != waiting(now)) {
        lines.push(format!("  {}", waiting(now)));
    }
    let known = |stage: &Stage| old.iter().any(|other| (&other.name, &other.status) == (&stage.name, &stage.status));
    lines.extend(new.iter().filter(|stage| !known(stage) && has_begun(stage)).map(|stage| {
        let took = stage.took.map(duration).unwrap_or_default();
        format!("  {:<9} {:<10} {took:>8}", stage.name, stage.status).trim_end().to_owned()
    }));
    lines
}

fn read(release: &Value) -> Vec<Stage> {
    let time = |stage: &Value, name: &str| {
        let at: Option<jiff::Timestamp> = stage[name].as_str()?.parse().ok();
        at.map(jiff::Timestamp::as_millisecond)
    };
    let stage = |stage: &Value| {
        let took = time(stage, "started_at").zip(time(stage, "finished_at")).map(|(start, end)| end - start);
        Stage { name: field(stage, "name"), status: field(stage, "status"), took }
    };
    release["stages"].as_array().into_iter().flatten().map(stage).collect()
}

fn has_begun(stage: &Stage) -> bool {
    !matches!(stage.status.as_str(), "" | "queued" | "pending" | "waiting")
}

fn waiting(release: &Value) -> String {
    let status = field(release, "status");
    match &release["waiting_for"] {
        Value::Null => status,
        Value::String(what) => format!("{status}: waits for {}", clean(what)),
        what => format!("{status}: waits for {what}"),
    }
}

fn draw(stage: &Stage, ms: i64, paint: Paint) -> String {
    let mark = match stage.status.as_str() {
        "succeeded" => "✓",
        "failed" => "✗",
        "canceled" => "■",
        "skipped" => "–",
        "running" => "●",
        _ => "·",
    };
    let name = paint.tone(tone(&stage.status), &format!("{mark} {}", stage.name));
    match stage.took {
        _ if stage.status == "running" => format!("{name} {}", whole_seconds(ms)),
        Some(took) if stage.status != "skipped" => format!("{name} {}", duration(took)),
        _ => name,
    }
}

/// Tenths that only move once a second would look broken.
fn whole_seconds(ms: i64) -> String {
    if ms < 10_000 { format!("{} s", ms.max(0) / 1000) } else { duration(ms) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn release(status: &str, stages: &[(&str, &str)]) -> Value {
        let stages: Vec<Value> = stages
            .iter()
            .map(|(name, status)| {
                let end = if *status == "running" { Value::Null } else { "2026-11-27T06:09:16.200Z".into() };
                json!({"name": name, "status": status, "started_at": "2026-11-27T06:09:15.000Z", "finished_at": end})
            })
            .collect();
        json!({"status": status, "stages": stages, "waiting_for": null})
    }

    #[test]
    fn stages_are_drawn_in_one_line() {
        let plain = |release: &Value, ms| line(release, ms, Paint(false));
        let waits = json!({"status": "queued", "stages": [], "waiting_for": "a runner"});
        assert_eq!(plain(&waits, 0), "queued: waits for a runner");
        let runs = release("running", &[("checkout", "succeeded"), ("install", "skipped"), ("compile", "running")]);
        assert_eq!(plain(&runs, 3_999), "✓ checkout 1.2 s  – install  ● compile 3 s  · prepare  · deliver");
        assert_eq!(plain(&runs, 75_000), "✓ checkout 1.2 s  – install  ● compile 1:15  · prepare  · deliver");
        let failed = release("failed", &[("checkout", "succeeded"), ("install", "failed")]);
        assert_eq!(plain(&failed, 0), "✓ checkout 1.2 s  ✗ install 1.2 s");
        assert_eq!(line(&release("failed", &[("x", "failed")]), 0, Paint(true)), "\u{1b}[31m✗ x\u{1b}[0m 1.2 s");
    }

    #[test]
    fn each_change_is_told_once() {
        let queued = json!({"status": "queued", "stages": [], "waiting_for": null});
        let one = release("running", &[("checkout", "running")]);
        let two = release("running", &[("checkout", "succeeded"), ("install", "running")]);
        assert_eq!(changes(&Value::Null, &queued), ["  queued"]);
        assert!(changes(&queued, &queued).is_empty());
        assert_eq!(changes(&queued, &one), ["  checkout  running"]);
        assert_eq!(changes(&one, &two), ["  checkout  succeeded     1.2 s", "  install   running"]);
        assert!(changes(&two, &two).is_empty());
    }

    #[test]
    fn what_is_over_and_how() {
        assert!(is_final(&release("unconfirmed", &[])) && !is_success(&release("unconfirmed", &[])));
        assert!(!is_final(&release("running", &[])) && !is_final(&Value::Null));
        assert_eq!(running(&release("running", &[("a", "succeeded"), ("b", "running")])).as_deref(), Some("b"));
    }
}

//! What watching a log costs. A container that prints a million lines: from its pipe to a viewer, stored on the way,
//! beside `docker logs -f` into a file and an attach that throws everything away. Five hundred viewers of one release. And
//! what pages bear. Run by `make bench`.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "the set-up names its servers in the environment")]
#![allow(dead_code, reason = "shared with the tests")]

#[path = "../tests/runner/outside.rs"]
mod outside;
#[path = "report.rs"]
mod report;
#[path = "served.rs"]
mod served;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "viewers.rs"]
mod viewers;
#[path = "wrk.rs"]
mod wrk;
#[path = "yardsticks.rs"]
mod yardsticks;

use std::time::Instant;

use report::Report;
use served::Served;

/// Lines of 100 bytes, the end of the line included.
pub(crate) const LINES: usize = 1_000_000;
pub(crate) const COMMAND: &str = "seq -f %099.0f 1 1000000";
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() {
    let mut report = Report::default();
    let sampan = Served::start().await;
    report.add("memory: started", "MB", sampan.resident() as f64 / 1e6);
    let repo = outside::repository(&[("app.json", r#"{"pages":["pages/i/i"]}"#), ("pages/i/i.js", "Page({})")]);
    // In turns, so that a busy moment of the machine meets all of them.
    let mut million = String::new();
    for _ in 0..ROUNDS {
        let (id, rate) = delivered(&sampan, &repo).await;
        million = id;
        report.add("1 M lines: stored and delivered", "lines/s", rate);
        report.add("1 M lines: docker logs -f", "lines/s", yardsticks::docker_logs().await);
        report.add("1 M lines: attach and discard", "lines/s", yardsticks::attach().await);
    }
    let ours = report.median("1 M lines: stored and delivered");
    report.add("delivered / docker logs -f", "ratio", ours / report.median("1 M lines: docker logs -f"));
    report.add("delivered / attach and discard", "ratio", ours / report.median("1 M lines: attach and discard"));
    viewers::five_hundred(&mut report, &sampan, &repo).await;
    wrk::pages(&mut report, &sampan, &million).await;
    report.print();
}

/// A release, and its lines a second from the first to the last, as a viewer gets them, each compared with what was printed.
async fn delivered(sampan: &Served, repo: &str) -> (String, f64) {
    let id = sampan.release(repo, COMMAND).await;
    let mut viewer = sampan.viewer(&id).await;
    let (mut began, mut last, mut expected) = (None, Instant::now(), 1);
    while let Some(pieces) = viewer.pieces().await {
        for line in pieces.iter().flat_map(|piece| piece.lines()) {
            if line.stage != "compile" || line.stream.as_str() != "stdout" {
                continue;
            }
            began.get_or_insert_with(Instant::now);
            assert_eq!(line.text.len(), 99);
            assert_eq!(line.text.parse(), Ok(expected), "in order, none missing");
            expected += 1;
            last = Instant::now();
        }
    }
    assert_eq!(expected - 1, LINES);
    let text = sampan.http.get(sampan.url(&format!("/releases/{id}/log.txt"))).header("cookie", &sampan.cookie);
    let stored = text.send().await.unwrap().text().await.unwrap();
    assert_eq!(stored.lines().filter(|line| line.len() == 99 && line.starts_with("00")).count(), LINES, "stored");
    let seconds = last.duration_since(began.unwrap()).as_secs_f64();
    (id, LINES as f64 / seconds)
}

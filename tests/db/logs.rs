//! Lines in and out, by number.

use sampan::model::log::{Line, Stream};
use sampan::ops::{logs, turns};
use sampan::queue::RunRelease;
use sampan::runner::log::Log;
use sampan::runner::mask::Mask;

use crate::support::World;

on_both!(lines_are_numbered_without_gaps, a_cap_keeps_head_and_tail);

async fn running(w: &World) -> sampan::model::release::Release {
    let program = w.program("p").await;
    let release = w.release(&program, None).await;
    turns::claim(&w.app, &RunRelease { id: release.id, attempt: 0 }, "r").await.unwrap().unwrap()
}

async fn all(w: &World, id: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    loop {
        let from = lines.last().map_or(1, |line| line.n + 1);
        let more = logs::read(&w.app, id, from).await.unwrap();
        if more.is_empty() {
            return lines;
        }
        lines.extend(more);
    }
}

async fn lines_are_numbered_without_gaps(w: World) {
    let release = running(&w).await;
    let log = Log::open(&w.app, &release.id, release.attempt).await.unwrap();
    log.hide(Mask::new(["topsecretvalue"]));
    for batch in 0..40 {
        let lines = (0..50).map(|i| format!("line {batch}-{i} 中文 {}", "x".repeat(100))).collect();
        log.write("install", Stream::Stdout, lines).await;
        if batch % 10 == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        }
    }
    log.say("system", "the end of topsecretvalue").await;
    log.close().await;
    let lines = all(&w, &release.id).await;
    assert_eq!(lines.len(), 2001);
    assert!(lines.iter().enumerate().all(|(i, line)| line.n == i as i64 + 1));
    assert_eq!(lines[2000].text, "the end of ••••••");
    assert_eq!(logs::read(&w.app, &release.id, 1999).await.unwrap().len(), 3, "from the middle of a chunk");
    let tail = logs::tail(&w.app, &release.id, 5).await.unwrap();
    assert_eq!(tail.iter().map(|l| l.n).collect::<Vec<_>>(), [1997, 1998, 1999, 2000, 2001]);

    let again = Log::open(&w.app, &release.id, release.attempt).await.unwrap();
    again.say("system", "more").await;
    again.close().await;
    assert_eq!(all(&w, &release.id).await.last().unwrap().n, 2002, "numbers go on");
    assert!(!again.is_lost());
}

async fn a_cap_keeps_head_and_tail(w: World) {
    let mut config = (*w.app.config).clone();
    config.log_limit = 10_000;
    let app = sampan::app::App { config: std::sync::Arc::new(config), ..w.app.clone() };
    let release = running(&w).await;
    let log = Log::open(&app, &release.id, release.attempt).await.unwrap();
    log.write("compile", Stream::Stdout, (0..5000).map(|i| format!("{i:0>100}")).collect()).await;
    log.close().await;
    let lines = all(&w, &release.id).await;
    assert_eq!(lines[0].text.trim_start_matches('0'), "");
    assert_eq!(lines.last().unwrap().text.trim_start_matches('0'), "4999");
    let note = lines.iter().find(|line| line.stream == Stream::System).unwrap();
    assert_eq!(note.text, format!("… {} lines dropped here: the log is over its limit …", 5000 - 100 - 2000));
    assert!(lines.iter().enumerate().all(|(i, line)| line.n == i as i64 + 1));
}

//! Live logs: pulled by number, resumed by number, complete for a viewer who is late, slow or reconnects.

use std::time::{Duration, Instant};

use futures::StreamExt;
use sampan::app::App;
use sampan::logs::block;
use sampan::model::log::{Line, Stream};
use sampan::model::release::{Failure, Outcome, Release, Stage};
use sampan::ops::{logs, turns};
use sampan::queue::RunRelease;
use sampan::runner::log::Log;
use tokio_tungstenite::tungstenite::Message;

use crate::site::{Site, Socket, cookie, socket};

enum Heard {
    Lines(Vec<Line>),
    Json(serde_json::Value),
    Gone,
}

/// The next message, taken apart as `src/logs/block.rs` describes it.
async fn hear(socket: &mut Socket) -> Heard {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("a message in time");
        match message {
            Some(Ok(Message::Text(text))) => return Heard::Json(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Binary(bytes))) => return Heard::Lines(frames(&bytes)),
            Some(Ok(Message::Close(_))) | Some(Err(_)) | None => return Heard::Gone,
            Some(Ok(_)) => {}
        }
    }
}

pub(crate) fn frames(mut bytes: &[u8]) -> Vec<Line> {
    let mut lines = vec![];
    while !bytes.is_empty() {
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let (size, count) = (number(0) as usize, number(4) as usize);
        let some = block::unpack(&bytes[16..16 + size]).unwrap();
        assert_eq!((some.len(), some[0].n), (count, i64::from(number(8)) << 32 | i64::from(number(12))));
        lines.extend(some);
        bytes = &bytes[16 + size..];
    }
    lines
}

/// The next JSON frame; lines and beats are passed over.
async fn frame(socket: &mut Socket) -> Option<serde_json::Value> {
    loop {
        match hear(socket).await {
            Heard::Json(json) => return Some(json),
            Heard::Lines(_) => {}
            Heard::Gone => return None,
        }
    }
}

/// Adds lines from number `from` on until the end (true), or until `most` of them have come.
async fn take(socket: &mut Socket, seen: &mut Vec<Line>, from: i64, most: usize) -> bool {
    let until = seen.len().saturating_add(most);
    while seen.len() < until {
        match hear(socket).await {
            Heard::Lines(lines) => seen.extend(lines.into_iter().filter(|line| line.n >= from)),
            Heard::Json(json) if json["end"] == true => return true,
            Heard::Json(_) => {}
            Heard::Gone => return false,
        }
    }
    false
}

fn next(seen: &[Line]) -> i64 {
    seen.last().map_or(1, |line| line.n + 1)
}

/// Byte for byte what the download says.
fn text(lines: &[Line]) -> String {
    assert!(lines.iter().zip(1..).all(|(line, n)| line.n == n), "from 1 without gap or double");
    lines.iter().map(|line| line.text.clone() + "\n").collect()
}

struct Running {
    site: Site,
    app: App,
    release: Release,
    cookie: String,
    live: String,
    log: Log,
}

async fn running() -> Running {
    let site = Site::start().await;
    let app = site.world.app.clone();
    let program = site.world.program("商城").await;
    let id = site.world.release(&program, None).await.id;
    let release = turns::claim(&app, &RunRelease { id: id.clone(), attempt: 0 }, "r").await.unwrap().unwrap();
    let cookie = cookie(&site, "admin", "correct horse").await;
    let log = Log::open(&app, &id, 1).await.unwrap();
    Running { live: format!("/releases/{id}/live"), site, app, release, cookie, log }
}

impl Running {
    async fn viewer(&self, from: i64) -> Socket {
        socket(&self.site, &format!("{}?from={from}", self.live), &self.cookie, None).await.unwrap()
    }

    async fn download(&self) -> String {
        let owner = self.site.signed_in(sampan::model::user::Role::Owner).await;
        owner.text(&format!("/releases/{}/log.txt", self.release.id)).await
    }
}

async fn fail(app: &App, log: &Log, release: &Release) {
    log.close().await;
    db_stage(app, release).await;
    turns::finish(app, release, &Outcome::Failed(Failure::new("compile_failed", "x").args(["1"]))).await.unwrap();
}

async fn db_stage(app: &App, release: &Release) {
    sampan::db::releases::begin_stage(&app.db, &release.id, 1, Stage::Compile, app.clock.now()).await.unwrap();
}

/// Fault scenario 7, and who comes early or late.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_reconnects_read_what_the_download_says() {
    let r = running().await;
    r.log.say("checkout", "<script>alert(1)</script>").await;
    let mut early = r.viewer(1).await;
    let mut first = vec![];
    take(&mut early, &mut first, 1, 1).await;
    assert_eq!(first.len(), 1, "history comes first");

    let writer = tokio::spawn({
        let (app, log, release) = (r.app.clone(), r.log.clone(), r.release.clone());
        async move {
            for i in 0..400 {
                let lines = (0..50).map(|j| format!("{i}-{j} \u{1b}[32m中文\u{1b}[0m {}", "x".repeat(j))).collect();
                log.write("install", if i % 7 == 0 { Stream::Stderr } else { Stream::Stdout }, lines).await;
                tokio::time::sleep(Duration::from_millis(12)).await;
            }
            fail(&app, &log, &release).await;
            // In the middle of it all the rows become an object.
            logs::keep(&app, &release.id).await.unwrap();
        }
    });
    // One reconnects at wherever it was, another one always asks for lines it has; both end complete.
    let (mut seen, mut again, mut rounds) = (vec![], vec![], 0usize);
    let mut ended = false;
    while !ended {
        let from = next(&seen);
        let mut viewer = r.viewer(from).await;
        ended = take(&mut viewer, &mut seen, from, 1 + (rounds * 7919) % 300).await;
        let overlap = (next(&again) - (rounds as i64 * 31) % 200).max(1);
        let mut viewer = r.viewer(overlap).await;
        let known = next(&again);
        take(&mut viewer, &mut again, known, 300).await;
        rounds += 1;
    }
    writer.await.unwrap();
    let rest = next(&again);
    assert!(take(&mut r.viewer(rest).await, &mut again, rest, usize::MAX).await);
    assert!(take(&mut early, &mut first, 2, usize::MAX).await);
    let mut late = vec![];
    assert!(take(&mut r.viewer(1).await, &mut late, 1, usize::MAX).await);
    assert!(rounds >= 50, "{rounds} reconnects");
    let whole = r.download().await;
    assert_eq!(whole.lines().count(), 20_001);
    for lines in [seen, again, first, late] {
        assert!(text(&lines) == whole);
    }
    let page =
        r.site.signed_in(sampan::model::user::Role::Owner).await.text(&format!("/releases/{}", r.release.id)).await;
    assert!(!page.contains("<script>alert"), "a log is never HTML");
    assert!(page.contains("编译命令以状态 1 结束"), "the hint");
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Fault scenario 6: it reads nothing while 100,000 lines go by, then line after line what the others have long seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_viewer_slows_nobody_and_ends_complete() {
    let r = running().await;
    let mut slow: Vec<Socket> = vec![];
    for _ in 0..20 {
        slow.push(r.viewer(1).await);
    }
    let mut fast = r.viewer(1).await;
    let reader = tokio::spawn(async move {
        let mut seen = vec![];
        let ended = take(&mut fast, &mut seen, 1, usize::MAX).await;
        (ended, seen, Instant::now())
    });
    let before = resident();
    for i in 0..1000u64 {
        // Does not pack, so that nothing but a limit bounds what waits.
        let noise = |j: u64| format!("{:016x}", (i * 100 + j + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(6);
        r.log.write("compile", Stream::Stdout, (0..100).map(noise).collect()).await;
    }
    fail(&r.app, &r.log, &r.release).await;
    let ended = Instant::now();
    let (complete, seen, at) = reader.await.unwrap();
    assert!(
        complete && at.saturating_duration_since(ended) < Duration::from_secs(10),
        "nobody waits for the slow ones"
    );
    let whole = r.download().await;
    assert_eq!(whole.lines().count(), 100_000);
    assert!(text(&seen) == whole);
    // One text as the reader has it, one as the download has it; twenty more would be 200 MB.
    let grown = resident().saturating_sub(before);
    assert!(grown < 140 << 20, "grown by {} MB", grown >> 20);
    let mut late = vec![];
    assert!(take(&mut slow[7], &mut late, 1, usize::MAX).await);
    assert!(text(&late) == whole);
}

/// Fault scenario 8.
#[tokio::test(flavor = "multi_thread")]
async fn a_trickle_arrives_within_a_second() {
    let r = running().await;
    let mut viewer = r.viewer(1).await;
    let log = r.log.clone();
    let writer = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(250));
        for n in 0..240 {
            tick.tick().await;
            log.say("compile", format!("drop {n}")).await;
        }
    });
    let mut seen = vec![];
    let mut latest = 0;
    while seen.len() < 240 {
        take(&mut viewer, &mut seen, 1, 1).await;
        latest = latest.max(r.app.clock.now() - seen.last().unwrap().t);
    }
    writer.await.unwrap();
    text(&seen);
    assert!(latest < 1000, "one line took {latest} ms");
}

/// What the viewer asks for beside the live connection.
#[tokio::test(flavor = "multi_thread")]
async fn parts_and_finds_are_served_by_number() {
    let r = running().await;
    r.log.write("install", Stream::Stdout, (1..=9000).map(|n| format!("line {n} 港口")).collect()).await;
    fail(&r.app, &r.log, &r.release).await;
    let owner = r.site.signed_in(sampan::model::user::Role::Owner).await;
    let id = &r.release.id;
    let part = owner.get(&format!("/releases/{id}/log/chunks?from=4000&to=4010")).await;
    assert_eq!(part.headers()["content-type"], "application/vnd.sampan.log");
    assert!(part.headers().get("content-encoding").is_none(), "packed already");
    let lines = frames(&part.bytes().await.unwrap());
    assert!(lines.first().unwrap().n <= 4000 && lines.last().unwrap().n >= 4010);
    assert_eq!(lines.iter().find(|line| line.n == 4005).unwrap().text, "line 4005 港口");
    let found = owner.text(&format!("/releases/{id}/log/search?q=LINE+77%20")).await;
    assert_eq!(found, r#"{"before":0,"lines":[77],"more":null,"through":9000,"total":1}"#);
    assert_eq!(owner.get(&format!("/releases/{id}/log/search?q=")).await.status(), 422);
    let page = owner.text(&format!("/releases/{id}")).await;
    assert!(page.contains("data-last=\"9000\"") && page.contains("line 9000") && !page.contains("line 8000 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn home_and_release_move_for_everyone() {
    let site = Site::start().await;
    let app = site.world.app.clone();
    let program = site.world.program("商城").await;
    let cookie = cookie(&site, "admin", "correct horse").await;
    let mut home = socket(&site, "/live", &cookie, None).await.unwrap();
    let has = |frame: &serde_json::Value, text: &str| frame["fragments"].to_string().contains(text);
    assert!(has(&frame(&mut home).await.unwrap(), "还没有发布过"));

    let id = site.world.release(&program, None).await.id;
    assert!(has(&frame(&mut home).await.unwrap(), "排队中"));
    let mut page = socket(&site, &format!("/releases/{id}/live"), &cookie, None).await.unwrap();
    assert!(has(&frame(&mut page).await.unwrap(), "data-release-state=\\\"queued\\\""));
    let release = turns::claim(&app, &RunRelease { id: id.clone(), attempt: 0 }, "r").await.unwrap().unwrap();
    assert!(has(&frame(&mut page).await.unwrap(), "data-release-state=\\\"running\\\""));
    assert!(has(&frame(&mut home).await.unwrap(), "发布中"));
    turns::finish(&app, &release, &Outcome::Canceled).await.unwrap();
    assert!(has(&frame(&mut page).await.unwrap(), "已取消"));
    assert_eq!(frame(&mut page).await.unwrap()["end"], true);
    assert!(has(&frame(&mut home).await.unwrap(), "已取消"));
}

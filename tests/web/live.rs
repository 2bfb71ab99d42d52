//! Live logs: pulled by number, resumed by number, complete for a viewer who is late, slow or reconnects.

use std::time::Duration;

use futures::StreamExt;
use sampan::model::log::Stream;
use sampan::model::release::{Failure, Outcome, Stage};
use sampan::ops::turns;
use sampan::queue::RunRelease;
use sampan::runner::log::Log;

use crate::site::{Site, Socket, cookie, socket};

/// The next frame as JSON.
async fn frame(socket: &mut Socket) -> Option<serde_json::Value> {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(20), socket.next()).await.expect("a frame in time")?;
        match message {
            Ok(message) if message.is_text() => return Some(serde_json::from_str(message.to_text().unwrap()).unwrap()),
            Ok(message) if message.is_close() => return None,
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

/// Line numbers until the end, or until `most` have come.
async fn numbers(socket: &mut Socket, most: usize) -> (Vec<i64>, bool) {
    let mut seen = Vec::new();
    while seen.len() < most {
        let Some(frame) = frame(socket).await else { return (seen, false) };
        if frame["end"] == true {
            return (seen, true);
        }
        seen.extend(frame["lines"].as_array().into_iter().flatten().map(|line| line["n"].as_i64().unwrap()));
    }
    (seen, false)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_viewer_loses_a_line() {
    let site = Site::start().await;
    let app = site.world.app.clone();
    let program = site.world.program("商城").await;
    let id = site.world.release(&program, None).await.id;
    let release = turns::claim(&app, &RunRelease { id: id.clone(), attempt: 0 }, "r").await.unwrap().unwrap();
    let cookie = cookie(&site, "admin", "correct horse").await;
    let live = format!("/releases/{id}/live");

    let log = Log::open(&app, &id, 1).await.unwrap();
    log.say("checkout", "<script>alert(1)</script>").await;
    let mut early = socket(&site, &live, &cookie, None).await.unwrap();
    let first = numbers(&mut early, 1).await.0;
    assert_eq!(first, [1], "history comes first");

    let writer = tokio::spawn({
        let (app, log, release) = (app.clone(), log.clone(), release.clone());
        async move {
            for i in 0..200 {
                log.write("install", Stream::Stdout, (0..20).map(|j| format!("{i}-{j}")).collect()).await;
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            log.close().await;
            sampan::db::releases::begin_stage(&app.db, &release.id, 1, Stage::Compile, app.clock.now()).await.unwrap();
            turns::finish(&app, &release, &Outcome::Failed(Failure::new("compile_failed", "x").args(["1"])))
                .await
                .unwrap();
        }
    });
    // One reconnects again and again at wherever it was; one stays; one comes when all is over.
    let mut seen: Vec<i64> = Vec::new();
    let mut rounds = 0;
    loop {
        let from = seen.last().map_or(1, |n| n + 1);
        let mut viewer = socket(&site, &format!("{live}?from={from}"), &cookie, None).await.unwrap();
        let (more, ended) = numbers(&mut viewer, 150 + rounds * 7).await;
        seen.extend(more);
        rounds += 1;
        if ended {
            break;
        }
    }
    let (rest, ended) = numbers(&mut early, usize::MAX).await;
    writer.await.unwrap();
    let mut late = socket(&site, &live, &cookie, None).await.unwrap();
    let (all, late_ended) = numbers(&mut late, usize::MAX).await;
    let whole: Vec<i64> = (1..=4001).collect();
    assert!(rounds > 3 && ended && late_ended);
    assert_eq!(seen, whole);
    assert_eq!([first, rest].concat(), whole);
    assert_eq!(all, whole);

    let owner = site.signed_in(sampan::model::user::Role::Owner).await;
    let text = owner.text(&format!("/releases/{id}/log.txt")).await;
    assert_eq!(text.lines().count(), 4001);
    let page = owner.text(&format!("/releases/{id}")).await;
    assert!(!page.contains("<script>alert"), "a log is never HTML");
    assert!(page.contains("编译命令以状态 1 结束"), "the hint");
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

//! Lines in and out, by number.

use futures::StreamExt;
use sampan::model::log::{Line, Stream};
use sampan::model::release::Outcome;
use sampan::ops::{logs, turns};
use sampan::queue::RunRelease;
use sampan::runner::log::Log;
use sampan::runner::mask::Mask;

use crate::support::World;

on_both!(
    lines_are_numbered_without_gaps,
    a_cap_keeps_head_and_tail,
    empty_lines_are_lines,
    a_finished_log_is_one_object,
    a_text_is_found_in_rows_and_in_the_object,
    followers_share_a_tail_and_lose_nothing,
    a_download_survives_the_end_of_the_rows
);

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
    let tail = logs::tail(&w.app, &release.id, 2001, 5).await.unwrap();
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
    let notes: Vec<&str> =
        lines.iter().filter(|line| line.stream == Stream::System).map(|line| line.text.as_str()).collect();
    assert!(notes[0].contains("has reached its limit") && lines[99].text == notes[0], "who watches is told at once");
    assert_eq!(notes[1..], [format!("… {} lines dropped here: the log is over its limit …", 5000 - 99 - 2000)]);
    assert!(lines.iter().enumerate().all(|(i, line)| line.n == i as i64 + 1));
}

async fn empty_lines_are_lines(w: World) {
    let mut config = (*w.app.config).clone();
    config.log_limit = 100_000;
    let app = sampan::app::App { config: std::sync::Arc::new(config), ..w.app.clone() };
    let release = running(&w).await;
    let log = Log::open(&app, &release.id, release.attempt).await.unwrap();
    log.write("compile", Stream::Stdout, vec![String::new(); 300_000]).await;
    log.close().await;
    let chunks = sampan::db::logs::list_from(&w.app.db, &release.id, 1, 1000).await.unwrap();
    assert!(
        chunks.iter().all(|chunk| chunk.last_n - chunk.first_n < 9_000),
        "what packs to nothing is bounded as well"
    );
    let last = chunks.last().unwrap().last_n;
    assert_eq!(last, 100_000 + 1 + 1 + 2_000, "an end of a line counts towards the limit");
    turns::finish(&w.app, &release, &Outcome::Canceled).await.unwrap();
    logs::keep(&w.app, &release.id).await.unwrap();
    assert!(logs::read(&w.app, &release.id, 1).await.unwrap().len() < 50_000, "in pieces");
    assert_eq!(all(&w, &release.id).await.len() as i64, last);
}

/// A log of three stages, written and ended.
async fn written(w: &World, release: &sampan::model::release::Release, lines: usize) -> Vec<Line> {
    let log = Log::open(&w.app, &release.id, release.attempt).await.unwrap();
    log.say("checkout", "cloning\nand more").await;
    for stage in ["install", "compile"] {
        let texts = (0..lines).map(|n| format!("{stage} {n} {}", "\u{1b}[32m中\u{1b}[0m".repeat(n % 50))).collect();
        log.write(stage, Stream::Stdout, texts).await;
    }
    log.close().await;
    let before = all(w, &release.id).await;
    turns::finish(&w.app, release, &Outcome::Canceled).await.unwrap();
    before
}

async fn a_finished_log_is_one_object(w: World) {
    let release = running(&w).await;
    logs::keep(&w.app, &release.id).await.unwrap();
    let before = written(&w, &release, 20_000).await;
    let outline = logs::outline(&w.app, &release.id).await.unwrap();
    assert_eq!(before.len(), 40_002);
    let marks: Vec<(i64, &str)> = outline.1.iter().map(|mark| (mark.n, mark.stage.as_str())).collect();
    assert_eq!(marks, [(1, "checkout"), (3, "install"), (20_003, "compile")]);

    // By two at once, as a runner and a sweep might.
    let (one, two) = tokio::join!(logs::keep(&w.app, &release.id), logs::keep_all(&w.app));
    one.and(two).unwrap();
    assert!(sampan::db::logs::list_from(&w.app.db, &release.id, 1, 1).await.unwrap().is_empty(), "no rows are left");
    assert_eq!(all(&w, &release.id).await, before);
    assert_eq!(logs::outline(&w.app, &release.id).await.unwrap(), outline);
    assert_eq!(logs::read(&w.app, &release.id, 20_000).await.unwrap()[0].n, 20_000, "from the middle of a block");
    assert!(logs::read(&w.app, &release.id, 40_003).await.unwrap().is_empty());

    let kept = sampan::db::logs::find_kept(&w.app.db, &release.id).await.unwrap().unwrap();
    let folder = w.app.config.data_dir.join("objects");
    assert_eq!(std::fs::read_dir(folder.join("logs")).unwrap().count(), 1, "the slower one's is gone");
    let mut text = String::new();
    let file = std::fs::File::open(folder.join(&kept.key)).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(file), &mut text).unwrap();
    assert!(text.contains("\ninstall 19999 "), "any tool for gzip reads it");

    sampan::ops::releases::delete(&w.app, &w.owner, &release.id).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.join("logs")).unwrap().count(), 0, "it goes with its release");
}

async fn a_text_is_found_in_rows_and_in_the_object(w: World) {
    let release = running(&w).await;
    written(&w, &release, 15_000).await;
    for kept in [false, true] {
        if kept {
            logs::keep(&w.app, &release.id).await.unwrap();
        }
        let rare = logs::search(&w.app, &release.id, "COMPILE 14999 ", 1).await.unwrap();
        assert_eq!((rare.total, rare.lines, rare.more), (1, vec![30_002], None), "kept: {kept}");
        let often = logs::search(&w.app, &release.id, "install", 1).await.unwrap();
        assert_eq!((often.total, often.lines.len(), often.through), (15_000, 10_000, 30_002));
        let rest = logs::search(&w.app, &release.id, "install", often.more.unwrap()).await.unwrap();
        assert_eq!((rest.total, rest.before, rest.lines.len(), rest.more), (15_000, 10_000, 5_000, None));
        assert_eq!(rest.lines[0], often.lines[9_999] + 1);
        assert_eq!(logs::search(&w.app, &release.id, "中中中", 1).await.unwrap().total, 2 * 15_000 * 47 / 50);
        assert_eq!(logs::search(&w.app, &release.id, "no such words", 1).await.unwrap().total, 0);
    }
    assert!(logs::search(&w.app, &release.id, "", 1).await.is_err());
    assert!(logs::search(&w.app, &release.id, &"x".repeat(201), 1).await.is_err());
}

async fn followers_share_a_tail_and_lose_nothing(w: World) {
    let release = running(&w).await;
    let log = Log::open(&w.app, &release.id, release.attempt).await.unwrap();
    log.say("install", "before anybody watches").await;
    let follow = |slow: bool| {
        let (app, id) = (w.app.clone(), release.id.clone());
        tokio::spawn(async move {
            let mut follower = logs::follow(&app, &id, 1);
            let mut seen: Vec<Line> = vec![];
            while seen.last().is_none_or(|line| line.text != "the end") {
                let from = follower.next();
                let frames = follower.read().await.unwrap();
                if frames.is_empty() {
                    follower.moved().await;
                }
                seen.extend(frames.iter().flat_map(|frame| frame.lines(from).unwrap()));
                if slow {
                    tokio::time::sleep(std::time::Duration::from_millis(40)).await;
                }
            }
            seen
        })
    };
    let watching: Vec<_> = (0..4).map(|n| follow(n == 0)).collect();
    for n in 0..120 {
        // Noise does not pack: more than a tail keeps, so that the slow one falls behind it.
        let noise = |i: u64| format!("{:x}", (n * 1000 + i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(4);
        log.write("install", Stream::Stdout, (0..1000).map(noise).collect()).await;
    }
    log.say("install", "the end").await;
    log.close().await;
    let whole = all(&w, &release.id).await;
    assert_eq!(whole.len(), 120_002);
    for task in watching {
        assert!(task.await.unwrap() == whole, "nothing lost, nothing twice");
    }
}

async fn a_download_survives_the_end_of_the_rows(w: World) {
    let release = running(&w).await;
    let log = Log::open(&w.app, &release.id, release.attempt).await.unwrap();
    for n in 0..40 {
        log.say("install", format!("first {n}\nsecond {n}")).await;
        // A chunk of its own.
        tokio::time::sleep(std::time::Duration::from_millis(70)).await;
    }
    log.close().await;
    let whole: String = all(&w, &release.id).await.iter().map(|line| line.text.clone() + "\n").collect();
    turns::finish(&w.app, &release, &Outcome::Canceled).await.unwrap();
    let mut text = logs::text(w.app.clone(), release.id.clone());
    let first = text.next().await.unwrap().unwrap();
    assert!(first.len() < whole.len(), "in pieces");
    logs::keep(&w.app, &release.id).await.unwrap();
    let rest: Vec<_> = text.map(|piece| piece.unwrap()).collect().await;
    assert_eq!(String::from_utf8([&first[..], &rest.concat()].concat()).unwrap(), whole, "no line twice");
}

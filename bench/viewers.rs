//! Five hundred viewers of one release that prints 5,000 lines a second for half a minute.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::report::Report;
use crate::served::Served;

const VIEWERS: usize = 500;
/// Of them, those who compare every byte; the others check that numbers are continuous.
const READERS: usize = 10;
const LINES: usize = 150_000;

/// Prints `number moment text`, about 100 bytes; the text follows from the number, and packs like a build's output.
const COMMAND: &str = r#"node -e "let n=0;const t=Date.now();const i=setInterval(()=>{const due=Math.min(150000,(Date.now()-t)*5);let s='';while(n<due){n++;s+=n+' '+Date.now()+' [vite] transform src/pages/'+(n*7919%1000)+'/component-'+(n*104729%99991).toString(36)+'.vue in '+n%977+' ms, kept in cache\n'}process.stdout.write(s);if(n>=150000)clearInterval(i)},20)""#;

fn expected(n: u64, at: u64) -> String {
    let mut digits = vec![];
    let mut rest = n * 104_729 % 99_991;
    while digits.is_empty() || rest > 0 {
        digits.push(char::from_digit((rest % 36) as u32, 36).unwrap());
        rest /= 36;
    }
    let name: String = digits.into_iter().rev().collect();
    format!(
        "{n} {at} [vite] transform src/pages/{}/component-{name}.vue in {} ms, kept in cache",
        n * 7919 % 1000,
        n % 977
    )
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

pub(crate) async fn five_hundred(report: &mut Report, sampan: &Served, repo: &str) {
    report.add("memory: after three such logs", "MB", sampan.resident() as f64 / 1e6);
    let id = sampan.release(repo, COMMAND).await;
    let mut watching = vec![];
    for number in 0..VIEWERS {
        let mut viewer = sampan.viewer(&id).await;
        watching.push(tokio::spawn(async move {
            let (mut total, mut next, mut late) = (0, 1, vec![]);
            while let Some(pieces) = viewer.pieces().await {
                total += pieces.iter().map(|piece| piece.count).sum::<usize>();
                if number >= READERS {
                    continue;
                }
                for line in pieces.iter().flat_map(|piece| piece.lines()) {
                    if line.stage == "compile" && line.stream.as_str() == "stdout" {
                        let at = line.text.split(' ').nth(1).unwrap().parse().unwrap();
                        assert_eq!(line.text, expected(next, at));
                        late.push(now().saturating_sub(at) as f64);
                        next += 1;
                    }
                }
            }
            assert!(number >= READERS || next as usize == LINES + 1, "{next}");
            (total, late)
        }));
    }
    let over = Arc::new(AtomicBool::new(false));
    let pages = tokio::spawn(pages(sampan.http.clone(), sampan.cookie.clone(), sampan.url("/"), over.clone()));
    let mut memory = 0;
    while !watching.iter().all(|task| task.is_finished()) {
        memory = memory.max(sampan.resident());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut totals = vec![];
    for task in watching {
        let (total, late) = task.await.unwrap();
        totals.push(total);
        late.into_iter().for_each(|ms| report.add("500 viewers: line → viewer", "ms", ms));
    }
    assert!(totals[0] >= LINES && totals.iter().all(|total| *total == totals[0]), "all have all lines");
    for ms in pages.await.unwrap() {
        report.add("500 viewers: another page", "ms", ms);
    }
    report.add("500 viewers: lines to each", "lines", totals[0] as f64);
    report.add("500 viewers: memory, most", "MB", memory as f64 / 1e6);
}

/// What somebody waits who opens the home page meanwhile, in milliseconds.
async fn pages(http: reqwest::Client, cookie: String, url: String, over: Arc<AtomicBool>) -> Vec<f64> {
    let mut waits = vec![];
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        let reply = http.get(&url).header("cookie", &cookie).send().await.unwrap();
        assert!(reply.status().is_success());
        reply.bytes().await.unwrap();
        waits.push(began.elapsed().as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    waits
}

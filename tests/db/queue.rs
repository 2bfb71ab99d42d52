//! Jobs over apalis: pushed with the row, delivered at once, never after a rollback.

use std::time::{Duration, Instant};

use futures::StreamExt;
use sampan::ops::{releases, turns};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::{World, preview};

on_both!(jobs_arrive_once, a_rollback_leaves_no_job);

/// Runs a queue worker whose jobs come out of the returned channel.
fn work(
    w: &World,
    wakes: futures::stream::BoxStream<'static, ()>,
) -> (mpsc::UnboundedReceiver<sampan::queue::RunRelease>, CancellationToken) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let (queue, shutdown) = (w.app.queue.clone(), stop.clone());
    tokio::spawn(async move {
        queue
            .run(2, wakes, shutdown, move |job| {
                let sender = sender.clone();
                async move { sender.send(job).unwrap() }
            })
            .await;
    });
    (receiver, stop)
}

async fn jobs_arrive_once(w: World) {
    let (wake, woken) = mpsc::unbounded_channel();
    let woken = tokio_stream::wrappers::UnboundedReceiverStream::new(woken);
    let (mut jobs, stop) = work(&w, woken.boxed());
    let mut waits = Vec::new();
    for i in 0..8 {
        let program = w.program(&format!("p{i}")).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let release = releases::request(&w.app, &w.owner, &program.id, preview("main", None)).await.unwrap();
        let asked = Instant::now();
        wake.send(()).unwrap();
        let job = tokio::time::timeout(Duration::from_secs(20), jobs.recv()).await.expect("within the tick").unwrap();
        waits.push(asked.elapsed());
        assert_eq!((job.id.as_str(), job.attempt), (release.id.as_str(), 0));
    }
    waits.sort();
    println!("pick-up: median {:?}, slowest {:?}", waits[4], waits[7]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(jobs.try_recv().is_err(), "each job came once");
    stop.cancel();
    w.app.queue.purge(w.app.clock.now() + 1_000_000_000).await.unwrap();
}

async fn a_rollback_leaves_no_job(w: World) {
    let (mut jobs, stop) = work(&w, futures::stream::pending().boxed());
    let mut tx = w.app.db.begin().await.unwrap();
    w.app
        .queue
        .push(&mut tx, &sampan::queue::RunRelease { id: "gone".into(), attempt: 0 }, w.app.clock.now())
        .await
        .unwrap();
    drop(tx);
    // The tick alone brings this one.
    let program = w.program("p").await;
    let release = w.release(&program, None).await;
    let job = tokio::time::timeout(Duration::from_secs(20), jobs.recv()).await.expect("within the tick").unwrap();
    assert_eq!(job.id, release.id);
    stop.cancel();
    turns::sweep(&w.app).await.unwrap();
}

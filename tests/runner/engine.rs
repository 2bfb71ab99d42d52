//! The engine goes away in the middle of a build, and comes back.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sampan::model::release::{Action, Stage, Status};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::outside::{Sampan, VendorApp, containers, native};

/// Stands before the real engine's socket, so that a test can cut the line.
fn relay(at: PathBuf, engine: PathBuf) -> JoinHandle<()> {
    let _ = std::fs::remove_file(&at);
    let listener = UnixListener::bind(at).unwrap();
    tokio::spawn(async move {
        let mut lines = tokio::task::JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let engine = engine.clone();
            lines.spawn(async move {
                let mut far = UnixStream::connect(engine).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_goes_away_is_named_and_nothing_stays_behind() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("engine.sock");
    let host = std::env::var("DOCKER_HOST").expect("DOCKER_HOST names the engine: run `make test`");
    let engine = PathBuf::from(host.trim_start_matches("unix://"));
    let line = relay(at.clone(), engine.clone());
    let socket = at.display().to_string();
    let sampan = Sampan::start_with(|config| config.engine_sockets = vec![socket]).await;
    let vendor = VendorApp::register().await;
    let program = sampan.program(&vendor, &native(&[]), &[("build_command", "echo started; sleep 300")]).await;
    let release = sampan.publish(&program, Action::Upload).await;
    sampan.wait(&release.id, |r| r.stage == Some(Stage::Compile)).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while !sampan.text(&release.id).await.contains("compile started") {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    line.abort();
    let _ = line.await;
    std::fs::remove_file(&at).unwrap();
    let failed = sampan.wait(&release.id, |r| r.status.is_final()).await;
    let failure = failed.failure.unwrap();
    assert_eq!((failed.status, failure.code.as_str()), (Status::Failed, "engine_failed"), "{failure:?}");
    assert!(vendor.uploads().await.is_empty());

    // Back again: the sweep removes what nobody owns.
    let line = relay(at, engine);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !containers(&sampan.app.instance).is_empty() {
        assert!(Instant::now() < deadline, "the container is swept");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    sampan.stop().await;
    line.abort();
}

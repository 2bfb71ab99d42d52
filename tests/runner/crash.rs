//! Runners that die: the real binary, killed while it compiles.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sampan::app::App;
use sampan::config::Config;
use sampan::db;
use sampan::model::release::{Release, Status};
use sampan::model::user::User;
use sampan::ops::releases;
use tempfile::TempDir;

use crate::outside::{VendorApp, containers, native, outside_settings, program, whole_log};
use crate::support::preview;

/// The binary on the database of `dir`, its runner at work.
fn serve(dir: &TempDir) -> Child {
    let settings = outside_settings(dir);
    let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.path().join("server.log")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_sampan"))
        .arg("serve")
        .env("SAMPAN_LISTEN", "127.0.0.1:0")
        .env("SAMPAN_DATA_DIR", settings.data_dir.unwrap())
        .env("SAMPAN_EXTRA_HOSTS", settings.extra_hosts.unwrap())
        .env("SAMPAN_EXTRA_CA_FILE", settings.extra_ca_file.unwrap())
        .env("SAMPAN_ADMIN_PASSWORD", "correct horse")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

async fn until(app: &App, owner: &User, id: &str, what: &str, fits: impl Fn(&Release, usize) -> bool) -> Release {
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        let row = db::releases::find(&app.db, owner.scope(), id).await.unwrap().unwrap().release;
        let lines = whole_log(app, id).await;
        if fits(&row, lines.iter().filter(|line| line.text.starts_with("tick")).count()) {
            return row;
        }
        assert!(Instant::now() < deadline, "{what}: {:?} {:?}\n{lines:#?}", row.status, row.failure);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

struct Site {
    dir: TempDir,
    app: App,
    owner: User,
    vendor: VendorApp,
    id: String,
}

/// A release that compiles for some seconds, running in a server of its own.
async fn compiling() -> (Site, Child) {
    let dir = tempfile::tempdir().unwrap();
    let mut server = serve(&dir);
    let config = Config::from_settings(outside_settings(&dir)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    // The server makes database and owner; this process only looks, and clicks.
    let (app, owner) = loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(Instant::now() < deadline && server.try_wait().unwrap().is_none(), "the server did not start");
        if !dir.path().join("data/master.key").exists() {
            continue;
        }
        let app = App::boot(config.clone()).await.unwrap();
        if let Some(owner) = db::users::find_by_login(&app.db, "admin").await.unwrap() {
            break (app, owner);
        }
    };
    let vendor = VendorApp::register().await;
    let build = "for i in 1 2 3 4 5 6 7 8; do echo tick $i; sleep 0.5; done";
    let program = program(&app, &owner, &vendor, &native(&[]), &[("build_command", build)]).await;
    let id = releases::request(&app, &owner, &program.id, preview("main", None)).await.unwrap().id;
    until(&app, &owner, &id, "compiling", |_, ticks| ticks >= 2).await;
    (Site { dir, app, owner, vendor, id }, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_s_release_finishes_after_the_restart() {
    let (site, mut server) = compiling().await;
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(!containers(&site.app.instance).is_empty(), "kill -9 leaves a container behind");
    let killed = Instant::now();

    let mut server = serve(&site.dir);
    let row = until(&site.app, &site.owner, &site.id, "claimed again", |row, _| row.attempt == 2).await;
    assert!(killed.elapsed() < Duration::from_secs(45), "requeued after {:?}", killed.elapsed());
    assert_eq!(row.status, Status::Running);
    let row = until(&site.app, &site.owner, &site.id, "ended", |row, _| row.status.is_final()).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.failure);
    let lines = whole_log(&site.app, &site.id).await;
    let mark = lines.iter().position(|line| line.text.contains("attempt 2")).expect("a mark line");
    let before = lines[..mark].iter().filter(|line| line.text.starts_with("tick")).count();
    let after = lines[mark..].iter().filter(|line| line.text.starts_with("tick")).count();
    assert!((2..8).contains(&before) && after == 8, "{before} {after}");
    assert_eq!(site.vendor.uploads().await.len(), 1);

    let deadline = Instant::now() + Duration::from_secs(40);
    while !containers(&site.app.instance).is_empty() {
        assert!(Instant::now() < deadline, "the sweep removes what the dead left");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_gives_its_release_back_at_once() {
    let (site, mut server) = compiling().await;
    let stopped = Instant::now();
    assert!(Command::new("kill").arg(server.id().to_string()).status().unwrap().success());
    assert!(server.wait().unwrap().success(), "TERM is a normal end");
    assert!(stopped.elapsed() < Duration::from_secs(20));
    assert!(containers(&site.app.instance).is_empty(), "it takes its containers with it");

    let mut server = serve(&site.dir);
    until(&site.app, &site.owner, &site.id, "claimed again", |row, _| row.attempt == 2).await;
    assert!(stopped.elapsed() < Duration::from_secs(20), "no lease to wait for: {:?}", stopped.elapsed());
    let row = until(&site.app, &site.owner, &site.id, "ended", |row, _| row.status.is_final()).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.failure);
    server.kill().unwrap();
    server.wait().unwrap();
}

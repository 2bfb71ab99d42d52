//! The second release: dependencies are mounted instead of installed, never changed, and cleared on demand.

use std::path::Path;
use std::time::{Duration, Instant};

use sampan::db;
use sampan::model::program::Program;
use sampan::model::release::{Action, Environment, Release, Stage, StageStatus, Status};
use sampan::model::snapshot::SnapshotKind;
use sampan::ops::{releases, snapshots};

use crate::outside::{Sampan, VendorApp, native};
use crate::support::preview;

const PACKAGE: &str = r#"{"name":"probe","version":"1.0.0","scripts":{"postinstall":"echo made > generated.txt"},"dependencies":{"is-number":"7.0.0"}}"#;
const LOCK: &str = r#"{"name":"probe","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
  "":{"name":"probe","version":"1.0.0","dependencies":{"is-number":"7.0.0"}},
  "node_modules/is-number":{"version":"7.0.0"}}}"#;
/// Uses a dependency, needs what the install wrote beside it, and tries to poison both.
const BUILD: &str = "node -e \"console.log('sum', require('is-number')(3), require('fs').existsSync('node_modules/poison'))\" && cat generated.txt \
    && echo bad > node_modules/is-number/index.js && touch node_modules/poison && rm node_modules/is-number/package.json";

async fn install_of(sampan: &Sampan, release: &Release) -> StageStatus {
    let stages = db::releases::list_stages(&sampan.app.db, &release.id).await.unwrap();
    stages.iter().find(|stage| stage.name == Stage::Install).unwrap().status
}

async fn released(sampan: &Sampan, program: &Program) -> (StageStatus, String) {
    let release = sampan.run(program, Action::Preview).await;
    let log = sampan.text(&release.id).await;
    assert_eq!(release.status, Status::Succeeded, "{:?}\n{log}", release.failure);
    (install_of(sampan, &release).await, log)
}

fn folders(dir: &Path) -> usize {
    std::fs::read_dir(dir).map(|entries| entries.count()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_release_installs_nothing_and_no_build_changes_what_is_kept() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    let repo = native(&[("package.json", PACKAGE), ("package-lock.json", LOCK)]);
    let program = sampan.program(&vendor, &repo, &[("build_command", BUILD)]).await;
    let (install, log) = released(&sampan, &program).await;
    assert_eq!(install, StageStatus::Succeeded);
    assert!(log.contains("compile sum true false") && log.contains("compile made"), "{log}");
    for _ in 0..2 {
        let (install, log) = released(&sampan, &program).await;
        assert_eq!(install, StageStatus::Skipped, "{log}");
        assert!(log.contains("dependencies unchanged"), "{log}");
        assert!(log.contains("compile sum true false") && log.contains("compile made"), "untouched: {log}");
    }
    let kept = snapshots::list(&sampan.app, &sampan.owner).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].kind == SnapshotKind::Dependencies && kept[0].files > 3 && kept[0].used_at > kept[0].created_at);

    // A program of the same repository shares it; a change of its terms does not.
    let other = VendorApp::register().await;
    let shared = sampan.program(&other, &repo, &[("build_command", BUILD)]).await;
    assert_eq!(released(&sampan, &shared).await.0, StageStatus::Skipped);
    let own = VendorApp::register().await;
    let own = sampan.program(&own, &repo, &[("build_command", BUILD), ("snapshots", "false")]).await;
    assert_eq!(released(&sampan, &own).await.0, StageStatus::Succeeded);

    snapshots::clear(&sampan.app, &sampan.owner, Some(&kept[0].id)).await.unwrap();
    assert_eq!(released(&sampan, &program).await.0, StageStatus::Succeeded, "cleared: installed again");
    snapshots::clear(&sampan.app, &sampan.owner, None).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(40);
    while folders(&sampan.app.config.snapshot_dir()) > 0 {
        assert!(Instant::now() < deadline, "the sweep removes the folder");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_is_bounded_and_build_caches_are_for_development() {
    let sampan = Sampan::start_with(|config| config.snapshot_limit = 120 << 10).await;
    let vendor = VendorApp::register().await;
    let bulky = r#"{"name":"probe","version":"1.0.0","scripts":{"postinstall":"node -e \"require('fs').writeFileSync('node_modules/bulk', Buffer.alloc(80<<10))\""},"dependencies":{"is-number":"7.0.0"}}"#;
    for name in ["one", "two"] {
        let package = bulky.replace("probe", name);
        let repo = native(&[("package.json", &package)]);
        let program = sampan.program(&VendorApp::register().await, &repo, &[]).await;
        released(&sampan, &program).await;
    }
    let kept = snapshots::list(&sampan.app, &sampan.owner).await.unwrap();
    assert_eq!(kept.len(), 1, "the older one gave way: {kept:?}");
    sampan.stop().await;

    let sampan = Sampan::start().await;
    let build = "mkdir -p node_modules/.cache; cat node_modules/.cache/seen 2>/dev/null || echo nothing cached; echo cached before > node_modules/.cache/seen";
    let repo = native(&[("package.json", PACKAGE), ("package-lock.json", LOCK)]);
    let program = sampan.program(&vendor, &repo, &[("build_command", build)]).await;
    let develop = async |environment| {
        let request = releases::Request { environment, ..preview("main", None) };
        let release = releases::request(&sampan.app, &sampan.owner, &program.id, request).await.unwrap();
        let release = sampan.wait(&release.id, |r| r.status.is_final()).await;
        assert_eq!(release.status, Status::Succeeded, "{:?}", release.failure);
        sampan.text(&release.id).await
    };
    assert!(develop(Environment::Development).await.contains("compile nothing cached"));
    let log = develop(Environment::Development).await;
    assert!(log.contains("compile cached before") && log.contains("build cache of main"), "{log}");
    let log = develop(Environment::Production).await;
    assert!(log.contains("compile nothing cached") && !log.contains("build cache"), "{log}");
    sampan.stop().await;
}

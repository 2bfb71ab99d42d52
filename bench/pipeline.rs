//! What a release costs: cold and warm, stage by stage; a warm one beside the same commands run by hand in the same
//! containers; and the time from a click to `running`. One JSON line per figure, then a table. Run by `make bench`.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]
#![allow(
    clippy::disallowed_methods,
    reason = "the set-up names its servers in the environment; time is what we measure"
)]
#![allow(dead_code, reason = "shared with the tests")]

#[path = "by_hand.rs"]
mod by_hand;
#[path = "../tests/runner/outside.rs"]
mod outside;
#[path = "report.rs"]
mod report;
#[path = "../tests/support/mod.rs"]
mod support;

use sampan::db;
use sampan::model::program::Program;
use sampan::model::release::{Action, Release, Stage, Status};
use sampan::ops::snapshots;

use outside::{Sampan, VendorApp};
use report::Report;

const COLD: usize = 3;
const WARM: usize = 7;
const CLICKS: usize = 100;

#[tokio::main]
async fn main() {
    let mut report = Report::default();
    let sampan = Sampan::start().await;
    let program = demo_program(&sampan).await;
    // Once for nobody: the mirror, the page cache, the engine's first container.
    release(&sampan, &program).await;
    for _ in 0..COLD {
        snapshots::clear(&sampan.app, &sampan.owner, None).await.unwrap();
        stages(&mut report, "cold", &sampan, &release(&sampan, &program).await).await;
    }
    release(&sampan, &program).await;
    for _ in 0..WARM {
        let warm = release(&sampan, &program).await;
        report.add("warm release", "ms", (warm.finished_at.unwrap() - warm.started_at.unwrap()) as f64);
        stages(&mut report, "warm", &sampan, &warm).await;
        // In turns, so that a busy moment of the machine meets both.
        report.add("by hand", "ms", by_hand::release(&sampan, &program).await);
    }
    let ratio = report.median("warm release") / report.median("by hand");
    report.add("warm release / by hand", "ratio", ratio);
    clicks(&mut report, &sampan).await;
    sampan.stop().await;
    report.print();
}

async fn demo_program(sampan: &Sampan) -> Program {
    let env = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make bench`"));
    let key = std::fs::read_to_string(env("DEMO_WECHAT_KEY")).unwrap();
    let vendor = VendorApp {
        id: env("DEMO_WECHAT_APPID"),
        platform: "wechat",
        credential: support::form(&[("private_key", &key)]),
        key,
        http: reqwest::Client::new(),
    };
    let repo = format!("{}/harbour.git", env("DEMO_GIT_URL"));
    let settings = [("build_command", "npm run build:mp-weixin"), ("output_dir", "dist/build/mp-weixin")];
    sampan.program(&vendor, &repo, &settings).await
}

async fn release(sampan: &Sampan, program: &Program) -> Release {
    let release = sampan.run(program, Action::Preview).await;
    assert_eq!(release.status, Status::Succeeded, "{:?}\n{}", release.failure, sampan.text(&release.id).await);
    release
}

async fn stages(report: &mut Report, kind: &str, sampan: &Sampan, release: &Release) {
    for row in db::releases::list_stages(&sampan.app.db, &release.id).await.unwrap() {
        let name = format!("{kind} {}", row.name);
        report.add(&name, "ms", (row.finished_at.unwrap() - row.started_at) as f64);
    }
}

/// One after the other on an idle runner; each fails at once, for its git server is not there.
async fn clicks(report: &mut Report, sampan: &Sampan) {
    let program = sampan.program(&VendorApp::register().await, "http://127.0.0.1:9/none.git", &[]).await;
    for _ in 0..CLICKS {
        let release = sampan.run(&program, Action::Preview).await;
        report.add("click → running", "ms", (release.started_at.unwrap() - release.created_at) as f64);
        assert!(
            !db::releases::list_stages(&sampan.app.db, &release.id)
                .await
                .unwrap()
                .iter()
                .any(|s| s.name > Stage::Checkout)
        );
    }
}

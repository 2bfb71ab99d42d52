//! The client commands against a served app: the real program, its profile file, its exit statuses.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use sampan::model::release::{Failure, Outcome, Stage};
use sampan::ops::turns;
use sampan::queue::RunRelease;
use sampan::runner::log::Log;
use tokio::io::AsyncWriteExt;

use crate::site::Site;

async fn sampan(config: &Path, input: &str, args: &[&str]) -> Output {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_sampan"))
        .args(args)
        .env_clear()
        .env("XDG_CONFIG_HOME", config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    child.wait_with_output().await.unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_sign_in_to_the_outcome() {
    let site = Site::start().await;
    let program = site.world.program("商城").await;
    let config = tempfile::tempdir().unwrap();
    let at = config.path();
    let url = format!("http://{}", site.address);

    let nowhere = sampan(at, "", &["programs"]).await;
    assert_eq!(nowhere.status.code(), Some(1), "{nowhere:?}");
    let wrong = sampan(at, "wrong\n", &["login", "--url", &url, "--login", "admin"]).await;
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    let signed = out(&sampan(at, "correct horse\n", &["login", "--url", &url, "--login", "admin"]).await);
    assert!(signed.contains("admin (owner)"), "{signed}");
    let saved = std::fs::read_dir(at.join("sampan")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::metadata(&saved).unwrap().permissions().mode() & 0o777, 0o600);

    assert!(out(&sampan(at, "", &["programs"]).await).contains("商城"));
    let asked = ["release", "--program", "商城", "--action", "preview", "--json"];
    let release: serde_json::Value = serde_json::from_str(&out(&sampan(at, "", &asked).await)).unwrap();
    assert_eq!((&release["status"], &release["ref"]), (&"queued".into(), &"main".into()));
    let id = release["id"].as_str().unwrap();

    // A release that fails: whoever follows it sees its log, and the status tells.
    let app = site.world.app.clone();
    let job = RunRelease { id: id.to_owned(), attempt: 0 };
    let following = {
        let (at, args) = (at.to_owned(), ["log".to_owned(), format!("{url}/releases/{id}"), "--follow".to_owned()]);
        tokio::spawn(async move { sampan(&at, "", &args.each_ref().map(String::as_str)).await })
    };
    let claimed = turns::claim(&app, &job, "tests").await.unwrap().unwrap();
    let log = Log::open(&app, id, claimed.attempt).await.unwrap();
    log.say("compile", "turning tides").await;
    log.close().await;
    sampan::db::releases::begin_stage(&app.db, id, claimed.attempt, Stage::Compile, app.clock.now()).await.unwrap();
    let failed = Outcome::Failed(Failure::new("compile_failed", "rollup could not resolve ./tides"));
    turns::finish(&app, &claimed, &failed).await.unwrap();
    let followed = tokio::time::timeout(std::time::Duration::from_secs(30), following).await.unwrap().unwrap();
    assert_eq!(followed.status.code(), Some(1), "{followed:?}");
    let told = String::from_utf8_lossy(&followed.stdout);
    assert!(told.contains("turning tides"), "the log: {told}");

    let again = out(&sampan(at, "", &["retry", id]).await);
    assert!(again.contains("sampan log"), "{again}");
    let queued: Vec<_> =
        sampan::db::releases::list_active(&app.db, site.world.owner.scope()).await.unwrap().into_iter().collect();
    let canceled = out(&sampan(at, "", &["cancel", &queued[0].release.id]).await);
    assert!(canceled.contains("canceled"), "{canceled}");
    let unknown = sampan(at, "", &["cancel", "0123456789abcdef0123456789abcdef"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(sampan(at, "", &["release", "--program", &program.name]).await.status.code(), Some(2));

    out(&sampan(at, "", &["logout"]).await);
    assert!(!saved.exists());
    let tokens = sampan::ops::tokens::list(&app, &site.world.owner).await.unwrap();
    assert!(tokens.is_empty(), "the token is ended on the server too");
}

//! Whose turn it is: dispatch, claim, lease, fence, finish, sweep, cancel, idempotency.

use sampan::clock::HOUR;
use sampan::db;
use sampan::error::Error;
use sampan::model::log::{Line, Stream};
use sampan::model::release::{
    Action, Delivered, Failure, LEASE, MAX_ATTEMPTS, Outcome, Receipt, STALE_DISPATCH, Stage, StageStatus, Status,
};
use sampan::model::user::Role;
use sampan::ops::{releases, turns};
use sampan::queue::RunRelease;

use crate::support::{World, preview};

on_both!(
    one_at_a_time,
    an_old_attempt_writes_nothing,
    a_dead_runner_is_recovered,
    a_crash_in_delivery_needs_a_person,
    a_lost_job_is_pushed_again,
    the_same_key_is_the_same_release,
    cancel_and_retry,
    bad_requests_store_nothing,
    twenty_at_once,
);

fn job(id: &str, attempt: i64) -> RunRelease {
    RunRelease { id: id.to_owned(), attempt }
}

fn success(at: i64) -> Outcome {
    let receipt = Receipt { version: "1".into(), qr_url: None, vendor: serde_json::json!({"a": 1}), received_at: at };
    Outcome::Succeeded(Delivered {
        receipt,
        sizes: vec![],
        qr_key: Some("qr/x.png".into()),
        qr_expires_at: Some(at + 5),
    })
}

async fn one_at_a_time(w: World) {
    let program = w.program("p").await;
    let (first, second) = (w.release(&program, None).await, w.release(&program, None).await);
    assert!(w.row(&first.id).await.dispatched_at.is_some());
    assert!(w.row(&second.id).await.dispatched_at.is_none(), "waits its turn");
    assert!(turns::claim(&w.app, &job(&second.id, 0), "r").await.unwrap().is_none(), "not dispatched");

    let claimed = turns::claim(&w.app, &job(&first.id, 0), "r").await.unwrap().unwrap();
    assert_eq!((claimed.status, claimed.attempt), (Status::Running, 1));
    assert!(turns::claim(&w.app, &job(&first.id, 0), "r2").await.unwrap().is_none(), "a duplicate job is a no-op");

    assert!(db::releases::begin_stage(&w.app.db, &first.id, 1, Stage::Checkout, w.app.clock.now()).await.unwrap());
    assert!(db::releases::set_commit(&w.app.db, &first.id, 1, "abc", "主题").await.unwrap());
    db::releases::end_stage(&w.app.db, &first.id, 1, Stage::Checkout, StageStatus::Succeeded, w.app.clock.now())
        .await
        .unwrap();
    let stages = db::releases::list_stages(&w.app.db, &first.id).await.unwrap();
    assert_eq!((stages.len(), stages[0].status), (1, StageStatus::Succeeded));

    assert!(turns::finish(&w.app, &claimed, &success(9)).await.unwrap());
    let done = w.row(&first.id).await;
    assert_eq!((done.status, done.commit_subject.as_deref()), (Status::Succeeded, Some("主题")));
    assert_eq!(done.receipt.unwrap().vendor["a"], 1);
    assert!(w.row(&second.id).await.dispatched_at.is_some(), "finishing one dispatches the next");

    let latest = db::releases::list_latest(&w.app.db, w.owner.scope()).await.unwrap();
    assert_eq!(latest.iter().map(|l| l.release.id.as_str()).collect::<Vec<_>>(), [first.id.as_str()]);
    let active = db::releases::list_active(&w.app.db, w.owner.scope()).await.unwrap();
    assert_eq!(active.iter().map(|l| l.release.id.as_str()).collect::<Vec<_>>(), [second.id.as_str()]);
    let page = db::releases::list_of_program(&w.app.db, w.owner.scope(), &program.id, None, 1).await.unwrap();
    assert_eq!(page[0].release.id, second.id, "newest first");
    let rest = db::releases::list_of_program(&w.app.db, w.owner.scope(), &program.id, Some(&page[0].release.id), 9)
        .await
        .unwrap();
    assert_eq!(rest[0].release.id, first.id);
}

async fn an_old_attempt_writes_nothing(w: World) {
    let program = w.program("p").await;
    let release = w.release(&program, None).await;
    let old = turns::claim(&w.app, &job(&release.id, 0), "r1").await.unwrap().unwrap();
    w.app.clock.advance(LEASE + 1);
    turns::sweep(&w.app).await.unwrap();
    let new = turns::claim(&w.app, &job(&release.id, 1), "r2").await.unwrap().unwrap();
    assert_eq!(new.attempt, 2);

    let line = Line { n: 1, t: 0, stage: "install".into(), stream: Stream::Stdout, text: "late".into() };
    let chunk = sampan::logs::block::pack(&[line]).unwrap().unwrap();
    assert!(!db::logs::append(&w.app.db, &old.id, old.attempt, &chunk).await.unwrap());
    assert!(turns::renew(&w.app, &old).await.unwrap().is_none());
    assert!(!db::releases::begin_stage(&w.app.db, &old.id, old.attempt, Stage::Deliver, 0).await.unwrap());
    assert!(!db::releases::set_commit(&w.app.db, &old.id, old.attempt, "x", "x").await.unwrap());
    assert!(!db::releases::set_sizes(&w.app.db, &old.id, old.attempt, &[]).await.unwrap());
    assert!(!turns::finish(&w.app, &old, &success(0)).await.unwrap());
    assert_eq!(w.row(&release.id).await.status, Status::Running);
    assert_eq!(turns::renew(&w.app, &new).await.unwrap(), Some(false));
    assert!(db::logs::append(&w.app.db, &new.id, new.attempt, &chunk).await.unwrap());
}

async fn a_dead_runner_is_recovered(w: World) {
    let program = w.program("p").await;
    let release = w.release(&program, None).await;
    for attempt in 0..MAX_ATTEMPTS {
        let claimed = turns::claim(&w.app, &job(&release.id, attempt), "r").await.unwrap().unwrap();
        assert_eq!(claimed.attempt, attempt + 1);
        w.app.clock.advance(LEASE - 1);
        turns::sweep(&w.app).await.unwrap();
        assert_eq!(w.row(&release.id).await.status, Status::Running, "a live lease is left alone");
        w.app.clock.advance(2);
        turns::sweep(&w.app).await.unwrap();
    }
    let given_up = w.row(&release.id).await;
    assert_eq!((given_up.status, given_up.failure.unwrap().code.as_str()), (Status::Failed, "runner_died"));
}

async fn a_crash_in_delivery_needs_a_person(w: World) {
    let program = w.program("p").await;
    let upload = releases::Request { action: Action::Upload, ..preview("main", None) };
    let release = releases::request(&w.app, &w.owner, &program.id, upload).await.unwrap();
    turns::claim(&w.app, &job(&release.id, 0), "r").await.unwrap().unwrap();
    db::releases::begin_stage(&w.app.db, &release.id, 1, Stage::Deliver, w.app.clock.now()).await.unwrap();
    w.app.clock.advance(LEASE + 1);
    turns::sweep(&w.app).await.unwrap();
    assert_eq!(w.row(&release.id).await.status, Status::Unconfirmed, "never uploaded twice blindly");
    let again = releases::retry(&w.app, &w.owner, &release.id, false, None).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "first a person says what became of it");
    let publisher = w.person("p", Role::Publisher).await;
    assert!(matches!(releases::confirm(&w.app, &publisher, &release.id, true).await, Err(Error::Forbidden)));
    releases::confirm(&w.app, &w.owner, &release.id, false).await.unwrap();
    assert_eq!(w.row(&release.id).await.status, Status::Failed);
    assert!(matches!(releases::confirm(&w.app, &w.owner, &release.id, true).await, Err(Error::Conflict(_))));
}

async fn a_lost_job_is_pushed_again(w: World) {
    let program = w.program("p").await;
    let release = w.release(&program, None).await;
    w.app.clock.advance(STALE_DISPATCH + 1);
    let before = w.row(&release.id).await.dispatched_at;
    turns::sweep(&w.app).await.unwrap();
    assert!(w.row(&release.id).await.dispatched_at > before);
    assert!(turns::claim(&w.app, &job(&release.id, 0), "r").await.unwrap().is_some());
}

async fn the_same_key_is_the_same_release(w: World) {
    let program = w.program("p").await;
    let first = w.release(&program, Some("k")).await;
    assert_eq!(w.release(&program, Some("k")).await.id, first.id, "a double click publishes once");
    assert_ne!(w.release(&program, Some("other")).await.id, first.id);
    assert_ne!(w.release(&program, None).await.id, w.release(&program, None).await.id);
    let other = w.program("q").await;
    assert_ne!(w.release(&other, Some("k")).await.id, first.id, "a key belongs to one program");
    let lin = w.person("lin", Role::Publisher).await;
    let hers = releases::request(&w.app, &lin, &program.id, preview("main", Some("k"))).await.unwrap();
    assert_ne!(hers.id, first.id, "and to one person");
    w.app.clock.advance(24 * HOUR + 10);
    assert_ne!(w.release(&program, Some("k")).await.id, first.id, "for a day");
}

async fn cancel_and_retry(w: World) {
    let program = w.program("p").await;
    let (first, second) = (w.release(&program, None).await, w.release(&program, None).await);
    let (lin, viewer) = (w.person("lin", Role::Publisher).await, w.person("v", Role::Viewer).await);
    assert!(matches!(releases::cancel(&w.app, &lin, &first.id).await, Err(Error::Forbidden)), "not hers");
    assert!(matches!(releases::cancel(&w.app, &viewer, &first.id).await, Err(Error::Forbidden)));
    assert!(
        matches!(releases::retry(&w.app, &w.owner, &first.id, false, None).await, Err(Error::Conflict(_))),
        "not over"
    );

    releases::cancel(&w.app, &w.owner, &first.id).await.unwrap();
    assert_eq!(w.row(&first.id).await.status, Status::Canceled);
    let running = turns::claim(&w.app, &job(&second.id, 0), "r").await.unwrap().unwrap();
    releases::cancel(&w.app, &w.owner, &second.id).await.unwrap();
    assert_eq!(turns::renew(&w.app, &running).await.unwrap(), Some(true), "the runner is told");
    assert!(turns::finish(&w.app, &running, &Outcome::Canceled).await.unwrap());
    assert!(matches!(releases::cancel(&w.app, &w.owner, &second.id).await, Err(Error::Conflict(_))));

    let again = releases::retry(&w.app, &w.owner, &second.id, false, Some("r".into())).await.unwrap();
    assert_eq!(again.retry_of.as_deref(), Some(second.id.as_str()));
    assert_eq!(again.parameters.reference, "main");
    let failed = turns::claim(&w.app, &job(&again.id, 0), "r").await.unwrap().unwrap();
    turns::finish(&w.app, &failed, &Outcome::Failed(Failure::new("compile_failed", "x").args(["1"]))).await.unwrap();
    assert_eq!(w.row(&again.id).await.failure.unwrap().args, ["1"]);
}

async fn bad_requests_store_nothing(w: World) {
    let program = w.program("p").await;
    let viewer = w.person("v", Role::Viewer).await;
    assert!(matches!(
        releases::request(&w.app, &viewer, &program.id, preview("main", None)).await,
        Err(Error::Forbidden)
    ));
    for reference in ["--upload-pack=x", "", "a b", "a..b"] {
        let refused = releases::request(&w.app, &w.owner, &program.id, preview(reference, None)).await;
        assert!(matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == "ref"), "{reference}");
    }
    let mut request = preview("main", None);
    request.scene = "x".into();
    assert!(matches!(releases::request(&w.app, &w.owner, &program.id, request).await, Err(Error::Invalid(_))));
    assert!(matches!(releases::request(&w.app, &w.owner, "none", preview("main", None)).await, Err(Error::NotFound)));
    assert_eq!(db::releases::count_of_program(&w.app.db, &program.id).await.unwrap(), 0);

    let first = w.release(&program, None).await;
    let second = w.release(&program, None).await;
    let (a, b) = (first.parameters.version.clone(), second.parameters.version.clone());
    assert!(a.ends_with(".1") && b.ends_with(".2"), "{a} {b}: the day's releases are counted");
}

async fn twenty_at_once(w: World) {
    let program = w.program("p").await;
    let mut asked = tokio::task::JoinSet::new();
    for i in 0..40 {
        let (app, owner, id) = (w.app.clone(), w.owner.clone(), program.id.clone());
        // Every key twice: twenty people who all double-click.
        asked.spawn(async move {
            releases::request(&app, &owner, &id, preview("main", Some(&format!("k{}", i / 2)))).await.unwrap().id
        });
    }
    let mut ids = asked.join_all().await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
    let mut done = 0;
    while let Some(next) = dispatched(&w).await {
        let claimed = turns::claim(&w.app, &job(&next, 0), "r").await.unwrap().unwrap();
        assert!(turns::finish(&w.app, &claimed, &Outcome::Canceled).await.unwrap());
        done += 1;
    }
    assert_eq!(done, 20, "all had their turn");
}

/// The one dispatched release; more than one would be the bug.
async fn dispatched(w: &World) -> Option<String> {
    let active = db::releases::list_active(&w.app.db, w.owner.scope()).await.unwrap();
    let ready: Vec<_> = active.into_iter().filter(|a| a.release.dispatched_at.is_some()).collect();
    assert!(ready.len() <= 1, "{} dispatched at once", ready.len());
    ready.into_iter().next().map(|a| a.release.id)
}

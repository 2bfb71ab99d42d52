//! What projects bring along: logins, host keys, robots, snapshots, archives, remarks, last parameters.

use sampan::clock::DAY;
use sampan::db;
use sampan::error::Error;
use sampan::git::{Login, Refs};
use sampan::model::release::Action;
use sampan::model::snapshot::{Snapshot, SnapshotKind};
use sampan::model::user::Role;
use sampan::ops::{program_settings, programs, releases, repositories, robots, snapshots};

use crate::support::{World, form, preview};

on_both!(
    logins_rest_sealed_and_stay_with_their_host,
    host_keys_are_pinned,
    robots_are_leased_per_branch,
    archived_programs_take_no_releases,
    what_is_kept,
    remarks_and_last_parameters
);

async fn logins_rest_sealed_and_stay_with_their_host(w: World) {
    let program = w.program("商城").await;
    let mut fields = form(&[
        ("group", &program.group_id),
        ("name", "商城"),
        ("app_id", &program.app_id),
        ("repo_url", "https://me:s3cret-token@git.example.invalid/a.git"),
        ("default_ref", "main"),
        ("output_dir", "dist"),
        ("node", "18"),
        ("memory_mb", "4096"),
    ]);
    let saved = programs::update(&w.app, &w.owner, &program.id, &fields).await.unwrap();
    assert_eq!(saved.repo_url, "https://git.example.invalid/a.git");
    let again = db::programs::find(&w.app.db, w.owner.scope(), &program.id).await.unwrap().unwrap();
    assert_eq!(again.settings, saved.settings);
    assert!(program_settings::values(&again.settings).contains(&("node", "18".to_owned())));

    let stored = db::repositories::find_credential(&w.app.db, &program.id).await.unwrap().unwrap();
    let plain = |bytes: &[u8]| bytes.windows(12).any(|part| part == b"s3cret-token");
    assert!(!plain(&stored.sealed) && stored.fingerprint.starts_with("SHA256:"));
    let (remote, secrets) = repositories::remote(&w.app, &again).await.unwrap();
    assert!(matches!(&remote.login, Login::Token { user, token } if user == "me" && token == "s3cret-token"));
    assert_eq!(secrets, ["s3cret-token"]);
    assert!(!format!("{remote:?}").contains("s3cret"));

    // The same host keeps it, another one does not get it.
    fields.insert("repo_url".into(), "https://git.example.invalid/b.git".into());
    programs::update(&w.app, &w.owner, &program.id, &fields).await.unwrap();
    assert!(db::repositories::find_credential(&w.app.db, &program.id).await.unwrap().is_some());
    fields.insert("repo_url".into(), "https://evil.example.invalid/b.git".into());
    programs::update(&w.app, &w.owner, &program.id, &fields).await.unwrap();
    assert!(db::repositories::find_credential(&w.app.db, &program.id).await.unwrap().is_none());

    fields.insert("repo_token".into(), "another".into());
    programs::update(&w.app, &w.owner, &program.id, &fields).await.unwrap();
    let publisher = w.person("lin", Role::Publisher).await;
    assert!(matches!(repositories::remove_login(&w.app, &publisher, &program.id).await, Err(Error::Forbidden)));
    repositories::remove_login(&w.app, &w.owner, &program.id).await.unwrap();
    assert!(db::repositories::find_credential(&w.app.db, &program.id).await.unwrap().is_none());
}

async fn host_keys_are_pinned(w: World) {
    let program = w.program("商城").await;
    let url = &program.repo_url;
    repositories::learn_host(&w.app, url, None).await.unwrap();
    assert!(repositories::known_host(&w.app, url).await.unwrap().is_none());
    repositories::learn_host(&w.app, url, Some("SHA256:one")).await.unwrap();
    repositories::learn_host(&w.app, url, Some("SHA256:two")).await.unwrap();
    assert_eq!(repositories::known_host(&w.app, url).await.unwrap().unwrap().fingerprint, "SHA256:one");
    assert_eq!(repositories::remote(&w.app, &program).await.unwrap().0.host_key.as_deref(), Some("SHA256:one"));
    repositories::forget_host(&w.app, &w.owner, &program.id).await.unwrap();
    assert!(repositories::known_host(&w.app, url).await.unwrap().is_none());
}

async fn robot_of(w: &World, program: &str, branch: &str) -> Result<i64, Error> {
    w.app.clock.advance(1);
    let release = releases::request(&w.app, &w.owner, program, preview(branch, None)).await?;
    Ok(release.parameters.options["robot"].as_i64().unwrap())
}

async fn robots_are_leased_per_branch(w: World) {
    let program = w.program("商城").await;
    let p = &program.id;
    assert_eq!(robot_of(&w, p, "main").await.unwrap(), 1);
    assert_eq!(robot_of(&w, p, "dev").await.unwrap(), 2);
    assert_eq!(robot_of(&w, p, "main").await.unwrap(), 1, "kept");
    // Another program of the same app shares the numbers.
    let other = w.program("商城二").await;
    assert_eq!(robot_of(&w, &other.id, "other").await.unwrap(), 3);
    for n in 4..=30 {
        assert_eq!(robot_of(&w, p, &format!("b{n}")).await.unwrap(), n);
    }
    match robot_of(&w, p, "one-too-many").await {
        Err(Error::Conflict(text)) => {
            let holders = &text.args[0].1;
            assert!(
                text.key == "errors.robots_exhausted" && holders.contains("main (1)") && holders.contains("b30 (30)")
            );
        }
        other => panic!("{other:?}"),
    }
    // A branch that is gone gives its number back; another repository's leases are not its business.
    let mut branches: Vec<String> = (4..=30).map(|n| format!("b{n}")).collect();
    branches.push("main".into());
    robots::release_gone(&w.app, &program, &Refs { branches, ..Refs::default() }).await.unwrap();
    let held = db::robots::list(&w.app.db, "wechat", &program.app_id).await.unwrap();
    assert!(held.iter().all(|lease| lease.reference != "dev") && held.iter().any(|lease| lease.reference == "other"));
    assert_eq!(robot_of(&w, p, "new").await.unwrap(), 2);
    robots::free(&w.app, &w.owner, p, "main").await.unwrap();
    assert_eq!(robot_of(&w, p, "newer").await.unwrap(), 1);
    // Idle for a month: free for others.
    w.app.clock.advance(31 * DAY);
    assert_eq!(robot_of(&w, p, "after-a-month").await.unwrap(), 1);

    // A fixed number of the program overrides.
    let mut fields = form(&[
        ("group", &program.group_id),
        ("name", "商城"),
        ("app_id", &program.app_id),
        ("repo_url", &program.repo_url),
        ("default_ref", "main"),
        ("output_dir", "dist"),
    ]);
    fields.insert("options.robot".into(), "17".into());
    programs::update(&w.app, &w.owner, p, &fields).await.unwrap();
    assert_eq!(robot_of(&w, p, "any").await.unwrap(), 17);
}

async fn archived_programs_take_no_releases(w: World) {
    let program = w.program("商城").await;
    w.release(&program, None).await;
    let scope = w.owner.scope();
    let publisher = w.person("lin", Role::Publisher).await;
    assert!(matches!(programs::archive(&w.app, &publisher, &program.id, true).await, Err(Error::Forbidden)));
    programs::archive(&w.app, &w.owner, &program.id, true).await.unwrap();
    assert!(db::programs::list(&w.app.db, scope).await.unwrap().is_empty());
    assert_eq!(db::programs::list_archived(&w.app.db, scope).await.unwrap().len(), 1);
    let refused = releases::request(&w.app, &w.owner, &program.id, preview("main", None)).await;
    assert!(matches!(refused, Err(Error::Conflict(text)) if text.key == "errors.archived"));
    assert_eq!(db::releases::count_of_program(&w.app.db, &program.id).await.unwrap(), 1, "history stays");
    programs::archive(&w.app, &w.owner, &program.id, false).await.unwrap();
    w.release(&program, None).await;
}

async fn what_is_kept(w: World) {
    let program = w.program("商城").await;
    let row = |id: &str, used_at| Snapshot {
        id: id.into(),
        kind: SnapshotKind::Dependencies,
        repository: "https://h/a".into(),
        program_id: Some(program.id.clone()),
        reference: "main".into(),
        bytes: 5,
        files: 2,
        created_at: 1,
        used_at,
    };
    for (id, used_at) in [("a", 1), ("b", 3), ("c", 2)] {
        db::snapshots::put(&w.app.db, &row(id, used_at)).await.unwrap();
    }
    assert_eq!(db::snapshots::touch(&w.app.db, "a", 9).await.unwrap().unwrap().used_at, 9);
    assert!(db::snapshots::touch(&w.app.db, "gone", 9).await.unwrap().is_none());
    db::snapshots::put(&w.app.db, &Snapshot { bytes: 7, ..row("a", 10) }).await.unwrap();
    let ids = async || -> Vec<String> {
        snapshots::list(&w.app, &w.owner).await.unwrap().into_iter().map(|row| row.id).collect()
    };
    assert_eq!(ids().await, ["a", "b", "c"], "the most recently used first");
    assert_eq!(db::snapshots::list(&w.app.db).await.unwrap()[0].bytes, 7);
    let publisher = w.person("lin", Role::Publisher).await;
    assert!(matches!(snapshots::clear(&w.app, &publisher, None).await, Err(Error::Forbidden)));
    snapshots::clear(&w.app, &w.owner, Some("b")).await.unwrap();
    assert_eq!(ids().await, ["a", "c"]);
    snapshots::clear(&w.app, &w.owner, None).await.unwrap();
    assert!(ids().await.is_empty());
}

async fn remarks_and_last_parameters(w: World) {
    let program = w.program("商城").await;
    let find = async |user: &str| db::releases::find_last(&w.app.db, &program.id, user, Action::Preview).await.unwrap();
    assert!(find(&w.owner.id).await.is_none());
    let release = w.release(&program, None).await;
    w.app.clock.advance(1);
    let request = releases::Request { page_path: "pages/a/a".into(), without_lockfile: true, ..preview("dev", None) };
    releases::request(&w.app, &w.owner, &program.id, request).await.unwrap();
    let last = find(&w.owner.id).await.unwrap();
    assert_eq!((last.reference.as_str(), last.page_path.as_str(), last.without_lockfile), ("dev", "pages/a/a", true));
    let publisher = w.person("lin", Role::Publisher).await;
    assert!(find(&publisher.id).await.is_none(), "everybody has their own");

    releases::remark(&w.app, &w.owner, &release.id, " 已发客户 ").await.unwrap();
    assert_eq!(w.row(&release.id).await.remark, "已发客户");
    let refused = releases::remark(&w.app, &publisher, &release.id, "x").await;
    assert!(matches!(refused, Err(Error::Forbidden)), "not hers");
    let long = "长".repeat(201);
    assert!(matches!(releases::remark(&w.app, &w.owner, &release.id, &long).await, Err(Error::Invalid(_))));
}

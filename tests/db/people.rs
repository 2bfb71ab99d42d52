//! People, sessions, tokens, groups, programs, credentials, and the log of who did what.

use sampan::db;
use sampan::db::audit::Filter;
use sampan::error::Error;
use sampan::model::token::{Limit, TokenScope};
use sampan::model::user::{Role, User};
use sampan::ops::{accounts, audit, credentials, groups, people, programs, releases, tokens, updates};

use crate::support::{World, door, form, preview, rsa_key};

on_both!(
    accounts_and_sessions,
    admins_look_after_people_below_them,
    restricted_groups_hide_what_is_in_them,
    wrong_passwords_slow_down_whoever_types_them,
    tokens_speak_for_a_person_and_no_more,
    every_change_is_written_down,
    programs_and_groups,
    credentials_rest_sealed
);

async fn accounts_and_sessions(w: World) {
    assert!(accounts::first_owner(&w.app).await.unwrap().is_none(), "only the first start makes an owner");
    let enter = async |login: &str, password: &str| {
        accounts::sign_in(&w.app, login, password, &door("10.0.0.1")).await.unwrap()
    };
    assert!(enter("Admin ", "correct horse").await.is_some());
    assert!(enter("admin", "wrong").await.is_none());
    assert!(enter("nobody", "correct horse").await.is_none());

    let lin = w.person("lin", Role::Publisher).await;
    let create = async |actor: &User, login: &str, role| {
        people::create(&w.app, actor, login, "x", role, Some("long enough")).await.map(drop)
    };
    assert!(matches!(create(&w.owner, "LIN", Role::Viewer).await, Err(Error::Invalid(_))), "taken whatever its case");
    assert!(matches!(create(&lin, "x", Role::Viewer).await, Err(Error::Forbidden)));
    let admin = w.person("ad", Role::Admin).await;
    assert!(matches!(create(&admin, "o", Role::Owner).await, Err(Error::Forbidden)));

    let now = w.app.clock.now();
    assert!(db::sessions::insert(&w.app.db, "s1", Some(&lin.id), "{}", now + 10).await.unwrap());
    assert!(!db::sessions::insert(&w.app.db, "s1", None, "{}", now + 10).await.unwrap(), "the id is taken");
    db::sessions::insert(&w.app.db, "s2", Some(&lin.id), "{}", now + 10).await.unwrap();
    assert_eq!(w.app.sessions.list_of_user(&lin.id).await.unwrap().len(), 2);
    assert_eq!(db::sessions::delete_of_user(&w.app.db, &lin.id, "s2").await.unwrap(), 1);
    db::sessions::update(&w.app.db, "s1", Some(&lin.id), "{}", now + 10).await.unwrap();
    assert!(db::sessions::find(&w.app.db, "s1", now).await.unwrap().is_none(), "a revoked session stays revoked");
    assert!(db::sessions::find(&w.app.db, "s2", now + 11).await.unwrap().is_none(), "an expired one does not count");
    assert_eq!(db::sessions::delete_expired(&w.app.db, now + 10).await.unwrap(), 1);

    accounts::change_password(&w.app, &lin, "long enough", "even longer", "").await.unwrap();
    assert!(enter("lin", "even longer").await.is_some());
    let reset = accounts::reset_password(&w.app, "lin").await.unwrap();
    assert!(enter("lin", &reset).await.unwrap().must_change);
}

async fn admins_look_after_people_below_them(w: World) {
    let (admin, other) = (w.person("ad", Role::Admin).await, w.person("other", Role::Admin).await);
    let lin = w.person("lin", Role::Publisher).await;
    let role = |role| people::Change { role: Some(role), ..people::Change::default() };
    let refused = async |actor: &User, id: &str, change: &people::Change| {
        people::update(&w.app, actor, id, change).await.is_err()
    };
    assert!(refused(&admin, &admin.id, &role(Role::Owner)).await, "nobody raises themselves");
    assert!(refused(&admin, &lin.id, &role(Role::Owner)).await);
    assert!(refused(&admin, &other.id, &role(Role::Viewer)).await, "another admin is the owner's business");
    assert!(refused(&admin, &w.owner.id, &role(Role::Viewer)).await, "the owner cannot be demoted");
    assert!(refused(&w.owner, &w.owner.id, &role(Role::Admin)).await);
    assert!(refused(&lin, &other.id, &role(Role::Viewer)).await);
    for (actor, id) in [(&admin, &admin.id), (&admin, &w.owner.id), (&w.owner, &w.owner.id), (&lin, &other.id)] {
        assert!(people::delete(&w.app, actor, id).await.is_err(), "{} deletes {id}", actor.login);
        assert!(people::reset_password(&w.app, actor, id).await.is_err());
    }
    people::update(&w.app, &w.owner, &other.id, &role(Role::Publisher)).await.unwrap();

    let disable = people::Change { disabled: Some(true), ..people::Change::default() };
    people::update(&w.app, &admin, &lin.id, &disable).await.unwrap();
    assert!(accounts::sign_in(&w.app, "lin", "long enough", &door("a")).await.unwrap().is_none());
    people::update(&w.app, &admin, &lin.id, &people::Change { disabled: Some(false), ..disable }).await.unwrap();
    assert!(accounts::sign_in(&w.app, "lin", "long enough", &door("a")).await.unwrap().is_some());

    // Deleting keeps what they did, and frees their login.
    let program = w.program("商城").await;
    let release = releases::request(&w.app, &lin, &program.id, preview("main", None)).await.unwrap();
    people::delete(&w.app, &admin, &lin.id).await.unwrap();
    assert!(accounts::sign_in(&w.app, "lin", "long enough", &door("a")).await.unwrap().is_none());
    let listed = db::releases::find(&w.app.db, w.owner.scope(), &release.id).await.unwrap().unwrap();
    assert_eq!(listed.requested_by_name, "lin");
    w.person("lin", Role::Viewer).await;
    let logins = |people: Vec<User>| people.into_iter().map(|user| user.login).collect::<Vec<_>>();
    assert_eq!(logins(people::list(&w.app, &admin, "", "", 10).await.unwrap()), ["ad", "admin", "lin", "other"]);
    assert_eq!(logins(people::list(&w.app, &admin, "", "admin", 1).await.unwrap()), ["lin"]);
    assert_eq!(logins(people::list(&w.app, &admin, "AD", "", 10).await.unwrap()), ["ad", "admin"]);
    assert!(people::list(&w.app, &admin, "%", "", 10).await.unwrap().is_empty(), "a sign is no wildcard");
}

async fn restricted_groups_hide_what_is_in_them(w: World) {
    let (open, closed) = (w.program("公开").await, w.program("保密").await);
    let secret = groups::create(&w.app, &w.owner, "组外", true).await.unwrap();
    let mut fields = form(&[
        ("group", &secret.id),
        ("name", "保密"),
        ("app_id", &closed.app_id),
        ("repo_url", &closed.repo_url),
        ("default_ref", "main"),
        ("output_dir", "dist"),
    ]);
    let closed = programs::update(&w.app, &w.owner, &closed.id, &fields).await.unwrap();
    let release = w.release(&closed, None).await;
    let lin = w.person("lin", Role::Publisher).await;
    let again = async || db::users::find(&w.app.db, &lin.id).await.unwrap().unwrap();
    let sees = async |user: &User| {
        let names: Vec<_> =
            db::programs::list(&w.app.db, user.scope()).await.unwrap().into_iter().map(|p| p.name).collect();
        let active = db::releases::list_active(&w.app.db, user.scope()).await.unwrap().len();
        let one = db::releases::find(&w.app.db, user.scope(), &release.id).await.unwrap().is_some();
        let latest = db::releases::list_latest(&w.app.db, user.scope()).await.unwrap().len();
        (names, active, one, latest, db::programs::list_groups(&w.app.db, user.scope()).await.unwrap().len())
    };
    assert_eq!(sees(&lin).await, (vec!["公开".to_owned()], 0, false, 0, 1));
    let publish = async |user: &User| releases::request(&w.app, user, &closed.id, preview("main", None)).await;
    assert!(matches!(publish(&lin).await, Err(Error::NotFound)), "it is not even there");

    groups::set_member(&w.app, &w.owner, &secret.id, "LIN", false, false).await.unwrap();
    let member = again().await;
    assert_eq!(sees(&member).await.0.len(), 2);
    assert!(matches!(publish(&member).await, Err(Error::Forbidden)), "looking is not publishing");
    groups::set_member(&w.app, &w.owner, &secret.id, "lin", true, false).await.unwrap();
    assert!(publish(&again().await).await.is_ok());
    assert!(matches!(
        groups::set_member(&w.app, &w.owner, &secret.id, "nobody", true, true).await,
        Err(Error::Invalid(_))
    ));
    assert_eq!(groups::members(&w.app, &w.owner, &secret.id).await.unwrap()[0].login, "lin");
    groups::remove_member(&w.app, &w.owner, &secret.id, &lin.id).await.unwrap();
    assert_eq!(sees(&again().await).await.0, ["公开"]);
    let admin = w.person("ad", Role::Admin).await;
    assert_eq!(sees(&admin).await.0.len(), 2, "admins see all");

    // A token for one group sees that group alone, whoever holds it.
    let limit = Limit { token_id: "t".into(), scope: TokenScope::Admin, group_id: Some(secret.id.clone()) };
    let token = User { limit: Some(limit), ..w.owner.clone() };
    assert_eq!(sees(&token).await.0, ["保密"]);
    fields.insert("group".into(), open.group_id.clone());
    let moved = programs::update(&w.app, &token, &closed.id, &fields).await;
    assert!(moved.is_err(), "nor can it carry something out of there");

    // In an open group a member may be allowed to publish updates.
    let app = w.app("__UNI__MEMBER1").await;
    let native = form(&[("kind", "android"), ("version", "1.0.0"), ("version_code", "100")]);
    let add = async |user: &User| updates::add(&w.app, user, &app.id, &native, None).await;
    assert!(matches!(add(&again().await).await, Err(Error::Forbidden)));
    groups::set_member(&w.app, &w.owner, &app.group_id, "lin", true, true).await.unwrap();
    assert!(add(&again().await).await.is_ok());
}

async fn wrong_passwords_slow_down_whoever_types_them(w: World) {
    let try_at = async |login: &str, password: &str, door: &accounts::Door<'_>| {
        accounts::sign_in(&w.app, login, password, door).await
    };
    let throttled =
        |result: &Result<_, Error>| matches!(result, Err(Error::Busy(text)) if text.key == "errors.throttled");
    let (thief, home) = (door("203.0.113.1"), door("10.0.0.7"));
    for _ in 0..5 {
        assert!(try_at("admin", "guess", &thief).await.unwrap().is_none());
    }
    let right: Result<Option<User>, Error> = try_at("admin", "correct horse", &thief).await;
    assert!(throttled(&right), "even the right one has to wait");
    assert!(try_at("admin", "correct horse", &home).await.unwrap().is_some(), "from elsewhere it works");
    // Many addresses at one account: strangers wait, a browser that was here before does not.
    for n in 0..60 {
        let _ = try_at("admin", "guess", &door(&format!("198.51.100.{n}"))).await;
    }
    assert!(throttled(&try_at("admin", "correct horse", &door("192.0.2.1")).await));
    let known = accounts::Door { address: "192.0.2.1", known_device: Some("a-device") };
    assert!(try_at("admin", "correct horse", &known).await.unwrap().is_some(), "the victim is not locked out");
    w.app.clock.advance(16 * 60_000);
    assert!(try_at("admin", "correct horse", &thief).await.unwrap().is_some(), "it is forgotten");
}

async fn tokens_speak_for_a_person_and_no_more(w: World) {
    let lin = w.person("lin", Role::Publisher).await;
    let (value, token) = tokens::create(&w.app, &lin, "CI", TokenScope::Publish, None, Some(30)).await.unwrap();
    assert!(value.starts_with("smp_") && !token.hash.contains(&value[4..]));
    let (as_lin, _) = tokens::open(&w.app, &value, "10.0.0.9").await.unwrap().unwrap();
    assert_eq!((as_lin.id.as_str(), as_lin.address.as_str()), (lin.id.as_str(), "10.0.0.9"));
    assert!(tokens::list(&w.app, &lin).await.unwrap()[0].used_at.is_some());
    let nested = tokens::create(&w.app, &as_lin, "more", TokenScope::Read, None, None).await;
    assert!(matches!(nested, Err(Error::Forbidden)), "a token makes no token");
    let (other, _) = tokens::create(&w.app, &lin, "other", TokenScope::Read, None, None).await.unwrap();
    let other_id = tokens::open(&w.app, &other, "").await.unwrap().unwrap().1.id;
    assert!(matches!(tokens::delete(&w.app, &as_lin, &other_id).await, Err(Error::Forbidden)));
    for wrong in ["", "smp_", "smp_0000", &value[..value.len() - 1], &value.to_uppercase()] {
        assert!(tokens::open(&w.app, wrong, "").await.unwrap().is_none(), "{wrong}");
    }
    for days in [0, -1, 100_000] {
        assert!(tokens::create(&w.app, &lin, "x", TokenScope::Read, None, Some(days)).await.is_err());
    }
    w.app.clock.advance(31 * 24 * 3_600_000);
    assert!(tokens::open(&w.app, &value, "").await.unwrap().is_none(), "expired");
    assert!(tokens::open(&w.app, &other, "").await.unwrap().is_some());
    let disable = people::Change { disabled: Some(true), ..people::Change::default() };
    people::update(&w.app, &w.owner, &lin.id, &disable).await.unwrap();
    assert!(tokens::open(&w.app, &other, "").await.unwrap().is_none(), "a closed door is closed for scripts too");
}

async fn every_change_is_written_down(w: World) {
    let program = w.program("商城").await;
    let actor = User { address: "10.1.2.3".into(), ..w.owner.clone() };
    let mut fields = form(&[
        ("group", &program.group_id),
        ("name", "新商城"),
        ("app_id", &program.app_id),
        ("repo_url", "https://me:s3cret-token@git.example.invalid/a.git"),
        ("default_ref", "main"),
        ("output_dir", "dist"),
    ]);
    programs::update(&w.app, &actor, &program.id, &fields).await.unwrap();
    fields.insert("name".into(), String::new());
    assert!(programs::update(&w.app, &actor, &program.id, &fields).await.is_err());
    let _ = accounts::sign_in(&w.app, "intruder", "hunter2-hunter2", &door("203.0.113.9")).await;
    let all = audit::list(&w.app, &w.owner, &Filter::default(), None, 100).await.unwrap();
    let text = format!("{all:?}");
    assert!(!text.contains("s3cret-token") && !text.contains("hunter2") && !text.contains("PRIVATE KEY"), "no secrets");
    let of = |action: &str| all.iter().filter(|entry| entry.action == action).collect::<Vec<_>>();
    let update = of("program.update");
    assert_eq!(update.len(), 1, "what failed changed nothing");
    assert_eq!((update[0].user_name.as_str(), update[0].address.as_str()), ("admin", "10.1.2.3"));
    assert_eq!(update[0].detail["name"], serde_json::json!(["商城", "新商城"]));
    assert!(update[0].detail.get("app_id").is_none(), "only what differs");
    assert_eq!((of("credential.replace").len(), of("group.create").len()), (1, 1));
    let refused = of("session.refused");
    assert_eq!(
        (refused[0].user_id.as_ref(), refused[0].user_name.as_str(), refused[0].address.as_str()),
        (None, "intruder", "203.0.113.9")
    );

    let search = async |filter: Filter, before: Option<&str>, limit| {
        audit::list(&w.app, &w.owner, &filter, before, limit).await.unwrap()
    };
    let programs = search(Filter { action: Some("program".into()), ..Filter::default() }, None, 100).await;
    assert_eq!(programs.iter().map(|e| e.action.as_str()).collect::<Vec<_>>(), ["program.update", "program.create"]);
    let first = search(Filter::default(), None, 2).await;
    let rest = search(Filter::default(), Some(&first[1].id), 100).await;
    assert_eq!(first.len() + rest.len(), all.len());
    assert!(search(Filter { user: Some("nobody".into()), ..Filter::default() }, None, 9).await.is_empty());
    let publisher = w.person("p", Role::Publisher).await;
    assert!(matches!(audit::list(&w.app, &publisher, &Filter::default(), None, 9).await, Err(Error::Forbidden)));
    w.app.clock.advance(731 * 24 * 3_600_000);
    audit::sweep(&w.app).await.unwrap();
    assert!(search(Filter::default(), None, 9).await.is_empty());
}

async fn programs_and_groups(w: World) {
    let program = w.program("商城").await;
    let group = program.group_id.clone();
    let twice = form(&[
        ("group", &group),
        ("platform", "wechat"),
        ("name", "商城"),
        ("app_id", &program.app_id),
        ("repo_url", &program.repo_url),
        ("default_ref", "main"),
        ("output_dir", "dist"),
    ]);
    let taken = programs::create(&w.app, &w.owner, &twice).await;
    assert!(matches!(taken, Err(Error::Invalid(fields)) if fields[0].field == "name"));

    let mut changed = twice.clone();
    changed.insert("name".into(), "新商城".into());
    changed.insert("options.robot".into(), "7".into());
    let updated = programs::update(&w.app, &w.owner, &program.id, &changed).await.unwrap();
    let found = db::programs::find(&w.app.db, w.owner.scope(), &program.id).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.options["robot"].as_i64()), ("新商城", Some(7)));
    assert_eq!(updated.created_at, program.created_at);

    for (field, bad) in [
        ("app_id", "wx1"),
        ("repo_url", "file:///etc"),
        ("default_ref", "--upload-pack=x"),
        ("root_dir", "../x"),
        ("output_dir", "/etc"),
        ("options.robot", "31"),
        ("name", ""),
        ("group", "none"),
    ] {
        let mut form = changed.clone();
        form.insert(field.into(), bad.into());
        let refused = programs::update(&w.app, &w.owner, &program.id, &form).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(fields)) if fields.iter().any(|f| f.field == field)),
            "{field}: {refused:?}"
        );
    }

    assert!(matches!(groups::delete(&w.app, &w.owner, &group).await, Err(Error::Conflict(_))), "not empty");
    let empty = groups::create(&w.app, &w.owner, "空", false).await.unwrap();
    assert!(matches!(groups::create(&w.app, &w.owner, "空", false).await, Err(Error::Invalid(_))));
    groups::update(&w.app, &w.owner, &empty.id, "改名", false).await.unwrap();
    groups::delete(&w.app, &w.owner, &empty.id).await.unwrap();
    assert_eq!(db::programs::list_groups(&w.app.db, w.owner.scope()).await.unwrap().len(), 1);

    let viewer = w.person("viewer", Role::Viewer).await;
    assert!(matches!(groups::create(&w.app, &viewer, "x", false).await, Err(Error::Forbidden)));
    assert!(matches!(programs::update(&w.app, &viewer, &program.id, &changed).await, Err(Error::Forbidden)));
}

async fn credentials_rest_sealed(w: World) {
    let program = w.program("商城").await;
    let pem = rsa_key();
    let form = std::collections::BTreeMap::from([("private_key".to_owned(), pem.clone())]);
    let print = credentials::put(&w.app, &w.owner, &program.id, &form).await.unwrap();
    let row = db::credentials::find(&w.app.db, &program.id).await.unwrap().unwrap();
    assert_eq!(row.fingerprint, print);
    let line = pem.lines().nth(3).unwrap().as_bytes();
    assert!(!row.sealed.windows(line.len()).any(|window| window == line), "sealed");
    assert_eq!(credentials::open(&w.app, &program.id).await.unwrap().unwrap()["private_key"], pem);

    let bad = std::collections::BTreeMap::from([("private_key".to_owned(), "nonsense".to_owned())]);
    assert!(matches!(credentials::put(&w.app, &w.owner, &program.id, &bad).await, Err(Error::Invalid(_))));
    assert_eq!(credentials::open(&w.app, &program.id).await.unwrap().unwrap()["private_key"], pem, "nothing lost");

    let boot = |master_key: Option<String>| {
        let config = sampan::config::Config { master_key, ..(*w.app.config).clone() };
        sampan::app::App::boot(config)
    };
    assert!(boot(None).await.is_ok(), "the same key");
    assert!(boot(Some("ab".repeat(32))).await.is_err(), "a wrong key is refused, not used");
    std::fs::remove_file(&w.app.config.master_key_file).unwrap();
    assert!(boot(None).await.is_err(), "a missing key is not replaced by a new one");
    assert!(!w.app.config.master_key_file.exists());
}

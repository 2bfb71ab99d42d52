//! People, sessions, groups, programs, credentials.

use sampan::db;
use sampan::error::Error;
use sampan::model::user::Role;
use sampan::ops::{accounts, credentials, programs};

use crate::support::{World, form, rsa_key};

on_both!(accounts_and_sessions, programs_and_groups, credentials_rest_sealed);

async fn accounts_and_sessions(w: World) {
    assert!(accounts::first_owner(&w.app).await.unwrap().is_none(), "only the first start makes an owner");
    assert!(accounts::sign_in(&w.app, "Admin ", "correct horse").await.unwrap().is_some());
    assert!(accounts::sign_in(&w.app, "admin", "wrong").await.unwrap().is_none());
    assert!(accounts::sign_in(&w.app, "nobody", "correct horse").await.unwrap().is_none());

    let lin = w.person("lin", Role::Publisher).await;
    let again = accounts::create(&w.app, &w.owner, "LIN", "x", Role::Viewer, "long enough").await;
    assert!(matches!(again, Err(Error::Invalid(_))), "a login is taken whatever its case");
    assert!(matches!(
        accounts::create(&w.app, &lin, "x", "x", Role::Viewer, "long enough").await,
        Err(Error::Forbidden)
    ));
    let admin = w.person("ad", Role::Admin).await;
    assert!(matches!(
        accounts::create(&w.app, &admin, "o", "o", Role::Owner, "long enough").await,
        Err(Error::Forbidden)
    ));

    let now = w.app.clock.now();
    assert!(db::sessions::insert(&w.app.db, "s1", Some(&lin.id), "{}", now + 10).await.unwrap());
    assert!(!db::sessions::insert(&w.app.db, "s1", None, "{}", now + 10).await.unwrap(), "the id is taken");
    db::sessions::insert(&w.app.db, "s2", Some(&lin.id), "{}", now + 10).await.unwrap();
    assert_eq!(db::sessions::delete_of_user(&w.app.db, &lin.id, "s2").await.unwrap(), 1);
    db::sessions::update(&w.app.db, "s1", Some(&lin.id), "{}", now + 10).await.unwrap();
    assert!(db::sessions::find(&w.app.db, "s1", now).await.unwrap().is_none(), "a revoked session stays revoked");
    assert!(db::sessions::find(&w.app.db, "s2", now + 11).await.unwrap().is_none(), "an expired one does not count");
    assert_eq!(db::sessions::delete_expired(&w.app.db, now + 10).await.unwrap(), 1);

    accounts::change_password(&w.app, &lin, "long enough", "even longer").await.unwrap();
    assert!(accounts::sign_in(&w.app, "lin", "even longer").await.unwrap().is_some());
    let reset = accounts::reset_password(&w.app, "lin").await.unwrap();
    assert!(accounts::sign_in(&w.app, "lin", &reset).await.unwrap().is_some());
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

    assert!(matches!(programs::delete_group(&w.app, &w.owner, &group).await, Err(Error::Conflict(_))), "not empty");
    let empty = programs::create_group(&w.app, &w.owner, "空").await.unwrap();
    assert!(matches!(programs::create_group(&w.app, &w.owner, "空").await, Err(Error::Invalid(_))));
    programs::rename_group(&w.app, &w.owner, &empty.id, "改名").await.unwrap();
    programs::delete_group(&w.app, &w.owner, &empty.id).await.unwrap();
    assert_eq!(db::programs::list_groups(&w.app.db, w.owner.scope()).await.unwrap().len(), 1);

    let viewer = w.person("viewer", Role::Viewer).await;
    assert!(matches!(programs::create_group(&w.app, &viewer, "x").await, Err(Error::Forbidden)));
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

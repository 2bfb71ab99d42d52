//! Updates: the rules between them, what a release publishes, and that phones see it at once.

use sampan::db;
use sampan::error::Error;
use sampan::model::decision::Phone;
use sampan::model::release::{Action, Delivered, Outcome, Receipt, Status};
use sampan::model::update::{Kind, Mode, Os, Terms, Update};
use sampan::model::user::Role;
use sampan::ops::{programs, releases, turns, updates};
use sampan::package::Manifest;
use sampan::queue::RunRelease;
use sampan::store::key;

use crate::support::{World, form, preview, wgt};

on_both!(
    codes_and_names_grow_and_native_builds_are_known,
    native_builds_stay_while_they_are_needed,
    edits_change_what_people_decided_alone,
    a_release_publishes_once_and_only_while_it_is_its_own,
    versions_grow_where_a_platform_wants_it,
    pages_of_a_catalogue,
    app_ids_of_apps_are_unique
);

const ID: &str = "__UNI__DB00001";
const NATIVE: &[(&str, &str)] = &[("kind", "android"), ("version", "1.0.0"), ("version_code", "100")];
const WGT: &[(&str, &str)] = &[("kind", "wgt-android")];

fn why(result: Result<Update, Error>) -> (String, &'static str) {
    match result {
        Err(Error::Invalid(mut errors)) => (errors[0].field.clone(), errors.remove(0).text.key),
        other => panic!("{other:?}"),
    }
}

/// What a phone with native build 100 and its own code gets.
fn offered(w: &World, program: &str) -> Option<i64> {
    let phone = Phone {
        os: Os::Android,
        channel: "production",
        native_code: 100,
        native_version: "1.0.0",
        wgt_code: 100,
        wgt_version: "1.0.0",
    };
    w.app.catalogue.read().decide(program, &phone).map(|offer| offer.update.version_code)
}

async fn codes_and_names_grow_and_native_builds_are_known(w: World) {
    let p = w.app(ID).await;
    let no_native = why(w.add(&p, WGT, Some(&wgt(ID, "1.0.1", 101))).await);
    assert_eq!(no_native, ("min_native".into(), "failures.update_no_native"));
    w.add(&p, NATIVE, None).await.unwrap();
    assert_eq!(why(w.add(&p, NATIVE, None).await).1, "failures.update_code_not_higher");

    let first = w.add(&p, WGT, Some(&wgt(ID, "1.0.1", 101))).await.unwrap();
    assert_eq!((first.min_native, first.max_native, first.mode), (Some(100), None, Mode::Ask));
    assert_eq!(offered(&w, &p.id), Some(101), "at once");
    for (version, code, field, key) in [
        ("1.0.2", 101, "version_code", "failures.update_code_not_higher"),
        ("1.0.2", 7, "version_code", "failures.update_code_not_higher"),
        ("1.0.1", 102, "version", "failures.update_version_not_higher"),
        ("0.9", 102, "version", "failures.update_version_not_higher"),
        ("beta", 102, "file", "failures.update_version_not_dotted"),
    ] {
        assert_eq!(why(w.add(&p, WGT, Some(&wgt(ID, version, code))).await), (field.into(), key), "{version} {code}");
    }
    assert_eq!(why(w.add(&p, WGT, Some(&wgt("__UNI__X00001", "1.0.2", 102))).await).1, "failures.update_other_app");
    let newer = [("kind", "android"), ("version", "3.0.0"), ("version_code", "300"), ("embedded_wgt_code", "250")];
    let newer = w.add(&p, &newer, None).await.unwrap();
    let inside = why(w.add(&p, WGT, Some(&wgt(ID, "3.0.1", 250))).await);
    assert_eq!(inside, ("version_code".into(), "failures.update_code_not_higher"), "the build brings that one");
    updates::delete(&w.app, &w.owner, &newer.id).await.unwrap();
    let unknown = [WGT, &[("min_native", "99")]].concat();
    let refused = why(w.add(&p, &unknown, Some(&wgt(ID, "1.0.2", 102))).await);
    assert_eq!(refused, ("min_native".into(), "failures.update_native_unknown"));
    for (pairs, field) in [
        (vec![("kind", "wgt-android")], "file"),
        (vec![("kind", "ios"), ("version", "1"), ("version_code", "1"), ("link", "javascript:alert(1)")], "link"),
        (vec![("kind", "ios"), ("version", "one"), ("version_code", "1")], "version"),
        (vec![("kind", "android"), ("version", "2.0.0"), ("version_code", "-1")], "version_code"),
        (vec![("kind", "android"), ("version", "2.0.0")], "version_code"),
        (vec![("kind", "android"), ("version", "2"), ("version_code", "200"), ("channel", "No!")], "channel"),
        (vec![("kind", "android"), ("version", "2"), ("version_code", "200"), ("mode", "maybe")], "mode"),
    ] {
        assert_eq!(why(w.add(&p, &pairs, None).await).0, field, "{pairs:?}");
    }
    // Nothing of all that left a trace, and the signature is over exactly this version's bytes.
    let rows = db::updates::list_of_program(&w.app.db, w.owner.scope(), &p.id).await.unwrap();
    assert_eq!(rows.iter().map(|u| u.version_code).collect::<Vec<_>>(), [101, 100]);
    let publisher = w.person("pub", Role::Publisher).await;
    let staged = w.stage(&wgt(ID, "1.0.3", 103)).await;
    let refused = updates::add(&w.app, &publisher, &p.id, &form(WGT), Some(&staged)).await;
    assert!(matches!(refused, Err(Error::Forbidden)));
}

async fn native_builds_stay_while_they_are_needed(w: World) {
    let p = w.app(ID).await;
    let native = w.add(&p, NATIVE, None).await.unwrap();
    let bytes = wgt(ID, "1.0.1", 101);
    let update = w.add(&p, WGT, Some(&bytes)).await.unwrap();
    let sha256 = update.package.clone().unwrap().sha256;
    let refused = updates::delete(&w.app, &w.owner, &native.id).await;
    assert!(matches!(refused, Err(Error::Conflict(text)) if text.args[0].1 == "1.0.1"));
    updates::delete(&w.app, &w.owner, &update.id).await.unwrap();
    assert_eq!(offered(&w, &p.id), None);
    assert!(w.app.store.get(&key::package(&sha256)).await.unwrap().is_none(), "its bytes went too");
    updates::delete(&w.app, &w.owner, &native.id).await.unwrap();
    assert!(matches!(updates::delete(&w.app, &w.owner, &native.id).await, Err(Error::NotFound)));

    // The same bytes for two systems are one object, which goes with the last of them.
    for kind in ["android", "ios"] {
        w.add(&p, &[("kind", kind), ("version", "1.0.0"), ("version_code", "100")], None).await.unwrap();
    }
    let android = w.add(&p, WGT, Some(&bytes)).await.unwrap();
    let ios = w.add(&p, &[("kind", "wgt-ios")], Some(&bytes)).await.unwrap();
    updates::delete(&w.app, &w.owner, &android.id).await.unwrap();
    assert_eq!(w.app.store.get(&key::package(&sha256)).await.unwrap().unwrap(), bytes);
    updates::delete(&w.app, &w.owner, &ios.id).await.unwrap();
    assert!(w.app.store.get(&key::package(&sha256)).await.unwrap().is_none());
}

async fn edits_change_what_people_decided_alone(w: World) {
    let p = w.app(ID).await;
    w.add(&p, NATIVE, None).await.unwrap();
    w.add(&p, &[("kind", "android"), ("version", "2.0.0"), ("version_code", "200")], None).await.unwrap();
    let update = w.add(&p, &[WGT, &[("min_native", "100")]].concat(), Some(&wgt(ID, "1.0.1", 101))).await.unwrap();
    let change = form(&[
        ("mode", "force"),
        ("max_native", "100"),
        ("changelog", "新\r\n的"),
        ("remark", "客户"),
        ("channel", "test"),
        ("version_code", "999"),
    ]);
    updates::edit(&w.app, &w.owner, &update.id, &change).await.unwrap();
    let row = db::updates::find(&w.app.db, w.owner.scope(), &update.id).await.unwrap().unwrap();
    let u = row.update;
    assert_eq!((u.mode, u.min_native, u.max_native), (Mode::Force, Some(100), Some(100)));
    assert_eq!((u.changelog.as_str(), u.remark.as_str(), row.created_by_name.as_str()), ("新\n的", "客户", "admin"));
    assert_eq!((u.version_code, u.channel.as_str(), u.package), (101, "production", update.package));
    let too_high = form(&[("mode", "ask"), ("min_native", "200")]);
    let (field, key) = why(updates::edit(&w.app, &w.owner, &update.id, &too_high).await);
    assert_eq!((field.as_str(), key), ("min_native", "failures.update_code_not_higher"), "no phone would take it");
    let upside_down = form(&[("mode", "ask"), ("min_native", "200"), ("max_native", "100")]);
    assert_eq!(
        why(updates::edit(&w.app, &w.owner, &update.id, &upside_down).await),
        ("max_native".into(), "errors.range")
    );
    updates::set_enabled(&w.app, &w.owner, &update.id, false).await.unwrap();
    assert_eq!(offered(&w, &p.id), None);
    updates::set_enabled(&w.app, &w.owner, &update.id, true).await.unwrap();
    assert_eq!(offered(&w, &p.id), Some(101));
}

async fn a_release_publishes_once_and_only_while_it_is_its_own(w: World) {
    let p = w.app(ID).await;
    for kind in ["android", "ios"] {
        w.add(&p, &[("kind", kind), ("version", "1.0.0"), ("version_code", "100")], None).await.unwrap();
    }
    let more = form(&[("system_android", "yes"), ("system_ios", "yes"), ("changelog", "潮汐"), ("mode", "silent")]);
    let request = releases::Request { action: Action::Publish, more, ..preview("main", None) };
    let publisher = w.person("pub", Role::Publisher).await;
    let refused = releases::request(&w.app, &publisher, &p.id, request.clone()).await;
    assert!(matches!(refused, Err(Error::Forbidden)), "it reaches customers' phones");
    let nobody = releases::Request { more: form(&[]), ..request.clone() };
    let refused = releases::request(&w.app, &w.owner, &p.id, nobody).await;
    assert!(matches!(refused, Err(Error::Invalid(errors)) if errors[0].field == "systems"));

    let queued = releases::request(&w.app, &w.owner, &p.id, request).await.unwrap();
    let stored = w.row(&queued.id).await;
    let terms = stored.parameters.terms.clone().unwrap();
    assert_eq!((terms.systems.len(), terms.mode, terms.changelog.as_str()), (2, Mode::Silent, "潮汐"));
    let job = RunRelease { id: queued.id.clone(), attempt: 0 };
    let first = turns::claim(&w.app, &job, "one").await.unwrap().unwrap();
    let bytes = wgt(ID, "1.0.1", 101);
    let manifest = Manifest { id: ID.into(), version: "1.0.1".into(), version_code: 101 };
    let publish = async |release, terms: &Terms| {
        let staged = w.stage(&bytes).await;
        updates::publish(&w.app, release, &p, terms, &staged, &manifest).await.unwrap()
    };
    // A runner that lost the release cannot publish any more.
    let mut lost = first.clone();
    lost.attempt = 0;
    assert!(publish(&lost, &terms).await.is_none());
    assert_eq!(offered(&w, &p.id), None);
    let made = publish(&first, &terms).await.unwrap();
    assert_eq!(made.iter().map(|u| u.kind).collect::<Vec<_>>(), [Kind::WgtAndroid, Kind::WgtIos]);
    assert_eq!(offered(&w, &p.id), Some(101));
    let again = publish(&first, &terms).await.unwrap();
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|u| made.iter().any(|m| m.id == u.id)), "once");
    assert!(db::releases::set_version(&w.app.db, &first.id, first.attempt, "1.0.1").await.unwrap());
    assert!(!db::releases::set_version(&w.app.db, &first.id, 7, "9.9.9").await.unwrap(), "fenced");
    // It died before it could say so, and somebody wanted it canceled: phones have it all the same.
    releases::cancel(&w.app, &w.owner, &queued.id).await.unwrap();
    w.app.clock.advance(60_000);
    turns::sweep(&w.app).await.unwrap();
    let row = w.row(&queued.id).await;
    assert_eq!((row.status, row.parameters.version.as_str()), (Status::Succeeded, "1.0.1"));
    assert_eq!(row.receipt.unwrap().vendor["version_code"], 101);
}

/// Ends a release as the runner would.
async fn finish(w: &World, id: &str, version: &str) {
    let release = turns::claim(&w.app, &RunRelease { id: id.into(), attempt: 0 }, "r").await.unwrap().unwrap();
    let receipt = Receipt {
        version: version.into(),
        qr_url: None,
        vendor: serde_json::Value::Null,
        received_at: w.app.clock.now(),
    };
    let delivered = Delivered { receipt, sizes: vec![], qr_key: None, qr_expires_at: None };
    assert!(turns::finish(&w.app, &release, &Outcome::Succeeded(delivered)).await.unwrap());
    w.app.clock.advance(1);
}

async fn versions_grow_where_a_platform_wants_it(w: World) {
    let group = w.program("组里的").await.group_id;
    for (platform, app_id, first, next, other) in [
        ("alipay", "2021000000000001", "26.1121.1", "26.1121.2", "26.1120.9"),
        ("bytedance", "tt0123456789abcdef", "1.0.0", "1.0.1", "0.9.9"),
    ] {
        let mut secrets = form(&[("tool_id", "tool"), ("private_key", &crate::support::rsa_key())]);
        if platform == "bytedance" {
            secrets = form(&[("token", "a-token-of-the-vendor")]);
        }
        let fields = form(&[
            ("group", &group),
            ("platform", platform),
            ("name", platform),
            ("app_id", app_id),
            ("repo_url", "https://git.example.invalid/a.git"),
            ("default_ref", "main"),
            ("output_dir", "dist"),
        ]);
        let p = programs::create(&w.app, &w.owner, &fields).await.unwrap();
        let upload = |version: &str| releases::Request {
            action: Action::Upload,
            version: version.into(),
            ..preview("main", None)
        };
        let ask = async |request| releases::request(&w.app, &w.owner, &p.id, request).await;
        assert!(matches!(ask(upload("")).await, Err(Error::Conflict(_))), "no credential yet");
        sampan::ops::credentials::put(&w.app, &w.owner, &p.id, &secrets).await.unwrap();
        assert_eq!(releases::propose_version(&w.app, &p).await.unwrap(), first, "{platform}");
        let made = ask(upload("")).await.unwrap();
        assert_eq!(made.parameters.version, first);
        finish(&w, &made.id, first).await;
        assert_eq!(releases::propose_version(&w.app, &p).await.unwrap(), next);
        for low in [first, other] {
            let refused = ask(upload(low)).await;
            assert!(
                matches!(&refused, Err(Error::Invalid(e)) if e[0].text.key == "errors.version_not_higher"),
                "{platform} {low}: {refused:?}"
            );
        }
        let refused = ask(upload("v1.beta")).await;
        assert!(matches!(&refused, Err(Error::Invalid(e)) if e[0].text.key == "errors.version_pattern"), "{refused:?}");
        let chatty = releases::Request { description: "长".repeat(501), ..upload("99.0.0") };
        assert!(matches!(ask(chatty).await, Err(Error::Invalid(e)) if e[0].field == "description"));
        ask(upload(next)).await.unwrap();
    }
}

async fn pages_of_a_catalogue(w: World) {
    let p = w.app(ID).await;
    w.add(&p, NATIVE, None).await.unwrap();
    for code in 101..=105 {
        w.add(&p, WGT, Some(&wgt(ID, &format!("1.0.{code}"), code))).await.unwrap();
    }
    let kinds = [Kind::WgtAndroid, Kind::Android];
    let page = async |before, limit| {
        let rows = db::updates::page(&w.app.db, w.owner.scope(), &p.id, kinds, before, limit).await.unwrap();
        rows.into_iter().map(|row| (row.update.version_code, row.update.created_at)).collect::<Vec<_>>()
    };
    let first = page(i64::MAX, 4).await;
    assert_eq!(first.iter().map(|row| row.0).collect::<Vec<_>>(), [105, 104, 103, 102]);
    let second = page(first[3].1, 4).await;
    assert_eq!(second.iter().map(|row| row.0).collect::<Vec<_>>(), [101, 100]);
    let ios = [Kind::WgtIos, Kind::Ios];
    assert!(db::updates::page(&w.app.db, w.owner.scope(), &p.id, ios, i64::MAX, 9).await.unwrap().is_empty());
}

async fn app_ids_of_apps_are_unique(w: World) {
    let p = w.app(ID).await;
    let mut fields = form(&[
        ("group", &p.group_id),
        ("platform", "uniapp"),
        ("name", "another"),
        ("app_id", ID),
        ("repo_url", "https://git.example.invalid/b.git"),
        ("default_ref", "main"),
        ("output_dir", "dist"),
    ]);
    let refused = programs::create(&w.app, &w.owner, &fields).await;
    assert!(matches!(refused, Err(Error::Invalid(errors)) if errors[0].field == "app_id"));
    fields.insert("app_id".into(), "__UNI__OTHER".into());
    let other = programs::create(&w.app, &w.owner, &fields).await.unwrap();
    let index = w.app.catalogue.read();
    assert_eq!(index.program_of("__UNI__OTHER"), Some(other.id.as_str()));
    assert!(index.knows(&p.id) && index.is_empty(&p.id));
}

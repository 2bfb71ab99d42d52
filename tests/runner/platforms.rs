//! The other platforms through the same pipeline, each with its vendor's real tool or none: uploads, previews, hot updates,
//! and one that the server was not built with.

use std::path::Path;

use sampan::lang::Lang;
use sampan::model::decision::Phone;
use sampan::model::release::{Action, Release, Status};
use sampan::model::update::{Os, Update};
use sampan::ops::updates;
use sampan::platform::{Platforms, hints};
use sampan::store::key;

use crate::outside::{Sampan, VendorApp, repository};
use crate::support::form;

const PAGE: [(&str, &str); 3] = [
    ("app.json", r#"{"pages":["pages/index/index"],"window":{"defaultTitle":"测试"}}"#),
    ("app.js", "App({});\n"),
    ("pages/index/index.js", "Page({ data: { tide: 3 } });\n"),
];

fn alipay_project(more: &[(&'static str, &'static str)]) -> String {
    let own = [
        ("mini.project.json", r#"{"format":2,"compileOptions":{}}"#),
        ("pages/index/index.axml", "<view>{{tide}}</view>\n"),
        ("pages/index/index.acss", "view { color: teal; }\n"),
        ("pages/index/index.json", "{}"),
    ];
    repository(&[&PAGE[..], &own, more].concat())
}

fn bytedance_project(app_id: &str) -> String {
    let config = format!(r#"{{"appid":"{app_id}","projectname":"t","setting":{{}}}}"#);
    let own = [
        ("project.config.json", config.as_str()),
        ("pages/index/index.ttml", "<view>{{tide}}</view>\n"),
        ("pages/index/index.json", "{}"),
    ];
    repository(&[&PAGE[..], &own].concat())
}

/// What the compiler leaves for apps, as a project without a build.
fn app_output(id: &str, version: &str) -> String {
    let manifest = format!(r#"{{"id":"{id}","name":"t","version":{version},"launch_path":"__uniappview.html"}}"#);
    repository(&[
        ("manifest.json", &manifest),
        ("app-service.js", "/* 潮汐 */"),
        ("__uniappview.html", "<html></html>"),
    ])
}

/// Both hints of a failure, for whoever has to act on it.
fn advice(sampan: &Sampan, platform: &str, release: &Release) -> String {
    let failure = release.failure.as_ref().unwrap();
    let platform = sampan.app.platforms.get(platform);
    let hints = [Lang::Zh, Lang::En].map(|lang| hints::hint(platform, failure, lang).unwrap_or_default());
    assert!(hints.iter().all(|hint| !hint.is_empty()), "{failure:?}");
    hints.join("\n")
}

async fn succeeded(sampan: &Sampan, release: &Release) {
    assert_eq!(release.status, Status::Succeeded, "{:?}\n{}", release.failure, sampan.text(&release.id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_with_sources_becomes_a_trial_version() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::alipay().await);
    let program = sampan.program(&vendor, &alipay_project(&[]), &[]).await;
    let release = sampan.run_with(&program, Action::Upload, "", &[("options.experience", "true")]).await;
    succeeded(&sampan, &release).await;
    let receipt = release.receipt.clone().unwrap();
    assert_eq!(receipt.version, release.parameters.version);
    assert!(receipt.version.split('.').count() == 3 && receipt.qr_url.is_some(), "{receipt:?}");
    let qr = sampan.app.store.get(&release.qr_key.clone().unwrap()).await.unwrap().unwrap();
    assert!(key::image_type(&qr).is_some());
    assert_eq!(vendor.uploads().await.len(), 1);
    let log = sampan.text(&release.id).await;
    assert!(!log.contains(vendor.key.lines().nth(3).unwrap()), "no piece of the key");

    // A preview needs the vendor's builder, which an image made without its CDN has not.
    let preview = sampan.run(&program, Action::Preview).await;
    if preview.status != Status::Succeeded {
        assert_eq!(preview.failure.as_ref().unwrap().code, "builder_missing");
        assert!(advice(&sampan, "alipay", &preview).contains("mdn.alipayobjects.com"));
    }
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_settings_that_are_not_the_programs_own() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::alipay().await);
    let hostile = [(".minidev/config.json", r#"{"env":{"prod":{"hosts":{"IDE_SERVICE":"http://127.0.0.1:1"}}}}"#)];
    let program = sampan.program(&vendor, &alipay_project(&hostile), &[]).await;
    let release = sampan.run(&program, Action::Upload).await;
    assert_eq!(release.failure.as_ref().unwrap().code, "minidev_config_refused");
    advice(&sampan, "alipay", &release);
    // The same app with a key that its vendor does not know.
    let mut stranger = VendorApp::alipay().await;
    stranger.credential.insert("private_key".into(), crate::support::rsa_key());
    let program = sampan.program(&stranger, &alipay_project(&[]), &[]).await;
    let release = sampan.run(&program, Action::Upload).await;
    assert_eq!(release.status, Status::Failed, "{:?}", release.failure);
    advice(&sampan, "alipay", &release);
    let mut stranger = VendorApp::alipay().await;
    stranger.credential.insert("tool_id".into(), "another-tool".into());
    let program = sampan.program(&stranger, &alipay_project(&[]), &[]).await;
    let release = sampan.run(&program, Action::Upload).await;
    assert_eq!(release.status, Status::Failed, "{:?}", release.failure);
    advice(&sampan, "alipay", &release);
    assert!(vendor.uploads().await.is_empty() && stranger.uploads().await.is_empty());
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_signs_in_for_preview_and_upload() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::bytedance().await);
    let program = sampan.program(&vendor, &bytedance_project(&vendor.id), &[]).await;
    let preview = sampan.run(&program, Action::Preview).await;
    succeeded(&sampan, &preview).await;
    assert!(preview.qr_key.is_some());
    // The vendor says how long the code works.
    assert!(preview.qr_expires_at.unwrap() > preview.finished_at.unwrap());
    let upload = sampan.run(&program, Action::Upload).await;
    succeeded(&sampan, &upload).await;
    assert_eq!((upload.parameters.version.as_str(), vendor.uploads().await.len()), ("1.0.0", 2));
    for id in [&preview.id, &upload.id] {
        assert!(!sampan.text(id).await.contains(&vendor.key), "the token is nowhere in the log");
    }
    // Somebody else's project: told before anything is sent.
    let other = VendorApp::bytedance().await;
    let program = sampan.program(&other, &bytedance_project(&vendor.id), &[]).await;
    let release = sampan.run(&program, Action::Upload).await;
    assert_eq!(release.failure.as_ref().unwrap().code, "appid_mismatch");
    advice(&sampan, "bytedance", &release);
    // A token the vendor does not know.
    let mut stranger = VendorApp::bytedance().await;
    stranger.credential.insert("token".into(), "0123456789abcdef".into());
    let program = sampan.program(&stranger, &bytedance_project(&stranger.id), &[]).await;
    let release = sampan.run(&program, Action::Preview).await;
    assert_eq!(release.status, Status::Failed, "{:?}", release.failure);
    advice(&sampan, "bytedance", &release);
    assert!(other.uploads().await.is_empty() && stranger.uploads().await.is_empty());
    sampan.stop().await;
}

/// An upload whose answer never comes may have arrived: a person decides, on every platform.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_is_nobodys_failure() {
    let sampan = Sampan::start().await;
    for (vendor, project) in [
        (VendorApp::alipay().await, None),
        (VendorApp::bytedance().await, Some(bytedance_project as fn(&str) -> String)),
    ] {
        vendor.scenario("lost-reply").await;
        let repo = project.map_or_else(|| alipay_project(&[]), |project| project(&vendor.id));
        let program = sampan.program(&vendor, &repo, &[]).await;
        let release = sampan.run(&program, Action::Upload).await;
        assert_eq!(release.status, Status::Unconfirmed, "{} {:?}", vendor.platform, release.failure);
        assert_eq!(vendor.uploads().await.len(), 1, "sent once, not again");
    }
    sampan.stop().await;
}

fn newest(sampan: &Sampan, program: &str, native_code: i64) -> Option<Update> {
    let (native_version, wgt_version) = ("1.0.0", "1.0.0");
    let phone = Phone {
        os: Os::Android,
        channel: "production",
        native_code,
        native_version,
        wgt_code: native_code,
        wgt_version,
    };
    sampan.app.catalogue.read().decide(program, &phone).map(|offer| offer.update.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_update_reaches_the_catalogue_or_says_why_not() {
    const ID: &str = "__UNI__0123456";
    let sampan = Sampan::start().await;
    let vendor = VendorApp::nobody("uniapp", ID, &[]);
    let android = [("system_android", "yes")];
    let repo = app_output(ID, r#"{"name":"1.0.1","code":"101"}"#);
    let program = sampan.program(&vendor, &repo, &[]).await;

    let release = sampan.run_with(&program, Action::Publish, "", &android).await;
    assert_eq!(release.failure.as_ref().unwrap().code, "update_no_native");
    assert!(advice(&sampan, "uniapp", &release).contains("android"));
    let native = form(&[("kind", "android"), ("version", "1.0.0"), ("version_code", "100")]);
    updates::add(&sampan.app, &sampan.owner, &program.id, &native, None).await.unwrap();

    // The project's own version and code.
    let release = sampan.run_with(&program, Action::Publish, "", &android).await;
    succeeded(&sampan, &release).await;
    assert_eq!(release.parameters.version, "1.0.1", "known once it was built");
    let update = newest(&sampan, &program.id, 100).unwrap();
    assert_eq!((update.version_code, update.release_id.as_deref()), (101, Some(release.id.as_str())));
    let bytes = sampan.app.store.get(&key::package(&update.package.clone().unwrap().sha256)).await.unwrap().unwrap();
    assert_eq!(bytes.len() as i64, update.package.clone().unwrap().bytes);
    assert_eq!(release.receipt.clone().unwrap().vendor["sha256"], update.package.unwrap().sha256.as_str());

    // The same again has the same code; a higher one from the form is written into the package.
    let release = sampan.run_with(&program, Action::Publish, "", &android).await;
    let failure = release.failure.clone().unwrap();
    assert_eq!(
        (failure.code.as_str(), failure.args.as_slice()),
        ("update_code_not_higher", &["101".into(), "101".into()][..])
    );
    assert!(advice(&sampan, "uniapp", &release).contains("101"));
    let higher = [("system_android", "yes"), ("version_code", "102"), ("changelog", "第二版")];
    let release = sampan.run_with(&program, Action::Publish, "1.0.2", &higher).await;
    succeeded(&sampan, &release).await;
    let update = newest(&sampan, &program.id, 100).unwrap();
    assert_eq!((update.version.as_str(), update.version_code, update.changelog.as_str()), ("1.0.2", 102, "第二版"));
    assert!(sampan.text(&release.id).await.contains("wgt-android 1.0.2 (102)"));

    let other = VendorApp::nobody("uniapp", "__UNI__7654321", &[]);
    let program = sampan.program(&other, &repo, &[]).await;
    updates::add(&sampan.app, &sampan.owner, &program.id, &native, None).await.unwrap();
    let release = sampan.run_with(&program, Action::Publish, "", &android).await;
    assert_eq!(release.failure.as_ref().unwrap().code, "appid_mismatch");
    assert!(advice(&sampan, "uniapp", &release).contains(ID));
    assert!(newest(&sampan, &program.id, 100).is_none());
    sampan.stop().await;
}

/// A folder beside the server makes a platform: no line of the server knows this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_is_a_folder() {
    assert!(Platforms::load(None).unwrap().get("example").is_none(), "not built in");
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("workers/example");
    std::fs::create_dir(folder.path().join("example")).unwrap();
    for name in ["platform.toml", "package.json"] {
        std::fs::copy(example.join(name), folder.path().join("example").join(name)).unwrap();
    }
    let dir = folder.path().to_owned();
    let sampan = Sampan::start_with(|config| config.platforms_dir = Some(dir)).await;
    let vendor = VendorApp::nobody("example", "example1", &[("token", "a-secret-token")]);
    let repo = repository(&PAGE);
    let program = sampan.program(&vendor, &repo, &[]).await;
    let preview = sampan.run(&program, Action::Preview).await;
    succeeded(&sampan, &preview).await;
    assert!(preview.qr_key.is_some() && preview.qr_expires_at > preview.finished_at);
    let upload = sampan.run_with(&program, Action::Upload, "", &[("options.trial", "true")]).await;
    succeeded(&sampan, &upload).await;
    assert_eq!(upload.receipt.unwrap().version, "1.0.0");
    assert_eq!(upload.parameters.options["trial"], true);

    for (behaviour, action, status, code) in [
        ("fail", Action::Upload, Status::Failed, "example_refused"),
        // Without a word from the tool an upload may have arrived, a preview has not.
        ("silent", Action::Upload, Status::Unconfirmed, "worker_failed"),
        ("silent", Action::Preview, Status::Failed, "worker_failed"),
        ("no-qr", Action::Preview, Status::Failed, "no_qr"),
    ] {
        let vendor =
            VendorApp::nobody("example", &format!("example{}", behaviour.replace('-', "")), &[("token", "t0ken")]);
        let name = format!("{behaviour} {action}");
        let program = sampan.program(&vendor, &repo, &[("options.do", behaviour), ("name", &name)]).await;
        let release = sampan.run(&program, action).await;
        assert_eq!((release.status, release.failure.as_ref().unwrap().code.as_str()), (status, code), "{name}");
    }
    let spam = VendorApp::nobody("example", "examplespam", &[("token", "t0ken")]);
    let program = sampan.program(&spam, &repo, &[("options.do", "spam"), ("options.at", "prepare")]).await;
    let release = sampan.run(&program, Action::Upload).await;
    succeeded(&sampan, &release).await;
    sampan.stop().await;
}

//! How releases end: receipts, refusals, failed builds, cancel, silence.

use std::time::{Duration, Instant};

use sampan::lang::Lang;
use sampan::model::release::{Action, Stage, Status};
use sampan::ops::releases;
use sampan::platform::hints;

use crate::outside::{Sampan, VendorApp, containers, native};

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_and_an_upload_end_with_receipts() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    let program = sampan.program(&vendor, &native(&[]), &[("options.robot", "7")]).await;

    let preview = sampan.run(&program, Action::Preview).await;
    assert_eq!(preview.status, Status::Succeeded, "{:?}\n{}", preview.failure, sampan.text(&preview.id).await);
    let qr = sampan.app.store.get(&preview.qr_key.clone().unwrap()).await.unwrap().unwrap();
    assert_eq!(qr[..3], [0xff, 0xd8, 0xff], "a JPEG, as the vendor sends");
    assert!(preview.qr_expires_at > preview.finished_at);
    assert!(
        preview
            .sizes
            .iter()
            .any(|size| size.name == "__APP__" && size.bytes > 0 && size.limit == Some(2 * 1024 * 1024))
    );
    assert_eq!(preview.commit_subject.as_deref(), Some("测试 commit"));

    let upload = sampan.run(&program, Action::Upload).await;
    assert_eq!(upload.status, Status::Succeeded);
    let receipt = upload.receipt.unwrap();
    assert_eq!(receipt.version, upload.parameters.version);
    let accepted = vendor.uploads().await;
    assert_eq!(accepted.len(), 2);
    assert_eq!(accepted[1]["version"], receipt.version.as_str());
    assert_eq!(accepted[1]["desc"], "说明 'quoted'");
    assert_eq!(accepted[1]["robot"].as_i64().or_else(|| accepted[1]["robot"].as_str()?.parse().ok()), Some(7));

    let log = sampan.text(&upload.id).await;
    let key_line = vendor.key.lines().nth(2).unwrap();
    assert!(!log.contains(key_line));
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_address_is_named_in_the_hint() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    vendor.scenario("invalid-ip").await;
    let program = sampan.program(&vendor, &native(&[]), &[]).await;
    let release = sampan.run(&program, Action::Upload).await;
    let failure = release.failure.unwrap();
    assert_eq!((release.status, failure.code.as_str()), (Status::Failed, "ip_not_allowed"));
    let ip = &failure.args[0];
    assert!(ip.parse::<std::net::IpAddr>().is_ok(), "{ip}");
    let platform = sampan.app.platforms.get("wechat");
    for lang in [Lang::Zh, Lang::En] {
        assert!(hints::hint(platform, &failure, lang).unwrap().contains(ip));
    }
    assert!(vendor.uploads().await.is_empty());
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_answer_was_lost_needs_a_person() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    vendor.scenario("lost-reply").await;
    let program = sampan.program(&vendor, &native(&[]), &[]).await;
    let release = sampan.run(&program, Action::Upload).await;
    assert_eq!(release.status, Status::Unconfirmed, "{:?}", release.failure);
    assert_eq!(vendor.uploads().await.len(), 1, "it had arrived, and was not sent again");
    releases::confirm(&sampan.app, &sampan.owner, &release.id, true).await.unwrap();
    assert_eq!(sampan.row(&release.id).await.status, Status::Succeeded);
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_needs_a_receipt() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    vendor.scenario("no-qrcode").await;
    let program = sampan.program(&vendor, &native(&[]), &[]).await;
    let release = sampan.run(&program, Action::Preview).await;
    assert_eq!(release.status, Status::Failed);
    assert!(release.receipt.is_none() && release.qr_key.is_none());
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_build_says_what_it_printed() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    let build = "echo hello from $SAMPAN_ENVIRONMENT; echo bad news >&2; exit 3";
    let program = sampan.program(&vendor, &native(&[]), &[("build_command", build)]).await;
    let release = sampan.run(&program, Action::Preview).await;
    let failure = release.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.args.as_slice()), ("compile_failed", &["3".to_owned()][..]));
    assert!(failure.tail.iter().any(|line| line == "bad news"), "{:?}", failure.tail);
    assert!(sampan.text(&release.id).await.contains("compile hello from production"));
    assert!(vendor.uploads().await.is_empty());
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_named() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    let program = sampan.program(&vendor, &native(&[]), &[("output_dir", "dist/none")]).await;
    let failure = sampan.run(&program, Action::Preview).await.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.args[0].as_str()), ("output_missing", "dist/none"));
    let request = releases::Request { reference: "nowhere".into(), ..crate::support::preview("main", None) };
    let release = releases::request(&sampan.app, &sampan.owner, &program.id, request).await.unwrap();
    let failure = sampan.wait(&release.id, |r| r.status.is_final()).await.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.args[0].as_str()), ("git_no_reference", "nowhere"));

    let other = VendorApp::register().await;
    let program = sampan.program(&other, "http://127.0.0.1:9/none.git", &[]).await;
    let failure = sampan.run(&program, Action::Preview).await.failure.unwrap();
    assert_eq!(failure.code, "git_unreachable");
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_ends_a_build_that_ignores_term() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    let build = "trap '' TERM; echo started; while true; do sleep 1; done";
    let program = sampan.program(&vendor, &native(&[]), &[("build_command", build)]).await;
    let release = sampan.publish(&program, Action::Preview).await;
    sampan.wait(&release.id, |r| r.stage == Some(Stage::Compile)).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while !sampan.text(&release.id).await.contains("compile started") {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let asked = Instant::now();
    releases::cancel(&sampan.app, &sampan.owner, &release.id).await.unwrap();
    let ended = sampan.wait(&release.id, |r| r.status == Status::Canceled).await;
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    assert!(ended.cancel_requested);
    assert!(containers(&sampan.app.instance).is_empty());
    sampan.stop().await;
}

//! Mistakes of real teams, and worse: each ends with a clear word in both languages, and nothing is sent.

use std::time::Duration;

use sampan::error::Error;
use sampan::lang::Lang;
use sampan::model::release::{Action, Failure, Release, Status};
use sampan::ops::{programs, releases};
use sampan::platform::hints;

use crate::outside::{Sampan, VendorApp, native, native_with, repository};
use crate::support::{form, preview, rsa_key};

type Files<'a> = &'a [(&'static str, &'a str)];

/// Hints in both languages, without a hole left open.
fn is_explained(sampan: &Sampan, failure: &Failure) {
    for lang in [Lang::Zh, Lang::En] {
        let hint = hints::hint(sampan.app.platforms.get("wechat"), failure, lang);
        let hint = hint.unwrap_or_else(|| panic!("{failure:?} has no hint"));
        assert!(!hint.contains("%1") && !hint.contains("$1") && !hint.contains("%2"), "{failure:?}: {hint}");
    }
}

async fn fails(sampan: &Sampan, repo: &str, settings: &[(&str, &str)], code: &str) -> (Release, Failure) {
    let vendor = VendorApp::register().await;
    let program = sampan.program(&vendor, repo, settings).await;
    let release = sampan.run(&program, Action::Upload).await;
    let log = sampan.text(&release.id).await;
    let failure = release.failure.clone().unwrap_or_else(|| panic!("{code}: {:?}\n{log}", release.status));
    assert_eq!((release.status, failure.code.as_str()), (Status::Failed, code), "{failure:?}\n{log}");
    is_explained(sampan, &failure);
    assert!(vendor.uploads().await.is_empty(), "{code}: nothing is sent");
    (release, failure)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_form_must_not_take() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    let program = sampan.program(&vendor, "https://git.example.invalid/a.git", &[]).await;
    for reference in ["--upload-pack=x", "'; rm -rf /", "a..b", ""] {
        let request = releases::Request { reference: reference.into(), ..preview("main", None) };
        let refused = releases::request(&sampan.app, &sampan.owner, &program.id, request).await;
        assert!(matches!(refused, Err(Error::Invalid(fields)) if fields[0].field == "ref"), "{reference}");
    }
    let base = form(&[
        ("group", &program.group_id),
        ("platform", "wechat"),
        ("name", "x"),
        ("app_id", &vendor.id),
        ("repo_url", "https://git.example.invalid/a.git"),
        ("default_ref", "main"),
        ("output_dir", "dist"),
    ]);
    for (field, bad) in [
        ("repo_url", "file:///etc"),
        ("repo_url", "ext::sh -c id"),
        ("repo_url", "/etc"),
        ("root_dir", "../other"),
        ("output_dir", "/etc"),
        ("build_command", "a\nb"),
        ("node", "latest"),
        ("npm_registry", "file:///x"),
        ("repo_key", "ssh-ed25519 AAAA public"),
    ] {
        let mut form = base.clone();
        form.insert(field.into(), bad.into());
        let refused = programs::create(&sampan.app, &sampan.owner, &form).await;
        assert!(matches!(refused, Err(Error::Invalid(fields)) if fields[0].field == field), "{field}: {bad}");
    }
    let kept = programs::create(&sampan.app, &sampan.owner, &base).await.unwrap();
    assert_eq!(kept.name, "x", "nothing was stored before");
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_that_cannot_be_built() {
    let sampan = Sampan::start_with(|config| config.git.bytes = 20 << 20).await;
    let private = native(&[]);
    crate::outside::protect(&private, r#"{"password":"t0ken"}"#);
    fails(&sampan, &private, &[], "git_no_login").await;
    fails(&sampan, &private, &[("repo_token", "wrong")], "git_refused").await;
    fails(&sampan, &crate::outside::empty_repository(), &[], "git_empty").await;
    let noise = native_with(&[], |folder| {
        let mut bytes = vec![0; 25 << 20];
        openssl::rand::rand_bytes(&mut bytes).unwrap();
        std::fs::write(folder.join("big.bin"), bytes).unwrap();
    });
    fails(&sampan, &noise, &[], "git_too_large").await;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    let lfs = native(&[(".gitattributes", "*.png filter=lfs -text\n"), ("logo.png", pointer)]);
    fails(&sampan, &lfs, &[], "git_lfs").await;
    let (_, failure) = fails(&sampan, &native(&[]), &[("root_dir", "apps/none")], "root_dir_missing").await;
    assert_eq!(failure.args, ["apps/none"]);

    // And the private one, with its token: the token shows nowhere.
    let vendor = VendorApp::register().await;
    let program = sampan.program(&vendor, &private.replace("://", "://me:t0ken@"), &[]).await;
    assert_eq!(program.repo_url, private, "the token left the address");
    let release = sampan.run(&program, Action::Preview).await;
    let log = sampan.text(&release.id).await;
    assert_eq!(release.status, Status::Succeeded, "{:?}\n{log}", release.failure);
    assert!(!log.contains("t0ken"));
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_is_no_program() {
    let sampan = Sampan::start().await;
    let page: Files<'_> = &[("app.json", r#"{"pages":["pages/index/index","pages/gone/gone"]}"#)];
    let other_app: Files<'_> = &[("project.config.json", r#"{"appid":"wx0000000000000000"}"#)];
    let broken: Files<'_> = &[("project.config.json", r#"{"appid":"#)];
    let script: Files<'_> = &[("app.js", "App({\n")];
    fails(&sampan, &native(&[]), &[("output_dir", "app.json")], "output_missing").await;
    let escape = native_with(&[], |folder| std::os::unix::fs::symlink("/etc", folder.join("dist")).unwrap());
    fails(&sampan, &escape, &[("output_dir", "dist")], "output_missing").await;
    fails(&sampan, &repository(&[("dist/index.html", "<p>")]), &[("output_dir", "dist")], "output_unlike").await;
    let (_, failure) = fails(&sampan, &native(page), &[], "page_file_missing").await;
    assert!(format!("{failure:?}").contains("pages/gone/gone"));
    fails(&sampan, &native(other_app), &[], "appid_mismatch").await;
    fails(&sampan, &native(broken), &[], "project_config_invalid").await;
    fails(&sampan, &native(script), &[("options.es6", "true")], "script_error").await;
    let passwd = native_with(&[], |folder| std::os::unix::fs::symlink("/etc/passwd", folder.join("a.json")).unwrap());
    fails(&sampan, &passwd, &[], "symlink_refused").await;
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_app_is_refused_by_the_vendor() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    let program = sampan.program(&vendor, &native(&[]), &[]).await;
    let other = [("private_key".to_owned(), rsa_key())].into();
    sampan::ops::credentials::put(&sampan.app, &sampan.owner, &program.id, &other).await.unwrap();
    let failure = sampan.run(&program, Action::Upload).await.failure.unwrap();
    assert_eq!(failure.code, "signature_refused", "{failure:?}");
    is_explained(&sampan, &failure);
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dependencies_that_cannot_be_installed() {
    let sampan = Sampan::start().await;
    let gone: Files<'_> = &[("package.json", r#"{"name":"x","dependencies":{"sampan-no-such-package-7f3a":"1.0.0"}}"#)];
    let (_, failure) = fails(&sampan, &native(gone), &[], "package_not_found").await;
    assert!(failure.args[0].contains("sampan-no-such-package-7f3a"), "{failure:?}");
    let script: Files<'_> = &[
        ("package.json", r#"{"name":"x","dependencies":{"bad-dep":"file:./bad-dep"}}"#),
        (
            "bad-dep/package.json",
            r#"{"name":"bad-dep","version":"1.0.0","scripts":{"postinstall":"echo broken tool >&2; exit 7"}}"#,
        ),
    ];
    let (_, failure) = fails(&sampan, &native(script), &[], "script_failed").await;
    assert!(failure.args[0].contains("bad-dep"), "{failure:?}");
    assert!(failure.tail.iter().any(|line| line.contains("broken tool")), "{failure:?}");
    let outdated: Files<'_> = &[
        ("package.json", r#"{"name":"x","version":"1.0.0","dependencies":{"is-number":"7.0.0"}}"#),
        (
            "package-lock.json",
            r#"{"name":"x","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{"":{"name":"x","version":"1.0.0"}}}"#,
        ),
    ];
    let (release, _) = fails(&sampan, &native(outdated), &[], "lockfile_outdated").await;
    // The offer that the page makes: without the lockfile it works.
    let again = releases::retry(&sampan.app, &sampan.owner, &release.id, true, None).await.unwrap();
    let again = sampan.wait(&again.id, |r| r.status.is_final()).await;
    let log = sampan.text(&again.id).await;
    assert_eq!(again.status, Status::Succeeded, "{:?}\n{log}", again.failure);
    assert!(log.contains("without package-lock.json"), "{log}");
    let foreign: Files<'_> = &[
        ("package.json", r#"{"name":"x","version":"1.0.0","dependencies":{"is-number":"7.0.0"}}"#),
        (
            "yarn.lock",
            "# yarn lockfile v1\n\nis-number@7.0.0:\n  version \"7.0.0\"\n  resolved \"https://mirror.example.invalid/is-number/download/is-number-7.0.0.tgz#abc\"\n",
        ),
    ];
    let (_, failure) =
        fails(&sampan, &native(foreign), &[("npm_registry", "https://npm.example.invalid")], "lockfile_foreign").await;
    assert_eq!(failure.args, ["yarn.lock", "mirror.example.invalid"]);
    let dead: Files<'_> = &[
        ("package.json", r#"{"name":"x","version":"1.0.0","dependencies":{"is-number":"7.0.0"}}"#),
        (".npmrc", "fetch-retries=0\n"),
    ];
    let (_, failure) =
        fails(&sampan, &native(dead), &[("npm_registry", "https://npm.example.invalid")], "registry_unreachable").await;
    assert_eq!(failure.args, ["npm.example.invalid"], "{failure:?}");
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_that_go_wrong() {
    let sampan = Sampan::start_with(|config| {
        config.container.memory = 512 << 20;
        config.container.workspace = 300 << 20;
    })
    .await;
    let building =
        async |command: &str, code: &str| fails(&sampan, &native(&[]), &[("build_command", command)], code).await;
    let many = "for i in $(seq 1 40); do echo module $i; done; echo 'src/a.js: SyntaxError: Unexpected token (3:7)'; \
        for i in $(seq 1 60); do echo at frame $i; done; exit 1";
    let (_, failure) = building(many, "compile_failed").await;
    assert!(failure.excerpt.iter().any(|line| line.contains("Unexpected token (3:7)")), "{failure:?}");
    assert!(failure.excerpt.iter().any(|line| line == "module 40"), "with what came before");
    building("vite-is-not-here build", "command_missing").await;
    let (_, failure) = building("npm run no-such-script", "compile_failed").await;
    assert!(!failure.tail.is_empty());
    building("node -e 'const a=[];for(;;)a.push(Buffer.alloc(1<<20,1))'", "memory_limit").await;
    building(
        "node -e 'const a=[];for(;;)a.push(Buffer.alloc(1<<20,1))' || { echo child gone; exit 3; }",
        "memory_limit_child",
    )
    .await;
    building(
        "NODE_OPTIONS=--max-old-space-size=64 node -e 'const a=[];for(;;)a.push({x:1,y:[a.length]})'",
        "heap_limit",
    )
    .await;
    let (_, failure) = building("sh -c 'kill -9 $$'; exit 137", "killed").await;
    assert!(failure.args.is_empty());
    building("dd if=/dev/zero of=big bs=1M count=400; sleep 60", "workspace_limit").await;
    building("f() { sleep 20 & }; for i in $(seq 1 1000); do f; done; wait", "process_limit").await;
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_that_do_not_end() {
    let sampan = Sampan::start_with(|config| {
        config.container.stage_timeout = Duration::from_secs(60);
        config.container.no_output_timeout = Duration::from_secs(8);
    })
    .await;
    fails(&sampan, &native(&[]), &[("build_command", "echo watching; sleep 600")], "no_output").await;
    let full = "dd if=/dev/zero of=/tmp/full bs=1M count=900 || exit 4";
    fails(&sampan, &native(&[]), &[("build_command", full)], "disk_full").await;
    sampan.stop().await;
    let sampan = Sampan::start_with(|config| config.container.stage_timeout = Duration::from_secs(12)).await;
    let endless = "while true; do echo still here; sleep 1; done";
    let (release, _) = fails(&sampan, &native(&[]), &[("build_command", endless)], "stage_timeout").await;
    assert!(sampan.text(&release.id).await.contains("still here"));
    sampan.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_and_floods_are_no_failures() {
    let sampan = Sampan::start_with(|config| config.log_limit = 4 << 20).await;
    let vendor = VendorApp::register().await;
    let flood = "echo 'warning: 3 deprecated APIs' >&2; yes 0123456789012345678901234567890123456789012345678 | head -c 20000000; echo; echo the last line";
    let program = sampan.program(&vendor, &native(&[]), &[("build_command", flood)]).await;
    let release = sampan.run(&program, Action::Preview).await;
    let log = sampan.lines(&release.id).await;
    assert_eq!(release.status, Status::Succeeded, "{:?}", release.failure);
    let text = |part: &str| log.iter().any(|line| line.text.contains(part));
    assert!(text("3 deprecated") && text("the last line"), "head and tail are kept");
    let bytes: usize = log.iter().map(|line| line.text.len()).sum();
    assert!(bytes < 6 << 20, "{bytes}");
    sampan.stop().await;
}

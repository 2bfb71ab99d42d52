//! Which Node.js a project gets, and how another one is added.

use std::process::Command;

use sampan::model::release::{Action, Status};

use crate::outside::{Sampan, VendorApp, native};

const BUILD: &[(&str, &str)] = &[("build_command", "echo node $(node -p process.versions.node) npm $(npm -v)")];

#[tokio::test(flavor = "multi_thread")]
async fn a_project_gets_the_node_it_asks_for() {
    let added = Command::new(env!("CARGO_BIN_EXE_sampan")).args(["images", "add", "node", "16"]).output().unwrap();
    let said = String::from_utf8_lossy(&added.stdout).into_owned() + &String::from_utf8_lossy(&added.stderr);
    assert!(added.status.success() && said.contains("build-node16"), "{said}");
    let listed = Command::new(env!("CARGO_BIN_EXE_sampan")).args(["images", "list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("build-node16"));

    let sampan = Sampan::start().await;
    let engines = r#"{"name":"x","engines":{"node":"^16"},"devDependencies":{"is-number":"7.0.0"}}"#;
    for (files, setting, expected) in [
        (&[][..], "", "node 24."),
        (&[(".nvmrc", "v16.20.0\n")], "", "node 16."),
        (&[("package.json", engines)], "", "node 16."),
        (&[(".nvmrc", "16\n")], "24", "node 24."),
    ] {
        let settings = [BUILD, &[("node", setting)]].concat();
        let program = sampan.program(&VendorApp::register().await, &native(files), &settings).await;
        let release = sampan.run(&program, Action::Preview).await;
        let log = sampan.text(&release.id).await;
        assert_eq!(release.status, Status::Succeeded, "{:?}\n{log}", release.failure);
        assert!(log.contains(&format!("compile {expected}")), "{files:?} {setting}: {log}");
    }
    let program =
        sampan.program(&VendorApp::register().await, &native(&[]), &[BUILD, &[("node", "21")]].concat()).await;
    let failure = sampan.run(&program, Action::Preview).await.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.args.as_slice()), ("node_missing", &["21".to_owned()][..]));
    sampan.stop().await;
}

#[test]
fn an_unknown_node_is_refused_in_words() {
    for (version, word) in [("15", "choose 14, 16"), ("24", "is the default"), ("7", "major number")] {
        let refused =
            Command::new(env!("CARGO_BIN_EXE_sampan")).args(["images", "add", "node", version]).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(word), "{version}: {said}");
    }
}

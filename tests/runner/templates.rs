//! Projects that none of us wrote, made at test time from public packages: the settings that a look inside proposes must do.

use std::path::Path;
use std::process::Command;

use sampan::model::release::{Action, Status};
use sampan::ops::repositories;

use crate::outside::{Sampan, VendorApp, publish_folder};
use crate::support::form;

/// What the maker says a person would type, and the project's own app id, where it has one.
fn make(kind: &str, folder: &Path) -> serde_json::Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/templates/make.mjs");
    let made = Command::new("node").args([script, kind]).arg(folder).output().unwrap();
    assert!(made.status.success(), "{kind}: {}", String::from_utf8_lossy(&made.stderr));
    serde_json::from_slice(&made.stdout).unwrap()
}

async fn works(sampan: &Sampan, kind: &str) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("project");
    let typed = make(kind, &folder);
    let repo = publish_folder(&folder);
    let looked = form(&[("platform", "wechat"), ("repo_url", &repo), ("default_ref", "main")]);
    let found = repositories::inspect(&sampan.app, &sampan.owner, None, &looked).await.unwrap();
    let proposal = found.proposals.first().unwrap_or_else(|| panic!("{kind}: nothing proposed"));
    let text = |name: &str| typed[name].as_str().unwrap().to_owned();
    let vendor = match text("app_id") {
        id if id.is_empty() => VendorApp::register().await,
        id => VendorApp::register_as(&id).await,
    };
    // A native project may need a command that only its author knows.
    let build = if proposal.build_command.is_empty() { text("build_command") } else { proposal.build_command.clone() };
    assert_eq!(build, text("build_command"), "{kind}");
    let settings = [
        ("root_dir", proposal.root_dir.as_str()),
        ("install_command", &proposal.preset.install),
        ("build_command", &build),
        ("output_dir", &proposal.preset.output_dir),
        ("node", &proposal.preset.node),
    ];
    let program = sampan.program(&vendor, &repo, &settings).await;
    let release = sampan.run(&program, Action::Preview).await;
    let log = sampan.text(&release.id).await;
    assert_eq!(release.status, Status::Succeeded, "{kind}: {:?}\n{log}", release.failure);
    assert!(
        release.sizes.iter().any(|size| size.name == "__APP__" && size.bytes > 1000),
        "{kind}: {:?}",
        release.sizes
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_uni_app_template_a_taro_template_and_native_ones() {
    let sampan = Sampan::start().await;
    for kind in ["uniapp-vue3", "uniapp-hbuilderx", "native-npm", "native-cloud", "taro"] {
        works(&sampan, kind).await;
    }
    sampan.stop().await;
}

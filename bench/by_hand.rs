//! The yardstick: what a person would type, with the engine's own client, for the same commit in the same containers.
//! Dependencies lie there installed, as they do on a developer's machine.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use sampan::model::program::Program;
use sampan::runner::build_image;

use crate::outside::Sampan;

/// Milliseconds from `git clone` to the vendor's receipt.
pub(crate) async fn release(sampan: &Sampan, program: &Program) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let (at, url) = (dir.path().to_owned(), program.repo_url.clone());
    let modules = installed(&sampan.app.config.snapshot_dir());
    let (app_id, key) = (program.app_id.clone(), std::env::var("DEMO_WECHAT_KEY").unwrap());
    let ca = sampan.app.config.data_dir.join("ca.pem");
    tokio::task::spawn_blocking(move || {
        // Not part of the time: a developer's dependencies are already there.
        std::fs::create_dir_all(at.join("modules")).unwrap();
        run("cp", &["-a", &format!("{}/.", modules.display()), at.join("modules").to_str().unwrap()]);
        let began = Instant::now();
        publish(&at, &url, &app_id, &key, &ca);
        began.elapsed().as_secs_f64() * 1000.0
    })
    .await
    .unwrap()
}

/// The `node_modules` that the release beside it uses.
fn installed(snapshots: &Path) -> std::path::PathBuf {
    let folders = std::fs::read_dir(snapshots).unwrap().flatten().map(|entry| entry.path().join("modules/0"));
    folders.filter(|path| path.is_dir()).max_by_key(|path| path.metadata().and_then(|m| m.modified()).unwrap()).unwrap()
}

fn publish(at: &Path, url: &str, app_id: &str, key: &str, ca: &Path) {
    let path = |name: &str| at.join(name).display().to_string();
    run("git", &["clone", "--quiet", url, &path("src")]);
    run(
        "mkdir",
        &["-p", &path("src/node_modules"), &path("home"), &path("out-prepare"), &path("out-deliver"), &path("secret")],
    );
    std::fs::copy(key, at.join("secret/private_key")).unwrap();
    for stage in ["prepare", "deliver"] {
        std::fs::write(at.join(format!("{stage}.json")), job(stage, app_id)).unwrap();
    }
    run("chown", &["-R", "1000:1000", &path("")]);
    let mount = |name: &str, target: &str| format!("{}:{target}", path(name));
    let ca = format!("{}:/etc/sampan/ca.pem:ro", ca.display());
    let build = build_image(sampan::runner::DEFAULT_NODE);
    engine(
        &[
            "--network",
            "bridge",
            "-v",
            &mount("src", "/work"),
            "-v",
            &mount("modules", "/work/node_modules"),
            "-v",
            &mount("home", "/home/build"),
            "-e",
            "HOME=/home/build",
            "-w",
            "/work",
        ],
        &build,
        &["sh", "-ec", "npm run build:mp-weixin"],
    );
    let platform = build.replace(&format!("build-node{}", sampan::runner::DEFAULT_NODE), "platform-wechat");
    let driver = |stage: &'static str| ["node", "/worker/wechat/driver.mjs", stage];
    engine(
        &[
            "--network",
            "none",
            "-v",
            &mount("src/dist/build/mp-weixin", "/project:ro"),
            "-v",
            &mount("prepare.json", "/job/job.json:ro"),
            "-v",
            &mount("out-prepare", "/out"),
        ],
        &platform,
        &driver("prepare"),
    );
    let hosts = std::env::var("SAMPAN_EXTRA_HOSTS").unwrap();
    let hosts: Vec<String> = hosts.split(',').map(|host| format!("--add-host={}", host.replace('=', ":"))).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let options = [
        &hosts[..],
        &[
            "--network",
            "bridge",
            "-v",
            &ca,
            "-e",
            "NODE_EXTRA_CA_CERTS=/etc/sampan/ca.pem",
            "-v",
            &mount("out-prepare/package", "/project:ro"),
            "-v",
            &mount("deliver.json", "/job/job.json:ro"),
            "-v",
            &mount("secret", "/job/secret:ro"),
            "-v",
            &mount("out-deliver", "/out"),
        ],
    ];
    engine(&options.concat(), &platform, &driver("deliver"));
    let result = std::fs::read_to_string(at.join("out-deliver/result.json")).unwrap();
    assert!(result.contains("\"ok\":true") || result.contains("\"ok\": true"), "{result}");
}

fn job(stage: &str, app_id: &str) -> String {
    serde_json::json!({
        "release": "by-hand", "attempt": 1, "nonce": "0123456789abcdef0123456789abcdef", "stage": stage, "action": "preview",
        "platform": "wechat", "app_id": app_id, "version": "1.0.0", "description": "", "environment": "production",
        "page_path": "", "query": "", "scene": "", "robot": 1, "options": {}, "project": "/project", "out": "/out",
        "secrets": "/job/secret", "threads": 2, "timeout_seconds": 600,
    })
    .to_string()
}

/// The same hardening as a release's containers.
fn engine(options: &[&str], image: &str, command: &[&str]) {
    let cli = std::env::var("ENGINE_CLI").unwrap_or_else(|_| "docker".to_owned());
    let hardened = [
        "run",
        "--rm",
        "--init",
        "--read-only",
        "--tmpfs",
        "/tmp:rw,nosuid,nodev,exec,mode=1777",
        "--user",
        "1000:1000",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        "--pids-limit",
        "512",
        "--memory",
        "2g",
        "--cpus",
        "2",
    ];
    run(&cli, &[&hardened[..], options, &[image], command].concat());
}

fn run(program: &str, args: &[&str]) {
    let done = Command::new(program).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(done.status.success(), "{program} {args:?}\n{}\n{}", text(&done.stdout), text(&done.stderr));
}

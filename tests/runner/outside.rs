//! The outside world of a test: its own app at the stand-in, its own repository at the git server, its own Sampan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sampan::app::App;
use sampan::config::{Config, Settings};
use sampan::db;
use sampan::model::log::Line;
use sampan::model::program::Program;
use sampan::model::release::{Action, Release};
use sampan::model::user::User;
use sampan::ops::{accounts, credentials, groups, logs, programs, releases};
use sampan::runner::Runner;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{form, preview, rsa_key, settings};

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make test`"))
}

/// Settings that lead containers to the stand-in.
pub(crate) fn outside_settings(dir: &TempDir) -> Settings {
    Settings {
        extra_hosts: Some(env("SAMPAN_EXTRA_HOSTS")),
        extra_ca_file: Some(env("SAMPAN_EXTRA_CA_FILE").into()),
        runner_slots: Some(2),
        ..settings(dir)
    }
}

/// An app that the stand-in knows, and what a program of it needs to be taken for it.
pub(crate) struct VendorApp {
    pub id: String,
    /// Of the platform that the program is for.
    pub platform: &'static str,
    pub credential: BTreeMap<String, String>,
    pub key: String,
    pub http: reqwest::Client,
}

impl VendorApp {
    pub(crate) async fn register() -> Self {
        Self::register_as(&format!("wx{}", &uuid::Uuid::new_v4().simple().to_string()[..16])).await
    }

    /// Under the id that a project's own files name.
    pub(crate) async fn register_as(id: &str) -> Self {
        let key = rsa_key();
        let app = Self::of("wechat", id, &[("private_key", &key)]);
        app.put("", &key).await;
        Self { key, ..app }
    }

    fn of(platform: &'static str, id: &str, credential: &[(&str, &str)]) -> Self {
        let http = reqwest::Client::new();
        Self { id: id.to_owned(), platform, credential: form(credential), key: String::new(), http }
    }

    /// At another vendor: a key with its tool, or a token.
    pub(crate) async fn alipay() -> Self {
        let digits = uuid::Uuid::new_v4().as_u128() % 10u128.pow(12);
        let key = rsa_key();
        let app = Self::of("alipay", &format!("2021{digits:012}"), &[("tool_id", "tool-1"), ("private_key", &key)]);
        app.put("?vendor=alipay", &serde_json::json!({ "tool_id": "tool-1", "key": key }).to_string()).await;
        Self { key, ..app }
    }

    pub(crate) async fn bytedance() -> Self {
        let token = uuid::Uuid::new_v4().simple().to_string();
        let id = format!("tt{}", &uuid::Uuid::new_v4().simple().to_string()[..16]);
        let app = Self::of("bytedance", &id, &[("token", &token)]);
        app.put("?vendor=bytedance", &serde_json::json!({ "token": token }).to_string()).await;
        Self { key: token, ..app }
    }

    /// A platform without a vendor to register at.
    pub(crate) fn nobody(platform: &'static str, id: &str, credential: &[(&str, &str)]) -> Self {
        Self::of(platform, id, credential)
    }

    async fn put(&self, path: &str, body: &str) {
        let url = format!("{}/apps/{}{path}", env("DEMO_STANDIN"), self.id);
        let reply = self.http.put(url).body(body.to_owned()).send().await.unwrap();
        assert!(reply.status().is_success(), "{}", reply.status());
    }

    pub(crate) async fn scenario(&self, name: &str) {
        self.put("/scenario", name).await;
    }

    /// What the stand-in accepted.
    pub(crate) async fn uploads(&self) -> Vec<serde_json::Value> {
        let url = format!("{}/apps/{}/uploads", env("DEMO_STANDIN"), self.id);
        let reply: serde_json::Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        reply.as_array().cloned().unwrap_or_else(|| reply["uploads"].as_array().cloned().unwrap())
    }
}

/// Publishes files as a repository of the git server; its address.
pub(crate) fn repository(files: &[(&str, &str)]) -> String {
    repository_with(files, |_| {})
}

/// Publishes a folder as it is.
pub(crate) fn publish_folder(folder: &Path) -> String {
    repository_with(&[], |work| {
        let done = Command::new("cp").args(["-a", &format!("{}/.", folder.display())]).arg(work).status().unwrap();
        assert!(done.success());
    })
}

/// The same, with whatever text files cannot express.
pub(crate) fn repository_with(files: &[(&str, &str)], more: impl FnOnce(&Path)) -> String {
    let root = PathBuf::from(env("DEMO_GIT_ROOT"));
    let name = format!("t{}.git", uuid::Uuid::new_v4().simple());
    let work = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = work.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    more(work.path());
    git(work.path(), &["init", "-q", "-b", "main"]);
    git(work.path(), &["add", "-A"]);
    git(work.path(), &["commit", "-q", "-m", "测试 commit"]);
    git(work.path(), &["clone", "-q", "--bare", ".", root.join(&name).to_str().unwrap()]);
    format!("{}/{name}", env("DEMO_GIT_URL"))
}

/// A repository without a commit.
pub(crate) fn empty_repository() -> String {
    let name = format!("t{}.git", uuid::Uuid::new_v4().simple());
    git(Path::new("/"), &["init", "-q", "--bare", PathBuf::from(env("DEMO_GIT_ROOT")).join(&name).to_str().unwrap()]);
    format!("{}/{name}", env("DEMO_GIT_URL"))
}

/// From now on the git server asks for this credential.
pub(crate) fn protect(url: &str, rule: &str) {
    let name = url.rsplit('/').next().unwrap();
    std::fs::write(PathBuf::from(env("DEMO_GIT_ROOT")).join(format!("{name}.auth.json")), rule).unwrap();
}

fn git(folder: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "safe.directory=*"];
    let done = Command::new("git").current_dir(folder).args(identity).args(args).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A native mini-program in few files, and whatever else a test needs in it.
pub(crate) fn native(more: &[(&'static str, &str)]) -> String {
    native_with(more, |_| {})
}

pub(crate) fn native_with(more: &[(&'static str, &str)], change: impl FnOnce(&Path)) -> String {
    let mut files: BTreeMap<&str, &str> = BTreeMap::from([
        ("app.json", r#"{"pages":["pages/index/index"],"window":{"navigationBarTitleText":"测试"}}"#),
        ("app.js", "App({});\n"),
        ("project.config.json", r#"{"setting":{"es6":false,"minified":false}}"#),
        ("pages/index/index.js", "Page({ data: { tide: 3 } });\n"),
        ("pages/index/index.wxml", "<view>{{tide}}</view>\n"),
        ("pages/index/index.wxss", "view { color: teal; }\n"),
    ]);
    files.extend(more.iter().copied());
    repository_with(&files.into_iter().collect::<Vec<_>>(), change)
}

/// One Sampan in this process, its runner at work.
pub(crate) struct Sampan {
    pub app: App,
    pub owner: User,
    pub dir: TempDir,
    stop: CancellationToken,
    runner: JoinHandle<()>,
}

impl Sampan {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With limits of its own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::from_settings(outside_settings(&dir)).unwrap();
        change(&mut config);
        let app = App::boot(config).await.unwrap();
        accounts::first_owner(&app).await.unwrap();
        let owner = db::users::find_by_login(&app.db, "admin").await.unwrap().unwrap();
        let stop = CancellationToken::new();
        let runner = Runner::new(app.clone(), stop.clone()).await.expect("an engine and its images: run `make test`");
        Self { app, owner, dir, stop, runner: tokio::spawn(runner.serve()) }
    }

    pub(crate) async fn program(&self, vendor: &VendorApp, repo: &str, more: &[(&str, &str)]) -> Program {
        program(&self.app, &self.owner, vendor, repo, more).await
    }

    pub(crate) async fn publish(&self, program: &Program, action: Action) -> Release {
        self.publish_with(program, action, "", &[]).await
    }

    /// With a version and what else the platform asks.
    pub(crate) async fn publish_with(
        &self,
        program: &Program,
        action: Action,
        version: &str,
        more: &[(&str, &str)],
    ) -> Release {
        let request = releases::Request {
            action,
            version: version.into(),
            description: "说明 'quoted'".into(),
            more: form(more),
            ..preview("main", None)
        };
        releases::request(&self.app, &self.owner, &program.id, request).await.unwrap()
    }

    pub(crate) async fn row(&self, id: &str) -> Release {
        db::releases::find(&self.app.db, self.owner.scope(), id).await.unwrap().unwrap().release
    }

    /// Waits until the release fits, however it gets there.
    pub(crate) async fn wait(&self, id: &str, fits: impl Fn(&Release) -> bool) -> Release {
        let deadline = Instant::now() + Duration::from_secs(600);
        loop {
            let row = self.row(id).await;
            if fits(&row) {
                return row;
            }
            if row.status.is_final() || Instant::now() > deadline {
                panic!("{:?} {:?}\n{}", row.status, row.failure, self.text(id).await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn run(&self, program: &Program, action: Action) -> Release {
        let release = self.publish(program, action).await;
        self.wait(&release.id, |r| r.status.is_final()).await
    }

    pub(crate) async fn run_with(
        &self,
        program: &Program,
        action: Action,
        version: &str,
        more: &[(&str, &str)],
    ) -> Release {
        let release = self.publish_with(program, action, version, more).await;
        self.wait(&release.id, |r| r.status.is_final()).await
    }

    /// The whole log; checks that it has no gap.
    pub(crate) async fn lines(&self, id: &str) -> Vec<Line> {
        whole_log(&self.app, id).await
    }

    pub(crate) async fn text(&self, id: &str) -> String {
        self.lines(id).await.iter().map(|line| format!("{} {}\n", line.stage, line.text)).collect()
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.runner.await.unwrap();
        assert_eq!(containers(&self.app.instance), Vec::<String>::new(), "no container is left");
        let work = std::fs::read_dir(self.dir.path().join("data/work")).map(|d| d.count()).unwrap_or_default();
        assert_eq!(work, 0, "no workspace is left");
    }
}

pub(crate) async fn program(app: &App, owner: &User, vendor: &VendorApp, repo: &str, more: &[(&str, &str)]) -> Program {
    let group = match db::programs::list_groups(&app.db, owner.scope()).await.unwrap().into_iter().next() {
        Some(group) => group,
        None => groups::create(app, owner, "组", false).await.unwrap(),
    };
    let mut form = form(&[
        ("group", &group.id),
        ("platform", vendor.platform),
        ("name", &vendor.id),
        ("app_id", &vendor.id),
        ("repo_url", repo),
        ("default_ref", "main"),
        ("output_dir", "."),
    ]);
    form.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let program = programs::create(app, owner, &form).await.unwrap();
    if !vendor.credential.is_empty() {
        credentials::put(app, owner, &program.id, &vendor.credential).await.unwrap();
    }
    program
}

pub(crate) async fn whole_log(app: &App, id: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    loop {
        let from = lines.last().map_or(1, |line| line.n + 1);
        let more = logs::read(app, id, from).await.unwrap();
        if more.is_empty() {
            break;
        }
        lines.extend(more);
    }
    assert!(lines.iter().enumerate().all(|(i, line)| line.n == i as i64 + 1), "no gap, no double");
    lines
}

/// Ids of this installation's containers, as the engine's own client lists them.
pub(crate) fn containers(instance: &str) -> Vec<String> {
    let cli = std::env::var("ENGINE_CLI").unwrap_or_else(|_| "docker".to_owned());
    let listed = Command::new(cli)
        .args(["ps", "-aq", "--filter", &format!("label=sampan.instance={instance}")])
        .output()
        .unwrap();
    assert!(listed.status.success());
    String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect()
}

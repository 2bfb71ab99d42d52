//! What the tests share: an app on either database, people, a program that can be published.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;

use sampan::app::App;
use sampan::clock::Clock;
use sampan::config::{Config, Settings};
use sampan::db;
use sampan::model::program::Program;
use sampan::model::release::{Action, Environment, Release};
use sampan::model::update::Update;
use sampan::model::user::{Role, User};
use sampan::ops::{accounts, credentials, groups, people, programs, releases, updates};
use sampan::store::Staged;
use tempfile::TempDir;

pub const NOON: i64 = 1_795_233_600_000;
pub const APP_ID: &str = "wx0123456789abcdef";

/// A database that the tests may fill: made by `make test` on a server of its own.
pub async fn fresh_postgres() -> String {
    let server = std::env::var("SAMPAN_TEST_PG").expect("SAMPAN_TEST_PG names a PostgreSQL server: run `make test`");
    let name = format!("t_{}", sampan::model::new_id());
    let pool = sqlx::PgPool::connect(&format!("{server}/postgres")).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
    pool.close().await;
    format!("{server}/{name}")
}

pub struct World {
    pub app: App,
    pub owner: User,
    pub dir: TempDir,
}

pub fn settings(dir: &TempDir) -> Settings {
    Settings {
        data_dir: Some(dir.path().join("data")),
        admin_password: Some("correct horse".into()),
        ..Settings::default()
    }
}

/// An app with its first owner, at a clock that stands still at noon.
pub async fn world(database_url: Option<String>) -> World {
    world_with(database_url, |_| {}).await
}

pub async fn world_with(database_url: Option<String>, change: impl FnOnce(&mut Settings)) -> World {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings { database_url, ..settings(&dir) };
    change(&mut settings);
    let config = Config::from_settings(settings).unwrap();
    let app = App::boot_with(config, Clock::fixed(NOON)).await.unwrap();
    accounts::first_owner(&app).await.unwrap();
    let owner = db::users::find_by_login(&app.db, "admin").await.unwrap().unwrap();
    World { app, owner, dir }
}

pub fn rsa_key() -> String {
    String::from_utf8(openssl::rsa::Rsa::generate(2048).unwrap().private_key_to_pem().unwrap()).unwrap()
}

/// A small package as the compiler's output is packed.
pub fn wgt(id: &str, version: &str, code: i64) -> Vec<u8> {
    zip_of(&[
        ("manifest.json", &format!(r#"{{"id":"{id}","name":"港","version":{{"name":"{version}","code":"{code}"}}}}"#)),
        ("app-service.js", "/* 潮汐 */"),
    ])
}

pub fn zip_of(entries: &[(&str, &str)]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn form(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl World {
    pub async fn person(&self, login: &str, role: Role) -> User {
        let made = people::create(&self.app, &self.owner, login, login, role, Some("long enough")).await;
        let user = made.unwrap().0;
        // As if they had changed it at their first sign-in.
        db::users::set_password(&self.app.db, &user.id, &user.password_hash, false).await.unwrap();
        db::users::find(&self.app.db, &user.id).await.unwrap().unwrap()
    }

    pub async fn program(&self, name: &str) -> Program {
        let group = match db::programs::list_groups(&self.app.db, self.owner.scope()).await.unwrap().into_iter().next()
        {
            Some(group) => group,
            None => groups::create(&self.app, &self.owner, "组", false).await.unwrap(),
        };
        let form = form(&[
            ("group", &group.id),
            ("platform", "wechat"),
            ("name", name),
            ("app_id", APP_ID),
            ("repo_url", "https://git.example.invalid/a.git"),
            ("default_ref", "main"),
            ("output_dir", "dist"),
        ]);
        let program = programs::create(&self.app, &self.owner, &form).await.unwrap();
        let key = BTreeMap::from([("private_key".to_owned(), rsa_key())]);
        credentials::put(&self.app, &self.owner, &program.id, &key).await.unwrap();
        program
    }

    /// A program whose releases are updates.
    pub async fn app(&self, app_id: &str) -> Program {
        let group = self.program(app_id).await.group_id;
        let form = form(&[
            ("group", &group),
            ("platform", "uniapp"),
            ("name", &format!("App {app_id}")),
            ("app_id", app_id),
            ("repo_url", "https://git.example.invalid/a.git"),
            ("default_ref", "main"),
            ("output_dir", "dist/build/app"),
        ]);
        programs::create(&self.app, &self.owner, &form).await.unwrap()
    }

    /// Registers or uploads by hand; the clock goes on, so that newer ones are newer.
    pub async fn add(
        &self,
        program: &Program,
        pairs: &[(&str, &str)],
        bytes: Option<&[u8]>,
    ) -> sampan::error::Result<Update> {
        self.app.clock.advance(1);
        let staged = match bytes {
            Some(bytes) => Some(self.stage(bytes).await),
            None => None,
        };
        updates::add(&self.app, &self.owner, &program.id, &form(pairs), staged.as_ref()).await
    }

    pub async fn stage(&self, bytes: &[u8]) -> Staged {
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        let stream = futures::stream::iter([Ok::<_, std::io::Error>(bytes)]);
        self.app.store.stage(stream, u64::MAX).await.ok().unwrap()
    }

    pub async fn release(&self, program: &Program, key: Option<&str>) -> Release {
        self.app.clock.advance(1);
        releases::request(&self.app, &self.owner, &program.id, preview("main", key)).await.unwrap()
    }

    pub async fn row(&self, id: &str) -> Release {
        db::releases::find(&self.app.db, self.owner.scope(), id).await.unwrap().unwrap().release
    }
}

pub fn preview(reference: &str, key: Option<&str>) -> releases::Request {
    releases::Request {
        action: Action::Preview,
        reference: reference.into(),
        version: String::new(),
        description: String::new(),
        environment: Environment::Production,
        page_path: String::new(),
        query: String::new(),
        scene: String::new(),
        idempotency_key: key.map(str::to_owned),
        retry_of: None,
        without_lockfile: false,
        more: BTreeMap::new(),
    }
}

/// A door that nobody has been seen at.
pub fn door(address: &str) -> accounts::Door<'_> {
    accounts::Door { address, known_device: None }
}

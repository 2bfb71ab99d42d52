//! Signing in with a real OpenID provider: `tests/oidc`.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use sampan::db;
use sampan::model::user::Role;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::site::{Browser, Site, location};

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oidc").join(name)
}

struct Provider {
    accounts: PathBuf,
    dir: tempfile::TempDir,
    process: Child,
}

impl Provider {
    async fn start(redirect: &str) -> (Self, String) {
        let dir = tempfile::tempdir().unwrap();
        let (accounts, port) = (dir.path().join("accounts.json"), dir.path().join("port"));
        std::fs::write(&accounts, json!([{"sub": "x", "sampan_role": "viewer"}]).to_string()).unwrap();
        let process = Command::new("node")
            .arg(script("provider.mjs"))
            .args(["--secret", "provider-secret", "--redirect", redirect])
            .arg("--accounts")
            .arg(format!("@{}", accounts.display()))
            .arg("--port-file")
            .arg(&port)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for _ in 0..150 {
            if let Ok(port) = std::fs::read_to_string(&port) {
                return (Self { accounts, dir, process }, format!("http://127.0.0.1:{}", port.trim()));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no provider: npm ci in tests/oidc");
    }

    fn knows(&self, accounts: &Value) {
        let next = self.dir.path().join("next.json");
        std::fs::write(&next, accounts.to_string()).unwrap();
        std::fs::rename(next, &self.accounts).unwrap();
    }
}

/// Out to the provider as `sub` and back; where Sampan then leads.
async fn through(browser: &Browser, sub: &str) -> String {
    let out = browser.get("/sign-in/provider?next=/updates").await;
    assert_eq!(out.status(), 303);
    let back = walk(&location(&out), sub).await;
    location(&browser.get(&back).await)
}

/// The path of ours that the provider sends somebody back to.
async fn walk(url: &str, sub: &str) -> String {
    let walked = Command::new("node").arg(script("walk.mjs")).args([url, sub]).output().await.unwrap();
    assert!(walked.status.success(), "{walked:?}");
    let back = String::from_utf8(walked.stdout).unwrap();
    back.trim().split_once("/sign-in/callback").map(|(_, query)| format!("/sign-in/callback{query}")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_in_by_their_provider() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public = format!("http://{}", listener.local_addr().unwrap());
    let (mut provider, issuer) = Provider::start(&format!("{public}/sign-in/callback")).await;
    let site = Site::start_on(listener, |settings| {
        settings.public_url = Some(public.clone());
        settings.oidc_issuer = Some(issuer);
        settings.oidc_client_id = Some("sampan".into());
        settings.oidc_client_secret = Some("provider-secret".into());
        settings.oidc_name = Some("港务 ID".into());
        settings.oidc_roles = Some("shippers=publisher".into());
    })
    .await;
    let ada = |role: Value| {
        json!([{"sub": "ada", "preferred_username": "Ada", "name": "Ada", "sampan_role": role},
        {"sub": "admin", "preferred_username": "admin"}, {"sub": "梅", "name": "梅"}])
    };
    provider.knows(&ada(json!(["staff", "shippers"])));
    let browser = site.browser();
    assert!(browser.text("/sign-in").await.contains("港务 ID"));

    assert_eq!(through(&browser, "ada").await, "/updates", "where they wanted to go");
    assert_eq!(browser.get("/updates").await.status(), 200);
    let db = &site.world.app.db;
    let user = db::users::find_by_login(db, "ada").await.unwrap().unwrap();
    assert_eq!((user.role, user.name.as_str()), (Role::Publisher, "Ada"));
    assert_eq!(site.browser().sign_in("ada", "").await, 401, "no password is hers");
    assert!(!browser.text("/me").await.contains("name=\"current\""), "and none to change");

    // Another role at the provider is another role here, at the next sign-in.
    provider.knows(&ada(json!("admin")));
    assert_eq!(through(&site.browser(), "ada").await, "/updates");
    assert_eq!(db::users::find(db, &user.id).await.unwrap().unwrap().role, Role::Admin);
    provider.knows(&ada(json!([])));
    through(&site.browser(), "ada").await;
    assert_eq!(db::users::find(db, &user.id).await.unwrap().unwrap().role, Role::Viewer);

    // Names of ours are not taken over; names that are none of ours are made.
    assert_eq!(through(&site.browser(), "admin").await, "/sign-in?problem=provider_taken");
    assert_eq!(through(&site.browser(), "梅").await, "/updates");
    let people = db::users::search(db, "user-", "", 9).await.unwrap();
    assert_eq!((people.len(), people[0].name.as_str()), (1, "梅"));

    // Turned back; a step that was not begun here; one that is done twice.
    assert_eq!(through(&site.browser(), "").await, "/sign-in?problem=provider");
    let told = site.browser();
    assert!(told.text("/sign-in?problem=provider").await.contains("role=\"alert\""));
    let other = site.browser();
    let out = other.get("/sign-in/provider").await;
    let back = walk(&location(&out), "ada").await;
    assert_eq!(location(&site.browser().get(&back).await), "/sign-in?problem=provider", "another browser");
    let forged = back.replace("state=", "state=x");
    assert_eq!(location(&other.get(&forged).await), "/sign-in?problem=provider", "another state");
    assert_eq!(location(&other.get(&back).await), "/sign-in?problem=provider", "and then the right one is over");

    let change = sampan::ops::people::Change { name: None, role: None, disabled: Some(true) };
    sampan::ops::people::update(&site.world.app, &site.world.owner, &user.id, &change).await.unwrap();
    assert_eq!(through(&site.browser(), "ada").await, "/sign-in?problem=disabled");

    provider.process.kill().await.unwrap();
    assert_eq!(location(&browser.get("/sign-in/provider").await), "/sign-in?problem=provider_away");
    assert_eq!(site.browser().sign_in("admin", "correct horse").await, 303, "passwords still work");
}

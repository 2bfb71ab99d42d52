//! `/api/v1` as scripts meet it, and what tokens and sessions are worth once something changed.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{Client, Method, StatusCode};
use sampan::model::token::TokenScope;
use sampan::model::user::{Role, User};
use sampan::ops::people::{self, Change};
use sampan::ops::tokens;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::site::{Site, Socket, cookie, location, session_cookie, socket};
use crate::support::rsa_key;

struct Script {
    base: String,
    token: String,
    http: Client,
}

impl Script {
    async fn new(site: &Site, user: &User, scope: TokenScope, group: Option<&str>) -> Self {
        let made = tokens::create(&site.world.app, user, "t", scope, group, None).await.unwrap();
        Self { base: format!("http://{}/api/v1", site.address), token: made.0, http: Client::new() }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method: Method = method.parse().unwrap();
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        if method != Method::GET && method != Method::DELETE {
            request = request.json(&body);
        }
        let reply = request.send().await.unwrap();
        let status = reply.status().as_u16();
        (status, reply.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, value) = self.call("GET", path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    async fn live(&self, site: &Site, path: &str) -> Socket {
        let mut request = format!("ws://{}/api/v1{path}", site.address).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {}", self.token).parse().unwrap());
        tokio_tungstenite::connect_async(request).await.unwrap().0
    }
}

#[tokio::test]
async fn a_script_does_what_a_person_would() {
    let site = Site::start().await;
    let script = Script::new(&site, &site.world.owner, TokenScope::Admin, None).await;
    let (status, group) = script.call("POST", "/groups", json!({"name": "港口"})).await;
    assert_eq!(status, 201, "{group}");
    let mut wanted = json!({"group_id": group["id"], "platform": "wechat", "name": "商城", "app_id": "nonsense",
        "repo_url": "https://git.example.invalid/a.git", "options": {"es6": true}, "settings": {"memory_mb": 1024}});
    let (status, refused) = script.call("POST", "/programs", wanted.clone()).await;
    assert_eq!((status, refused["error"]["code"].as_str()), (422, Some("invalid")), "{refused}");
    assert!(refused["error"]["fields"]["app_id"].is_string(), "{refused}");
    wanted["app_id"] = crate::support::APP_ID.into();
    let (status, program) = script.call("POST", "/programs", wanted.clone()).await;
    assert_eq!(status, 201, "{program}");
    assert_eq!((&program["default_ref"], &program["settings"]["memory_mb"]), (&json!("main"), &json!(1024)));
    let at = format!("/programs/{}", program["id"].as_str().unwrap());
    let (status, changed) = script.call("PATCH", &at, json!({"default_ref": "trunk"})).await;
    assert_eq!((status, &changed["default_ref"], &changed["name"]), (200, &json!("trunk"), &json!("商城")));
    assert_eq!(changed["settings"], program["settings"], "what was not named stays");

    let ask = json!({"action": "preview", "page_path": "pages/index"});
    assert_eq!(script.call("POST", &format!("{at}/releases"), ask.clone()).await.0, 409, "no key yet");
    let (status, stored) = script.call("PUT", &format!("{at}/credential"), json!({"private_key": rsa_key()})).await;
    assert_eq!((status, &stored["configured"]), (200, &json!(true)));
    assert_eq!(script.get(&at).await["credential"]["fingerprint"], stored["fingerprint"]);

    let keyed = |key: &'static str| {
        let path = format!("{}{at}/releases", script.base);
        script.http.post(path).bearer_auth(&script.token).header("idempotency-key", key).json(&ask).send()
    };
    let (first, second, third) = (keyed("a").await.unwrap(), keyed("a").await.unwrap(), keyed("b").await.unwrap());
    assert_eq!(first.status(), StatusCode::CREATED);
    let mut made: Vec<Value> = vec![];
    for reply in [first, second, third] {
        made.push(reply.json().await.unwrap());
    }
    assert_eq!(made[0]["id"], made[1]["id"], "the same key is the same release");
    assert_ne!(made[0]["id"], made[2]["id"]);
    assert_eq!((&made[0]["ref"], &made[0]["status"]), (&json!("trunk"), &json!("queued")));

    let page = script.get("/releases?limit=1&status=queued").await;
    assert_eq!(page["items"][0]["id"], made[2]["id"], "newest first");
    let next = script.get(&format!("/releases?cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!((next["items"].as_array().unwrap().len(), &next["next_cursor"]), (1, &Value::Null));
    for bad in ["/releases?limit=0", "/releases?since=yesterday", "/releases?status=x"] {
        assert_eq!(script.call("GET", bad, Value::Null).await.0, 400, "{bad}");
    }
    let one = format!("/releases/{}", made[0]["id"].as_str().unwrap());
    let log = script.get(&format!("{one}/log")).await;
    assert_eq!((&log["next"], &log["complete"]), (&json!(1), &json!(false)));
    let (status, canceled) = script.call("POST", &format!("{one}/cancel"), Value::Null).await;
    assert_eq!((status, &canceled["status"]), (200, &json!("canceled")));
    assert_eq!(script.call("POST", &format!("{one}/cancel"), Value::Null).await.0, 409);
    assert_eq!(script.get(&format!("{one}/log")).await["complete"], true);
    let (status, again) = script.call("POST", &format!("{one}/retry"), json!({})).await;
    assert_eq!((status, &again["retry_of"]), (201, &made[0]["id"]));

    let audit = script.get("/audit?action=release").await;
    assert_eq!(audit["items"][0]["action"], "release.request");
    let entries = audit["items"].as_array().unwrap().clone();
    assert!(entries.iter().all(|e| e["address"] == "127.0.0.1" && e["user"] == "admin"), "{audit}");
    let text = audit.to_string() + &script.get("/audit").await.to_string();
    assert!(!text.contains("PRIVATE KEY") && !text.contains("smp_"), "no secret is noted");
}

#[tokio::test]
async fn bad_input_is_named() {
    let site = Site::start().await;
    let script = Script::new(&site, &site.world.owner, TokenScope::Admin, None).await;
    let raw = |kind: &'static str, body: &'static str| {
        let request = script.http.post(format!("{}/groups", script.base)).bearer_auth(&script.token);
        request.header("content-type", kind).body(body).send()
    };
    for (kind, body, status) in [
        ("text/plain", "{}", 415),
        ("application/json", "{", 400),
        ("application/json", r#"{"nam": "x"}"#, 400),
        ("application/json", r#"{"name": "a\u0000b"}"#, 400),
        ("application/json", r#"{"name": ""}"#, 422),
    ] {
        let reply = raw(kind, body).await.unwrap();
        assert_eq!(reply.status(), status, "{body}");
        let value: Value = reply.json().await.unwrap();
        assert!(value["error"]["message"].is_string() && value["error"]["request_id"].is_string(), "{value}");
    }
    assert_eq!(script.call("GET", "/nothing", Value::Null).await.0, 404);
    assert_eq!(script.call("POST", "/me", json!({})).await.0, 405);
    let large = json!({"name": "x".repeat(300_000)});
    assert_eq!(script.call("POST", "/groups", large).await.0, 413);
}

/// What a token may do is what its person may do, cut down: never more.
#[tokio::test]
async fn tokens_are_less_than_their_person() {
    let site = Site::start().await;
    let w = &site.world;
    let program = w.program("商城").await;
    let other = sampan::ops::groups::create(&w.app, &w.owner, "别的", false).await.unwrap();
    let reader = Script::new(&site, &w.owner, TokenScope::Read, None).await;
    reader.get("/programs").await;
    assert_eq!(reader.call("GET", "/users", Value::Null).await.0, 403, "what all may read, not what admins see");
    let ask = json!({"action": "preview"});
    let releases = format!("/programs/{}/releases", program.id);
    assert_eq!(reader.call("POST", &releases, ask.clone()).await.0, 403, "read only");
    assert_eq!(reader.call("POST", "/groups", json!({"name": "x"})).await.0, 403);
    let publisher = Script::new(&site, &w.owner, TokenScope::Publish, None).await;
    assert_eq!(publisher.call("POST", &releases, ask.clone()).await.0, 201);
    assert_eq!(publisher.call("POST", "/groups", json!({"name": "x"})).await.0, 403);
    let elsewhere = Script::new(&site, &w.owner, TokenScope::Publish, Some(&other.id)).await;
    assert_eq!(elsewhere.call("POST", &releases, ask.clone()).await.0, 404, "another group's");
    assert_eq!(elsewhere.get("/programs").await["items"], json!([]));
    let viewer = w.person("viewer", Role::Viewer).await;
    let ambitious = Script::new(&site, &viewer, TokenScope::Admin, None).await;
    assert_eq!(ambitious.call("POST", &releases, ask).await.0, 403, "a viewer's token");

    let (status, fresh) =
        ambitious.call("POST", "/sign-in", json!({"login": "viewer", "password": "long enough"})).await;
    assert_eq!((status, &fresh["scope"]), (201, &json!("publish")));
    assert!(fresh["token"].as_str().unwrap().starts_with("smp_"));
    let short = tokens::create(&w.app, &viewer, "t", TokenScope::Read, None, Some(1)).await.unwrap().0;
    let short = Script { token: short, ..ambitious };
    short.get("/me").await;
    w.app.clock.advance(2 * sampan::clock::DAY);
    assert_eq!(short.call("GET", "/me", Value::Null).await.0, 401, "over");
}

/// Whether the server closes this connection soon.
async fn closes(socket: &mut Socket) -> bool {
    let until = async {
        while let Some(Ok(message)) = socket.next().await
            && !message.is_close()
        {}
    };
    tokio::time::timeout(Duration::from_secs(10), until).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_closes_when_its_ground_is_gone() {
    let site = Site::start().await;
    let w = &site.world;
    let program = w.program("商城").await;
    let release = w.release(&program, None).await;
    let (live, page) = (format!("/releases/{}/log/live", release.id), format!("/releases/{}/live", release.id));
    let change = |role, disabled| Change { name: None, role, disabled };

    let ann = w.person("ann", Role::Publisher).await;
    let script = Script::new(&site, &ann, TokenScope::Read, None).await;
    let session = cookie(&site, "ann", "long enough").await;
    let (mut by_token, mut by_page) =
        (script.live(&site, &live).await, socket(&site, &page, &session, None).await.unwrap());
    let mut dashboard = socket(&site, "/live", &session, None).await.unwrap();
    people::update(&w.app, &w.owner, &ann.id, &change(Some(Role::Viewer), None)).await.unwrap();
    assert!(closes(&mut by_token).await && closes(&mut by_page).await && closes(&mut dashboard).await, "a new role");

    let bob = w.person("bob", Role::Publisher).await;
    let script = Script::new(&site, &bob, TokenScope::Read, None).await;
    let mut by_token = script.live(&site, &live).await;
    let id = script.get("/me").await["token"]["id"].as_str().unwrap().to_owned();
    assert_eq!(script.call("DELETE", &format!("/tokens/{id}"), Value::Null).await.0, 200);
    assert!(closes(&mut by_token).await, "its token ended");
    assert_eq!(script.call("GET", "/me", Value::Null).await.0, 401);

    let session = cookie(&site, "bob", "long enough").await;
    let mut by_page = socket(&site, &page, &session, None).await.unwrap();
    people::update(&w.app, &w.owner, &bob.id, &change(None, Some(true))).await.unwrap();
    assert!(closes(&mut by_page).await, "disabled");
    assert_eq!(socket(&site, &page, &session, None).await.err(), Some(303), "and stays out");
    assert_eq!(site.browser().sign_in("bob", "long enough").await, 401);
}

/// A cookie somebody copied is worth nothing once its session was left, and a planted one never becomes a session.
#[tokio::test]
async fn stolen_and_planted_sessions() {
    let site = Site::start().await;
    let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let get = |cookie: String| http.get(format!("http://{}/me", site.address)).header("cookie", cookie).send();
    let stolen = cookie(&site, "admin", "correct horse").await;
    assert_eq!(get(stolen.clone()).await.unwrap().status(), 200);
    let url = format!("http://{}/sign-in", site.address);
    let form = [("login", "admin"), ("password", "correct horse")];
    // The victim signs in again on top of it: the old id must not come along.
    let reply = http.post(&url).header("cookie", &stolen).form(&form).send().await.unwrap();
    let fresh = session_cookie(&reply).split(';').next().unwrap().to_owned();
    assert_ne!(fresh, stolen);
    assert_eq!(get(stolen.clone()).await.unwrap().status(), 303, "the old id is no session any more");
    assert_eq!(get(fresh.clone()).await.unwrap().status(), 200);
    let out = http.post(format!("http://{}/sign-out", site.address)).header("cookie", &fresh).send().await.unwrap();
    assert_eq!(out.status(), 303);
    assert_eq!(get(fresh).await.unwrap().status(), 303, "signed out on the server, not only in the browser");
}

#[tokio::test]
async fn a_password_of_somebody_elses_is_changed_first() {
    let site = Site::start().await;
    let w = &site.world;
    let (_, password) = people::create(&w.app, &w.owner, "new", "New", Role::Viewer, None).await.unwrap();
    let password = password.unwrap();
    let browser = site.browser();
    assert_eq!(browser.sign_in("new", &password).await, 303);
    for path in ["/", "/me", "/updates"] {
        let reply = browser.get(path).await;
        assert_eq!((reply.status().as_u16(), location(&reply).as_str()), (303, "/me/password"), "{path}");
    }
    let body = json!({"login": "new", "password": password});
    let url = format!("http://{}/api/v1/sign-in", site.address);
    assert_eq!(Client::new().post(url).json(&body).send().await.unwrap().status(), 401, "not for a token either");
    let same = browser.post("/me/password", &[("current", &password), ("password", "short")]).await;
    assert_eq!(same.status(), 422);
    browser.post("/me/password", &[("current", &password), ("password", "my own words")]).await;
    assert_eq!(browser.get("/").await.status(), 200);
}

#[tokio::test]
async fn people_sign_themselves_up_where_they_may() {
    let form = [("login", "mei"), ("name", "梅"), ("password", "long enough")];
    let closed = Site::start().await;
    assert_eq!(closed.browser().post("/sign-up", &form).await.status(), 404);
    let open = Site::start_with(|settings| settings.self_registration = Some(true)).await;
    let browser = open.browser();
    assert!(browser.text("/sign-in").await.contains("/sign-up"));
    assert_eq!(browser.post("/sign-up", &[("login", "a b"), ("name", ""), ("password", "x")]).await.status(), 422);
    assert_eq!(browser.post("/sign-up", &form).await.status(), 303);
    assert_eq!(browser.get("/").await.status(), 200, "signed in");
    assert_eq!(browser.get("/users").await.status(), 403, "as a viewer");
    assert_eq!(open.browser().post("/sign-up", &form).await.status(), 422, "taken");
}

/// The description and the server agree: schemathesis asks everything it promises, and much that it does not.
#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_true() {
    let site = Site::start().await;
    let w = &site.world;
    let program = w.program("商城").await;
    w.release(&program, None).await;
    let (token, _) = tokens::create(&w.app, &w.owner, "t", TokenScope::Admin, None, None).await.unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/schemathesis.sh");
    let asked = tokio::process::Command::new(script).arg(format!("http://{}", site.address)).arg(token).output();
    let asked = asked.await.unwrap();
    let told = [asked.stdout, asked.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(asked.status.success(), "{told}");
    assert!(told.contains("Tested: 50"), "all of them were asked: {told}");
}

#[tokio::test]
async fn sessions_end_by_idling_and_by_age() {
    let unused = Site::start().await;
    let browser = unused.signed_in(Role::Owner).await;
    unused.world.app.clock.advance(6 * sampan::clock::DAY);
    assert_eq!(browser.get("/me").await.status(), 200);
    let browser = unused.signed_in(Role::Viewer).await;
    unused.world.app.clock.advance(8 * sampan::clock::DAY);
    assert_eq!(browser.get("/me").await.status(), 303, "a week without use");

    let busy = Site::start_with(|settings| settings.session_idle_hours = Some(100 * 24)).await;
    let browser = busy.signed_in(Role::Owner).await;
    busy.world.app.clock.advance(29 * sampan::clock::DAY);
    assert_eq!(browser.get("/me").await.status(), 200);
    busy.world.app.clock.advance(2 * sampan::clock::DAY);
    assert_eq!(browser.get("/me").await.status(), 303, "a month after signing in, however much it is used");
}

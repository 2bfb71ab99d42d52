//! `matrix.txt`: every route as nobody, as somebody whose session ended, as every role and as somebody of another group.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use reqwest::{Client, Method, redirect};
use sampan::db;
use sampan::model::program::Program;
use sampan::model::token::TokenScope;
use sampan::model::user::{Role, User};
use sampan::ops::{groups, tokens};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::site::{Site, cookie};

const MATRIX: &str = include_str!("matrix.txt");
const COLUMNS: usize = 7;

struct Row {
    method: &'static str,
    path: &'static str,
    cells: Vec<char>,
    body: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = MATRIX.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let row = |line: &'static str| {
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let cells: Vec<char> = words.by_ref().take(COLUMNS).map(|word| word.chars().next().unwrap()).collect();
        assert_eq!(cells.len(), COLUMNS, "{line}");
        Row { method, path, cells, body: words.next().unwrap_or_default() }
    };
    lines.map(row).collect()
}

/// With nameless parameters, so that code and matrix may call them differently.
fn nameless(path: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => (inside, plain) = (true, plain + "{"),
            '}' => (inside, plain) = (false, plain + "}"),
            c if !inside => plain.push(c),
            _ => {}
        }
    }
    plain
}

/// `METHOD path` of every route the server has: what the sources of pages and phones say, and what the API describes.
fn routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in [
        include_str!("../../src/web/mod.rs"),
        include_str!("../../src/web/phones/mod.rs"),
        include_str!("../../src/web/api/docs.rs"),
    ] {
        for call in source.split(".route(").skip(1) {
            let path = call.split('"').nth(1).unwrap();
            // Up to what closes the call: handlers are named between.
            let mut depth = 1;
            let end = call.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth == 0
            });
            let handlers = &call[..end.unwrap()];
            let socket = path.ends_with("/live") && handlers.contains("live)");
            for (word, method) in [("get(", if socket { "WS" } else { "GET" }), ("post(", "POST")] {
                if handlers.contains(word) {
                    found.insert(format!("{method} {}", nameless(path)));
                }
            }
        }
    }
    let document = serde_json::to_value(sampan::web::openapi()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = if path.ends_with("/live") { "WS".to_owned() } else { method.to_uppercase() };
            found.insert(format!("{method} {}", nameless(path)));
        }
    }
    found
}

#[test]
fn every_route_has_a_row() {
    let known = |path: &str| match path {
        "/static/app.css" => "/static/{}".to_owned(),
        "/d/{sha256}/a.wgt" => "/d/{}/{}".to_owned(),
        path => nameless(path.split('?').next().unwrap()),
    };
    let rows: BTreeSet<String> = rows().iter().map(|row| format!("{} {}", row.method, known(row.path))).collect();
    let routes = routes();
    assert!(routes.len() > 100, "the sources are read: {routes:?}");
    let missing: Vec<_> = routes.difference(&rows).collect();
    assert!(missing.is_empty(), "no row: {missing:?}");
    let gone: Vec<_> = rows.difference(&routes).collect();
    assert!(gone.is_empty(), "no route: {gone:?}");
}

/// Who walks: a cookie for pages, a token for the API; both empty for nobody.
struct Walker {
    cookie: String,
    token: String,
}

struct World {
    site: Site,
    client: Client,
    program: Program,
    app: Program,
    next: AtomicI64,
}

impl World {
    async fn walker(&self, user: &User, password: &str) -> Walker {
        let made = tokens::create(&self.site.world.app, user, "t", TokenScope::Admin, None, None).await;
        Walker { cookie: cookie(&self.site, &user.login, password).await, token: made.unwrap().0 }
    }

    /// The path with what its parameters stand for.
    async fn fill(&self, path: &str) -> String {
        let world = &self.site.world;
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let mut path = path.replace("{program}", &self.program.id).replace("{app}", &self.app.id);
        path = path.replace("{group}", &self.program.group_id).replace("{id}", "0123456789abcdef0123456789abcdef");
        path = path.replace("{sha256}", &"0".repeat(64));
        if path.contains("{release}") {
            path = path.replace("{release}", &world.release(&self.program, None).await.id);
        }
        if path.contains("{update}") {
            let (version, code) = (format!("1.0.{n}"), n.to_string());
            let fields =
                [("kind", "ios"), ("version", &version), ("version_code", &code), ("link", "https://a.example/")];
            path = path.replace("{update}", &world.add(&self.app, &fields, None).await.unwrap().id);
        }
        if path.contains("{user}") {
            let victim = User { id: sampan::model::new_id(), login: format!("victim-{n}"), ..world.owner.clone() };
            let victim = User { role: Role::Viewer, subject: None, ..victim };
            db::users::insert(&world.app.db, &victim).await.unwrap();
            path = path.replace("{user}", &victim.id);
        }
        path
    }

    /// What one gets, as the matrix writes it.
    async fn walk(&self, row: &Row, who: &Walker) -> (char, u16) {
        let mut path = self.fill(row.path).await;
        if row.body.starts_with('?') {
            path += row.body;
        }
        let (status, to) = match row.method {
            "WS" => (self.open(&path, who).await, String::new()),
            method => self.ask(method, &path, row.body, who).await,
        };
        assert!(status < 500 || status == 503, "{} {path}: {status}", row.method);
        let cell = match status {
            401 if !row.path.starts_with("/sign-in") => '>',
            303 if to.starts_with("/sign-in") && !row.path.starts_with("/sign-in") => '>',
            403 => '-',
            404 => '?',
            _ => '+',
        };
        (cell, status)
    }

    async fn ask(&self, method: &str, path: &str, body: &str, who: &Walker) -> (u16, String) {
        let method: Method = method.parse().unwrap();
        let mut request = self.client.request(method, format!("http://{}{path}", self.site.address));
        if path.starts_with("/api/v1/") {
            if !who.token.is_empty() {
                request = request.bearer_auth(&who.token);
            }
        } else {
            request = request.header("cookie", &who.cookie);
        }
        request = match body {
            "multipart" => request.multipart(reqwest::multipart::Form::new().text("kind", "ios")),
            body if body.starts_with('{') => request.header("content-type", "application/json").body(body.to_owned()),
            body if body.starts_with('?') => request,
            _ if path.starts_with("/api/") => request,
            body => request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned()),
        };
        let reply = request.send().await.unwrap();
        let to = reply.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        (reply.status().as_u16(), to.unwrap_or_default())
    }

    async fn open(&self, path: &str, who: &Walker) -> u16 {
        let mut request = format!("ws://{}{path}", self.site.address).into_client_request().unwrap();
        let (name, value) = match path.starts_with("/api/") {
            true => ("authorization", format!("Bearer {}", who.token)),
            false => ("cookie", who.cookie.clone()),
        };
        request.headers_mut().insert(name, value.parse().unwrap());
        match tokio_tungstenite::connect_async(request).await {
            Ok(_) => 101,
            // Pages send those who are not signed in elsewhere.
            Err(tokio_tungstenite::tungstenite::Error::Http(reply)) if reply.status() == 303 => 401,
            Err(tokio_tungstenite::tungstenite::Error::Http(reply)) => reply.status().as_u16(),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_everywhere() {
    let site = Site::start().await;
    let w = &site.world;
    let mut people = vec![];
    for (login, role) in [
        ("outsider", Role::Publisher),
        ("viewer", Role::Viewer),
        ("publisher", Role::Publisher),
        ("admin-too", Role::Admin),
        ("leaver", Role::Owner),
    ] {
        people.push(w.person(login, if role == Role::Owner { Role::Admin } else { role }).await);
    }
    let app = w.app("__UNI__A000001").await;
    let program = w.program("商城").await;
    groups::update(&w.app, &w.owner, &program.group_id, "组", true).await.unwrap();
    groups::set_member(&w.app, &w.owner, &program.group_id, "viewer", true, true).await.unwrap();
    groups::set_member(&w.app, &w.owner, &program.group_id, "publisher", true, false).await.unwrap();
    let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let world = World { site, client, program, app, next: AtomicI64::new(1) };

    let expired = world.walker(&people[4], "long enough").await;
    let w = &world.site.world;
    sampan::ops::people::delete(&w.app, &w.owner, &people[4].id).await.unwrap();
    let mut walkers = vec![Walker { cookie: String::new(), token: String::new() }, expired];
    for person in &people[..4] {
        walkers.push(world.walker(person, "long enough").await);
    }
    walkers.push(world.walker(&w.owner, "correct horse").await);

    let mut wrong = vec![];
    for row in rows() {
        for (column, walker) in walkers.iter().enumerate() {
            let (cell, status) = world.walk(&row, walker).await;
            if cell != row.cells[column] {
                wrong.push(format!(
                    "{} {} column {column}: {cell} ({status}), not {}",
                    row.method, row.path, row.cells[column]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

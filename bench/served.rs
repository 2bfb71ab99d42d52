//! A Sampan as it is installed, a process of its own, so that its memory is its own; and what a viewer's socket says.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use sampan::logs::block;
use sampan::model::log::Line;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

pub(crate) struct Served {
    child: Child,
    /// Goes with it.
    _dir: tempfile::TempDir,
    address: String,
    token: String,
    pub cookie: String,
    pub http: reqwest::Client,
}

const PASSWORD: &str = "ferry-and-harbour-9";
const SAMPAN: &str = env!("CARGO_BIN_EXE_sampan");

pub(crate) fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make bench`"))
}

impl Served {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let sampan = |args: &[&str]| {
            let mut command = Command::new(SAMPAN);
            command.args(args).env("SAMPAN_DATA_DIR", dir.path()).env("SAMPAN_LISTEN", &address);
            command.env("SAMPAN_ADMIN_PASSWORD", PASSWORD).env("RUST_LOG", "warn");
            command
        };
        let child = sampan(&["serve"]).stdout(Stdio::null()).spawn().unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while !http.get(format!("http://{address}/readyz")).send().await.is_ok_and(|r| r.status().is_success()) {
            assert!(Instant::now() < until, "sampan does not serve");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let made = sampan(&["admin", "token", "admin", "--scope", "admin"]).output().unwrap();
        let said = String::from_utf8(made.stdout).unwrap();
        let token = said.split_whitespace().find(|word| word.starts_with("smp_")).expect("a token").to_owned();
        let form = [("login", "admin"), ("password", PASSWORD)];
        let reply = http.post(format!("http://{address}/sign-in")).form(&form).send().await.unwrap();
        let mut cookies = reply.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        let session = cookies.find(|line| line.starts_with("sampan=")).expect("signed in");
        let cookie = session.split(';').next().unwrap().to_owned();
        Self { child, _dir: dir, address, token, cookie, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(self.url(&format!("/api/v1{path}"))).bearer_auth(&self.token).json(&body);
        let reply = request.send().await.unwrap();
        let (status, text) = (reply.status(), reply.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// A release of a small native program that compiles with this command; its id.
    pub(crate) async fn release(&self, repo: &str, command: &str) -> String {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let group = self.post("/groups", json!({ "name": name })).await["id"].clone();
        let program = json!({
            "name": name, "group_id": group, "platform": "wechat", "app_id": env("DEMO_WECHAT_APPID"), "repo_url": repo,
            "default_ref": "main", "build_command": command, "output_dir": ".",
        });
        let program = self.post("/programs", program).await["id"].as_str().unwrap().to_owned();
        let key = std::fs::read_to_string(env("DEMO_WECHAT_KEY")).unwrap();
        let put = self.http.put(self.url(&format!("/api/v1/programs/{program}/credential"))).bearer_auth(&self.token);
        assert!(put.json(&json!({ "private_key": key })).send().await.unwrap().status().is_success());
        let asked = json!({ "action": "preview", "ref": "main", "environment": "production" });
        let release = self.post(&format!("/programs/{program}/releases"), asked).await;
        release["id"].as_str().unwrap().to_owned()
    }

    /// A browser's live connection to a release's page.
    pub(crate) async fn viewer(&self, release: &str) -> Viewer {
        let mut request =
            format!("ws://{}/releases/{release}/live?from=1", self.address).into_client_request().unwrap();
        request.headers_mut().insert("cookie", self.cookie.parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Viewer { socket, next: 1 }
    }

    /// Bytes in memory.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

pub(crate) struct Viewer {
    socket: tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>,
    next: i64,
}

/// Packed lines whose numbers continue those before.
pub(crate) struct Piece {
    pub count: usize,
    data: Vec<u8>,
    skip: usize,
}

impl Piece {
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = block::unpack(&self.data).unwrap();
        lines.drain(..self.skip);
        lines
    }
}

impl Viewer {
    /// What comes next, checked for gaps; `None` at the end of the log.
    pub(crate) async fn pieces(&mut self) -> Option<Vec<Piece>> {
        loop {
            match self.socket.next().await.expect("the end comes first").unwrap() {
                Message::Text(text) if text.contains("\"end\":true") => return None,
                Message::Binary(bytes) => return Some(self.cut(&bytes)),
                _ => {}
            }
        }
    }

    fn cut(&mut self, mut bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = vec![];
        while !bytes.is_empty() {
            let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
            let count = i64::from(u32::from_be_bytes(bytes[4..8].try_into().unwrap()));
            let first = i64::from_be_bytes(bytes[8..16].try_into().unwrap());
            assert!(first <= self.next && first + count > self.next, "line {} is missing: {first}", self.next);
            let skip = (self.next - first) as usize;
            pieces.push(Piece { count: count as usize - skip, data: bytes[16..16 + size].to_vec(), skip });
            self.next = first + count;
            bytes = &bytes[16 + size..];
        }
        pieces
    }
}

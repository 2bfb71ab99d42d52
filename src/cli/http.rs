//! A small client of the HTTP API: address, bearer token, WebSockets, certificates. Knows no command.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{self, HeaderName};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::answer::{Failure, explain};
use super::screen::clean;

/// Of one call; a live log lasts longer.
const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a call is made again when its answer was lost, where the server knows it by a key.
const REPEATS: u64 = 2;
const MAX_PICTURE: usize = 4 * 1024 * 1024;

/// A live log.
pub(super) type Socket = WebSocketStream<reqwest::Upgraded>;

/// One server, as somebody.
pub(super) struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// The address of a server as calls need it: no slash at the end.
pub(super) fn base(given: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(given.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    if let Some(url) = &mut url {
        url.set_query(None);
        url.set_fragment(None);
    }
    let url = url.with_context(|| format!("{given}: an address starts with http:// or https://"))?;
    ensure!(url.username().is_empty() && url.password().is_none(), "an address has no name or password in it");
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

impl Api {
    /// `base` as [`base`] gives it; `extra_ca` is a PEM file of authorities to trust besides the system's.
    pub(super) fn new(base: String, token: Option<String>, extra_ca: Option<&Path>) -> anyhow::Result<Self> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("sampan/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .http1_only()
            // A redirected POST would arrive as a GET.
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = extra_ca {
            let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("{}: expected certificates in PEM", path.display()))?;
            http = http.tls_certs_merge(authorities);
        }
        Ok(Self { http: http.build()?, base, token })
    }

    /// The address of the server, without a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// `path` is what follows `/api/v1`, with its query.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(self.request(Method::GET, path)).await
    }

    /// All pages of a list; `path` has no query.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("{path}?limit=100{cursor}")).await?;
            let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) else {
                return Err(self.strange());
            };
            items.extend(more);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", utf8_percent_encode(next, NON_ALPHANUMERIC)),
                None => return Ok(items),
            }
        }
    }

    /// A picture, up to [`MAX_PICTURE`] bytes.
    pub(super) async fn picture(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let sent = self.request(Method::GET, path).timeout(TIMEOUT).send().await;
        let mut response = sent.map_err(|error| self.lost(error))?;
        if !response.status().is_success() {
            return Err(self.read(response).await.err().unwrap_or_else(|| self.strange()));
        }
        let mut bytes = Vec::new();
        while let Some(more) = response.chunk().await.map_err(|error| self.lost(error))? {
            bytes.extend(more);
            if bytes.len() > MAX_PICTURE {
                return Err(self.strange());
            }
        }
        Ok(bytes)
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.call(self.request(Method::POST, path).json(body)).await
    }

    /// Like [`Api::post`], again where the answer was lost: by the key the server knows what it has done already.
    pub(super) async fn post_once(&self, path: &str, body: &Value, key: &str) -> Result<Value, Failure> {
        let mut repeats = 0;
        loop {
            let request = self.request(Method::POST, path).header("Idempotency-Key", key).json(body);
            match self.call(request).await {
                Err(Failure::Lost { source, .. }) if repeats < REPEATS && !source.is_connect() => repeats += 1,
                done => return done,
            }
            tokio::time::sleep(Duration::from_secs(repeats)).await;
        }
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.call(self.request(Method::DELETE, path)).await
    }

    /// A WebSocket, opened by an ordinary request: what holds for addresses, tokens and certificates holds for it too.
    pub(super) async fn open(&self, path: &str) -> Result<Socket, Failure> {
        let key = generate_key();
        let request = self
            .request(Method::GET, path)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, key.as_str());
        let Ok(sent) = tokio::time::timeout(TIMEOUT, request.send()).await else { return Err(self.strange()) };
        let response = sent.map_err(|error| self.lost(error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.read(response).await.err().unwrap_or_else(|| self.strange()));
        }
        let answered = response.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(|given| given.as_bytes());
        if answered != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(self.strange());
        }
        let stream = response.upgrade().await.map_err(|error| self.lost(error))?;
        Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = request.timeout(TIMEOUT).send().await.map_err(|error| self.lost(error))?;
        self.read(response).await
    }

    async fn read(&self, response: Response) -> Result<Value, Failure> {
        let status = response.status();
        let said = |name: HeaderName| response.headers().get(name)?.to_str().ok().map(clean);
        let (later, elsewhere) = (said(header::RETRY_AFTER), said(header::LOCATION));
        let body = response.text().await.map_err(|error| self.lost(error))?;
        if status.is_success() {
            // What is deleted is answered with nothing.
            let value = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&body) };
            return value.map_err(|_| self.strange());
        }
        let mut text = explain(status, &body);
        match (later, elsewhere) {
            _ if status == StatusCode::UNAUTHORIZED && self.token.is_some() => {
                text += &format!("; sign in again: sampan login --url {}", self.base);
            }
            (Some(seconds), _) => text += &format!("; again in {seconds} s"),
            (_, Some(address)) => text += &format!("; it points to {address}"),
            _ => {}
        }
        Err(Failure::Refused { status: status.as_u16(), text })
    }

    fn lost(&self, error: reqwest::Error) -> Failure {
        Failure::Lost { base: self.base.clone(), source: error.without_url() }
    }

    fn strange(&self) -> Failure {
        Failure::Strange { base: self.base.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_made_alike() {
        for given in
            ["https://Sampan.example.com", "https://sampan.example.com/", " https://sampan.example.com:443?a#b"]
        {
            assert_eq!(base(given).unwrap(), "https://sampan.example.com");
        }
        assert_eq!(base("http://localhost:8088/sampan/").unwrap(), "http://localhost:8088/sampan");
        for given in ["localhost:8088", "sampan.example.com", "ftp://x", "", "http://me:secret@x"] {
            assert!(base(given).is_err(), "{given}");
        }
    }
}

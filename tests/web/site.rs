//! A served app and browsers without a screen.

use std::net::SocketAddr;

use reqwest::{Client, Response, redirect};
use sampan::config::Settings;
use sampan::model::user::Role;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::World;

pub(crate) struct Site {
    pub world: World,
    pub address: SocketAddr,
}

pub(crate) struct Browser {
    pub http: Client,
    base: String,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_on(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(), change).await
    }

    /// For settings that have to name the address.
    pub(crate) async fn start_on(listener: tokio::net::TcpListener, change: impl FnOnce(&mut Settings)) -> Self {
        let world = crate::support::world_with(None, change).await;
        let address = listener.local_addr().unwrap();
        let router = sampan::web::router(world.app.clone()).unwrap();
        tokio::spawn(
            async move { axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await },
        );
        Self { world, address }
    }

    pub(crate) fn browser(&self) -> Browser {
        let http = Client::builder().cookie_store(true).redirect(redirect::Policy::none()).build().unwrap();
        Browser { http, base: format!("http://{}", self.address) }
    }

    /// Somebody of that role, signed in.
    pub(crate) async fn signed_in(&self, role: Role) -> Browser {
        let browser = self.browser();
        let (login, password) = match role {
            Role::Owner => ("admin".to_owned(), "correct horse"),
            role => (self.world.person(&format!("a-{role}"), role).await.login, "long enough"),
        };
        assert_eq!(browser.sign_in(&login, password).await, 303);
        browser
    }
}

impl Browser {
    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> u16 {
        self.post("/sign-in", &[("login", login), ("password", password)]).await.status().as_u16()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let reply = self.get(path).await;
        assert_eq!(reply.status(), 200, "{path}");
        reply.text().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.http.post(format!("{}{path}", self.base)).form(form).send().await.unwrap()
    }

    pub(crate) async fn post_form(&self, path: &str, form: reqwest::multipart::Form) -> Response {
        self.http.post(format!("{}{path}", self.base)).multipart(form).send().await.unwrap()
    }

    pub(crate) async fn post_file(&self, path: &str, name: &str, text: &str) -> Response {
        let form = reqwest::multipart::Form::new().text(name.to_owned(), text.to_owned());
        self.http.post(format!("{}{path}", self.base)).multipart(form).send().await.unwrap()
    }
}

/// Where a redirect leads.
pub(crate) fn location(reply: &Response) -> String {
    reply.headers()["location"].to_str().unwrap().to_owned()
}

/// The session cookie of a fresh sign-in, for clients without a cookie jar.
pub(crate) async fn cookie(site: &Site, login: &str, password: &str) -> String {
    let reply = site.browser().post("/sign-in", &[("login", login), ("password", password)]).await;
    session_cookie(&reply).split(';').next().unwrap().to_owned()
}

/// The line that sets the session's cookie.
pub(crate) fn session_cookie(reply: &Response) -> String {
    let lines = reply.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    lines.into_iter().find(|line| line.starts_with("sampan=")).unwrap().to_owned()
}

pub(crate) type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Opens a WebSocket; the status of a refusal.
pub(crate) async fn socket(site: &Site, path: &str, cookie: &str, origin: Option<&str>) -> Result<Socket, u16> {
    let mut request = format!("ws://{}{path}", site.address).into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(reply)) => Err(reply.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

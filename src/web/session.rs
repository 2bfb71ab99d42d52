//! Who is asking: the session layer, and people as requests bring them.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie};

use crate::app::App;
use crate::bus::{Listener, Moved};
use crate::clock::{MINUTE, Ms};
use crate::config::Config;
use crate::db;
use crate::error::Error;
use crate::lang::Lang;
use crate::model::user::User;
use crate::ops::accounts::away;
use crate::sessions::{Sessions, USER, stored_id};

/// When somebody signed in, when they were last seen, from where, with what.
pub(super) const SINCE: &str = "since";
pub(super) const SEEN: &str = "seen";
pub(super) const ADDRESS: &str = "address";
pub(super) const AGENT: &str = "agent";
/// How exactly "last seen" is kept: every request would be a write.
const SEEN_EVERY: Ms = 5 * MINUTE;

pub(super) fn layer(app: &App) -> anyhow::Result<SessionManagerLayer<Sessions, tower_sessions::service::SignedCookie>> {
    let secure = app.config.secure_cookies();
    let name = if secure { "__Host-sampan" } else { "sampan" };
    let key = cookie::Key::from(&app.vault.derive("session cookie")?);
    Ok(SessionManagerLayer::new(app.sessions.clone())
        .with_name(name)
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(cookie::SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(time::Duration::milliseconds(app.config.sessions.idle)))
        .with_signed(key))
}

/// A new id for a new authority: what anybody planted before is worthless.
pub(super) async fn sign_in(app: &App, session: &Session, user: &User, agent: &str) -> Result<(), Error> {
    session.cycle_id().await.map_err(gone)?;
    session.insert(USER, &user.id).await.map_err(gone)?;
    for name in [SINCE, SEEN] {
        session.insert(name, app.clock.now()).await.map_err(gone)?;
    }
    session.insert(ADDRESS, &user.address).await.map_err(gone)?;
    session.insert(AGENT, agent.chars().take(200).collect::<String>()).await.map_err(gone)?;
    // Now, and not after the answer: a store that is away must not look like a sign-in.
    session.save().await.map_err(gone)
}

/// The name under which a session rests; empty for one that was never stored.
pub(super) fn current(session: &Session) -> String {
    session.id().map(|id| stored_id(&id)).unwrap_or_default()
}

pub(super) fn gone(error: tower_sessions::session::Error) -> Error {
    away(error.into())
}

/// Where a request comes from: the peer, or what a trusted proxy says of it. Empty where nobody can tell.
pub(super) fn address_of(config: &Config, parts: &Parts) -> String {
    let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else { return String::new() };
    let trusted = |ip: &IpAddr| config.trusted_proxies.iter().any(|network| network.contains(ip));
    let mut ip = peer.ip().to_canonical();
    if trusted(&ip) {
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<IpAddr> =
            forwarded.flat_map(|value| value.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
        // From the near end: what a stranger wrote into the header stands before what our proxies added.
        if let Some(hop) = hops.iter().rev().find(|hop| !trusted(hop)) {
            ip = *hop;
        }
    }
    ip.to_string()
}

/// Anybody, signed in or not, with their language and theme.
pub(super) struct Visitor {
    pub lang: Lang,
    pub theme: &'static str,
    pub user: Option<User>,
    pub session: Session,
    pub path: String,
    pub address: String,
    pub agent: String,
}

/// Somebody signed in; others are sent to the sign-in page, or told so where no page is asked for.
pub(super) struct SignedIn {
    pub visitor: Visitor,
    pub user: User,
}

impl SignedIn {
    /// Until this session has ended or its person's rights changed, whoever did that and wherever.
    pub(super) async fn ended(&self, app: &App) {
        until_ended(app, &self.user, &Ground::Session(current(&self.visitor.session))).await;
    }
}

/// What somebody connected stands on.
pub(super) enum Ground {
    Session(String),
    Token(String),
}

impl Ground {
    async fn stands(&self, app: &App, user: &User) -> bool {
        match self {
            Self::Session(id) => app.sessions.stands(id).await.unwrap_or(false),
            Self::Token(id) => {
                let now = app.clock.now();
                let tokens = db::tokens::list_of_user(&app.db, &user.id).await.unwrap_or_default();
                tokens.iter().any(|token| token.id == *id && token.expires_at.is_none_or(|at| at > now))
            }
        }
    }
}

/// Until a person's rights are others than they were, or what they stand on is gone. Looks at once, when the bus speaks of
/// the person, and every minute: things also end by time alone.
pub(super) async fn until_ended(app: &App, user: &User, ground: &Ground) {
    // Before the first look: what changed since the request was let in is seen, what changes from here on is heard.
    let mut bus = app.bus.listen();
    loop {
        let now = db::users::find(&app.db, &user.id).await.ok().flatten().filter(|now| now.disabled_at.is_none());
        // Other rights make other pages: whoever is connected comes again.
        let same = now.is_some_and(|now| now.role == user.role && now.memberships == user.memberships);
        if !same || !ground.stands(app, user).await || !concerned(&mut bus, &user.id).await {
            return;
        }
    }
}

/// Waits for a reason to look at a person again; false when there will be none.
async fn concerned(bus: &mut Listener, user: &str) -> bool {
    let minute = tokio::time::sleep(std::time::Duration::from_secs(60));
    tokio::pin!(minute);
    loop {
        let moved = tokio::select! {
            moved = bus.next() => moved,
            () = &mut minute => return true,
        };
        match moved {
            Some(Moved::User(id)) if id == user => return true,
            Some(Moved::Anything) => return true,
            Some(_) => {}
            None => return false,
        }
    }
}

pub(super) fn cookie_value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

pub(super) fn lang_of(headers: &HeaderMap) -> Lang {
    cookie_value(headers, "lang").and_then(Lang::parse).unwrap_or_default()
}

pub(super) fn theme_of(headers: &HeaderMap) -> &'static str {
    match cookie_value(headers, "theme") {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "auto",
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let session = Session::from_request_parts(parts, app).await.map_err(|(_, text)| anyhow::anyhow!(text))?;
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let path = parts.uri.path_and_query().map(|p| p.as_str().to_owned()).unwrap_or_default();
        let mut visitor = Self {
            lang: lang_of(&parts.headers),
            theme: theme_of(&parts.headers),
            user: None,
            session,
            path,
            address: address_of(&app.config, parts),
            agent: agent.to_owned(),
        };
        visitor.user = visitor.recognise(app).await?;
        Ok(visitor)
    }
}

impl Visitor {
    /// Whose session it is, while it lasts.
    async fn recognise(&self, app: &App) -> Result<Option<User>, Error> {
        let Some(id) = self.session.get::<String>(USER).await.map_err(gone)? else { return Ok(None) };
        let now = app.clock.now();
        let since: Ms = self.session.get(SINCE).await.map_err(gone)?.unwrap_or_default();
        if now - since > app.config.sessions.max {
            self.session.flush().await.map_err(gone)?;
            return Ok(None);
        }
        let Some(mut user) = db::users::find(&app.db, &id).await?.filter(|user| user.disabled_at.is_none()) else {
            return Ok(None);
        };
        user.address = self.address.clone();
        let seen: Ms = self.session.get(SEEN).await.map_err(gone)?.unwrap_or_default();
        if now - seen > SEEN_EVERY {
            self.session.insert(SEEN, now).await.map_err(gone)?;
            self.session.insert(ADDRESS, &self.address).await.map_err(gone)?;
            db::users::set_seen(&app.db, &id, now).await?;
        }
        Ok(Some(user))
    }
}

/// Why nobody may pass.
pub(super) enum Rejected {
    NotSignedIn(String),
    /// Somebody else chose the password: it is changed before anything else.
    MustChange,
    Error(Error),
}

/// Where somebody with a password of somebody else's may go.
const BEFORE_CHANGE: [&str; 3] = ["/me/password", "/sign-out", "/preferences"];

impl FromRequestParts<App> for SignedIn {
    type Rejection = Rejected;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Rejected> {
        let visitor = Visitor::from_request_parts(parts, app).await.map_err(Rejected::Error)?;
        match visitor.user.clone() {
            Some(user) if user.must_change && !BEFORE_CHANGE.contains(&parts.uri.path()) => Err(Rejected::MustChange),
            Some(user) => Ok(Self { visitor, user }),
            None => Err(Rejected::NotSignedIn(visitor.path)),
        }
    }
}

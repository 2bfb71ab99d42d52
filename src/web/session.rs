//! Sessions in our own table (rows know their user), and who is asking.

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result as StoreResult, SessionStore};
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie};

use crate::app::App;
use crate::clock::Clock;
use crate::db::{self, Db};
use crate::error::Error;
use crate::lang::Lang;
use crate::model::hex_of;
use crate::model::user::User;

const USER: &str = "user_id";
const IDLE_DAYS: i64 = 14;

#[derive(Clone)]
pub(super) struct SqlSessions {
    db: Db,
    clock: Clock,
}

impl std::fmt::Debug for SqlSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqlSessions")
    }
}

/// What is stored is not what the browser holds: whoever reads the table cannot sign in with it.
fn stored_id(id: &Id) -> String {
    hex_of(&openssl::sha::sha256(id.to_string().as_bytes()))
}

fn fields(record: &Record) -> StoreResult<(Option<&str>, String, i64)> {
    let data = serde_json::to_string(&record.data).map_err(|e| StoreError::Encode(e.to_string()))?;
    let expires_at = (record.expiry_date.unix_timestamp_nanos() / 1_000_000) as i64;
    Ok((record.data.get(USER).and_then(|v| v.as_str()), data, expires_at))
}

fn backend(error: anyhow::Error) -> StoreError {
    StoreError::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for SqlSessions {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        loop {
            let (user, data, expires_at) = fields(record)?;
            if db::sessions::insert(&self.db, &stored_id(&record.id), user, &data, expires_at).await.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        let (user, data, expires_at) = fields(record)?;
        db::sessions::update(&self.db, &stored_id(&record.id), user, &data, expires_at).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let found = db::sessions::find(&self.db, &stored_id(id), self.clock.now()).await.map_err(backend)?;
        let Some((data, expires_at)) = found else { return Ok(None) };
        let data = serde_json::from_str(&data).map_err(|e| StoreError::Decode(e.to_string()))?;
        let expiry_date =
            OffsetDateTime::from_unix_timestamp(expires_at / 1000).map_err(|e| StoreError::Decode(e.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        db::sessions::delete(&self.db, &stored_id(id)).await.map_err(backend)
    }
}

pub(super) fn layer(
    app: &App,
) -> anyhow::Result<SessionManagerLayer<SqlSessions, tower_sessions::service::SignedCookie>> {
    let secure = app.config.secure_cookies();
    let name = if secure { "__Host-sampan" } else { "sampan" };
    let key = cookie::Key::from(&app.vault.derive("session cookie")?);
    Ok(SessionManagerLayer::new(SqlSessions { db: app.db.clone(), clock: app.clock.clone() })
        .with_name(name)
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(cookie::SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(time::Duration::days(IDLE_DAYS)))
        .with_signed(key))
}

/// A new id for a new authority: what anybody planted before is worthless.
pub(super) async fn sign_in(session: &Session, user: &User) -> Result<(), Error> {
    session.cycle_id().await?;
    session.insert(USER, &user.id).await?;
    Ok(())
}

/// Ends this person's other sessions.
pub(super) async fn end_others(app: &App, session: &Session, user: &User) -> Result<(), Error> {
    let keep = session.id().map(|id| stored_id(&id)).unwrap_or_default();
    db::sessions::delete_of_user(&app.db, &user.id, &keep).await?;
    Ok(())
}

/// Anybody, signed in or not, with their language and theme.
pub(super) struct Visitor {
    pub lang: Lang,
    pub theme: &'static str,
    pub user: Option<User>,
    pub session: Session,
    pub path: String,
}

/// Somebody signed in; others are sent to the sign-in page, or told so where no page is asked for.
pub(super) struct SignedIn {
    pub visitor: Visitor,
    pub user: User,
}

fn cookie_value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
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
        let user = match session.get::<String>(USER).await? {
            Some(id) => db::users::find(&app.db, &id).await?,
            None => None,
        };
        let path = parts.uri.path_and_query().map(|p| p.as_str().to_owned()).unwrap_or_default();
        Ok(Self { lang: lang_of(&parts.headers), theme: theme_of(&parts.headers), user, session, path })
    }
}

/// Why nobody may pass.
pub(super) enum Rejected {
    NotSignedIn(String),
    Error(Error),
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Rejected;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Rejected> {
        let visitor = Visitor::from_request_parts(parts, app).await.map_err(Rejected::Error)?;
        match visitor.user.clone() {
            Some(user) => Ok(Self { visitor, user }),
            None => Err(Rejected::NotSignedIn(visitor.path)),
        }
    }
}

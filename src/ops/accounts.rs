//! One's own account: the first owner, signing in and out, passwords, sessions.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};

use serde_json::json;

use super::audit;
use crate::app::App;
use crate::bus::Moved;
use crate::db;
use crate::error::{Error, Result, Text};
use crate::model::audit::changes;
use crate::model::new_id;
use crate::model::token::TokenScope;
use crate::model::user::{Role, User};
use crate::sessions::throttle::Bucket;

const MIN_PASSWORD: usize = 8;

/// Makes the owner of a new installation; a generated password to print once, or `None` when one was given or there
/// already is an owner.
pub async fn first_owner(app: &App) -> Result<Option<String>> {
    if db::users::count_owners(&app.db).await? > 0 {
        return Ok(None);
    }
    let password = match &app.config.admin_password {
        Some(given) => given.clone(),
        None => generate_password()?,
    };
    let must_change = app.config.admin_password.is_none();
    insert(app, New { login: "admin", name: "admin", role: Role::Owner, password: &password, must_change }).await?;
    Ok(Some(password).filter(|_| app.config.admin_password.is_none()))
}

pub(super) struct New<'a> {
    pub login: &'a str,
    pub name: &'a str,
    pub role: Role,
    pub password: &'a str,
    pub must_change: bool,
}

pub(super) async fn insert(app: &App, new: New<'_>) -> Result<User> {
    let login = checked_login(new.login)?;
    check_new_password(new.password)?;
    let user = User {
        password_hash: hash(new.password.to_owned()).await?,
        must_change: new.must_change,
        ..person(app, &login, &checked_name(if new.name.trim().is_empty() { &login } else { new.name })?, new.role)
    };
    store(app, user).await
}

pub(super) fn checked_login(login: &str) -> Result<String> {
    let login = login.trim().to_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_@".contains(c);
    if login.is_empty() || login.len() > 64 || !login.chars().all(plain) {
        return Err(Error::invalid("login", Text::new("errors.login")));
    }
    Ok(login)
}

/// Without a way in yet.
pub(super) fn person(app: &App, login: &str, name: &str, role: Role) -> User {
    User {
        id: new_id(),
        login: login.to_owned(),
        name: name.to_owned(),
        role,
        password_hash: String::new(),
        created_at: app.clock.now(),
        disabled_at: None,
        must_change: false,
        lang: String::new(),
        seen_at: None,
        subject: None,
        memberships: vec![],
        address: String::new(),
        limit: None,
    }
}

pub(super) async fn store(app: &App, user: User) -> Result<User> {
    match db::users::insert(&app.db, &user).await {
        Err(error) if db::is_duplicate(&error) => Err(Error::invalid("login", Text::new("errors.taken"))),
        done => done.map(|()| user).map_err(Error::from),
    }
}

/// Who asks to be let in, as far as the server can tell.
pub struct Door<'a> {
    pub address: &'a str,
    /// A browser that this account has signed in from before: strangers' mistakes do not slow it down.
    pub known_device: Option<&'a str>,
}

/// Wrong passwords that an account bears from one address, an address in all, an account in all.
const PER_PAIR: i64 = 5;
const PER_ADDRESS: i64 = 50;
const PER_ACCOUNT: i64 = 50;
const PER_DEVICE: i64 = 10;

fn buckets(login: &str, door: &Door<'_>) -> Vec<Bucket> {
    let bucket = |name: String, allowed: i64| Bucket { name, allowed };
    match door.known_device {
        Some(device) => vec![bucket(format!("device:{device}"), PER_DEVICE)],
        None => vec![
            bucket(format!("pair:{login}|{}", door.address), PER_PAIR),
            bucket(format!("address:{}", door.address), PER_ADDRESS),
            bucket(format!("account:{login}"), PER_ACCOUNT),
        ],
    }
}

/// The person behind login and password; `None` says neither which of the two was wrong. Too many wrong ones, and even
/// the right one has to wait.
pub async fn sign_in(app: &App, login: &str, password: &str, door: &Door<'_>) -> Result<Option<User>> {
    let login = login.trim().to_lowercase();
    let buckets = buckets(&login, door);
    if let Some(wait) = app.throttle.wait(&buckets).await.map_err(away)? {
        let minutes = wait.as_secs().div_ceil(60).max(1);
        return Err(Error::Busy(Text::new("errors.throttled").arg("minutes", minutes.to_string())));
    }
    let user = db::users::find_by_login(&app.db, &login).await?;
    // A stranger's attempt costs as much as a known login's, so that time does not tell who exists.
    let stored = user.as_ref().map(|user| user.password_hash.as_str()).filter(|hash| !hash.is_empty());
    let matches = verify(password.to_owned(), stored.unwrap_or(ABSENT).to_owned()).await?;
    let Some(mut user) = user.filter(|user| matches && user.disabled_at.is_none()) else {
        app.throttle.failed(&buckets).await.map_err(away)?;
        audit::note_stranger(app, &login, door.address, "session.refused", json!(null)).await;
        return Ok(None);
    };
    for bucket in buckets.iter().filter(|bucket| !bucket.name.starts_with("address:")) {
        app.throttle.forget(&bucket.name).await.map_err(away)?;
    }
    user.address = door.address.to_owned();
    signed_in(app, &user, "password").await?;
    Ok(Some(user))
}

/// Sessions and counters live elsewhere, and elsewhere does not answer.
pub fn away(error: anyhow::Error) -> Error {
    tracing::error!(error = format!("{error:#}"), "the session store does not answer");
    Error::Busy(Text::new("errors.sessions_away"))
}

/// Takes note of somebody who was let in.
pub async fn signed_in(app: &App, user: &User, way: &str) -> Result<()> {
    db::users::set_seen(&app.db, &user.id, app.clock.now()).await?;
    audit::note(app, user, "session.start", (&user.id, &user.login), json!({ "way": way })).await;
    Ok(())
}

pub async fn signed_out(app: &App, user: &User) {
    audit::note(app, user, "session.end", (&user.id, &user.login), json!(null)).await;
}

const ABSENT: &str = "$argon2id$v=19$m=19456,t=2,p=1$YWJzZW50YWJzZW50$cO0n2mPmKfGjm0DEIgGmfy2Nq8rXzBQZ5Zh0yBk2xgE";

/// An account of one's own, where the instance lets people; always a viewer.
pub async fn register(app: &App, login: &str, name: &str, password: &str, address: &str) -> Result<User> {
    if !app.config.self_registration {
        return Err(Error::NotFound);
    }
    let mut user = insert(app, New { login, name, role: Role::Viewer, password, must_change: false }).await?;
    user.address = address.to_owned();
    audit::note(app, &user, "user.register", (&user.id, &user.login), json!(null)).await;
    Ok(user)
}

/// One's own; the other sessions end.
pub async fn change_password(app: &App, actor: &User, current: &str, new: &str, keep: &str) -> Result<()> {
    if actor.limit.is_some() {
        return Err(Error::Forbidden);
    }
    if !verify(current.to_owned(), actor.password_hash.clone()).await? {
        return Err(Error::invalid("current", Text::new("errors.wrong_password")));
    }
    if current == new {
        return Err(Error::invalid("password", Text::new("errors.same_password")));
    }
    check_new_password(new)?;
    db::users::set_password(&app.db, &actor.id, &hash(new.to_owned()).await?, false).await?;
    end_sessions(app, &actor.id, keep).await?;
    audit::note(app, actor, "user.password", (&actor.id, &actor.login), json!(null)).await;
    Ok(())
}

/// At once, open pages included.
pub(super) async fn end_sessions(app: &App, user: &str, keep: &str) -> Result<()> {
    app.sessions.end_of_user(user, keep).await.map_err(away)?;
    app.bus.tell(Moved::User(user.to_owned()));
    Ok(())
}

/// One's own sessions: all others, or one of them.
pub async fn sign_out_everywhere(app: &App, actor: &User, keep: &str) -> Result<()> {
    end_sessions(app, &actor.id, keep).await?;
    audit::note(app, actor, "session.end_all", (&actor.id, &actor.login), json!(null)).await;
    Ok(())
}

pub async fn end_session(app: &App, actor: &User, id: &str) -> Result<()> {
    if !app.sessions.end(&actor.id, id).await.map_err(away)? {
        return Err(Error::NotFound);
    }
    app.bus.tell(Moved::User(actor.id.clone()));
    audit::note(app, actor, "session.end", (&actor.id, &actor.login), json!(null)).await;
    Ok(())
}

/// One's own name and language.
pub async fn update_profile(app: &App, actor: &User, name: &str, lang: &str) -> Result<()> {
    let name = checked_name(name)?;
    if !lang.is_empty() && crate::lang::Lang::parse(lang).is_none() {
        return Err(Error::invalid("lang", Text::new("errors.choice")));
    }
    let before = json!({ "name": actor.name, "lang": actor.lang });
    let user = User { name, lang: lang.to_owned(), ..actor.clone() };
    db::users::update(&app.db, &user).await?;
    let after = json!({ "name": user.name, "lang": user.lang });
    audit::note(app, actor, "user.profile", (&user.id, &user.login), changes(&before, &after)).await;
    Ok(())
}

/// For whoever may run commands on the server: a new password for a login, all its sessions ended.
pub async fn reset_password(app: &App, login: &str) -> Result<String> {
    let user = db::users::find_by_login(&app.db, &login.trim().to_lowercase()).await?.ok_or(Error::NotFound)?;
    let password = new_password(app, &user).await?;
    audit::note_stranger(app, &user.login, "", "user.password", json!({ "by": "server" })).await;
    Ok(password)
}

/// A generated one that has to be changed at the next sign-in.
pub(super) async fn new_password(app: &App, user: &User) -> Result<String> {
    let password = generate_password()?;
    db::users::set_password(&app.db, &user.id, &hash(password.clone()).await?, true).await?;
    end_sessions(app, &user.id, "").await?;
    Ok(password)
}

/// For whoever may run commands on the server: an account of any role but owner.
pub async fn create_from_server(app: &App, login: &str, name: &str, role: Role) -> Result<(User, String)> {
    if role == Role::Owner {
        return Err(Error::Forbidden);
    }
    let password = generate_password()?;
    let user = insert(app, New { login, name, role, password: &password, must_change: true }).await?;
    audit::note_stranger(app, &user.login, "", "user.create", json!({ "by": "server", "role": role })).await;
    Ok((user, password))
}

/// For whoever may run commands on the server: a token that speaks for a login, such as that of a build server.
pub async fn token_from_server(
    app: &App,
    login: &str,
    name: &str,
    scope: TokenScope,
    days: Option<i64>,
) -> Result<String> {
    let user = db::users::find_by_login(&app.db, &login.trim().to_lowercase()).await?.ok_or(Error::NotFound)?;
    Ok(super::tokens::create(app, &user, name, scope, None, days).await?.0)
}

pub(super) fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    let fine = !name.is_empty() && name.chars().count() <= 60 && !name.chars().any(char::is_control);
    if fine { Ok(name.to_owned()) } else { Err(Error::invalid("name", Text::new("errors.name"))) }
}

pub(super) fn check_new_password(password: &str) -> Result<()> {
    let length = password.chars().count();
    if (MIN_PASSWORD..=256).contains(&length) {
        return Ok(());
    }
    Err(Error::invalid("password", Text::new("errors.password_length").arg("min", MIN_PASSWORD.to_string())))
}

/// 20 characters without look-alikes: about 115 bits.
pub(super) fn generate_password() -> Result<String> {
    const ALPHABET: &[u8; 56] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut password = String::new();
    while password.len() < 20 {
        let mut byte = [0];
        openssl::rand::rand_bytes(&mut byte)?;
        // 224 = 4 × 56: no letter is likelier than another.
        if byte[0] < 224 {
            password.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        }
    }
    Ok(password)
}

async fn hash(password: String) -> Result<String> {
    let made = tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password(password.as_bytes()).map(|h| h.to_string())
    })
    .await?;
    made.map_err(|error| Error::Internal(anyhow::anyhow!("argon2: {error}")))
}

async fn verify(password: String, stored: String) -> Result<bool> {
    Ok(tokio::task::spawn_blocking(move || {
        PasswordHash::new(&stored)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await?)
}

//! People: the first owner, signing in, passwords.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};

use super::allow;
use crate::app::App;
use crate::db;
use crate::error::{Error, Result, Text};
use crate::model::new_id;
use crate::model::user::{Role, User, Verb};

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
    insert(app, "admin", "admin", Role::Owner, &password).await?;
    Ok(Some(password).filter(|_| app.config.admin_password.is_none()))
}

/// Adds a person. An admin may add up to admins, an owner anybody.
pub async fn create(app: &App, actor: &User, login: &str, name: &str, role: Role, password: &str) -> Result<User> {
    allow(actor, Verb::ManageUsers)?;
    if role > actor.role || role == Role::Owner {
        return Err(Error::Forbidden);
    }
    insert(app, login, name, role, password).await
}

async fn insert(app: &App, login: &str, name: &str, role: Role, password: &str) -> Result<User> {
    let login = login.trim().to_lowercase();
    if login.is_empty() || login.len() > 64 || !login.chars().all(|c| c.is_ascii_alphanumeric() || ".-_@".contains(c)) {
        return Err(Error::invalid("login", Text::new("errors.login")));
    }
    check_new_password(password)?;
    let user = User {
        id: new_id(),
        login,
        name: name.trim().to_owned(),
        role,
        password_hash: hash(password.to_owned()).await?,
        created_at: app.clock.now(),
    };
    match db::users::insert(&app.db, &user).await {
        Err(error) if db::is_duplicate(&error) => Err(Error::invalid("login", Text::new("errors.taken"))),
        done => done.map(|()| user).map_err(Error::from),
    }
}

/// The person behind login and password; `None` says neither which of the two was wrong.
pub async fn sign_in(app: &App, login: &str, password: &str) -> Result<Option<User>> {
    let user = db::users::find_by_login(&app.db, &login.trim().to_lowercase()).await?;
    // A stranger's attempt costs as much as a known login's, so that time does not tell who exists.
    let stored = user.as_ref().map_or(ABSENT, |user| &user.password_hash).to_owned();
    let matches = verify(password.to_owned(), stored).await?;
    Ok(user.filter(|_| matches))
}

const ABSENT: &str = "$argon2id$v=19$m=19456,t=2,p=1$YWJzZW50YWJzZW50$cO0n2mPmKfGjm0DEIgGmfy2Nq8rXzBQZ5Zh0yBk2xgE";

pub async fn change_password(app: &App, actor: &User, current: &str, new: &str) -> Result<()> {
    if !verify(current.to_owned(), actor.password_hash.clone()).await? {
        return Err(Error::invalid("current", Text::new("errors.wrong_password")));
    }
    check_new_password(new)?;
    db::users::set_password(&app.db, &actor.id, &hash(new.to_owned()).await?).await?;
    Ok(())
}

/// For whoever may run commands on the server: a new password for a login, all its sessions ended.
pub async fn reset_password(app: &App, login: &str) -> Result<String> {
    let user = db::users::find_by_login(&app.db, &login.trim().to_lowercase()).await?.ok_or(Error::NotFound)?;
    let password = generate_password()?;
    db::users::set_password(&app.db, &user.id, &hash(password.clone()).await?).await?;
    db::sessions::delete_of_user(&app.db, &user.id, "").await?;
    Ok(password)
}

/// For whoever may run commands on the server: an account of any role but owner.
pub async fn create_from_server(app: &App, login: &str, name: &str, role: Role) -> Result<(User, String)> {
    if role == Role::Owner {
        return Err(Error::Forbidden);
    }
    let password = generate_password()?;
    Ok((insert(app, login, name, role, &password).await?, password))
}

fn check_new_password(password: &str) -> Result<()> {
    let length = password.chars().count();
    if (MIN_PASSWORD..=256).contains(&length) {
        return Ok(());
    }
    Err(Error::invalid("password", Text::new("errors.password_length").arg("min", MIN_PASSWORD.to_string())))
}

/// 20 characters without look-alikes: about 115 bits.
fn generate_password() -> Result<String> {
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

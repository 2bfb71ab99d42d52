//! Signing in with an OpenID provider: authorization code with PKCE, an id token that is checked, a person of ours behind it.

use std::time::Duration;

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse, http,
};
use openssl::base64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{accounts, audit};
use crate::app::App;
use crate::bus::Moved;
use crate::config::Oidc;
use crate::db;
use crate::error::Error;
use crate::model::hex_of;
use crate::model::user::{Role, User};

/// A person waits for these answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is kept in the session of somebody who was sent to the provider.
#[derive(Serialize, Deserialize)]
pub struct Started {
    state: String,
    nonce: String,
    verifier: String,
}

/// Why somebody does not come in that way.
#[derive(Debug)]
pub enum Refused {
    /// The provider said no, or something that does not hold.
    Provider,
    Away,
    /// An account of that name exists, and nobody said that it is this person's.
    Taken,
    Disabled,
    Error(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        Self::Error(error.into())
    }
}

type Result<T> = std::result::Result<T, Refused>;

fn away(error: impl std::fmt::Debug) -> Refused {
    tracing::warn!(?error, "the OpenID provider does not answer");
    Refused::Away
}

fn refused(error: impl std::fmt::Debug) -> Refused {
    tracing::warn!(?error, "the OpenID provider let nobody in");
    Refused::Provider
}

fn oidc(app: &App) -> Result<&Oidc> {
    Ok(app.config.oidc.as_ref().ok_or(Error::NotFound)?)
}

fn client(app: &App) -> anyhow::Result<reqwest::Client> {
    // A provider that leads elsewhere is no provider.
    let mut client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
    if let Some(path) = &app.config.extra_ca_file {
        client = client.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&std::fs::read(path)?)?);
    }
    Ok(client.build()?)
}

async fn send(http: reqwest::Client, request: HttpRequest) -> std::result::Result<HttpResponse, reqwest::Error> {
    let reply = http.execute(request.try_into()?).await?;
    let (status, headers) = (reply.status(), reply.headers().clone());
    let mut response = http::Response::new(reply.bytes().await?.to_vec());
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

/// What the provider says of itself, asked anew: keys rotate.
async fn metadata(app: &App, http: &reqwest::Client) -> Result<CoreProviderMetadata> {
    let issuer = IssuerUrl::new(oidc(app)?.issuer.clone()).map_err(anyhow::Error::from)?;
    let ask = |request| send(http.clone(), request);
    CoreProviderMetadata::discover_async(issuer, &ask).await.map_err(away)
}

macro_rules! core_client {
    ($app:expr, $metadata:expr) => {{
        let oidc = oidc($app)?;
        let back = format!("{}/sign-in/callback", $app.config.public_url.as_deref().unwrap_or_default());
        let (id, secret) = (ClientId::new(oidc.client_id.clone()), ClientSecret::new(oidc.client_secret.clone()));
        CoreClient::from_provider_metadata($metadata, id, Some(secret))
            .set_redirect_uri(RedirectUrl::new(back).map_err(anyhow::Error::from)?)
    }};
}

/// Where to send somebody, and what to keep until they are back.
pub async fn start(app: &App) -> Result<(String, Started)> {
    let http = client(app)?;
    let client = core_client!(app, metadata(app, &http).await?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let started =
        Started { state: state.into_secret(), nonce: nonce.secret().clone(), verifier: verifier.into_secret() };
    Ok((url.into(), started))
}

/// Somebody is back with a code. Makes their account at the first time; their role is what the provider says.
pub async fn finish(app: &App, started: Started, state: &str, code: &str, address: &str) -> Result<User> {
    if !openssl::memcmp::eq(&openssl::sha::sha256(state.as_bytes()), &openssl::sha::sha256(started.state.as_bytes())) {
        return Err(refused("a state that this browser was not given"));
    }
    let http = client(app)?;
    let client = core_client!(app, metadata(app, &http).await?);
    let ask = |request| send(http.clone(), request);
    let exchange = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(refused)?;
    let answer = exchange.set_pkce_verifier(PkceCodeVerifier::new(started.verifier)).request_async(&ask).await;
    let answer = answer.map_err(refused)?;
    let token = answer.id_token().ok_or_else(|| refused("no id token"))?;
    token.claims(&client.id_token_verifier(), &Nonce::new(started.nonce)).map_err(refused)?;
    // Signature, issuer, audience, expiry and nonce hold for the very text that is read here.
    let claims = payload(&token.to_string()).ok_or_else(|| refused("an id token without claims"))?;
    let mut user = person_of(app, oidc(app)?, &claims).await?;
    user.address = address.to_owned();
    accounts::signed_in(app, &user, "provider").await?;
    Ok(user)
}

/// The claims of a token that was verified.
fn payload(token: &str) -> Option<Value> {
    let part = token.split('.').nth(1)?.replace('-', "+").replace('_', "/");
    let padded = format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4));
    serde_json::from_slice(&base64::decode_block(&padded).ok()?).ok()
}

async fn person_of(app: &App, oidc: &Oidc, claims: &Value) -> Result<User> {
    let text = |name: &str| claims[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    let sub = text("sub").ok_or_else(|| refused("an id token without sub"))?;
    let subject = format!("{} {sub}", oidc.issuer);
    let role = role_of(oidc, claims);
    if let Some(user) = db::users::find_by_subject(&app.db, &subject).await? {
        return known(app, user, role).await;
    }
    let fallback = format!("user-{}", &hex_of(&openssl::sha::sha256(subject.as_bytes()))[..8]);
    let named = [text("preferred_username"), text("email")].into_iter().flatten();
    let login = named.filter_map(|name| accounts::checked_login(name).ok()).next().unwrap_or(fallback);
    if db::users::find_by_login(&app.db, &login).await?.is_some() {
        return Err(Refused::Taken);
    }
    let name = text("name").and_then(|name| accounts::checked_name(name).ok()).unwrap_or_else(|| login.clone());
    let new = accounts::person(app, &login, &name, role.unwrap_or(Role::Viewer));
    let user = accounts::store(app, User { subject: Some(subject), ..new }).await?;
    audit::note(app, &user, "user.create", (&user.id, &user.login), json!({ "by": "provider", "role": user.role }))
        .await;
    Ok(user)
}

async fn known(app: &App, mut user: User, role: Option<Role>) -> Result<User> {
    if user.disabled_at.is_some() {
        return Err(Refused::Disabled);
    }
    // An owner is made and unmade here alone.
    if let Some(role) = role.filter(|role| *role != user.role && user.role != Role::Owner) {
        let before = std::mem::replace(&mut user.role, role);
        db::users::update(&app.db, &user).await?;
        app.bus.tell(Moved::User(user.id.clone()));
        let detail = json!({ "role": [before, role], "by": "provider" });
        audit::note(app, &user, "user.update", (&user.id, &user.login), detail).await;
    }
    Ok(user)
}

/// The highest of those the claim names; none of ours there makes a viewer. `None` where the claim is absent: the role
/// is then looked after here.
fn role_of(oidc: &Oidc, claims: &Value) -> Option<Role> {
    let values = match &claims[&oidc.role_claim] {
        Value::Null => return None,
        Value::Array(values) => values.clone(),
        value => vec![value.clone()],
    };
    let role = |value: &Value| {
        let value = value.as_str()?;
        let named = oidc.roles.iter().find(|(claim, _)| claim == value).map_or(value, |(_, role)| role);
        named.parse().ok().filter(|role| *role != Role::Owner)
    };
    Some(values.iter().filter_map(role).max().unwrap_or(Role::Viewer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_by_claim() {
        let oidc = Oidc {
            issuer: "https://id.example".into(),
            client_id: "sampan".into(),
            client_secret: "s".into(),
            name: "id".into(),
            role_claim: "groups".into(),
            roles: vec![("ship-it".into(), "publisher".into())],
        };
        for (claims, role) in [
            (json!({}), None),
            (json!({"groups": []}), Some(Role::Viewer)),
            (json!({"groups": "admin"}), Some(Role::Admin)),
            (json!({"groups": ["staff", "ship-it"]}), Some(Role::Publisher)),
            (json!({"groups": ["ship-it", "admin"]}), Some(Role::Admin)),
            (json!({"groups": ["owner"]}), Some(Role::Viewer)),
        ] {
            assert_eq!(role_of(&oidc, &claims), role, "{claims}");
        }
    }

    #[test]
    fn claims_are_read_out_of_a_token() {
        let claims = payload("e30.eyJzdWIiOiLmooUifQ.x").expect("claims");
        assert_eq!(claims["sub"], "梅");
        assert!(payload("nonsense").is_none());
    }
}

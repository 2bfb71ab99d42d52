//! Ways into repositories: tokens and SSH keys, sealed; host keys, pinned; and a look at what is there before anything is built.

use std::collections::BTreeMap;
use std::time::Duration;

use openssl::base64;
use serde_json::json;

use tokio::sync::Semaphore;

use super::programs::Form;
use super::{allow, audit, program_for};
use crate::app::App;
use crate::db;
use crate::error::{Error, Result, Text};
use crate::git::{self, GitError, Login, Refs, Remote};
pub use crate::git::{Between, Logged};
use crate::model::credential::{KnownHost, RepositoryCredential, RepositoryLogin, Secrets};
use crate::model::program::{Program, is_valid_ref, is_valid_repo_url, split_login};
use crate::model::user::{User, Verb};
use crate::platform::{detect, fields};

/// A person waits for these answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A login as a form gives it; nothing is stored yet.
pub(super) struct Given {
    kind: RepositoryLogin,
    values: Secrets,
    fingerprint: String,
}

/// Takes the login out of a form: its own fields, or what was typed into the address, which then loses it.
pub(super) fn take_login(form: &mut Form) -> Result<Option<Given>> {
    let mut field = |name: &str| form.remove(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (mut user, mut token, key) = (field("repo_user"), field("repo_token"), field("repo_key"));
    if let Some((url, url_user, password)) = form.get("repo_url").and_then(|url| split_login(url.trim())) {
        form.insert("repo_url".to_owned(), url);
        user = user.or(Some(url_user));
        token = token.or(Some(password).filter(|p| !p.is_empty()));
    }
    if let Some(key) = key {
        let key = ssh_key(&key).map_err(|text| Error::invalid("repo_key", text))?;
        return Ok(Some(given(RepositoryLogin::Key, [("key", key)])));
    }
    Ok(token.map(|token| given(RepositoryLogin::Token, [("user", user.unwrap_or_default()), ("token", token)])))
}

fn given<const N: usize>(kind: RepositoryLogin, values: [(&str, String); N]) -> Given {
    let secret = values.last().map(|(_, value)| value.clone()).unwrap_or_default();
    Given {
        kind,
        values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        fingerprint: fields::fingerprint_of(secret.as_bytes()),
    }
}

/// An unencrypted private key, as OpenSSH or OpenSSL writes it.
fn ssh_key(given: &str) -> std::result::Result<String, Text> {
    let pem = given.trim_start_matches('\u{feff}').replace("\r\n", "\n").trim().to_owned() + "\n";
    if pem.starts_with("ssh-") || pem.starts_with("ecdsa-") || pem.contains("PUBLIC KEY") {
        return Err(Text::new("errors.key_public"));
    }
    if !pem.starts_with("-----BEGIN") || !pem.contains("PRIVATE KEY") {
        return Err(Text::new("errors.key_not_pem"));
    }
    if pem.contains("\\n") || pem.trim().lines().count() < 3 {
        return Err(Text::new("errors.key_one_line"));
    }
    if pem.contains("ENCRYPTED") || openssh_cipher(&pem).is_some_and(|cipher| cipher != "none") {
        return Err(Text::new("errors.key_encrypted"));
    }
    Ok(pem)
}

/// The cipher that an OpenSSH key file names after its magic.
fn openssh_cipher(pem: &str) -> Option<String> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let bytes = base64::decode_block(&body).ok()?;
    let rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
    Some(String::from_utf8_lossy(rest.get(4..4 + length)?).into_owned())
}

pub(super) async fn store_login(app: &App, program_id: &str, given: Given) -> Result<()> {
    let sealed = app.vault.seal(&context(program_id), &serde_json::to_vec(&given.values)?)?;
    let credential = RepositoryCredential {
        program_id: program_id.to_owned(),
        kind: given.kind,
        sealed,
        fingerprint: given.fingerprint,
        updated_at: app.clock.now(),
    };
    Ok(db::repositories::put_credential(&app.db, &credential).await?)
}

/// Sealed for this purpose: a platform's key cannot be read as a repository's, nor the other way round.
fn context(program_id: &str) -> String {
    format!("repository {program_id}")
}

pub async fn remove_login(app: &App, actor: &User, program_id: &str) -> Result<()> {
    let program = program_for(app, actor, Verb::EditPrograms, program_id).await?;
    db::repositories::delete_credential(&app.db, program_id).await?;
    audit::note(app, actor, "repository_login.delete", (program_id, &program.name), json!(null)).await;
    Ok(())
}

/// Replaces the login of a private repository: a token with its user, or an SSH key. Gives the fingerprint.
pub async fn put_login(app: &App, actor: &User, program_id: &str, form: &Form) -> Result<String> {
    let program = program_for(app, actor, Verb::EditPrograms, program_id).await?;
    let mut form = form.clone();
    form.insert("repo_url".to_owned(), program.repo_url.clone());
    let given = take_login(&mut form)?.ok_or_else(|| Error::invalid("token", Text::new("errors.required")))?;
    let fingerprint = given.fingerprint.clone();
    store_login(app, program_id, given).await?;
    let detail = json!({ "fingerprint": fingerprint });
    audit::note(app, actor, "repository_login.replace", (program_id, &program.name), detail).await;
    Ok(fingerprint)
}

/// After a host was set up anew: the next connection pins the key it shows.
pub async fn forget_host(app: &App, actor: &User, program_id: &str) -> Result<()> {
    let program = program_for(app, actor, Verb::EditPrograms, program_id).await?;
    let host = git::host_of(&program.repo_url);
    db::repositories::forget_host(&app.db, host).await?;
    audit::note(app, actor, "known_host.forget", (program_id, &program.name), json!({ "host": host })).await;
    Ok(())
}

/// Branches and tags, asked of the server now.
pub async fn refs(app: &App, actor: &User, program_id: &str) -> Result<Refs> {
    let program = program_for(app, actor, Verb::Publish, program_id).await?;
    let (remote, _) = remote(app, &program).await?;
    git::refs(app.config.mirror_dir(), remote, PATIENCE).await.map_err(explained)
}

/// How the runner reaches a program's repository, and all secrets in it that no log may show.
pub async fn remote(app: &App, program: &Program) -> Result<(Remote, Vec<String>)> {
    let stored = stored_login(app, &program.id).await?;
    let secrets = match &stored {
        Login::Token { token, .. } => vec![token.clone()],
        Login::Key { pem } => vec![pem.clone()],
        Login::None => vec![],
    };
    Ok((remote_to(app, &program.repo_url, stored).await?, secrets))
}

async fn stored_login(app: &App, program_id: &str) -> Result<Login> {
    let Some(credential) = db::repositories::find_credential(&app.db, program_id).await? else {
        return Ok(Login::None);
    };
    let plain = app.vault.unseal(&context(program_id), &credential.sealed)?;
    Ok(login(credential.kind, serde_json::from_slice(&plain)?))
}

fn login(kind: RepositoryLogin, mut values: Secrets) -> Login {
    let mut take = |name: &str| values.remove(name).unwrap_or_default();
    match kind {
        RepositoryLogin::Token => Login::Token { user: take("user"), token: take("token") },
        RepositoryLogin::Key => Login::Key { pem: take("key") },
    }
}

async fn remote_to(app: &App, url: &str, login: Login) -> Result<Remote> {
    let host_key = known_host(app, url).await?.map(|known| known.fingerprint);
    Ok(Remote { url: url.to_owned(), login, host_key })
}

/// Who the SSH host of this address was when we first met it.
pub async fn known_host(app: &App, url: &str) -> Result<Option<KnownHost>> {
    Ok(db::repositories::find_host(&app.db, git::host_of(url)).await?)
}

/// Pins the key a host showed, unless one is pinned already.
pub async fn learn_host(app: &App, url: &str, host_key: Option<&str>) -> Result<()> {
    match host_key {
        Some(key) => Ok(db::repositories::learn_host(&app.db, git::host_of(url), key, app.clock.now()).await?),
        None => Ok(()),
    }
}

/// Branches and tags as the last fetch left them.
pub async fn known_refs(app: &App, program: &Program) -> Refs {
    git::known_refs(app.config.mirror_dir(), program.repo_url.clone()).await
}

/// Walks through histories at once: a long one keeps a core busy.
static WALKS: Semaphore = Semaphore::const_new(2);

/// Commits between two of a program's commits; `None` where the mirror does not know them.
pub async fn between(app: &App, program: &Program, from: &str, to: &str, limit: usize) -> Option<Between> {
    let _turn = WALKS.acquire().await.ok()?;
    let (from, to) = (from.to_owned(), to.to_owned());
    git::between(app.config.mirror_dir(), program.repo_url.clone(), from, to, limit).await.ok()
}

/// What a look at a repository found.
pub struct Inspection {
    pub refs: Refs,
    /// What its projects look like and how they are built; best first.
    pub proposals: Vec<detect::Proposal>,
}

/// Asks the server with what the form gives, or with what is stored for the program, and reads the files that tell
/// frameworks apart.
pub async fn inspect(app: &App, actor: &User, program_id: Option<&str>, form: &Form) -> Result<Inspection> {
    allow(actor, Verb::EditPrograms)?;
    let mut form: BTreeMap<_, _> = form.clone();
    let given = take_login(&mut form)?;
    let url = form.get("repo_url").map(|url| url.trim().to_owned()).unwrap_or_default();
    if !is_valid_repo_url(&url) {
        return Err(Error::invalid("repo_url", Text::new("errors.repo_url")));
    }
    let login = match (given, program_id) {
        (Some(given), _) => login(given.kind, given.values),
        (None, Some(id)) => {
            let program = db::programs::find(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
            // A stored token is for the host it was given for.
            match git::host_of(&program.repo_url) == git::host_of(&url) {
                true => stored_login(app, id).await?,
                false => Login::None,
            }
        }
        (None, None) => Login::None,
    };
    let remote = remote_to(app, &url, login).await?;
    let refs = git::refs(app.config.mirror_dir(), remote.clone(), PATIENCE).await.map_err(explained)?;
    learn_host(app, &url, refs.host_key.as_deref()).await?;
    let typed = form.get("default_ref").map(String::as_str).unwrap_or_default().trim().to_owned();
    let known = |name: &String| refs.branches.contains(name) || refs.tags.contains(name);
    let reference = Some(typed).filter(|name| is_valid_ref(name) && known(name)).or(refs.default_branch.clone());
    let Some(reference) = reference.or_else(|| refs.branches.first().cloned()) else {
        return Err(explained(GitError::Empty));
    };
    let limits = git::Limits { time: PATIENCE, ..app.config.git };
    let files = git::files(app.config.mirror_dir(), remote, reference, limits, detect::wants).await;
    let files = files.map_err(explained)?;
    let platform = form.get("platform").and_then(|id| app.platforms.get(id));
    let proposals =
        platform.map(|platform| detect::propose(&platform.presets, &files.names, &files.texts)).unwrap_or_default();
    Ok(Inspection { refs, proposals })
}

/// A git error at the field that can mend it.
fn explained(error: GitError) -> Error {
    let message = error.to_string();
    let (field, key) = match &error {
        GitError::NoLogin(_) => ("repo_token", "failures.git_no_login"),
        GitError::Refused(_) => ("repo_token", "failures.git_refused"),
        GitError::NoRepository(_) => ("repo_url", "failures.git_no_repository"),
        GitError::Empty => ("repo_url", "failures.git_empty"),
        GitError::Unreachable(_) => ("repo_url", "failures.git_unreachable"),
        GitError::Untrusted(_) => ("repo_url", "failures.git_untrusted"),
        GitError::HostKey { .. } => ("repo_url", "errors.git_host_key"),
        GitError::TooLarge(_) => ("repo_url", "errors.git_too_large"),
        GitError::TooSlow(_) => ("repo_url", "errors.git_too_slow"),
        _ => ("repo_url", "errors.git_other"),
    };
    let mut text = Text::new(key).arg("message", message);
    match error {
        GitError::HostKey { known, now } => text = text.arg("known", known).arg("now", now),
        GitError::TooLarge(n) | GitError::TooSlow(n) => text = text.arg("n", n.to_string()),
        _ => {}
    }
    Error::invalid(field, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_token_in_the_address_is_taken_out() {
        let mut typed = form(&[("repo_url", " https://me:t0ken@h/a.git ")]);
        let given = take_login(&mut typed).expect("valid").expect("a login");
        assert_eq!(given.values["token"], "t0ken");
        assert_eq!(typed["repo_url"], "https://h/a.git");
        assert!(take_login(&mut form(&[("repo_url", "https://h/a.git")])).expect("valid").is_none());
    }

    #[test]
    fn ssh_keys_as_people_paste_them() {
        let rsa = openssl::rsa::Rsa::generate(2048).expect("a key");
        let pem = String::from_utf8(rsa.private_key_to_pem().expect("PEM")).expect("text");
        assert!(ssh_key(&pem.replace('\n', "\r\n")).is_ok());
        let locked = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIA\n-----END OPENSSH PRIVATE KEY-----\n";
        for (bad, key) in [
            ("ssh-ed25519 AAAA me", "errors.key_public"),
            ("hello", "errors.key_not_pem"),
            (&pem.replace('\n', ""), "errors.key_one_line"),
            (locked, "errors.key_encrypted"),
        ] {
            assert_eq!(ssh_key(bad).expect_err("refused").key, key);
        }
    }
}

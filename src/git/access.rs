//! Reaching a git server: who we are to it, who it is to us, and what its errors mean.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use git2::{CertificateCheckStatus, Cred, CredentialType, ErrorClass, ErrorCode, RemoteCallbacks};

use super::GitError;
use crate::model::program::without_credentials;

/// What hosted services take as the user of a bare token.
const TOKEN_USER: &str = "oauth2";
const ELSEWHERE: &str = "the server sends us to another host";

#[derive(Clone, Default)]
pub enum Login {
    #[default]
    None,
    Token {
        user: String,
        token: String,
    },
    Key {
        pem: String,
    },
}

/// A repository's address and the way in.
#[derive(Clone)]
pub struct Remote {
    pub url: String,
    pub login: Login,
    /// `SHA256:…` of the SSH host's key as first seen; `None` takes whatever it shows, and reports it.
    pub host_key: Option<String>,
}

impl Remote {
    /// Another repository that this one names: our login goes to our own host only.
    pub(super) fn neighbour(&self, url: String) -> Self {
        match host_of(&url) == host_of(&self.url) {
            true => Self { url, ..self.clone() },
            false => Self { url, login: Login::None, host_key: None },
        }
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&without_credentials(&self.url))
    }
}

/// Host and port, as a known-hosts file would name them: `host` or `host:port`. Empty when there is none.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // `git@host:team/a.git` has a path where a url has a port.
    match host.split_once(':') {
        Some((name, _)) if !url.contains("://") => name,
        _ => host,
    }
}

/// Scheme, host in lower case and port, written or not.
fn origin(url: &str) -> (String, String, String) {
    let (scheme, _) = url.split_once("://").unwrap_or(("ssh", url));
    let scheme = scheme.to_lowercase();
    let host = host_of(url).to_lowercase();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) && !port.is_empty() => (name, port),
        _ => (host.as_str(), ""),
    };
    let default = match scheme.as_str() {
        "https" => "443",
        "http" => "80",
        _ => "22",
    };
    let port = if port.is_empty() { default } else { port };
    (scheme, name.trim_matches(['[', ']']).to_owned(), port.to_owned())
}

/// One conversation with a server: at most one try of a credential, and what the server showed of itself.
pub(super) struct Contact<'a> {
    remote: &'a Remote,
    tries: AtomicU32,
    shown: Mutex<Option<String>>,
}

impl<'a> Contact<'a> {
    pub(super) fn new(remote: &'a Remote) -> Self {
        Self { remote, tries: AtomicU32::new(0), shown: Mutex::new(None) }
    }

    /// The SSH host's key, once connected.
    pub(super) fn host_key(&self) -> Option<String> {
        self.shown.lock().ok()?.clone()
    }

    pub(super) fn callbacks(&'a self) -> RemoteCallbacks<'a> {
        let mut callbacks = RemoteCallbacks::new();
        callbacks.credentials(move |url, user, allowed| self.credential(url, user, allowed));
        callbacks.certificate_check(move |certificate, _| {
            let Some(key) = certificate.as_hostkey() else {
                return Ok(CertificateCheckStatus::CertificatePassthrough);
            };
            let hash = key.hash_sha256().ok_or_else(|| git2::Error::from_str("the SSH host shows no SHA-256 key"))?;
            let shown = format!("SHA256:{}", openssl::base64::encode_block(hash).trim_end_matches('='));
            if let Ok(mut slot) = self.shown.lock() {
                *slot = Some(shown.clone());
            }
            match &self.remote.host_key {
                Some(known) if *known != shown => {
                    Err(git2::Error::new(ErrorCode::Certificate, ErrorClass::Ssh, "the host key changed"))
                }
                _ => Ok(CertificateCheckStatus::CertificateOk),
            }
        });
        callbacks
    }

    fn credential(&self, url: &str, user: Option<&str>, allowed: CredentialType) -> Result<Cred, git2::Error> {
        let refuse = |why: &str| Err(git2::Error::new(ErrorCode::Auth, ErrorClass::Http, why));
        // SSH first asks for the name alone; that is no try.
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(user.unwrap_or("git"));
        }
        // A redirect must not carry the token to another server. libgit2 writes addresses in its own way.
        if url.contains("://") && origin(url) != origin(&self.remote.url) {
            return refuse(ELSEWHERE);
        }
        // libgit2 asks again after every refusal, about sixteen times.
        if self.tries.fetch_add(1, Ordering::Relaxed) > 0 {
            return refuse("refused");
        }
        match &self.remote.login {
            Login::Token { user, token } if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) => {
                Cred::userpass_plaintext(if user.is_empty() { TOKEN_USER } else { user }, token)
            }
            Login::Key { pem } if allowed.contains(CredentialType::SSH_MEMORY) => {
                Cred::ssh_key_from_memory(user.unwrap_or("git"), None, pem, None)
            }
            _ => refuse("no credential"),
        }
    }

    /// What a failed conversation means for a person.
    pub(super) fn explain(&self, error: &git2::Error) -> GitError {
        let text = error.message().to_owned();
        let lower = text.to_lowercase();
        let shown = without_credentials(&self.remote.url);
        if let (Some(known), Some(now)) = (&self.remote.host_key, self.host_key())
            && *known != now
        {
            return GitError::HostKey { known: known.clone(), now };
        }
        let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        if says(&[ELSEWHERE, "cannot redirect"]) {
            GitError::Other(format!("{text}: use the address that it is sent to"))
        } else if error.code() == ErrorCode::Auth
            || says(&["status code: 401", "status code: 403", "authentication", "failed to authenticate"])
        {
            match self.remote.login {
                Login::None => GitError::NoLogin(shown),
                _ => GitError::Refused(shown),
            }
        } else if error.code() == ErrorCode::NotFound || says(&["status code: 404"]) {
            GitError::NoRepository(shown)
        } else if error.code() == ErrorCode::Eof && error.class() == ErrorClass::Ssh {
            // What the server wrote before it hung up.
            GitError::NoRepository(format!("{shown}: {text}"))
        } else if error.class() == ErrorClass::Ssl || error.code() == ErrorCode::Certificate {
            GitError::Untrusted(text)
        } else if matches!(error.class(), ErrorClass::Net | ErrorClass::Os | ErrorClass::Ssh | ErrorClass::Http)
            || lower.contains("timed out")
        {
            GitError::Unreachable(text)
        } else {
            GitError::Other(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{host_of, origin};

    #[test]
    fn hosts() {
        for (url, host) in [
            ("https://u:p@git.example:8443/a.git", "git.example:8443"),
            ("ssh://git@h:22/a", "h:22"),
            ("git@h:team/a.git", "h"),
            ("http://h/a@b:1", "h"),
        ] {
            assert_eq!(host_of(url), host);
        }
        assert_eq!(origin("https://H:443/a"), origin("https://h/a"));
        assert_eq!(origin("http://[::1]:77/a"), origin("http://::1:77/a"));
        assert_ne!(origin("https://h/a"), origin("https://h:8443/a"));
        assert_ne!(origin("https://h/a"), origin("http://h:443/a"));
    }
}

//! A bare mirror per repository and private workspaces from it (git2). Urls and references are data, never options.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use git2::build::CheckoutBuilder;
use git2::{AutotagOption, Cred, ErrorClass, ErrorCode, FetchOptions, Oid, RemoteCallbacks, Repository};
use tokio_util::sync::CancellationToken;

use crate::model::program::without_credentials;

const CONNECT_TIMEOUT_MS: i32 = 20_000;
const SERVER_TIMEOUT_MS: i32 = 60_000;
/// libgit2 asks for credentials again after a refusal, about sixteen times.
const CREDENTIAL_TRIES: u32 = 2;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("the git server refused access: {0}")]
    Refused(String),
    #[error("no such repository: {0}")]
    NoRepository(String),
    #[error("no branch, tag or commit {0}")]
    NoReference(String),
    #[error("the git server cannot be reached: {0}")]
    Unreachable(String),
    #[error("stopped")]
    Canceled,
    #[error("{0}")]
    Other(String),
}

#[derive(Debug, Clone)]
pub struct Commit {
    pub id: String,
    pub subject: String,
}

/// Process-wide settings of libgit2: time limits and whom to trust. Call once, before any other use.
#[expect(unsafe_code, reason = "libgit2's global options are not synchronised; this runs before any thread uses it")]
pub fn init(ca_file: Option<&Path>) -> anyhow::Result<()> {
    // SAFETY: called from `main` before the first repository is opened.
    unsafe {
        git2::opts::set_server_connect_timeout_in_milliseconds(CONNECT_TIMEOUT_MS)?;
        git2::opts::set_server_timeout_in_milliseconds(SERVER_TIMEOUT_MS)?;
        if let Some(file) = ca_file {
            git2::opts::set_ssl_cert_file(file)?;
        }
    }
    Ok(())
}

/// Fetches into the repository's mirror below `mirrors`, then writes `reference` into the folder `into`.
pub async fn checkout(
    mirrors: PathBuf,
    url: String,
    reference: String,
    into: PathBuf,
    cancel: CancellationToken,
) -> Result<Commit, GitError> {
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let work = tokio::task::spawn_blocking({
        let stop = stop.clone();
        move || checkout_blocking(&mirrors, &url, &reference, &into, &stop)
    });
    tokio::select! {
        done = work => done.map_err(|error| GitError::Other(error.to_string()))?,
        () = cancel.cancelled() => {
            stop.store(true, Ordering::Relaxed);
            Err(GitError::Canceled)
        }
    }
}

fn checkout_blocking(
    mirrors: &Path,
    url: &str,
    reference: &str,
    into: &Path,
    stop: &AtomicBool,
) -> Result<Commit, GitError> {
    let folder = mirrors.join(format!("{}.git", crate::vault::hex_of(&openssl::sha::sha256(url.as_bytes()))));
    std::fs::create_dir_all(mirrors).map_err(io)?;
    // One fetch at a time per mirror, also across processes; released when the file is closed.
    let lock = File::create(folder.with_extension("lock")).map_err(io)?;
    lock.lock().map_err(io)?;
    let repository = open_mirror(&folder)?;
    fetch(&repository, url, stop)?;
    let commit = resolve(&repository, reference)?;
    std::fs::create_dir_all(into).map_err(io)?;
    let mut options = CheckoutBuilder::new();
    options.target_dir(into).force().update_index(false);
    options.progress(|_, _, _| {});
    repository
        .checkout_tree(commit.as_object(), Some(&mut options))
        .map_err(|e| GitError::Other(e.message().to_owned()))?;
    let subject = commit.summary().ok().flatten().unwrap_or_default().to_owned();
    Ok(Commit { id: commit.id().to_string(), subject })
}

fn open_mirror(folder: &Path) -> Result<Repository, GitError> {
    match Repository::open_bare(folder) {
        Ok(repository) => Ok(repository),
        Err(_) => {
            // Absent, or left half-made by a crash: a mirror can always be made again.
            let _ = std::fs::remove_dir_all(folder);
            Repository::init_bare(folder).map_err(|e| GitError::Other(e.message().to_owned()))
        }
    }
}

fn fetch(repository: &Repository, url: &str, stop: &AtomicBool) -> Result<(), GitError> {
    let tries = AtomicU32::new(0);
    let mut callbacks = RemoteCallbacks::new();
    callbacks.credentials(|_, user, _| {
        if tries.fetch_add(1, Ordering::Relaxed) >= CREDENTIAL_TRIES {
            return Err(git2::Error::new(ErrorCode::Auth, ErrorClass::Http, "no credential for this repository"));
        }
        match user {
            Some(user) => Cred::username(user),
            None => Cred::default(),
        }
    });
    callbacks.transfer_progress(|_| !stop.load(Ordering::Relaxed));
    let mut options = FetchOptions::new();
    options.remote_callbacks(callbacks).prune(git2::FetchPrune::On).download_tags(AutotagOption::None);
    let mut remote = repository.remote_anonymous(url).map_err(|e| classify(&e, url))?;
    let specs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
    remote.fetch(&specs, Some(&mut options), None).map_err(|e| match stop.load(Ordering::Relaxed) {
        true => GitError::Canceled,
        false => classify(&e, url),
    })
}

fn resolve<'r>(repository: &'r Repository, reference: &str) -> Result<git2::Commit<'r>, GitError> {
    for name in [format!("refs/heads/{reference}"), format!("refs/tags/{reference}")] {
        if let Ok(commit) = repository.find_reference(&name).and_then(|r| r.peel_to_commit()) {
            return Ok(commit);
        }
    }
    let is_hex = (7..=40).contains(&reference.len()) && reference.chars().all(|c| c.is_ascii_hexdigit());
    let full = if is_hex { Oid::from_str(reference).ok() } else { None };
    let found = full.filter(|_| reference.len() == 40).and_then(|id| repository.find_commit(id).ok());
    let found = found.or_else(|| if is_hex { repository.find_commit_by_prefix(reference).ok() } else { None });
    found.ok_or_else(|| GitError::NoReference(reference.to_owned()))
}

fn classify(error: &git2::Error, url: &str) -> GitError {
    let text = error.message().to_owned();
    let lower = text.to_lowercase();
    if error.code() == ErrorCode::Auth
        || lower.contains("401")
        || lower.contains("403")
        || lower.contains("authentication")
    {
        GitError::Refused(text)
    } else if error.code() == ErrorCode::NotFound || lower.contains("404") {
        GitError::NoRepository(without_credentials(url))
    } else if matches!(error.class(), ErrorClass::Net | ErrorClass::Os | ErrorClass::Ssl | ErrorClass::Ssh)
        || lower.contains("timed out")
    {
        GitError::Unreachable(text)
    } else {
        GitError::Other(text)
    }
}

fn io(error: std::io::Error) -> GitError {
    GitError::Other(error.to_string())
}

//! A bare mirror per repository and private workspaces from it (git2). Urls and references are data, never options;
//! who may read what, and where the answers are kept, is not known here.

mod access;
mod history;
mod mirror;
mod survey;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use access::{Login, Remote, host_of};
pub use history::{Between, Logged};
pub use survey::Files;

const CONNECT_TIMEOUT_MS: i32 = 20_000;
const SERVER_TIMEOUT_MS: i32 = 60_000;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The server wants a credential and there is none.
    #[error("the git server wants a token or key: {0}")]
    NoLogin(String),
    #[error("the git server refused the token or key: {0}")]
    Refused(String),
    #[error("no such repository: {0}")]
    NoRepository(String),
    #[error("no branch, tag or commit {0}")]
    NoReference(String),
    #[error("the repository has no commits yet")]
    Empty,
    #[error("the git server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the git server's certificate is not trusted: {0}")]
    Untrusted(String),
    #[error("the SSH host key changed: known {known}, now {now}")]
    HostKey { known: String, now: String },
    #[error("more than {0} MB")]
    TooLarge(u64),
    #[error("not done after {0} minutes")]
    TooSlow(u64),
    #[error("submodule {0}: {1}")]
    Submodule(String, String),
    #[error("stopped")]
    Canceled,
    #[error("{0}")]
    Other(String),
}

type Result<T> = std::result::Result<T, GitError>;

pub use crate::config::GitLimits as Limits;

fn too_large(limits: Limits) -> GitError {
    GitError::TooLarge(limits.bytes / 1024 / 1024)
}

/// What the server says it has.
#[derive(Debug, Clone, Default)]
pub struct Refs {
    pub default_branch: Option<String>,
    pub branches: Vec<String>,
    pub tags: Vec<String>,
    /// The SSH host's key, as it showed it.
    pub host_key: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Checkout {
    pub mirrors: PathBuf,
    pub remote: Remote,
    /// Branch, tag or commit.
    pub reference: String,
    /// Fetch this one commit and no history.
    pub shallow: bool,
    pub limits: Limits,
    pub into: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Commit {
    pub id: String,
    pub subject: String,
    /// All branches and tags of the server; `None` after a shallow fetch, which asks for one.
    pub refs: Option<Refs>,
    pub host_key: Option<String>,
    /// Files whose content is kept elsewhere (Git LFS): only their pointers were written.
    pub lfs_pointers: Vec<String>,
    pub submodules: Vec<String>,
}

/// Process-wide settings of libgit2: time limits, whom to trust, and nothing of whoever runs us: their `~/.gitconfig`
/// would rewrite addresses, their `known_hosts` would change which key a host shows. Call once, before any other use.
#[expect(unsafe_code, reason = "libgit2's global options are not synchronised; this runs before any thread uses it")]
pub fn init(ca_file: Option<&Path>) -> anyhow::Result<()> {
    use git2::ConfigLevel::{Global, ProgramData, System, XDG};
    // SAFETY: called from `main` before the first repository is opened; the text outlives the call, which copies it.
    unsafe {
        for level in [ProgramData, System, XDG, Global] {
            git2::opts::set_search_path(level, "")?;
        }
        let nowhere = c"/nonexistent";
        let done = libgit2_sys::git_libgit2_opts(libgit2_sys::GIT_OPT_SET_HOMEDIR as std::ffi::c_int, nowhere.as_ptr());
        anyhow::ensure!(done == 0, "libgit2 refuses a home of its own");
        git2::opts::set_server_connect_timeout_in_milliseconds(CONNECT_TIMEOUT_MS)?;
        git2::opts::set_server_timeout_in_milliseconds(SERVER_TIMEOUT_MS)?;
        if let Some(file) = ca_file {
            git2::opts::set_ssl_cert_file(file)?;
        }
    }
    Ok(())
}

/// Tells what a long fetch is doing, a few times a minute; called from a blocking thread.
pub type Progress = Arc<dyn Fn(String) + Send + Sync>;

/// Fetches into the repository's mirror, then writes the reference's files into a folder, submodules included.
pub async fn checkout(wanted: Checkout, progress: Progress, cancel: CancellationToken) -> Result<Commit> {
    let time = wanted.limits.time;
    blocking(time, cancel, move |stop| mirror::checkout(&wanted, &progress, stop)).await
}

/// Branches and tags, asked of the server.
pub async fn refs(mirrors: PathBuf, remote: Remote, time: Duration) -> Result<Refs> {
    blocking(time, CancellationToken::new(), move |stop| mirror::refs(&mirrors, &remote, stop)).await
}

/// The files of one commit: their names, and the content of those that `wanted` names.
pub async fn files(
    mirrors: PathBuf,
    remote: Remote,
    reference: String,
    limits: Limits,
    wanted: fn(&str) -> bool,
) -> Result<Files> {
    blocking(limits.time, CancellationToken::new(), move |stop| {
        mirror::files(&mirrors, &remote, &reference, limits, wanted, stop)
    })
    .await
}

/// Branches and tags as the last fetch left them, without asking the server. A repository never fetched has none.
pub async fn known_refs(mirrors: PathBuf, url: String) -> Refs {
    tokio::task::spawn_blocking(move || mirror::known_refs(&mirrors, &url)).await.unwrap_or_default()
}

/// What lies between two commits, from what the last fetch left. An error where the mirror has no such history: it was
/// cleared, or fetched one commit at a time.
pub async fn between(mirrors: PathBuf, url: String, from: String, to: String, limit: usize) -> Result<Between> {
    let task = tokio::task::spawn_blocking(move || history::between(&mirrors, &url, &from, &to, limit));
    task.await.map_err(|error| GitError::Other(error.to_string()))?
}

/// Why a blocking call should end early; polled by libgit2's progress callbacks.
type Stop = AtomicBool;

async fn blocking<T: Send + 'static>(
    time: Duration,
    cancel: CancellationToken,
    work: impl FnOnce(&Stop) -> Result<T> + Send + 'static,
) -> Result<T> {
    let stop = Arc::new(Stop::default());
    let task = tokio::task::spawn_blocking({
        let stop = stop.clone();
        move || work(&stop)
    });
    let ended = tokio::select! {
        done = task => return done.map_err(|error| GitError::Other(error.to_string()))?,
        () = cancel.cancelled() => GitError::Canceled,
        () = tokio::time::sleep(time) => GitError::TooSlow(time.as_secs().div_ceil(60)),
    };
    // The thread notices at the next bytes, or at libgit2's own time limit.
    stop.store(true, Ordering::Relaxed);
    Err(ended)
}

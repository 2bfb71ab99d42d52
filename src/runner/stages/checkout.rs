//! Checkout: the files of one commit, submodules included, in a workspace of our own.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::db;
use crate::git::{self, Checkout, Commit, GitError};
use crate::model::program::{Program, without_credentials};
use crate::model::release::Failure;
use crate::ops::{repositories, robots};
use crate::runner::attempt::{Attempt, Halt, Stopper, fail};
use crate::runner::mask::Mask;
use crate::runner::workspace::Workspace;

/// Pointers that a failure names.
const NAMED: usize = 3;

pub(super) async fn checkout(
    attempt: &Attempt,
    program: &Program,
    workspace: &Workspace,
) -> Result<Option<String>, Halt> {
    let app = &attempt.runner.app;
    enough_room(&app.config.data_dir, app.config.disk_floor)?;
    let reference = attempt.release.parameters.reference.clone();
    attempt.log.say("checkout", format!("{} @ {reference}", without_credentials(&program.repo_url))).await;
    let (remote, secrets) = repositories::remote(app, program).await.map_err(|e| anyhow::anyhow!("{e}"))?;
    attempt.log.hide(Mask::new(secrets.iter().map(String::as_str)));
    let wanted = Checkout {
        mirrors: app.config.mirror_dir(),
        remote,
        reference,
        shallow: program.settings.shallow,
        limits: app.config.git,
        into: workspace.source(),
    };
    let (tell, mut told) = mpsc::unbounded_channel::<String>();
    let log = attempt.log.clone();
    let teller = tokio::spawn(async move {
        while let Some(line) = told.recv().await {
            log.say("checkout", line).await;
        }
    });
    let progress: git::Progress = Arc::new(move |line| {
        let _ = tell.send(line);
    });
    let done = git::checkout(wanted, progress, attempt.stopper.token.clone()).await;
    // A clone that took too long may still hold the other end.
    if done.is_ok() {
        let _ = teller.await;
    }
    let commit = done.map_err(|error| outcome(error, &attempt.stopper))?;
    attempt.log.say("checkout", format!("{} {}", commit.id, commit.subject)).await;
    learn(attempt, program, &commit).await?;
    refuse_pointers(attempt, program, &commit).await?;
    let owned = workspace.clone();
    tokio::task::spawn_blocking(move || owned.own_source()).await??;
    db::releases::set_commit(&app.db, &attempt.release.id, attempt.release.attempt, &commit.id, &commit.subject)
        .await?;
    Ok(Some(commit.id))
}

/// Better not to begin than to fill the disk that the database is on.
fn enough_room(data_dir: &Path, floor: u64) -> Result<(), Halt> {
    let disk = rustix::fs::statvfs(data_dir)?;
    let free = disk.f_bavail * disk.f_frsize;
    let shown = |bytes: u64| (bytes / 1024 / 1024).to_string();
    match free < floor {
        true => Err(Halt::Failed(Failure::new("disk_floor", "").args([&shown(free), &shown(floor)]))),
        false => Ok(()),
    }
}

/// What the fetch taught us besides the files.
async fn learn(attempt: &Attempt, program: &Program, commit: &Commit) -> Result<(), Halt> {
    let app = &attempt.runner.app;
    let learnt = repositories::learn_host(app, &program.repo_url, commit.host_key.as_deref()).await;
    learnt.map_err(|error| anyhow::anyhow!("{error}"))?;
    if let Some(refs) = &commit.refs {
        robots::release_gone(app, program, refs).await.map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    Ok(())
}

/// Git LFS keeps files elsewhere, and we do not fetch them: a package with pointers in place of pictures helps nobody.
async fn refuse_pointers(attempt: &Attempt, program: &Program, commit: &Commit) -> Result<(), Halt> {
    let root =
        if matches!(program.root_dir.as_str(), "" | ".") { String::new() } else { program.root_dir.clone() + "/" };
    let (inside, outside): (Vec<_>, Vec<_>) = commit.lfs_pointers.iter().partition(|path| path.starts_with(&root));
    if !outside.is_empty() {
        let line = format!("{} files outside of {root} are Git LFS pointers; they stay pointers", outside.len());
        attempt.log.say("checkout", line).await;
    }
    if inside.is_empty() {
        return Ok(());
    }
    let named: Vec<&str> = inside.iter().take(NAMED).map(|path| path.as_str()).collect();
    let count = inside.len().to_string();
    Err(Halt::Failed(Failure::new("git_lfs", "").args([&count, &named.join(", ")])))
}

fn outcome(error: GitError, stopper: &Stopper) -> Halt {
    let message = error.to_string();
    let with = |code: &str, args: &[&str]| {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Halt::Failed(Failure { args, ..Failure::new(code, message.clone()) })
    };
    match &error {
        GitError::Canceled => stopper.halt(),
        GitError::NoLogin(_) => fail("git_no_login", message),
        GitError::Refused(_) => fail("git_refused", message),
        GitError::NoRepository(_) => fail("git_no_repository", message),
        GitError::NoReference(name) => with("git_no_reference", &[name]),
        GitError::Empty => fail("git_empty", message),
        GitError::Unreachable(_) => fail("git_unreachable", message),
        GitError::Untrusted(_) => fail("git_untrusted", message),
        GitError::HostKey { known, now } => with("git_host_key", &[known, now]),
        GitError::TooLarge(megabytes) => with("git_too_large", &[&megabytes.to_string()]),
        GitError::TooSlow(minutes) => with("git_too_slow", &[&minutes.to_string()]),
        GitError::Submodule(path, why) => with("git_submodule", &[path, why]),
        GitError::Other(_) => fail("git_error", message),
    }
}

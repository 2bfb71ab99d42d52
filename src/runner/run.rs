//! One release, top to bottom.

use super::attempt::{Attempt, Halt, Stopped};
use super::log::Log;
use super::workspace::Workspace;
use super::{Runner, stages};
use crate::app::App;
use crate::db;
use crate::model::release::{Delivered, Failure, Outcome, Release};
use crate::ops::{logs, turns};
use crate::queue::RunRelease;

/// Claims the release, runs it, tells what came of it. Losing the claim is no error: another delivery was first.
pub(super) async fn run(runner: Runner, job: RunRelease) {
    let release = match turns::claim(&runner.app, &job, &runner.name).await {
        Ok(Some(release)) => release,
        Ok(None) => return,
        Err(error) => {
            return tracing::error!(release = %job.id, %error, "cannot claim a release; the sweep pushes it again");
        }
    };
    tracing::info!(release = %release.id, attempt = release.attempt, "release started");
    // Until here nothing but the row has changed: should the log not open, the lease runs out and the sweep recovers it.
    let log = match Log::open(&runner.app, &release.id, release.attempt).await {
        Ok(log) => log,
        Err(error) => return tracing::error!(release = %release.id, %error, "cannot open the log"),
    };
    let attempt = Attempt::new(runner, release, log);
    let keeper = tokio::spawn(attempt.clone().keep());
    let workspace = workspace_of(&attempt);
    let result = match &workspace {
        Ok(workspace) => pipeline(&attempt, workspace).await,
        Err(error) => Err(Halt::Internal(anyhow::anyhow!("{error:#}"))),
    };
    conclude(&attempt, result).await;
    keeper.abort();
    // Nobody waits for it, and the slot is free for the next release.
    tokio::spawn(keep_log(attempt.runner.app.clone(), attempt.release.id.clone()));
    // Nobody waits for thousands of files to go before they see the QR code.
    if let Ok(workspace) = workspace {
        let _ = tokio::task::spawn_blocking(move || workspace.remove()).await;
    }
}

async fn keep_log(app: App, release: String) {
    if let Err(error) = logs::keep(&app, &release).await {
        tracing::warn!(
            release,
            error = format!("{error:#}"),
            "cannot put the log into the store; the sweep tries again"
        );
    }
}

fn workspace_of(attempt: &Attempt) -> anyhow::Result<Workspace> {
    let (app, release) = (&attempt.runner.app, &attempt.release);
    Workspace::make(&app.config, &app.instance, &release.id, release.attempt, attempt.runner.user)
}

async fn pipeline(attempt: &Attempt, workspace: &Workspace) -> Result<Delivered, Halt> {
    let (app, release) = (&attempt.runner.app, &attempt.release);
    let program = db::programs::find_for_runner(&app.db, &release.program_id).await?;
    let program = program.ok_or_else(|| super::attempt::fail("program_gone", ""))?;
    let platform =
        app.platforms.get(&program.platform).ok_or_else(|| super::attempt::fail("platform_gone", &program.platform))?;
    if release.attempt > 1 {
        attempt
            .log
            .say("system", format!("── attempt {}: the runner of the one before was lost", release.attempt))
            .await;
    }
    stages::all(attempt, &program, platform, workspace).await
}

/// Everything an attempt says goes before its outcome: whoever sees the end has seen the whole log.
async fn conclude(attempt: &Attempt, result: Result<Delivered, Halt>) {
    let (app, release) = (&attempt.runner.app, &attempt.release);
    let outcome = match result {
        Ok(delivered) => Outcome::Succeeded(delivered),
        Err(Halt::Failed(failure)) => Outcome::Failed(failure),
        Err(Halt::Unconfirmed(failure)) => Outcome::Unconfirmed(failure),
        Err(Halt::Stopped(Stopped::Canceled)) => Outcome::Canceled,
        Err(Halt::Stopped(Stopped::Lost)) => {
            return tracing::warn!(release = %release.id, "this attempt lost its release");
        }
        Err(Halt::Stopped(Stopped::Shutdown)) => {
            attempt.log.close().await;
            return give_back(attempt).await;
        }
        Err(Halt::Internal(error)) => {
            tracing::error!(release = %release.id, error = format!("{error:#}"), "release failed inside Sampan");
            Outcome::Failed(Failure::new("internal", ""))
        }
    };
    let mark = match &outcome {
        Outcome::Failed(f) | Outcome::Unconfirmed(f) => {
            format!("── {}: {} {} {}", outcome.status(), f.code, f.args.join(" "), f.message).trim_end().to_owned()
        }
        _ => format!("── {}", outcome.status()),
    };
    attempt.log.say("system", mark).await;
    attempt.log.close().await;
    while let Err(error) = turns::finish(app, release, &outcome).await {
        tracing::warn!(release = %release.id, %error, "cannot store the outcome; trying again");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        if attempt.stopper.token.is_cancelled() && attempt.stopper.reason() == Stopped::Lost {
            return;
        }
    }
    tracing::info!(release = %release.id, status = %outcome.status(), "release ended");
}

async fn give_back(attempt: &Attempt) {
    let release: &Release = &attempt.release;
    if let Err(error) = turns::give_back(&attempt.runner.app, release).await {
        tracing::warn!(release = %release.id, %error, "cannot give the release back; its lease runs out instead");
    }
}

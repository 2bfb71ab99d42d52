//! Whose turn it is: one running release per program, jobs pushed in the transaction that marks the row.

use super::{audit, updates};
use crate::app::App;
use crate::bus::Moved;
use crate::db::{self, Tx};
use crate::error::Result;
use crate::model::release::{AfterCrash, Failure, LEASE, MAX_ATTEMPTS, Outcome, Release, STALE_DISPATCH, after_crash};
use crate::queue::RunRelease;

/// Pushes the program's next release if the program is free.
pub(super) async fn dispatch(app: &App, tx: &mut Tx, program: &str) -> Result<()> {
    if let Some((id, attempt)) = db::releases::dispatch_next(tx, program, app.clock.now()).await? {
        app.queue.push(tx, &RunRelease { id, attempt }, app.clock.now()).await?;
    }
    Ok(())
}

/// Takes a release for this runner; `None` when another delivery of the job was first.
pub async fn claim(app: &App, job: &RunRelease, runner: &str) -> Result<Option<Release>> {
    let now = app.clock.now();
    let claimed = db::releases::claim(&app.db, &job.id, job.attempt, runner, now, now + LEASE).await?;
    if claimed.is_some() {
        app.bus.tell(Moved::Release(job.id.clone()));
    }
    Ok(claimed)
}

/// Renews the lease: `None` when the attempt lost its release, else whether somebody wants it canceled.
pub async fn renew(app: &App, release: &Release) -> Result<Option<bool>> {
    Ok(db::releases::renew(&app.db, &release.id, release.attempt, app.clock.now() + LEASE).await?)
}

/// Ends an attempt and gives the program's next release its turn; false when the attempt had lost its release.
pub async fn finish(app: &App, release: &Release, outcome: &Outcome) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    db::programs::lock(&mut tx, &release.program_id).await?;
    let finished = db::releases::finish(&mut tx, &release.id, release.attempt, outcome, app.clock.now()).await?;
    if finished {
        dispatch(app, &mut tx, &release.program_id).await?;
    }
    tx.commit().await?;
    app.bus.tell(Moved::Release(release.id.clone()));
    app.bus.tell(Moved::Queue);
    Ok(finished)
}

/// Finds what was lost: attempts of dead runners, jobs nobody claimed, programs nobody dispatched for.
pub async fn sweep(app: &App) -> Result<()> {
    for release in db::releases::list_expired(&app.db, app.clock.now()).await? {
        recover(app, &release).await?;
    }
    let stale = app.clock.now() - STALE_DISPATCH;
    for (id, attempt) in db::releases::list_stale(&app.db, stale).await? {
        let mut tx = app.db.begin().await?;
        if db::releases::redispatch(&mut tx, &id, stale, app.clock.now()).await? {
            tracing::warn!(release = %id, "nobody claimed this release: pushing its job again");
            app.queue.push(&mut tx, &RunRelease { id, attempt }, app.clock.now()).await?;
        }
        tx.commit().await?;
        app.bus.tell(Moved::Queue);
    }
    for program in db::releases::list_undispatched(&app.db).await? {
        let mut tx = app.db.begin().await?;
        db::programs::lock(&mut tx, &program).await?;
        dispatch(app, &mut tx, &program).await?;
        tx.commit().await?;
        app.bus.tell(Moved::Queue);
    }
    db::sessions::delete_expired(&app.db, app.clock.now()).await?;
    audit::sweep(app).await
}

/// A runner that shuts down ends its lease now instead of letting it run out; the next sweep decides.
pub async fn give_back(app: &App, release: &Release) -> Result<()> {
    db::releases::renew(&app.db, &release.id, release.attempt, 0).await?;
    Ok(())
}

/// A runner died: run again, unless the vendor may already have it or it keeps killing runners.
async fn recover(app: &App, release: &Release) -> Result<()> {
    let crash = after_crash(release.parameters.action, release.stage, release.attempt);
    tracing::warn!(release = %release.id, attempt = release.attempt, ?crash, "a runner died or lost touch");
    // Its work was done: whatever was asked or happened afterwards, phones have it.
    if let Some(delivered) = updates::delivered(app, release).await? {
        return finish(app, release, &Outcome::Succeeded(delivered)).await.map(drop);
    }
    let outcome = match crash {
        _ if release.cancel_requested && crash != AfterCrash::Unconfirmed => Outcome::Canceled,
        AfterCrash::Unconfirmed => Outcome::Unconfirmed(Failure::new("runner_died_delivering", "")),
        AfterCrash::GiveUp => Outcome::Failed(Failure::new("runner_died", "").args([&MAX_ATTEMPTS.to_string()])),
        AfterCrash::Requeue => {
            let mut tx = app.db.begin().await?;
            if db::releases::requeue(&mut tx, &release.id, release.attempt, app.clock.now()).await? {
                let job = RunRelease { id: release.id.clone(), attempt: release.attempt };
                app.queue.push(&mut tx, &job, app.clock.now()).await?;
            }
            tx.commit().await?;
            app.bus.tell(Moved::Release(release.id.clone()));
            app.bus.tell(Moved::Queue);
            return Ok(());
        }
    };
    finish(app, release, &outcome).await.map(drop)
}

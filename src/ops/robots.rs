//! Uploader slots: a branch gets one with its first release and keeps it while it lives.

use serde_json::json;

use super::{allow, audit, program_for};
use crate::app::App;
use crate::db::{self, Tx};
use crate::error::{Error, Result, Text};
use crate::git::Refs;
use crate::model::program::Program;
use crate::model::release::Parameters;
use crate::model::robot::{Lease, choose};
use crate::model::user::{User, Verb};
use crate::platform::Platform;

/// The option that names a slot: fixed by a person for all branches, else filled in here.
pub const OPTION: &str = "robot";

/// Gives the release its slot. Call under [`db::programs::lock`]. All held by live branches: refused, naming them.
pub(super) async fn lease(
    app: &App,
    tx: &mut Tx,
    platform: &Platform,
    program: &Program,
    parameters: &mut Parameters,
) -> Result<()> {
    let Some(robots) = platform.robots else { return Ok(()) };
    if parameters.options.contains_key(OPTION) {
        return Ok(());
    }
    let now = app.clock.now();
    let mut held = db::robots::list_in(tx, &platform.id, &program.app_id).await?;
    for idle in held.extract_if(.., |lease| lease.is_idle(now) && lease.reference != parameters.reference) {
        db::robots::delete_in(tx, &platform.id, &program.app_id, &idle.reference).await?;
    }
    let Some(robot) = choose(&held, &parameters.reference, robots.min, robots.max) else {
        let holders: Vec<String> = held.iter().map(|l| format!("{} ({})", l.reference, l.robot)).collect();
        return Err(Error::Conflict(Text::new("errors.robots_exhausted").arg("holders", holders.join(", "))));
    };
    let lease = Lease {
        platform: platform.id.clone(),
        app_id: program.app_id.clone(),
        reference: parameters.reference.clone(),
        robot,
        program_id: program.id.clone(),
        used_at: now,
    };
    db::robots::put(tx, &lease).await?;
    parameters.options.insert(OPTION.to_owned(), robot.into());
    Ok(())
}

/// After a fetch: branches that are gone give their slots back. A repository speaks for its own program's leases only;
/// a commit's slot ends by idling.
pub async fn release_gone(app: &App, program: &Program, refs: &Refs) -> Result<()> {
    let is_commit = |name: &str| name.len() >= 7 && name.chars().all(|c| c.is_ascii_hexdigit());
    for lease in db::robots::list(&app.db, &program.platform, &program.app_id).await? {
        let lives = refs.branches.contains(&lease.reference) || refs.tags.contains(&lease.reference);
        if lease.program_id == program.id && !lives && !is_commit(&lease.reference) {
            db::robots::delete(&app.db, &lease.platform, &lease.app_id, &lease.reference).await?;
        }
    }
    Ok(())
}

/// A person frees a slot by hand.
pub async fn free(app: &App, actor: &User, program_id: &str, reference: &str) -> Result<()> {
    let program = program_for(app, actor, Verb::EditPrograms, program_id).await?;
    db::robots::delete(&app.db, &program.platform, &program.app_id, reference).await?;
    audit::note(app, actor, "robot.free", (program_id, &program.name), json!({ "ref": reference })).await;
    Ok(())
}

/// All leases of all apps that the actor sees: who holds which slot.
pub async fn list(app: &App, actor: &User) -> Result<Vec<(Lease, Program)>> {
    allow(actor, Verb::EditPrograms)?;
    let programs = db::programs::list_for_catalogue(&app.db).await?;
    let named = |lease: Lease| {
        let program = programs.iter().find(|program| program.id == lease.program_id)?;
        Some((lease, program.clone()))
    };
    Ok(db::robots::list_all(&app.db).await?.into_iter().filter_map(named).collect())
}

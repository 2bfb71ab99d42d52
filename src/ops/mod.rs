//! Every change to the world: permission first, then the rule, then the rows, then a line in the audit log. Pages, API
//! and command line share it.

pub mod accounts;
pub mod audit;
pub mod contents;
pub mod credentials;
pub mod groups;
pub mod logs;
pub mod people;
pub mod program_settings;
pub mod programs;
pub mod provider;
pub mod releases;
pub mod repositories;
pub mod robots;
pub mod snapshots;
pub mod tokens;
pub mod turns;
pub mod update_terms;
pub mod updates;

use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::model::program::Program;
use crate::model::user::{User, Verb};

/// Anywhere.
fn allow(actor: &User, verb: Verb) -> Result<()> {
    if actor.may(verb) { Ok(()) } else { Err(Error::Forbidden) }
}

/// In one group that the actor sees.
pub async fn allow_in(app: &App, actor: &User, verb: Verb, group: &str) -> Result<()> {
    let group = db::programs::find_group(&app.db, actor.scope(), group).await?.ok_or(Error::NotFound)?;
    if actor.may_in(verb, &group.id, group.restricted) { Ok(()) } else { Err(Error::Forbidden) }
}

/// A program in sight, and leave to do this to it.
async fn program_for(app: &App, actor: &User, verb: Verb, id: &str) -> Result<Program> {
    let program = db::programs::find(&app.db, actor.scope(), id).await?.ok_or(Error::NotFound)?;
    allow_in(app, actor, verb, &program.group_id).await?;
    Ok(program)
}

//! Every change to the world: permission first, then the rule, then the rows. Pages, API and command line share it.

pub mod accounts;
pub mod credentials;
pub mod logs;
pub mod program_settings;
pub mod programs;
pub mod releases;
pub mod repositories;
pub mod robots;
pub mod snapshots;
pub mod turns;
pub mod update_terms;
pub mod updates;

use crate::error::{Error, Result};
use crate::model::user::{User, Verb};

fn allow(actor: &User, verb: Verb) -> Result<()> {
    if actor.role.may(verb) { Ok(()) } else { Err(Error::Forbidden) }
}

//! What lies between two commits of a mirror. Asks no server; everything here blocks.

use std::path::Path;

use git2::{Oid, Repository, Sort};

use super::mirror::{folder_name, other};
use super::{GitError, Result};
use crate::clock::Ms;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    pub id: String,
    pub subject: String,
    pub author: String,
    pub at: Ms,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Between {
    /// Commits of the later one that the earlier one lacks, newest first; at most as many as were asked for.
    pub commits: Vec<Logged>,
    pub ahead: usize,
    /// Commits of the earlier one that the later one lacks: another branch, or one set back.
    pub behind: usize,
}

pub(super) fn between(mirrors: &Path, url: &str, from: &str, to: &str, limit: usize) -> Result<Between> {
    let repository = Repository::open_bare(mirrors.join(folder_name(url, false))).map_err(other)?;
    let commit = |name: &str| {
        let id = Oid::from_str(name).map_err(|_| GitError::NoReference(name.to_owned()))?;
        repository.find_commit(id).map(|commit| commit.id()).map_err(|_| GitError::NoReference(name.to_owned()))
    };
    let (from, to) = (commit(from)?, commit(to)?);
    let (ahead, behind) = repository.graph_ahead_behind(to, from).map_err(other)?;
    let mut walk = repository.revwalk().map_err(other)?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).map_err(other)?;
    walk.push(to).map_err(other)?;
    walk.hide(from).map_err(other)?;
    let mut commits = Vec::new();
    for id in walk.take(limit) {
        let commit = repository.find_commit(id.map_err(other)?).map_err(other)?;
        commits.push(Logged {
            id: commit.id().to_string(),
            subject: commit.summary().ok().flatten().unwrap_or_default().to_owned(),
            author: commit.author().name().unwrap_or_default().to_owned(),
            at: commit.time().seconds() * 1000,
        });
    }
    Ok(Between { commits, ahead, behind })
}

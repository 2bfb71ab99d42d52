//! `/programs/{id}/compare`: what came between two releases: commits, parameters, sizes.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::find_release_of;
use super::page::{Frame, html};
use super::session::SignedIn;
use super::shown::{Shown, package_label};
use crate::app::App;
use crate::clock::rfc3339;
use crate::db;
use crate::db::releases::Listed;
use crate::error::{Error, Result};
use crate::lang::{Lang, bytes};
use crate::model::program::Program;
use crate::ops::{contents, repositories};

/// Releases to choose from.
const CHOICE: i64 = 50;
const COMMITS: usize = 100;
const FILES: usize = 30;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// The earlier one; the one before `to` unless said.
    from: Option<String>,
    /// The later one; the newest with a commit unless said.
    to: Option<String>,
}

#[derive(Template)]
#[template(path = "programs/compare.html")]
struct ComparePage {
    frame: Frame,
    program_id: String,
    program: String,
    choice: Vec<Shown>,
    pair: Option<Pair>,
}

struct Pair {
    from: Shown,
    to: Shown,
    /// `None` where the history is not known here.
    commits: Option<Commits>,
    /// Name, then, now.
    parameters: Vec<(String, String, String)>,
    sizes: Vec<Change>,
    files: Vec<Change>,
    more_files: usize,
}

struct Commits {
    list: Vec<Commit>,
    /// Beyond those listed.
    more: usize,
    behind: usize,
}

struct Commit {
    id: String,
    subject: String,
    author: String,
    at: String,
}

/// A size then and now.
struct Change {
    name: String,
    then: String,
    now: String,
    change: String,
    /// It grew beyond its limit.
    over: bool,
}

impl Change {
    fn new(name: String, then: i64, now: i64, limit: Option<i64>) -> Self {
        let shown = |size: i64| if size == 0 { "–".to_owned() } else { bytes(size) };
        let change = match now - then {
            0 => "±0".to_owned(),
            more if more > 0 => format!("+{}", bytes(more)),
            less => format!("−{}", bytes(-less)),
        };
        Self { name, then: shown(then), now: shown(now), change, over: limit.is_some_and(|limit| now > limit) }
    }
}

pub(super) async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let (scope, l) = (who.user.scope(), who.visitor.lang);
    let program = db::programs::find(&app.db, scope, &id).await?.ok_or(Error::NotFound)?;
    let mut listed = db::releases::list_of_program(&app.db, scope, &id, None, CHOICE).await?;
    listed.retain(|item| item.release.commit.is_some());
    for wanted in [&asked.from, &asked.to].into_iter().flatten() {
        // An old one may be asked for by its address.
        if !listed.iter().any(|item| item.release.id == *wanted) {
            let found = find_release_of(&app, &who.user, &id, wanted).await?;
            if found.release.commit.is_none() {
                return Err(Error::NotFound);
            }
            listed.push(found);
        }
    }
    let at = |wanted: &Option<String>| {
        wanted.as_ref().and_then(|wanted| listed.iter().position(|item| item.release.id == *wanted))
    };
    let to = at(&asked.to).unwrap_or(0);
    let mut from = at(&asked.from).or_else(|| before(&listed, to));
    if from.is_none()
        && let Some(to) = listed.get(to)
    {
        // What came before an old one is not among the newest.
        let earlier = db::releases::list_of_program(&app.db, scope, &id, Some(&to.release.id), CHOICE).await?;
        let mut earlier: Vec<Listed> = earlier.into_iter().filter(|item| item.release.commit.is_some()).collect();
        let good = earlier.iter().position(|item| item.release.receipt.is_some()).unwrap_or(0);
        if good < earlier.len() {
            listed.push(earlier.swap_remove(good));
            from = Some(listed.len() - 1);
        }
    }
    let pair = match (listed.get(to), from.map(|from| &listed[from])) {
        (Some(to), Some(from)) => Some(compare(&app, l, &program, from.clone(), to.clone()).await?),
        _ => None,
    };
    let choice = listed.into_iter().map(|item| Shown::new(&app, l, item, Some(&program))).collect();
    Ok(html(&ComparePage {
        frame: Frame::load(&app, &who, l.t("compare.title")).await?,
        program_id: program.id,
        program: program.name,
        choice,
        pair,
    }))
}

/// The last good one before it, else the last one at all.
fn before(listed: &[Listed], to: usize) -> Option<usize> {
    let earlier = || listed.iter().enumerate().skip(to + 1);
    let good = |item: &Listed| item.release.receipt.is_some();
    earlier().find(|(_, item)| good(item)).or_else(|| earlier().next()).map(|(at, _)| at)
}

async fn compare(app: &App, l: Lang, program: &Program, from: Listed, to: Listed) -> Result<Pair> {
    let (a, b) = (&from.release, &to.release);
    let commits = match (&a.commit, &b.commit) {
        (Some(a), Some(b)) => repositories::between(app, program, a, b, COMMITS).await,
        _ => None,
    };
    let commits = commits.map(|between| Commits {
        more: between.ahead.saturating_sub(between.commits.len()),
        behind: between.behind,
        list: between.commits.into_iter().map(commit).collect(),
    });
    let (then, now) = (contents::find(app, &a.id).await?, contents::find(app, &b.id).await?);
    let changed = then.zip(now).map(|(then, now)| now.changes(&then)).unwrap_or_default();
    let more_files = changed.len().saturating_sub(FILES);
    let files = changed.into_iter().take(FILES).map(|(path, then, now)| Change::new(path, then, now, None)).collect();
    let mut names: Vec<&str> = b.sizes.iter().chain(&a.sizes).map(|size| size.name.as_str()).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(*name));
    let of = |sizes: &[crate::model::release::Size], name: &str| sizes.iter().find(|size| size.name == name).cloned();
    let sizes = names.iter().map(|name| {
        let (then, now) = (of(&a.sizes, name), of(&b.sizes, name));
        let limit = now.as_ref().and_then(|size| size.limit);
        Change::new(package_label(l, name), then.map_or(0, |size| size.bytes), now.map_or(0, |size| size.bytes), limit)
    });
    let sizes = sizes.collect();
    let (from, to) = (Shown::new(app, l, from, Some(program)), Shown::new(app, l, to, Some(program)));
    Ok(Pair { commits, parameters: parameters(&from, &to), sizes, files, more_files, from, to })
}

fn commit(logged: repositories::Logged) -> Commit {
    Commit { id: logged.id, subject: logged.subject, author: logged.author, at: rfc3339(logged.at) }
}

/// What was asked differently, with the environment and who asked.
fn parameters(from: &Shown, to: &Shown) -> Vec<(String, String, String)> {
    let all = |s: &Shown| {
        let mut all = vec![
            (s.l.t("publish.action").into_owned(), s.action_text()),
            (s.l.t("publish.environment").into_owned(), s.environment_text()),
            (s.l.t("release.by").into_owned(), s.by.clone()),
        ];
        all.extend(s.asked());
        all
    };
    let (then, now) = (all(from), all(to));
    let of = |all: &[(String, String)], name: &str| {
        all.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut names: Vec<String> = now.iter().chain(&then).map(|(name, _)| name.clone()).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let rows = names.into_iter().map(|name| (of(&then, &name), of(&now, &name), name));
    rows.filter(|(then, now, _)| then != now).map(|(then, now, name)| (name, then, now)).collect()
}

impl Commit {
    fn short(&self) -> &str {
        &self.id[..self.id.len().min(8)]
    }
}

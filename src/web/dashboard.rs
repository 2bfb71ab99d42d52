//! `/`: what is being published, by whom, did it work? And its live parts over `/live`.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use askama::Template;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::live::{BEAT, check_origin, fragments, send, small};
use super::notices::Notices;
use super::page::{Frame, html, navigation, platform_icon};
use super::session::SignedIn;
use super::shown::{Shown, platform_label};
use crate::app::App;
use crate::bus::Moved;
use crate::clock::DAY;
use crate::db;
use crate::error::Result;
use crate::lang::Lang;
use crate::model::program::Program;
use crate::model::release::Status;
use crate::model::user::{Scope, User};

/// How often at most a page is told that something moved.
const SETTLE: Duration = Duration::from_millis(150);
/// Releases that ended a short while ago, and how many are looked at to find them.
const RECENT: usize = 5;
const LOOK: i64 = 40;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    running: Running,
    recent: Recent,
    programs: Programs,
    /// Of a new installation: 0 no group, 1 no program, 2 no key, 3 no release; then `None`.
    step: Option<usize>,
    first_program: Option<String>,
    /// Id and name.
    archived: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "home/_running.html")]
struct Running {
    l: Lang,
    runs: Vec<Shown>,
}

/// What ended within a day.
#[derive(Template)]
#[template(path = "home/_recent.html")]
struct Recent {
    l: Lang,
    recent: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "home/_programs.html")]
struct Programs {
    l: Lang,
    groups: Vec<Group>,
    may_edit: bool,
}

struct Group {
    id: String,
    name: String,
    rows: Vec<Row>,
}

struct Row {
    program: Program,
    platform: String,
    first_action: &'static str,
    /// It runs or waits now.
    active: bool,
    success: Option<Shown>,
    /// The newest QR code that still works: its release and how long.
    qr: Option<(String, String)>,
    /// A newest release that ended otherwise.
    trouble: Option<Shown>,
}

impl Row {
    fn icon(&self) -> String {
        platform_icon(&self.program.platform)
    }

    fn first_action(&self) -> &'static str {
        self.first_action
    }
}

pub(super) async fn home(State(app): State<App>, who: SignedIn) -> Result<Response> {
    let l = who.visitor.lang;
    let frame = Frame::load(&app, &who, l.t("nav.home")).await?;
    let programs = programs(&app, who.user.scope(), l, frame.may_edit()).await?;
    let running = running(&app, who.user.scope(), l).await?;
    let rows = || programs.groups.iter().flat_map(|group| &group.rows);
    let released = rows().any(|row| row.success.is_some() || row.trouble.is_some()) || !running.runs.is_empty();
    let step = match rows().next() {
        _ if released => None,
        Some(row) if lacks_key(&app, &row.program).await? => Some(2),
        Some(_) => Some(3),
        None if !programs.groups.is_empty() => Some(1),
        None => Some(0),
    };
    let first_program = rows().next().map(|row| row.program.id.clone());
    let archived = db::programs::list_archived(&app.db, who.user.scope()).await?;
    let archived = archived.into_iter().map(|program| (program.id, program.name)).collect();
    let recent = recent(&app, who.user.scope(), l).await?;
    Ok(html(&HomePage { frame, running, recent, programs, step, first_program, archived }))
}

async fn lacks_key(app: &App, program: &Program) -> Result<bool> {
    let needed = app.platforms.get(&program.platform).is_some_and(|platform| platform.needs_credential());
    Ok(needed && db::credentials::find(&app.db, &program.id).await?.is_none())
}

async fn by_id(app: &App, scope: Scope<'_>) -> Result<HashMap<String, Program>> {
    Ok(db::programs::list(&app.db, scope).await?.into_iter().map(|p| (p.id.clone(), p)).collect())
}

async fn running(app: &App, scope: Scope<'_>, l: Lang) -> Result<Running> {
    let known = by_id(app, scope).await?;
    let mut ahead: HashMap<String, usize> = HashMap::new();
    let mut runs = Vec::new();
    for listed in db::releases::list_active(&app.db, scope).await? {
        let before = ahead.entry(listed.release.program_id.clone()).or_default();
        let program = known.get(&listed.release.program_id);
        let mut shown = Shown::new(app, l, listed, program);
        shown.ahead = *before;
        *before += 1;
        shown.stages = db::releases::list_stages(&app.db, &shown.r.id).await?;
        runs.push(shown);
    }
    Ok(Running { l, runs })
}

async fn recent(app: &App, scope: Scope<'_>, l: Lang) -> Result<Recent> {
    let known = by_id(app, scope).await?;
    let filter = db::releases::Filter { since: Some(app.clock.now() - DAY), ..Default::default() };
    let mut ended = db::releases::search(&app.db, scope, &filter, None, LOOK).await?;
    ended.retain(|item| item.release.finished_at.is_some());
    ended.sort_by_key(|item| std::cmp::Reverse(item.release.finished_at));
    ended.truncate(RECENT);
    let shown = ended.into_iter().map(|item| {
        let program = known.get(&item.release.program_id);
        Shown::new(app, l, item, program)
    });
    Ok(Recent { l, recent: shown.collect() })
}

async fn programs(app: &App, scope: Scope<'_>, l: Lang, may_edit: bool) -> Result<Programs> {
    let known = by_id(app, scope).await?;
    let active = db::releases::list_active(&app.db, scope).await?;
    let busy: HashSet<String> = active.into_iter().map(|listed| listed.release.program_id).collect();
    let mut latest: HashMap<String, Vec<Shown>> = HashMap::new();
    for listed in db::releases::list_latest(&app.db, scope).await? {
        let program = known.get(&listed.release.program_id);
        latest.entry(listed.release.program_id.clone()).or_default().push(Shown::new(app, l, listed, program));
    }
    let mut groups: Vec<Group> = db::programs::list_groups(&app.db, scope)
        .await?
        .into_iter()
        .map(|group| Group { id: group.id, name: group.name, rows: vec![] })
        .collect();
    let mut programs: Vec<Program> = known.into_values().collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    for program in programs {
        let (mut success, mut trouble, mut qr) = (None, None, None);
        for shown in latest.remove(&program.id).unwrap_or_default() {
            if shown.has_qr() && !shown.qr_expired() && qr.is_none() {
                qr = Some((shown.r.id.clone(), shown.qr_note()));
            }
            match shown.r.status {
                Status::Succeeded => {
                    success.get_or_insert(shown);
                }
                _ => trouble = Some(shown),
            }
        }
        if let Some(group) = groups.iter_mut().find(|group| group.id == program.group_id) {
            let kind = app.platforms.get(&program.platform);
            let platform = platform_label(kind, l);
            let first_action = kind.and_then(|p| p.actions.first()).map_or("", |action| action.as_str());
            let active = busy.contains(&program.id);
            group.rows.push(Row { program, platform, first_action, active, success, qr, trouble });
        }
    }
    Ok(Programs { l, groups, may_edit })
}

#[derive(Deserialize)]
pub(super) struct At {
    /// The page that listens.
    #[serde(default)]
    at: String,
    /// The oldest release that a program's page shows as live.
    oldest: Option<String>,
}

pub(super) async fn live(
    State(app): State<App>,
    who: SignedIn,
    Query(page): Query<At>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response> {
    check_origin(&app, &headers)?;
    Ok(small(upgrade).on_upgrade(move |socket| async move {
        let (l, may_edit) = (who.visitor.lang, super::programs::may_edit(&who.user));
        tokio::select! {
            told = tell(&app, &who.user, l, may_edit, &page, socket) => {
                if let Err(error) = told {
                    tracing::warn!(%error, "a live page ended");
                }
            }
            () = who.ended(&app) => {}
        }
    }))
}

/// Sends the moving parts of a page whenever they changed.
async fn tell(app: &App, user: &User, l: Lang, may_edit: bool, page: &At, mut socket: WebSocket) -> Result<()> {
    let (scope, at) = (user.scope(), page.at.as_str());
    let mut bus = app.bus.listen();
    let mut beat = tokio::time::interval_at(Instant::now() + BEAT, BEAT);
    let mut notices = Notices::default();
    // Every page has the frame's parts; the lists are only asked for where they are shown.
    let home = matches!(at.split('?').next(), None | Some("" | "/"));
    let mut last: Vec<(&str, String)> = Vec::new();
    loop {
        let (nav, count) = navigation(app, user, l, at).await?;
        let mut now = vec![("#live-nav", nav.render()?), ("#live-count", count.render()?)];
        if home {
            now.push(("#live-running", running(app, scope, l).await?.render()?));
            now.push(("#live-recent", recent(app, scope, l).await?.render()?));
            now.push(("#live-programs", programs(app, scope, l, may_edit).await?.render()?));
        }
        let program = at.strip_prefix("/programs/").filter(|id| !id.contains(['/', '?']));
        if let (Some(id), Some(oldest)) = (program, &page.oldest)
            && let Some(newest) = super::programs::newest(app, user, l, id, oldest).await?
        {
            now.push(("#live-history", newest.render()?));
        }
        let moved: Vec<(&str, &str)> =
            now.iter().filter(|part| !last.contains(part)).map(|(target, html)| (*target, html.as_str())).collect();
        if !moved.is_empty() && !send(&mut socket, &fragments(&moved)).await {
            return Ok(());
        }
        last = now;
        for notice in notices.news(app, user, l).await? {
            if !send(&mut socket, &json!({ "notice": notice })).await {
                return Ok(());
            }
        }
        loop {
            tokio::select! {
                moved = bus.next() => match moved {
                    Some(Moved::Release(_) | Moved::Programs | Moved::Anything) => break,
                    Some(_) => {}
                    None => return Ok(()),
                },
                heard = socket.recv() => if !matches!(heard, Some(Ok(_))) {
                    return Ok(());
                },
                _ = beat.tick() => if !send(&mut socket, &json!({ "beat": true })).await {
                    return Ok(());
                },
            }
        }
        tokio::time::sleep(SETTLE).await;
    }
}

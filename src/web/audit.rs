//! `/audit`: who did what, and the same as a file.

use askama::Template;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Deserialize;

use super::page::{Frame, html};
use super::session::SignedIn;
use crate::app::App;
use crate::clock::{DAY, rfc3339};
use crate::db::audit::Filter;
use crate::error::Result;
use crate::lang::Lang;
use crate::model::audit::Entry;
use crate::model::user::User;
use crate::ops::audit;

const PAGE: i64 = 100;
const EXPORT_PAGE: i64 = 500;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    rows: Vec<Entry>,
    asked: Asked,
    query: String,
    next: Option<String>,
    nouns: &'static [&'static str],
}

/// What there is to filter by: the nouns of actions.
const NOUNS: &[&str] = &[
    "session",
    "user",
    "token",
    "group",
    "program",
    "credential",
    "repository_login",
    "known_host",
    "robot",
    "release",
    "update",
    "kept",
    "log",
];

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    user: String,
    action: String,
    days: String,
    before: Option<String>,
}

impl Asked {
    fn filter(&self, app: &App) -> Filter {
        let some = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Filter {
            user: some(&self.user),
            action: some(&self.action),
            target: None,
            since: self.days.parse::<i64>().ok().map(|days| app.clock.now() - days.clamp(1, 3650) * DAY),
            until: None,
        }
    }
}

impl AuditPage {
    fn time(&self, entry: &Entry) -> String {
        rfc3339(entry.at)
    }

    fn action(&self, entry: &Entry) -> String {
        action_text(self.frame.l, &entry.action)
    }

    /// Field → before and after, or what else there is.
    fn details(&self, entry: &Entry) -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => "–".to_owned(),
            other => other.to_string(),
        };
        let fields = entry.detail.as_object().into_iter().flatten();
        let empty = |value: &serde_json::Value| {
            value.is_null()
                || value.as_str().is_some_and(str::is_empty)
                || value.as_object().is_some_and(serde_json::Map::is_empty)
        };
        let says_something = |value: &serde_json::Value| match value.as_array().map(Vec::as_slice) {
            Some([before, after]) => !empty(before) || !empty(after),
            _ => !empty(value),
        };
        let shown = |(name, value): (&String, &serde_json::Value)| match value.as_array().map(Vec::as_slice) {
            Some([before, after]) if before.is_null() => (name.clone(), text(after)),
            Some([before, after]) => (name.clone(), format!("{} → {}", text(before), text(after))),
            _ => (name.clone(), text(value)),
        };
        fields.filter(|(_, value)| says_something(value)).map(shown).collect()
    }
}

/// The words for an action; its name where there are none.
fn action_text(l: Lang, action: &str) -> String {
    let text = l.maybe("audit_action", action.replace('.', "_"));
    if text.is_empty() { action.to_owned() } else { text }
}

pub(super) async fn index(State(app): State<App>, who: SignedIn, Query(asked): Query<Asked>) -> Result<Response> {
    let filter = asked.filter(&app);
    let mut rows = audit::list(&app, &who.user, &filter, asked.before.as_deref(), PAGE + 1).await?;
    let more = rows.len() as i64 > PAGE;
    rows.truncate(PAGE as usize);
    let query = serde_urlencoded::to_string([("user", &asked.user), ("action", &asked.action), ("days", &asked.days)])?;
    Ok(html(&AuditPage {
        frame: Frame::load(&app, &who, who.visitor.lang.t("audit.title")).await?,
        next: rows.last().filter(|_| more).map(|last| last.id.clone()),
        rows,
        asked,
        query,
        nouns: NOUNS,
    }))
}

/// All of it that fits the filter, as CSV, newest first.
pub(super) async fn export(State(app): State<App>, who: SignedIn, Query(asked): Query<Asked>) -> Result<Response> {
    let filter = asked.filter(&app);
    // The permission, before the first line.
    audit::list(&app, &who.user, &filter, None, 1).await?;
    type State = (App, User, Filter, Option<String>);
    let state: State = (app, who.user, filter, None);
    let pages = stream::try_unfold(Some(state), |state: Option<State>| async move {
        let Some((app, user, filter, before)) = state else { return Ok::<_, std::io::Error>(None) };
        let rows = audit::list(&app, &user, &filter, before.as_deref(), EXPORT_PAGE).await;
        let rows = rows.map_err(|error| std::io::Error::other(error.to_string()))?;
        let mut text: String = rows.iter().map(line).collect();
        if before.is_none() {
            text.insert_str(0, "time,user,address,action,target_id,target,detail\r\n");
        }
        let next = rows.last().filter(|_| rows.len() as i64 == EXPORT_PAGE).map(|last| last.id.clone());
        Ok(Some((text, next.map(|before| (app, user, filter, Some(before))))))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"sampan-audit.csv\""),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

fn line(entry: &Entry) -> String {
    let detail = if entry.detail.is_null() { String::new() } else { entry.detail.to_string() };
    let time = rfc3339(entry.at);
    let fields =
        [&time, &entry.user_name, &entry.address, &entry.action, &entry.target_id, &entry.target_name, &detail];
    let cell = |text: &&String| {
        // A spreadsheet takes these for formulas.
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    };
    fields.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n"
}

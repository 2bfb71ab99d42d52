//! A release as pages show it: every text in the reader's language, every number formatted.

use std::collections::BTreeMap;

use crate::app::App;
use crate::clock::{Ms, rfc3339};
use crate::db::releases::Listed;
use crate::lang::{Lang, bytes, duration};
use crate::model::program::Program;
use crate::model::release::{Action, Release, Stage, StageRow, Status};
use crate::platform::{Platform, hints};

pub(super) struct Shown {
    pub l: Lang,
    pub r: Release,
    pub by: String,
    pub program: String,
    pub hint: Option<String>,
    /// The platform's options by name, in the reader's language.
    labels: BTreeMap<String, String>,
    pub now: Ms,
    /// Releases that run before this one, where it waits.
    pub ahead: usize,
    pub stages: Vec<StageRow>,
}

pub(super) struct Step {
    pub name: &'static str,
    pub state: &'static str,
    pub time: String,
    pub since: String,
}

impl Step {
    pub(super) fn icon(&self) -> String {
        format!("state-{}", self.state)
    }
}

impl Shown {
    pub(super) fn new(app: &App, l: Lang, listed: Listed, program: Option<&Program>) -> Self {
        let platform = program.and_then(|p| app.platforms.get(&p.platform));
        let hint = listed.release.failure.as_ref().and_then(|failure| hints::hint(platform, failure, l));
        Self {
            l,
            by: listed.requested_by_name,
            program: program.map(|p| p.name.clone()).unwrap_or_default(),
            hint,
            labels: platform
                .into_iter()
                .flat_map(|p| &p.fields)
                .map(|field| (field.name.clone(), field.label.get(l).to_owned()))
                .collect(),
            now: app.clock.now(),
            ahead: 0,
            stages: vec![],
            r: listed.release,
        }
    }

    pub(super) fn state(&self) -> &'static str {
        self.r.status.as_str()
    }

    pub(super) fn state_text(&self) -> String {
        self.l.t(&format!("status.{}", self.state())).into_owned()
    }

    pub(super) fn action_text(&self) -> String {
        self.l.t(&format!("action.{}", self.r.parameters.action)).into_owned()
    }

    pub(super) fn environment_text(&self) -> String {
        self.l.t(&format!("environment.{}", self.r.parameters.environment)).into_owned()
    }

    pub(super) fn stage_text(&self) -> String {
        self.r.stage.map(|stage| self.l.t(&format!("stage.{stage}")).into_owned()).unwrap_or_default()
    }

    pub(super) fn is_queued(&self) -> bool {
        self.r.status == Status::Queued
    }

    pub(super) fn is_over(&self) -> bool {
        self.r.status.is_final()
    }

    pub(super) fn is_unconfirmed(&self) -> bool {
        self.r.status == Status::Unconfirmed
    }

    pub(super) fn succeeded(&self) -> bool {
        self.r.status == Status::Succeeded
    }

    pub(super) fn is_preview(&self) -> bool {
        self.r.parameters.action == Action::Preview
    }

    /// The version the vendor confirmed, else the one asked for.
    pub(super) fn version(&self) -> &str {
        self.r.receipt.as_ref().map_or(&self.r.parameters.version, |receipt| &receipt.version)
    }

    pub(super) fn short_commit(&self) -> &str {
        self.r.commit.as_deref().map(|id| &id[..id.len().min(8)]).unwrap_or_default()
    }

    pub(super) fn commit_subject(&self) -> &str {
        self.r.commit_subject.as_deref().unwrap_or_default()
    }

    pub(super) fn time(&self, at: &Ms) -> String {
        rfc3339(*at)
    }

    pub(super) fn opt_time(&self, at: &Option<Ms>) -> String {
        at.map(rfc3339).unwrap_or_default()
    }

    /// Since the start; the whole of it once over.
    pub(super) fn elapsed(&self) -> String {
        let since = self.r.started_at.unwrap_or(self.r.created_at);
        duration(self.r.finished_at.unwrap_or(self.now) - since)
    }

    pub(super) fn waits_for(&self) -> String {
        match self.r.dispatched_at {
            Some(_) => self.l.t("release.waits_runner").into_owned(),
            None => self.l.with("release.waits_program", &[("n", &self.ahead.to_string())]),
        }
    }

    pub(super) fn has_qr(&self) -> bool {
        self.r.qr_key.is_some()
    }

    pub(super) fn qr_expired(&self) -> bool {
        self.r.qr_expires_at.is_some_and(|at| at < self.now)
    }

    /// All five, whether or not they have begun.
    pub(super) fn steps(&self) -> Vec<Step> {
        Stage::ALL
            .iter()
            .map(|stage| match self.stages.iter().find(|row| row.name == *stage) {
                Some(row) => Step {
                    name: stage.as_str(),
                    state: row.status.as_str(),
                    time: duration(row.finished_at.unwrap_or(self.now) - row.started_at),
                    since: rfc3339(row.started_at),
                },
                None => Step { name: stage.as_str(), state: "pending", time: String::new(), since: String::new() },
            })
            .collect()
    }

    /// 1 to 5.
    pub(super) fn stage_number(&self) -> usize {
        self.r.stage.map_or(0, |stage| 1 + stage as usize)
    }

    pub(super) fn state_icon(&self) -> String {
        format!("state-{}", self.state())
    }

    pub(super) fn since(&self) -> String {
        rfc3339(self.r.started_at.unwrap_or(self.r.created_at))
    }

    /// The version where it says something, else the action.
    pub(super) fn label(&self) -> String {
        match (self.is_preview(), self.version()) {
            (true, _) | (_, "") => self.action_text(),
            (false, version) => format!("{} · {version}", self.action_text()),
        }
    }

    /// One line: the reason where there is one, else the state.
    pub(super) fn short_why(&self) -> String {
        let why = if self.r.failure.is_some() { self.failure_title() } else { String::new() };
        if why.is_empty() { self.state_text() } else { why }
    }

    /// What went wrong, in words; the raw code for what nobody has met yet.
    pub(super) fn failure_title(&self) -> String {
        let Some(failure) = &self.r.failure else { return String::new() };
        let title = self.l.maybe("failure_titles", &failure.code);
        if title.is_empty() { self.l.with("release.failed_in", &[("stage", &self.stage_text())]) } else { title }
    }

    pub(super) fn uploaded(&self) -> bool {
        self.succeeded() && self.r.parameters.action == Action::Upload
    }

    pub(super) fn qr_note(&self) -> String {
        match self.r.qr_expires_at {
            Some(_) if self.qr_expired() => self.l.t("release.qr_over").into_owned(),
            Some(at) => self.l.n("release.qr_minutes", (at - self.now) / crate::clock::MINUTE),
            None => String::new(),
        }
    }

    pub(super) fn short_id<'i>(&self, id: &'i str) -> &'i str {
        &id[id.len().saturating_sub(8)..]
    }

    /// An option of the platform or a field of its receipt in words; the bare name for what nobody has named yet.
    fn label_of(&self, key: &str) -> String {
        let own = self.labels.get(key).cloned();
        own.or_else(|| Some(self.l.maybe("receipt", key)).filter(|text| !text.is_empty()))
            .unwrap_or_else(|| key.to_owned())
    }

    /// What the person asked for, without what is empty.
    pub(super) fn asked(&self) -> Vec<(String, String)> {
        let p = &self.r.parameters;
        let own = [
            ("ref", &p.reference),
            ("version", &p.version),
            ("description", &p.description),
            ("page_path", &p.page_path),
            ("query", &p.query),
            ("scene", &p.scene),
        ];
        let own = own.into_iter().map(|(key, value)| (self.l.of("publish", key).into_owned(), value.clone()));
        let options =
            p.options.iter().map(|(key, value)| (self.label_of(key), value.to_string().trim_matches('"').to_owned()));
        own.chain(options).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// What a card says of it besides branch, version and environment.
    pub(super) fn card_facts(&self) -> Vec<(String, String)> {
        let shown = ["ref", "version"].map(|key| self.l.of("publish", key).into_owned());
        self.asked().into_iter().filter(|(name, _)| !shown.contains(name)).collect()
    }

    pub(super) fn bytes(&self, n: &i64) -> String {
        bytes(*n)
    }

    /// `__APP__` and its like in words.
    pub(super) fn package(&self, name: &str) -> String {
        package_label(self.l, name)
    }

    /// What the vendor's tool said beside version and sizes, by field.
    pub(super) fn vendor_facts(&self) -> Vec<(String, String)> {
        let vendor = self.r.receipt.as_ref().and_then(|receipt| receipt.vendor.as_object());
        vendor
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| match value {
                serde_json::Value::Null => None,
                serde_json::Value::String(text) if text.is_empty() => None,
                serde_json::Value::String(text) => Some((self.label_of(key), text.clone())),
                serde_json::Value::Array(items) if items.is_empty() => None,
                other => Some((self.label_of(key), other.to_string())),
            })
            .collect()
    }
}

/// `__APP__` and its like in words; a sub-package by its root.
pub(super) fn package_label(l: Lang, name: &str) -> String {
    let label = l.maybe("package", name);
    if label.is_empty() { name.to_owned() } else { label }
}

/// The platform's name in the reader's language.
pub(super) fn platform_label(platform: Option<&Platform>, l: Lang) -> String {
    platform.map(|p| p.label.get(l).to_owned()).unwrap_or_default()
}

//! What the API gives and takes: ids are 32 hex digits, times RFC 3339 in UTC, sizes bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::clock::rfc3339;
use crate::model;
use crate::model::release::{Action, Environment, Stage, StageStatus, Status};
use crate::model::token::TokenScope;
use crate::model::update::{Kind, Mode, Os};
use crate::model::user::Role;

/// A page of a list; `next_cursor` asks for the next one.
#[derive(Serialize, ToSchema)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The first `limit` of rows that were asked for with one more, which tells whether there is a next page.
    pub(super) fn cut<R>(
        mut rows: Vec<R>,
        limit: i64,
        cursor: impl Fn(&R) -> String,
        shown: impl FnMut(R) -> T,
    ) -> Self {
        let more = rows.len() as i64 > limit;
        rows.truncate(limit as usize);
        let next_cursor = rows.last().filter(|_| more).map(cursor);
        Self { items: rows.into_iter().map(shown).collect(), next_cursor }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    pub cursor: Option<String>,
    /// From 1 to 100; 50 unless said.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<i64>,
}

/// Nothing to say but that it was done.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {
    pub ok: bool,
}

pub(super) const DONE: axum::Json<Done> = axum::Json(Done { ok: true });

#[derive(Serialize, ToSchema)]
pub(super) struct User {
    pub id: String,
    pub login: String,
    pub name: String,
    #[schema(value_type = String)]
    pub role: Role,
    pub disabled: bool,
    pub must_change_password: bool,
    pub created_at: String,
    pub last_seen_at: Option<String>,
}

impl From<model::user::User> for User {
    fn from(user: model::user::User) -> Self {
        Self {
            id: user.id,
            login: user.login,
            name: user.name,
            role: user.role,
            disabled: user.disabled_at.is_some(),
            must_change_password: user.must_change,
            created_at: rfc3339(user.created_at),
            last_seen_at: user.seen_at.map(rfc3339),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Token {
    pub id: String,
    pub name: String,
    #[schema(value_type = String)]
    pub scope: TokenScope,
    /// The only group it is for.
    pub group_id: Option<String>,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub used_at: Option<String>,
}

impl From<model::token::Token> for Token {
    fn from(token: model::token::Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scope: token.scope,
            group_id: token.group_id,
            created_at: rfc3339(token.created_at),
            expires_at: token.expires_at.map(rfc3339),
            used_at: token.used_at.map(rfc3339),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Group {
    pub id: String,
    pub name: String,
    pub restricted: bool,
    pub created_at: String,
}

impl From<model::program::Group> for Group {
    fn from(group: model::program::Group) -> Self {
        Self { id: group.id, name: group.name, restricted: group.restricted, created_at: rfc3339(group.created_at) }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct Credential {
    pub configured: bool,
    pub fingerprint: Option<String>,
    pub updated_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Program {
    pub id: String,
    pub name: String,
    pub group_id: String,
    /// The group's name.
    pub group: String,
    pub platform: String,
    pub app_id: String,
    pub repo_url: String,
    pub default_ref: String,
    pub root_dir: String,
    pub install_command: String,
    pub build_command: String,
    pub dev_build_command: String,
    pub output_dir: String,
    /// The platform's options by name.
    #[schema(value_type = Object)]
    pub options: BTreeMap<String, Value>,
    /// How builds run; null means the instance's default.
    #[schema(value_type = Object)]
    pub settings: Value,
    pub credential: Credential,
    pub archived_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct StageState {
    #[schema(value_type = String)]
    pub name: Stage,
    #[schema(value_type = String)]
    pub status: StageStatus,
    pub started_at: String,
    pub finished_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Failed {
    pub code: String,
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Size {
    pub name: String,
    pub bytes: i64,
    pub limit: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Receipt {
    pub version: String,
    pub qr_url: Option<String>,
    /// What the vendor's tool said beside.
    #[schema(value_type = Object)]
    pub vendor: Value,
    pub received_at: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Release {
    pub id: String,
    pub program_id: String,
    /// The program's name.
    pub program: String,
    pub platform: String,
    #[schema(value_type = String)]
    pub action: Action,
    pub r#ref: String,
    pub commit: Option<String>,
    pub commit_subject: Option<String>,
    pub version: String,
    pub description: String,
    #[schema(value_type = String)]
    pub environment: Environment,
    /// `queued`, `running`, `succeeded`, `failed`, `canceled`, `unconfirmed`.
    #[schema(value_type = String)]
    pub status: Status,
    #[schema(value_type = Option<String>)]
    pub stage: Option<Stage>,
    pub remark: String,
    pub retry_of: Option<String>,
    pub attempt: i64,
    /// Of a queued one: `runner`, or `program` while others of its program are before it.
    pub waiting_for: Option<String>,
    pub stages: Vec<StageState>,
    pub error: Option<Failed>,
    pub receipt: Option<Receipt>,
    /// The image; asked for with the same token.
    pub qr_url: Option<String>,
    pub qr_expires_at: Option<String>,
    pub sizes: Vec<Size>,
    pub requested_by: String,
    pub requested_by_name: String,
    pub created_at: String,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct LogLine {
    /// From 1 without gaps.
    pub n: i64,
    pub t: String,
    pub stage: String,
    /// `stdout`, `stderr`, `system`.
    pub stream: String,
    pub text: String,
}

impl From<model::log::Line> for LogLine {
    fn from(line: model::log::Line) -> Self {
        Self { n: line.n, t: rfc3339(line.t), stage: line.stage, stream: line.stream.to_string(), text: line.text }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct LogPage {
    pub lines: Vec<LogLine>,
    /// The number to go on from.
    pub next: i64,
    /// Whether the release is over and these are its last lines.
    pub complete: bool,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Update {
    pub id: String,
    pub program_id: String,
    /// `wgt-android`, `wgt-ios`, `wgt-harmony`, `android`, `ios`, `harmony`.
    #[schema(value_type = String)]
    pub kind: Kind,
    pub version: String,
    pub version_code: i64,
    pub channel: String,
    pub min_native: Option<i64>,
    pub max_native: Option<i64>,
    /// `ask`, `force`, `silent`.
    #[schema(value_type = String)]
    pub mode: Mode,
    pub enabled: bool,
    /// Where phones get it.
    pub url: Option<String>,
    pub sha256: Option<String>,
    pub bytes: Option<i64>,
    pub signature: Option<String>,
    pub link: Option<String>,
    pub embedded_wgt_code: Option<i64>,
    pub changelog: String,
    pub remark: String,
    pub release_id: Option<String>,
    pub created_by: String,
    pub created_at: String,
    pub updated_at: String,
}

/// Whom an update is for.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Terms {
    /// `android`, `ios`, `harmony`.
    #[schema(value_type = Vec<String>)]
    pub systems: Vec<Os>,
    pub channel: Option<String>,
    pub min_native: Option<i64>,
    pub max_native: Option<i64>,
    /// `ask`, `force`, `silent`.
    pub mode: Option<String>,
    pub changelog: Option<String>,
    pub remark: Option<String>,
    pub version_code: Option<i64>,
}

impl Terms {
    /// As a form has them.
    pub(super) fn form(&self) -> BTreeMap<String, String> {
        let number = |n: Option<i64>| n.map(|n| n.to_string());
        let fields = [
            ("channel", self.channel.clone()),
            ("min_native", number(self.min_native)),
            ("max_native", number(self.max_native)),
            ("mode", self.mode.clone()),
            ("changelog", self.changelog.clone()),
            ("remark", self.remark.clone()),
            ("version_code", number(self.version_code)),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let systems = self.systems.iter().map(|os| (crate::ops::update_terms::system_field(*os), "yes".to_owned()));
        fields.chain(systems).collect()
    }
}

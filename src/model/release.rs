//! A release: one run of a program's action. Its status machine, stages and what came of it.

use serde::{Deserialize, Serialize};

use crate::clock::{MINUTE, Ms, SECOND};
use crate::model::program::Options;
use crate::model::update::Terms;

super::words! { Action { Preview = "preview", Upload = "upload", Publish = "publish" } }
super::words! { Environment { Production = "production", Development = "development" } }

super::words! {
    /// `queued → running → succeeded | failed | canceled | unconfirmed`.
    Status {
        Queued = "queued", Running = "running", Succeeded = "succeeded",
        Failed = "failed", Canceled = "canceled", Unconfirmed = "unconfirmed",
    }
}

super::words! {
    Stage {
        Checkout = "checkout", Install = "install", Compile = "compile",
        Prepare = "prepare", Deliver = "deliver",
    }
}

super::words! {
    StageStatus { Running = "running", Succeeded = "succeeded", Failed = "failed", Skipped = "skipped", Canceled = "canceled" }
}

impl Status {
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// How long a runner owns a release without renewing.
pub const LEASE: Ms = 30 * SECOND;
/// Three missed renewals lose it.
pub const RENEW_EVERY: std::time::Duration = std::time::Duration::from_secs(8);
/// A dispatched release that nobody claimed by then is pushed again.
pub const STALE_DISPATCH: Ms = MINUTE;
/// Crashes in a row after which a release is given up.
pub const MAX_ATTEMPTS: i64 = 3;

/// What the person asked for.
#[derive(Debug, Clone)]
pub struct Parameters {
    pub action: Action,
    /// Branch, tag or commit.
    pub reference: String,
    pub version: String,
    pub description: String,
    pub environment: Environment,
    pub page_path: String,
    pub query: String,
    pub scene: String,
    /// The program's options as they were at the click.
    pub options: Options,
    pub without_lockfile: bool,
    /// Whom the update is for, where the release makes one.
    pub terms: Option<Terms>,
}

/// Why a release did not succeed. `code` finds the hint; `message` is raw text of the tool that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    pub message: String,
    /// Fills `$1…` of a platform's hint, or `%{1}…` of ours.
    #[serde(default)]
    pub args: Vec<String>,
    /// The last lines of output, where they say more than the message.
    #[serde(default)]
    pub tail: Vec<String>,
    /// The lines around the first error, where the last ones do not show it.
    #[serde(default)]
    pub excerpt: Vec<String>,
    /// Number of the log's line where a reader should look first.
    #[serde(default)]
    pub line: Option<i64>,
}

impl Failure {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), args: vec![], tail: vec![], excerpt: vec![], line: None }
    }

    pub fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.args = args.iter().map(|arg| (*arg).to_owned()).collect();
        self
    }
}

/// Bytes of a package or sub-package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub name: String,
    pub bytes: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
}

/// What the vendor's tool answered. Without one a release has not succeeded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub version: String,
    #[serde(default)]
    pub qr_url: Option<String>,
    #[serde(default)]
    pub vendor: serde_json::Value,
    pub received_at: Ms,
}

#[derive(Debug, Clone)]
pub struct StageRow {
    pub name: Stage,
    pub status: StageStatus,
    pub started_at: Ms,
    pub finished_at: Option<Ms>,
}

#[derive(Debug, Clone)]
pub struct Release {
    pub id: String,
    pub program_id: String,
    pub parameters: Parameters,
    pub status: Status,
    pub stage: Option<Stage>,
    /// Counts the times a runner claimed it; every write of a runner carries it.
    pub attempt: i64,
    pub dispatched_at: Option<Ms>,
    pub lease_until: Option<Ms>,
    pub cancel_requested: bool,
    pub retry_of: Option<String>,
    /// What a person noted later.
    pub remark: String,
    pub commit: Option<String>,
    pub commit_subject: Option<String>,
    pub failure: Option<Failure>,
    pub receipt: Option<Receipt>,
    pub sizes: Vec<Size>,
    /// Object key of the QR image.
    pub qr_key: Option<String>,
    pub qr_expires_at: Option<Ms>,
    pub requested_by: String,
    pub created_at: Ms,
    pub started_at: Option<Ms>,
    pub finished_at: Option<Ms>,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    Succeeded(Delivered),
    Failed(Failure),
    Canceled,
    /// The vendor may or may not have it; a person decides.
    Unconfirmed(Failure),
}

/// What a success leaves behind.
#[derive(Debug, Clone)]
pub struct Delivered {
    pub receipt: Receipt,
    pub sizes: Vec<Size>,
    pub qr_key: Option<String>,
    pub qr_expires_at: Option<Ms>,
}

impl Outcome {
    pub fn status(&self) -> Status {
        match self {
            Self::Succeeded(_) => Status::Succeeded,
            Self::Failed(_) => Status::Failed,
            Self::Canceled => Status::Canceled,
            Self::Unconfirmed(_) => Status::Unconfirmed,
        }
    }
}

/// What happens to a release whose runner died: again, or a person decides once the vendor may have it.
pub fn after_crash(action: Action, stage: Option<Stage>, attempt: i64) -> AfterCrash {
    match stage {
        // A second preview only costs a QR code, and what is published here is published once.
        Some(Stage::Deliver) if action == Action::Upload => AfterCrash::Unconfirmed,
        _ if attempt >= MAX_ATTEMPTS => AfterCrash::GiveUp,
        _ => AfterCrash::Requeue,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterCrash {
    Requeue,
    GiveUp,
    Unconfirmed,
}

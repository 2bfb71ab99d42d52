//! The flags that say whom a published update is for, in the API's own names.

use clap::ValueEnum;
use serde::Serialize;

/// Whom a published update is for, and how phones take it.
#[derive(clap::Args, Serialize)]
pub(super) struct Terms {
    /// Channel that gets it [default: production]
    #[arg(long)]
    channel: Option<String>,
    /// Systems that get it, separated by commas
    #[arg(long = "system", value_name = "SYSTEM", value_delimiter = ',')]
    systems: Vec<System>,
    /// Lowest version code of native builds [default: the newest one]
    #[arg(long, value_name = "CODE")]
    min_native: Option<i64>,
    /// Highest version code of native builds [default: all later ones]
    #[arg(long, value_name = "CODE")]
    max_native: Option<i64>,
    /// How phones take it [default: ask]
    #[arg(long)]
    mode: Option<Mode>,
    /// What users read
    #[arg(long)]
    changelog: Option<String>,
    /// A note for colleagues
    #[arg(long)]
    remark: Option<String>,
    /// Version code [default: as the package says]
    #[arg(long, value_name = "CODE")]
    version_code: Option<i64>,
}

#[derive(Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum System {
    Android,
    Ios,
    Harmony,
}

#[derive(Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Ask,
    Force,
    Silent,
}

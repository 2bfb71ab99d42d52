//! What a driver says: events on stdout and `result.json`. Repository code cannot speak here, it lacks the nonce.

use serde::Deserialize;

use crate::model::release::Size;

const MARK: &str = "::sampan ";

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    Progress {
        done: u64,
        total: u64,
        #[serde(default)]
        what: String,
    },
    Group {
        name: String,
    },
    Warn {
        code: String,
        message: String,
    },
}

/// The event on a line, or `None` when it is an ordinary line of the log.
pub fn parse(line: &str, nonce: &str) -> Option<Event> {
    let rest = line.strip_prefix(MARK)?.strip_prefix(nonce)?.strip_prefix(' ')?;
    serde_json::from_str(rest).ok()
}

/// The event as a line of the log.
pub fn describe(event: &Event) -> String {
    match event {
        Event::Progress { done, total, what } => format!("[{done}/{total}] {what}"),
        Event::Group { name } => format!("── {name}"),
        Event::Warn { code, message } => format!("⚠ {code}: {message}"),
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum WorkerResult {
    Ok {
        version: String,
        /// What kind of package the sizes are of, where a platform has several; chooses among its limits.
        kind: Option<String>,
        qr: Option<String>,
        qr_url: Option<String>,
        /// Epoch milliseconds.
        qr_expires_at: Option<i64>,
        sizes: Vec<Size>,
        vendor: serde_json::Value,
    },
    Failed {
        code: String,
        message: String,
        path: Option<String>,
    },
}

#[derive(Deserialize)]
struct Raw {
    ok: bool,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    qr: Option<String>,
    #[serde(default)]
    qr_url: Option<String>,
    #[serde(default)]
    qr_expires_at: Option<i64>,
    #[serde(default)]
    sizes: Vec<Size>,
    #[serde(default)]
    vendor: serde_json::Value,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    path: Option<String>,
}

/// Reads a result strictly: whatever is not a clear yes or a clear no is an error.
pub fn parse_result(bytes: &[u8]) -> Result<WorkerResult, String> {
    let raw: Raw = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if !raw.ok {
        let code = raw.code.filter(|code| !code.is_empty()).ok_or("a failure without a code")?;
        return Ok(WorkerResult::Failed { code, message: raw.message.unwrap_or_default(), path: raw.path });
    }
    let version = raw.version.filter(|version| !version.is_empty()).ok_or("a success without a version")?;
    if raw
        .qr
        .as_deref()
        .is_some_and(|name| name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']))
    {
        return Err("qr is not a plain file name".to_owned());
    }
    if raw.sizes.iter().any(|size| size.bytes < 0) {
        return Err("a negative size".to_owned());
    }
    Ok(WorkerResult::Ok {
        version,
        kind: raw.kind,
        qr: raw.qr,
        qr_url: raw.qr_url,
        qr_expires_at: raw.qr_expires_at,
        sizes: raw.sizes,
        vendor: raw.vendor,
    })
}

//! What a runner process says of itself, for people who look after it.

use serde::{Deserialize, Serialize};

use crate::clock::Ms;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunnerState {
    pub slots: usize,
    /// The engine's name and version; empty where none answers.
    pub engine: String,
    /// Image → its id, `None` where it is missing.
    pub images: Vec<(String, Option<String>)>,
    /// Bytes of the disk that workspaces and the data directory are on.
    pub disk_free: u64,
    pub disk_total: u64,
}

#[derive(Debug, Clone)]
pub struct Runner {
    pub id: String,
    pub seen_at: Ms,
    pub state: RunnerState,
}

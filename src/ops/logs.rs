//! Lines in and out of their chunks. Viewers pull by cursor; nothing is pushed at them.

use crate::app::App;
use crate::db;
use crate::error::Result;
use crate::model::log::{Chunk, Line};

/// Chunks read at once: bounds what one viewer makes us hold.
const CHUNKS: i64 = 16;

/// Packs consecutive lines; `None` for none.
pub fn pack(lines: &[Line]) -> anyhow::Result<Option<Chunk>> {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(None) };
    let data = zstd::encode_all(serde_json::to_vec(lines)?.as_slice(), 1)?;
    Ok(Some(Chunk { first_n: first.n, last_n: last.n, data }))
}

fn unpack(chunk: &Chunk) -> anyhow::Result<Vec<Line>> {
    Ok(serde_json::from_slice(&zstd::decode_all(chunk.data.as_slice())?)?)
}

/// Lines from number `from` on: some, in order, without a gap; empty at the end of what is stored.
pub async fn read(app: &App, release: &str, from: i64) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for chunk in db::logs::list_from(&app.db, release, from, CHUNKS).await? {
        lines.extend(unpack(&chunk)?.into_iter().filter(|line| line.n >= from));
    }
    Ok(lines)
}

/// At most `limit` lines from the end.
pub async fn tail(app: &App, release: &str, limit: i64) -> Result<Vec<Line>> {
    let last = db::logs::last_line(&app.db, release).await?;
    let mut lines: Vec<Line> = Vec::new();
    let mut from = (last - limit + 1).max(1);
    while from <= last {
        let more = read(app, release, from).await?;
        let Some(end) = more.last().map(|line| line.n) else { break };
        lines.extend(more);
        from = end + 1;
    }
    Ok(lines)
}

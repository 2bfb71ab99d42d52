//! Logs as they are read, by line number: from the rows while a release runs, from one object once it is over.

mod follow;
mod keep;
mod search;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};

pub use follow::{Follower, follow};
pub use keep::{keep, keep_all};
pub use search::{Found, MAX_QUERY, search};

use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::logs::block::{self, Frame};
use crate::model::log::{Chunk, Kept, Line, Mark};

/// Chunks read at once, and bytes of their text, packed or not: what one reader makes us hold. One chunk is always read.
const CHUNKS: usize = 32;
const BYTES: usize = 1024 * 1024;

/// Chunks that hold line `from` and later ones: some, in order, without a gap; none at the end of what is stored. The first
/// may begin earlier, also when `from` follows the last one read: rows become larger blocks at any time.
async fn chunks(app: &App, release: &str, from: i64) -> anyhow::Result<Vec<Chunk>> {
    if let Some(kept) = db::logs::find_kept(&app.db, release).await? {
        return kept_chunks(app, &kept, from).await;
    }
    let rows = row_chunks(app, release, from).await?;
    if !rows.is_empty() {
        return Ok(rows);
    }
    // Rows go in the moment in which the object is there.
    match db::logs::find_kept(&app.db, release).await? {
        Some(kept) => kept_chunks(app, &kept, from).await,
        None => Ok(vec![]),
    }
}

async fn row_chunks(app: &App, release: &str, from: i64) -> anyhow::Result<Vec<Chunk>> {
    let mut chunks = vec![];
    let mut bytes = 0;
    for row in db::logs::list_from(&app.db, release, from, CHUNKS as i64).await? {
        let chunk = block::modern(row)?;
        bytes += block::size(&chunk.data).max(chunk.data.len());
        if bytes > BYTES && !chunks.is_empty() {
            break;
        }
        chunks.push(chunk);
    }
    Ok(chunks)
}

async fn kept_chunks(app: &App, kept: &Kept, from: i64) -> anyhow::Result<Vec<Chunk>> {
    let wanted = &kept.blocks[kept.blocks.partition_point(|block| block.last_n < from)..];
    let Some(start) = wanted.first().map(|block| block.offset) else { return Ok(vec![]) };
    // Each holds up to a full block's text, however small it is packed.
    let most = wanted.len().min(BYTES / block::FULL);
    let wanted = &wanted[..most.max(1)];
    let end = wanted.last().map_or(start, |block| block.offset + block.bytes);
    let Some(bytes) = app.store.read(&kept.key, start..end).await? else {
        anyhow::bail!("the log's object {} is missing", kept.key);
    };
    let bytes: Vec<Bytes> = bytes.try_collect().await?;
    let bytes = bytes.concat();
    let cut = |block: &crate::model::log::Placed| {
        let at = (block.offset - start) as usize;
        let data = bytes.get(at..at + block.bytes as usize);
        let data = data.ok_or_else(|| anyhow::anyhow!("the log's object {} is cut short", kept.key))?.to_vec();
        Ok(Chunk { first_n: block.first_n, last_n: block.last_n, marks: vec![], data })
    };
    wanted.iter().map(cut).collect()
}

/// The same as viewers get them.
pub async fn frames(app: &App, release: &str, from: i64) -> Result<Vec<Frame>> {
    Ok(chunks(app, release, from).await?.into_iter().map(Frame::from).collect())
}

/// Frames that hold lines `from..=to`, or the first of them where they are many.
pub async fn frames_between(app: &App, release: &str, from: i64, to: i64) -> Result<Vec<Frame>> {
    let mut frames = frames(app, release, from).await?;
    frames.truncate(frames.partition_point(|frame| frame.first_n <= to));
    Ok(frames)
}

/// Lines from number `from` on: some, in order, without a gap; empty at the end of what is stored.
pub async fn read(app: &App, release: &str, from: i64) -> Result<Vec<Line>> {
    let chunks = chunks(app, release, from).await?;
    let unpacked = tokio::task::spawn_blocking(move || {
        let mut lines = Vec::new();
        for chunk in chunks {
            lines.extend(block::unpack(&chunk.data)?.into_iter().filter(|line| line.n >= from));
        }
        Ok(lines)
    });
    unpacked.await.map_err(|error| Error::Internal(error.into()))?
}

/// What is there to read: the number of the last line, and where stages begin.
pub async fn outline(app: &App, release: &str) -> Result<(i64, Vec<Mark>)> {
    let last = db::logs::last_line(&app.db, release).await?;
    let marked = db::logs::list_marked(&app.db, release).await?;
    let marks = match db::logs::find_kept(&app.db, release).await? {
        Some(kept) => kept.marks,
        None => marked.into_iter().flat_map(|chunk| chunk.marks).filter(|mark| mark.n <= last).collect(),
    };
    Ok((last, marks))
}

/// At most `limit` lines up to number `last`.
pub async fn tail(app: &App, release: &str, last: i64, limit: i64) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    let mut from = (last - limit + 1).max(1);
    while from <= last {
        let more = read(app, release, from).await?;
        let Some(end) = more.last().map(|line| line.n) else { break };
        lines.extend(more.into_iter().filter(|line| line.n <= last));
        from = end + 1;
    }
    Ok(lines)
}

/// The whole text as it was written, piece by piece.
pub fn text(app: App, release: String) -> impl Stream<Item = anyhow::Result<Bytes>> {
    stream::try_unfold((app, release, 1), |(app, release, next)| async move {
        let chunks = chunks(&app, &release, next).await?;
        let Some(last) = chunks.last().map(|chunk| chunk.last_n) else { return Ok(None) };
        let text = tokio::task::spawn_blocking(move || {
            let mut out = Vec::new();
            for chunk in chunks {
                let text = block::text(&chunk.data)?;
                for run in block::runs(&text) {
                    out.extend_from_slice(run?.text_from(next));
                }
            }
            anyhow::Ok(Bytes::from(out))
        });
        Ok(Some((text.await??, (app, release, last + 1))))
    })
    .boxed()
}

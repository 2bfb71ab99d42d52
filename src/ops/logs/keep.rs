//! The end of a log's life in rows: its chunks become blocks of one object.

use anyhow::ensure;
use bytes::Bytes;
use futures::{Stream, stream};

use super::row_chunks;
use crate::app::App;
use crate::db;
use crate::logs::block::{self, Block, FULL, LINES};
use crate::model::log::{Chunk, Kept, Mark, Placed};
use crate::store::{Refused, key};

/// Nobody's log is larger: lines beyond the limit are dropped before they are stored.
const LIMIT: u64 = 16 << 30;

/// Keeps the log of a release, if that is over. Again, or by two at once: the first one's stays.
pub async fn keep(app: &App, release: &str) -> anyhow::Result<()> {
    if !db::logs::is_unkept(&app.db, release).await? {
        return Ok(());
    }
    if db::logs::find_kept(&app.db, release).await?.is_some() {
        // Lines of an attempt that had lost its release, stored in its last moment.
        return db::logs::delete_chunks(&app.db, release).await;
    }
    let last_n = db::logs::last_line(&app.db, release).await?;
    let mut marks: Vec<Mark> = vec![];
    let mut blocks: Vec<Placed> = vec![];
    let staged = app.store.stage(packed(app, release, &mut marks, &mut blocks), LIMIT).await;
    let staged = staged.map_err(|refused| match refused {
        Refused::TooLarge => anyhow::anyhow!("the log is too large to be kept"),
        Refused::Failed(error) => error,
    })?;
    // Another may have been faster, and taken the rest of the rows away.
    if blocks.last().map(|block| block.last_n) != Some(last_n) {
        app.store.drop_staged(&staged).await;
        return Ok(());
    }
    let key = key::log(release, &crate::model::new_id());
    app.store.keep(&staged, &key).await?;
    let kept = Kept { key, last_n, blocks, marks };
    let done = replace(app, release, &kept).await;
    // A commit may have arrived although it reported an error: only what no row names is rubbish.
    if db::logs::find_kept(&app.db, release).await?.is_none_or(|now| now.key != kept.key) {
        app.store.delete(&kept.key).await?;
    }
    done
}

async fn replace(app: &App, release: &str, kept: &Kept) -> anyhow::Result<()> {
    let mut tx = app.db.begin().await?;
    db::logs::keep(&mut tx, release, kept).await?;
    tx.commit().await
}

/// Whatever a runner left behind. One that cannot be kept stays in its rows, and holds up no other.
pub async fn keep_all(app: &App) -> anyhow::Result<()> {
    for release in db::logs::list_unkept(&app.db).await? {
        if let Err(error) = keep(app, &release).await {
            tracing::warn!(release, error = format!("{error:#}"), "cannot put a log into the store");
        }
    }
    Ok(())
}

/// Packed blocks in order, noting where each comes to lie. Reads rows alone: another's object may take their place.
fn packed<'a>(
    app: &'a App,
    release: &'a str,
    marks: &'a mut Vec<Mark>,
    blocks: &'a mut Vec<Placed>,
) -> impl Stream<Item = anyhow::Result<Bytes>> + 'a {
    struct State<'a> {
        marks: &'a mut Vec<Mark>,
        blocks: &'a mut Vec<Placed>,
        waiting: std::collections::VecDeque<Chunk>,
        next: i64,
        offset: u64,
    }
    let start = State { marks, blocks, waiting: Default::default(), next: 1, offset: 0 };
    stream::try_unfold(start, move |mut state| async move {
        let mut some: Vec<Chunk> = vec![];
        let (mut size, mut lines) = (0, 0);
        while size < FULL && lines < LINES as i64 {
            if state.waiting.is_empty() {
                state.waiting = row_chunks(app, release, state.next).await?.into();
            }
            let Some(chunk) = state.waiting.pop_front() else { break };
            ensure!(chunk.first_n == state.next, "line {} of the log is missing", state.next);
            state.next = chunk.last_n + 1;
            lines += chunk.last_n - chunk.first_n + 1;
            size += block::size(&chunk.data);
            some.push(chunk);
        }
        let Some((first_n, last_n)) = some.first().zip(some.last()).map(|(a, b)| (a.first_n, b.last_n)) else {
            return Ok(None);
        };
        state.marks.extend(some.iter().flat_map(|chunk| chunk.marks.iter().cloned()));
        let data = tokio::task::spawn_blocking(move || join(some)).await??;
        let placed = Placed { first_n, last_n, offset: state.offset, bytes: data.len() as u64 };
        state.offset += placed.bytes;
        state.blocks.push(placed);
        Ok(Some((Bytes::from(data), state)))
    })
}

fn join(mut chunks: Vec<Chunk>) -> anyhow::Result<Vec<u8>> {
    if chunks.len() == 1 {
        return Ok(chunks.swap_remove(0).data);
    }
    let mut block = Block::new(chunks[0].first_n);
    for chunk in chunks {
        block.append(&block::text(&chunk.data)?, chunk.last_n - chunk.first_n + 1);
    }
    Ok(block.pack()?.data)
}

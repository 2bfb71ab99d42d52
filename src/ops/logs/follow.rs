//! Following a log: through the store until its end is reached, then with everybody else at the tail.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::frames;
use crate::app::App;
use crate::bus::Listener;
use crate::db;
use crate::error::Result;
use crate::logs::block::{Frame, modern};
use crate::logs::tails::{Newest, Tail};

/// What a tail reads from the rows at once.
const CHUNKS: i64 = 32;
/// Bytes handed to a viewer at once.
const BYTES: usize = 128 * 1024;
const PAUSE: Duration = Duration::from_secs(1);

/// One who reads a log from a line on, and waits for more.
pub struct Follower {
    app: App,
    release: String,
    next: i64,
    tail: Arc<Tail>,
    moved: watch::Receiver<Option<i64>>,
}

/// From line `next` on. All followers of a release in this process share what is read for them.
pub fn follow(app: &App, release: &str, next: i64) -> Follower {
    let tail = app.tails.open(release, |tail| {
        // Before the first look: what is stored in between is heard.
        let bus = app.bus.listen_to_logs();
        tokio::spawn(fill(app.clone(), release.to_owned(), bus, tail)).abort_handle()
    });
    let moved = tail.watch();
    Follower { app: app.clone(), release: release.to_owned(), next, tail, moved }
}

impl Follower {
    /// Number of the first line that was not read yet.
    pub fn next(&self) -> i64 {
        self.next
    }

    /// What is stored from there on: some frames, of which the first may begin earlier; none at the end.
    pub async fn read(&mut self) -> Result<Vec<Frame>> {
        self.moved.borrow_and_update();
        let frames = match self.tail.newest(self.next, BYTES) {
            Newest::Frames(frames) => frames,
            Newest::Nothing => vec![],
            Newest::Older => frames(&self.app, &self.release, self.next).await?,
        };
        self.next = frames.last().map_or(self.next, |last| last.last_n + 1);
        Ok(frames)
    }

    /// The same past the tail: once a release is over, its rows may go before the tail has seen them.
    pub async fn read_rest(&mut self) -> Result<Vec<Frame>> {
        let frames = frames(&self.app, &self.release, self.next).await?;
        self.next = frames.last().map_or(self.next, |last| last.last_n + 1);
        Ok(frames)
    }

    /// Until more may be stored than at the last look.
    pub async fn moved(&mut self) {
        if self.moved.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

enum News {
    /// The first look: the number of the last line that is stored.
    Begin(i64),
    More(Vec<Frame>),
}

/// Reads what is new from the rows, once for all; ends with the tail.
async fn fill(app: App, release: String, mut bus: Listener, tail: Weak<Tail>) {
    loop {
        let Some(last) = tail.upgrade().map(|tail| tail.last()) else { return };
        let news = look(&app, &release, last).await;
        let Some(tail) = tail.upgrade() else { return };
        match news {
            Ok(News::Begin(last)) => tail.begin(last),
            Ok(News::More(frames)) if !frames.is_empty() => tail.push(frames),
            Ok(News::More(_)) => {
                drop(tail);
                if bus.release(&release).await.is_none() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(release, %error, "cannot read a running log; trying again");
                drop(tail);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn look(app: &App, release: &str, last: Option<i64>) -> anyhow::Result<News> {
    let Some(last) = last else { return Ok(News::Begin(db::logs::last_line(&app.db, release).await?)) };
    let chunks = db::logs::list_from(&app.db, release, last + 1, CHUNKS).await?;
    Ok(News::More(chunks.into_iter().map(|chunk| modern(chunk).map(Frame::from)).collect::<anyhow::Result<_>>()?))
}

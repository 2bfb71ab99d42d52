//! Writes the log of one attempt: masks, numbers, batches, stores, then notifies. A slow database slows nobody until the
//! byte budget is used up; then the build waits, and no line is lost.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::app::App;
use crate::bus::Moved;
use crate::clock::Ms;
use crate::db;
use crate::logs::block::Block;
use crate::model::log::Stream;
use crate::runner::mask::Mask;

const FLUSH_AFTER: Duration = Duration::from_millis(50);
const FLUSH_BYTES: usize = 64 * 1024;
/// Unstored bytes after which writers wait.
const BUDGET: usize = 8 * 1024 * 1024;
/// Lines kept from the end once the cap is reached.
const TAIL: usize = 2_000;
/// How long the last flush may take after the attempt is over.
const LAST_FLUSH: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    app: App,
    release: String,
    attempt: i64,
    mask: RwLock<Arc<Mask>>,
    state: Mutex<State>,
    filled: Notify,
    drained: Notify,
    lost: AtomicBool,
}

#[derive(Default)]
struct State {
    next_n: i64,
    /// Stage of the last numbered line; none at the start of an attempt, which so opens one.
    stage: Option<String>,
    pending: VecDeque<Block>,
    pending_bytes: usize,
    total_bytes: u64,
    /// Beyond the cap: the newest lines, not numbered yet.
    tail: VecDeque<Written>,
    dropped: u64,
    closed: bool,
}

/// A line that has no number yet.
struct Written {
    t: Ms,
    stage: String,
    stream: Stream,
    text: String,
}

impl Log {
    /// Goes on after the last line that any attempt stored.
    pub async fn open(app: &App, release: &str, attempt: i64) -> anyhow::Result<Self> {
        let last = db::logs::last_line(&app.db, release).await?;
        let inner = Arc::new(Inner {
            app: app.clone(),
            release: release.to_owned(),
            attempt,
            mask: RwLock::default(),
            state: Mutex::new(State { next_n: last + 1, ..State::default() }),
            filled: Notify::new(),
            drained: Notify::new(),
            lost: AtomicBool::new(false),
        });
        tokio::spawn(flusher(inner.clone()));
        Ok(Self { inner })
    }

    /// From now on these never reach the log.
    pub fn hide(&self, mask: Mask) {
        *self.inner.mask.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(mask);
    }

    pub fn mask(&self) -> Arc<Mask> {
        self.inner.mask.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What we say ourselves, a line or several.
    pub async fn say(&self, stage: &str, text: impl Into<String>) {
        let text = self.mask().apply(text.into());
        self.write(stage, Stream::System, text.lines().map(str::to_owned).collect()).await;
    }

    /// Lines that are masked already; waits while the budget is used up. Answers their numbers, of the first
    /// so many: those beyond the cap get theirs at the end.
    pub async fn write(&self, stage: &str, stream: Stream, lines: Vec<String>) -> Range<i64> {
        if lines.is_empty() || self.is_lost() {
            return 0..0;
        }
        let t = self.inner.app.clock.now();
        let numbers = self.inner.lock().add(t, stage, stream, lines, self.inner.app.config.log_limit);
        self.inner.filled.notify_one();
        loop {
            let drained = self.inner.drained.notified();
            if self.inner.lock().pending_bytes < BUDGET || self.is_lost() {
                return numbers;
            }
            drained.await;
        }
    }

    /// True once the release belongs to another attempt: nothing is stored any more.
    pub fn is_lost(&self) -> bool {
        self.inner.lost.load(Ordering::Relaxed)
    }

    /// Stores what is left; bounded, because the outcome must be told even when the database is away.
    pub async fn close(&self) {
        {
            let mut state = self.inner.lock();
            state.end_tail(self.inner.app.clock.now());
            state.closed = true;
        }
        self.inner.filled.notify_one();
        let all_stored = async {
            loop {
                let drained = self.inner.drained.notified();
                if self.inner.lock().pending_bytes == 0 || self.is_lost() {
                    return;
                }
                drained.await;
            }
        };
        if tokio::time::timeout(LAST_FLUSH, all_stored).await.is_err() {
            tracing::error!(release = %self.inner.release, "the end of a log could not be stored");
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, t: Ms, stage: &str, stream: Stream, mut lines: Vec<String>, limit: u64) -> Range<i64> {
        let mut bytes = self.total_bytes;
        let fits = lines.iter().take_while(|line| {
            bytes = bytes.saturating_add(line.len() as u64 + 1);
            bytes <= limit
        });
        let beyond = lines.split_off(fits.count());
        let numbers = self.next_n..self.next_n + lines.len() as i64;
        self.number(t, stage, stream, &lines);
        let reached = std::mem::replace(&mut self.total_bytes, bytes) <= limit && bytes > limit;
        if reached {
            let text = format!(
                "… the log has reached its limit of {} MB: of what follows only the end is kept …",
                limit >> 20
            );
            self.number(t, stage, Stream::System, &[text]);
            // A short line must not slip in behind the note.
            self.total_bytes = u64::MAX;
        }
        for text in beyond {
            if self.tail.len() == TAIL {
                self.tail.pop_front();
                self.dropped += 1;
            }
            self.tail.push_back(Written { t, stage: stage.to_owned(), stream, text });
        }
        numbers
    }

    fn number(&mut self, t: Ms, stage: &str, stream: Stream, lines: &[String]) {
        let mut rest = lines;
        while !rest.is_empty() {
            if self.pending.back().is_none_or(Block::is_full) {
                self.pending.push_back(Block::new(self.next_n));
            }
            let Some(block) = self.pending.back_mut() else { return };
            let before = block.len();
            let took = block.push(t, stage, stream, rest, self.stage.as_deref() != Some(stage));
            self.pending_bytes += block.len() - before;
            self.next_n += took as i64;
            if self.stage.as_deref() != Some(stage) {
                self.stage = Some(stage.to_owned());
            }
            rest = &rest[took..];
        }
    }

    /// The cap keeps head and tail, and says how much is missing between.
    fn end_tail(&mut self, t: Ms) {
        if let (Some(first), true) = (self.tail.front(), self.dropped > 0) {
            let text = format!("… {} lines dropped here: the log is over its limit …", self.dropped);
            let stage = first.stage.clone();
            self.number(t, &stage, Stream::System, &[text]);
        }
        for line in std::mem::take(&mut self.tail) {
            self.number(line.t, &line.stage, line.stream, &[line.text]);
        }
    }
}

async fn flusher(inner: Arc<Inner>) {
    loop {
        // Armed by the first line.
        loop {
            let filled = inner.filled.notified();
            let (empty, closed) = {
                let s = inner.lock();
                (s.pending.is_empty(), s.closed)
            };
            match (empty, closed) {
                (false, _) => break,
                (true, true) => return,
                (true, false) => filled.await,
            }
        }
        let full = async {
            loop {
                let filled = inner.filled.notified();
                let (bytes, closed) = {
                    let s = inner.lock();
                    (s.pending_bytes, s.closed)
                };
                if bytes >= FLUSH_BYTES || closed {
                    return;
                }
                filled.await;
            }
        };
        let _ = tokio::time::timeout(FLUSH_AFTER, full).await;
        let blocks = std::mem::take(&mut inner.lock().pending);
        for block in blocks {
            let bytes = block.len();
            if !store(&inner, block).await {
                inner.lost.store(true, Ordering::Relaxed);
                inner.drained.notify_waiters();
                return;
            }
            inner.lock().pending_bytes -= bytes;
            inner.app.bus.tell(Moved::Log(inner.release.clone()));
            inner.drained.notify_waiters();
        }
    }
}

/// Until the database takes the lines; false when they belong to an attempt that lost its release.
async fn store(inner: &Inner, block: Block) -> bool {
    let chunk = match block.pack() {
        Ok(chunk) => chunk,
        // Only memory is involved.
        Err(error) => {
            tracing::error!(release = %inner.release, %error, "cannot pack log lines");
            return false;
        }
    };
    let mut pause = Duration::from_millis(100);
    loop {
        match db::logs::append(&inner.app.db, &inner.release, inner.attempt, &chunk).await {
            Ok(stored) => return stored,
            // An earlier try arrived although it reported an error.
            Err(error) if db::is_duplicate(&error) => return true,
            Err(error) => tracing::warn!(release = %inner.release, %error, "cannot store log lines; trying again"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

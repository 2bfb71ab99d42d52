//! The newest chunks of running logs: read once from the rows for all who watch a release in this process. A viewer that
//! is too slow for them goes back to the store, and costs the others nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::block::Frame;

/// Bytes of frames that a tail keeps.
const KEEP: usize = 2 * 1024 * 1024;
/// Frames handed out at once: small ones may hold as much text as large ones.
const AT_ONCE: usize = 8;

#[derive(Clone, Default)]
pub struct Tails {
    open: Arc<Mutex<HashMap<String, Weak<Tail>>>>,
}

impl Tails {
    /// The release's tail; the first who asks makes it, and `fill` begins to fill it. It goes with the last who holds it.
    pub fn open(&self, release: &str, fill: impl FnOnce(Weak<Tail>) -> AbortHandle) -> Arc<Tail> {
        let mut open = lock(&self.open);
        if let Some(tail) = open.get(release).and_then(Weak::upgrade) {
            return tail;
        }
        open.retain(|_, tail| tail.strong_count() > 0);
        let tail = Arc::new(Tail { ring: Mutex::default(), last: watch::Sender::new(None), filler: Mutex::default() });
        *lock(&tail.filler) = Some(fill(Arc::downgrade(&tail)));
        open.insert(release.to_owned(), Arc::downgrade(&tail));
        tail
    }
}

pub struct Tail {
    ring: Mutex<Ring>,
    /// Number of the last line that is stored; `None` until the filler has looked.
    last: watch::Sender<Option<i64>>,
    filler: Mutex<Option<AbortHandle>>,
}

#[derive(Default)]
struct Ring {
    frames: VecDeque<Frame>,
    bytes: usize,
}

/// What a tail answers to who wants to go on from a line.
pub enum Newest {
    /// They hold that line and later ones.
    Frames(Vec<Frame>),
    /// That line is not stored yet.
    Nothing,
    /// It is older than what is kept.
    Older,
}

impl Tail {
    /// What was stored before anybody watched: viewers find it in the store.
    pub fn begin(&self, last: i64) {
        self.last.send_replace(Some(last));
    }

    pub fn push(&self, frames: Vec<Frame>) {
        let Some(last) = frames.last().map(|frame| frame.last_n) else { return };
        {
            let mut ring = lock(&self.ring);
            ring.bytes += frames.iter().map(|frame| frame.bytes.len()).sum::<usize>();
            ring.frames.extend(frames);
            while ring.bytes > KEEP && ring.frames.len() > 1 {
                let gone = ring.frames.pop_front().map_or(0, |frame| frame.bytes.len());
                ring.bytes -= gone;
            }
        }
        self.last.send_replace(Some(last));
    }

    /// Frames from line `next` on, at most about `bytes` of them.
    pub fn newest(&self, next: i64, bytes: usize) -> Newest {
        let Some(last) = *self.last.borrow() else { return Newest::Older };
        if next > last {
            return Newest::Nothing;
        }
        let ring = lock(&self.ring);
        let from = ring.frames.partition_point(|frame| frame.last_n < next);
        match ring.frames.get(from) {
            Some(first) if first.first_n <= next => {
                let mut size = 0;
                let some = ring.frames.range(from..).take(AT_ONCE).take_while(|frame| {
                    let before = size;
                    size += frame.bytes.len();
                    before < bytes
                });
                Newest::Frames(some.cloned().collect())
            }
            _ => Newest::Older,
        }
    }

    /// Number of the last line that is stored, once known.
    pub fn last(&self) -> Option<i64> {
        *self.last.borrow()
    }

    /// Changes whenever more is stored.
    pub fn watch(&self) -> watch::Receiver<Option<i64>> {
        self.last.subscribe()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if let Some(filler) = lock(&self.filler).take() {
            filler.abort();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn frame(first_n: i64, last_n: i64, size: usize) -> Frame {
        Frame { first_n, last_n, bytes: Bytes::from(vec![0; size]) }
    }

    #[tokio::test]
    async fn one_tail_for_all_that_keeps_the_newest() {
        let tails = Tails::default();
        let task = tokio::spawn(std::future::pending::<()>());
        let tail = tails.open("r", |_| task.abort_handle());
        assert!(Arc::ptr_eq(&tail, &tails.open("r", |_| unreachable!("filled already"))));
        assert!(matches!(tail.newest(1, 1), Newest::Older), "nobody knows yet");
        tail.begin(10);
        assert!(matches!(tail.newest(11, 1), Newest::Nothing) && matches!(tail.newest(10, 1), Newest::Older));
        for n in 0..5 {
            tail.push(vec![frame(11 + n * 10, 20 + n * 10, KEEP / 3)]);
        }
        assert!(matches!(tail.newest(25, 1), Newest::Older));
        let Newest::Frames(some) = tail.newest(45, 1) else { panic!("kept") };
        assert_eq!(some.iter().map(|f| f.first_n).collect::<Vec<_>>(), [41], "in pieces");
        let Newest::Frames(all) = tail.newest(45, KEEP) else { panic!("kept") };
        assert_eq!(all.iter().map(|f| f.first_n).collect::<Vec<_>>(), [41, 51]);
        drop(tail);
        assert!(task.await.expect_err("ended").is_cancelled(), "nobody watches: nobody fills");
    }
}

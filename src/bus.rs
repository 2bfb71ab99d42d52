//! Wake-ups inside one process. Says that something moved, never what: readers go to the rows.

use tokio::sync::broadcast;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Status, stage or outcome of a release.
    Release(String),
    /// New lines in its log.
    Log(String),
    /// A job may be waiting.
    Queue,
    /// Programs or groups were edited.
    Programs,
    /// A person's sessions or rights: whoever is connected in their name looks again.
    User(String),
    /// What phones may get changed.
    Updates,
    /// The listener was too slow to hear everything: look at whatever it cares about.
    Anything,
}

#[derive(Clone)]
pub struct Bus {
    sender: broadcast::Sender<Moved>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { sender: broadcast::channel(1024).0 }
    }
}

impl Bus {
    pub fn tell(&self, moved: Moved) {
        // No listener is no error.
        let _ = self.sender.send(moved);
    }

    pub fn listen(&self) -> Listener {
        Listener { receiver: self.sender.subscribe() }
    }
}

pub struct Listener {
    receiver: broadcast::Receiver<Moved>,
}

impl Listener {
    /// The next wake-up; `None` once the process shuts down.
    pub async fn next(&mut self) -> Option<Moved> {
        match self.receiver.recv().await {
            Ok(moved) => Some(moved),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Moved::Anything),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// Waits until this release (its row or its log) may have moved.
    pub async fn release(&mut self, id: &str) -> Option<Moved> {
        loop {
            match self.next().await? {
                Moved::Release(moved) if moved == id => return Some(Moved::Release(moved)),
                Moved::Log(moved) if moved == id => return Some(Moved::Log(moved)),
                Moved::Anything => return Some(Moved::Anything),
                _ => {}
            }
        }
    }
}

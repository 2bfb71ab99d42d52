//! Wake-ups inside one process. Says that something moved, never what: readers go to the rows.

use tokio::sync::broadcast;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Status, stage or outcome of a release.
    Release(String),
    /// New lines in its log. Only told to those who listen for logs: it happens many times a second.
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
    logs: broadcast::Sender<Moved>,
}

impl Default for Bus {
    fn default() -> Self {
        Self { sender: broadcast::channel(1024).0, logs: broadcast::channel(1024).0 }
    }
}

impl Bus {
    pub fn tell(&self, moved: Moved) {
        let sender = if matches!(moved, Moved::Log(_)) { &self.logs } else { &self.sender };
        // No listener is no error.
        let _ = sender.send(moved);
    }

    pub fn listen(&self) -> Listener {
        Listener { receiver: self.sender.subscribe() }
    }

    /// Hears of new lines, and of nothing else.
    pub fn listen_to_logs(&self) -> Listener {
        Listener { receiver: self.logs.subscribe() }
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

    /// Waits until this release (its row, or its log for who listens to logs) may have moved; `None` as above.
    pub async fn release(&mut self, id: &str) -> Option<()> {
        loop {
            match self.next().await? {
                Moved::Release(moved) | Moved::Log(moved) if moved == id => return Some(()),
                Moved::Anything => return Some(()),
                _ => {}
            }
        }
    }
}

//! Follows a live release: a WebSocket, opened again where it broke, or pages where there can be none. Prints nothing.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::bail;
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::answer::Failure;
use super::http::{Api, Socket};
use super::place::{News, Place, page};
use crate::lang::duration;

/// How often pages are asked for.
const POLL: Duration = Duration::from_secs(2);
/// After that long without a word the other side is asked for one; after as long again it is taken to be gone.
const SILENCE: Duration = Duration::from_secs(20);

/// One release from its first line to its end.
pub(super) struct Follower<'a> {
    api: &'a Api,
    release: &'a str,
    place: Place,
    socket: Option<Socket>,
    /// Whether there is no live log to be had, only pages.
    pages: bool,
    pause: Option<Duration>,
    told: VecDeque<News>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(api: &'a Api, release: &'a str) -> Self {
        let told = VecDeque::new();
        Self { api, release, place: Place::first(), socket: None, pages: false, pause: None, told }
    }

    /// The next piece of news. An error where the server says no, or was silent for too long.
    pub(super) async fn next(&mut self) -> anyhow::Result<News> {
        loop {
            if let Some(news) = self.told.pop_front() {
                return Ok(news);
            }
            if let Some(pause) = self.pause.take() {
                sleep(pause).await;
            }
            if let Some(socket) = &mut self.socket {
                match hear(socket).await {
                    Ok(frame) => self.told.extend(self.place.take(frame)),
                    Err(why) => {
                        self.socket = None;
                        self.rest(why)?;
                    }
                }
            } else if self.pages {
                match self.look().await {
                    Err(failure) if is_passing(&failure) => self.rest(failure.into())?,
                    looked => looked?,
                }
            } else {
                let live = format!("/releases/{}/log/live?from={}", self.release, self.place.next);
                match self.api.open(&live).await {
                    Ok(socket) => self.socket = Some(socket),
                    Err(failure) if is_no_live_log(&failure) => self.pages = true,
                    Err(failure) if is_passing(&failure) => self.rest(failure.into())?,
                    Err(failure) => return Err(failure.into()),
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), Failure> {
        let found = self.api.get(&page(self.release, self.place.next)).await?;
        let complete = found["complete"].as_bool().unwrap_or_default();
        if let Some(lines) = self.place.take(found) {
            self.told.push_back(lines);
            return Ok(());
        }
        self.told.push_back(News::Release(self.api.get(&format!("/releases/{}", self.release)).await?));
        if complete {
            self.told.push_back(News::End);
        } else {
            self.pause = Some(POLL);
        }
        Ok(())
    }

    fn rest(&mut self, why: anyhow::Error) -> anyhow::Result<()> {
        let Some(pause) = self.place.broke() else { return Err(why) };
        self.pause = Some(pause);
        if self.place.is_worth_telling() {
            let again = duration(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
            self.told.push_back(News::Waiting(format!("{why:#}; again in {again}")));
        }
        Ok(())
    }
}

/// The next frame. An error once the connection is of no more use.
async fn hear(socket: &mut Socket) -> anyhow::Result<Value> {
    let mut asked = false;
    loop {
        match timeout(SILENCE, socket.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => {
                if let Ok(frame) = serde_json::from_str(&text) {
                    return Ok(frame);
                }
            }
            Ok(Some(Ok(Message::Close(_))) | None) => bail!("the server closed the connection"),
            Ok(Some(Ok(_))) => asked = false,
            Ok(Some(Err(error))) => bail!("the connection broke: {error}"),
            Err(_) if asked => bail!("the server is silent"),
            Err(_) => {
                asked = true;
                socket.send(Message::Ping(Vec::new().into())).await?;
            }
        }
    }
}

/// What may be different in a moment: a server that starts again, or is busy.
fn is_passing(failure: &Failure) -> bool {
    matches!(failure, Failure::Lost { .. } | Failure::Refused { status: 429 | 500 | 502 | 503 | 504, .. })
}

/// Something between us and the server that knows no WebSockets.
fn is_no_live_log(failure: &Failure) -> bool {
    matches!(failure, Failure::Strange { .. } | Failure::Refused { status: 400 | 405 | 426 | 501, .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_final_or_not() {
        let refused = |status| Failure::Refused { status, text: String::new() };
        assert!(is_passing(&refused(503)) && !is_passing(&refused(404)) && !is_passing(&refused(401)));
        assert!(is_no_live_log(&refused(426)) && !is_no_live_log(&refused(403)));
        assert!(is_no_live_log(&Failure::Strange { base: String::new() }));
    }
}

//! `--follow`: a release as a person watches it, or a build's log records it, and at last what came of it.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::follow::Follower;
use super::http::Api;
use super::place::News;
use super::screen::{Screen, Tone, clean, field};
use super::{log, qr, stages};
use crate::lang::bytes;

/// Follows a release that was just asked for until it is over. With `json`: the release each time it changed.
pub(super) async fn watch(api: &Api, screen: &mut Screen, release: Value, json: bool) -> anyhow::Result<ExitCode> {
    let id = field(&release, "id");
    let mut board = Board { seen: Value::Null, since: Instant::now(), json };
    if !json {
        head(api, screen, &release)?;
    }
    board.show(screen, release)?;
    let mut follower = Follower::new(api, &id);
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        let news = {
            // Kept over ticks: begun anew each second, a slow connection would never come about.
            let mut next = std::pin::pin!(follower.next());
            loop {
                tokio::select! {
                    news = &mut next => break news?,
                    _ = tick.tick() => board.tick(screen)?,
                }
            }
        };
        match news {
            News::Lines(lines) if !json => {
                for line in &lines {
                    screen.line(&log::drawn(line, screen.paint()))?;
                }
            }
            News::Lines(_) => {}
            News::Release(release) => board.show(screen, release)?,
            News::Waiting(why) => screen.note(&why)?,
            News::End => break,
        }
    }
    let ended = api.get(&format!("/releases/{id}")).await?;
    board.show(screen, ended)?;
    screen.settle()?;
    if !json {
        report(api, screen, &board.seen).await?;
    }
    Ok(outcome(&board.seen))
}

/// Status 0 for a success, 1 for everything else.
pub(super) fn outcome(release: &Value) -> ExitCode {
    if stages::is_success(release) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Which release this is, and where its page is.
pub(super) fn head(api: &Api, screen: &mut Screen, release: &Value) -> anyhow::Result<()> {
    let words = ["program", "action", "ref", "version"].map(|name| field(release, name));
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    screen.line(&words.join(" · "))?;
    screen.line(&format!("  {}/releases/{}", api.base(), field(release, "id")))?;
    Ok(())
}

/// The release as it was last seen.
struct Board {
    seen: Value,
    /// When the stage that runs was first seen.
    since: Instant,
    json: bool,
}

impl Board {
    fn show(&mut self, screen: &mut Screen, now: Value) -> anyhow::Result<()> {
        if stages::running(&now) != stages::running(&self.seen) {
            self.since = Instant::now();
        }
        let before = std::mem::replace(&mut self.seen, now);
        if self.json {
            if before != self.seen {
                screen.json(&self.seen)?;
            }
        } else if screen.is_rich() {
            self.tick(screen)?;
        } else {
            for change in stages::changes(&before, &self.seen) {
                screen.line(&change)?;
            }
        }
        Ok(())
    }

    fn tick(&self, screen: &mut Screen) -> anyhow::Result<()> {
        if !self.json {
            let ms = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
            screen.progress(&stages::line(&self.seen, ms, screen.paint()))?;
        }
        Ok(())
    }
}

/// A code to scan, and what it says.
fn code(screen: &mut Screen, text: &str) -> anyhow::Result<()> {
    // Where nobody watches, an address says more than blocks.
    if let Some(drawn) = qr::draw(text, screen.is_rich()).filter(|_| screen.is_terminal()) {
        screen.line(&drawn)?;
    }
    screen.line(&format!("  QR code: {}", clean(text)))?;
    Ok(())
}

/// Receipt, sizes and QR code, or why there are none.
async fn report(api: &Api, screen: &mut Screen, release: &Value) -> anyhow::Result<()> {
    let status = field(release, "status");
    screen.line(&screen.paint().tone(stages::tone(&status), &status))?;
    for line in receipt(release).into_iter().chain(failure(release)) {
        screen.line(&line)?;
    }
    match qr::of(release, api.base()) {
        Some(qr::Code::Text(text)) => code(screen, &text)?,
        Some(qr::Code::Picture(address)) => {
            // A picture that the server keeps can be read and drawn; whoever wants it as it is has its address.
            let kept = format!("/releases/{}/qr", field(release, "id"));
            let picture = if address.ends_with(&kept) { api.picture(&kept).await.ok() } else { None };
            if let Some(text) = picture.and_then(|picture| qr::read(&picture)) {
                code(screen, &text)?;
            }
            screen.line(&format!("  QR code, as a picture: {address}"))?;
        }
        None => {}
    }
    let until = field(release, "qr_expires_at");
    if !until.is_empty() {
        screen.line(&screen.paint().tone(Tone::Faint, &format!("  good until {until}")))?;
    }
    Ok(())
}

fn receipt(release: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let receipt = &release["receipt"];
    if !receipt.is_null() {
        let vendor = if receipt["vendor"].is_null() { String::new() } else { clean(&receipt["vendor"].to_string()) };
        lines.push(format!("  receipt: version {} {vendor}", field(receipt, "version")).trim_end().to_owned());
    }
    for size in release["sizes"].as_array().into_iter().flatten() {
        let limit = size["limit"].as_i64().map(|limit| format!(" of {}", bytes(limit))).unwrap_or_default();
        let taken = bytes(size["bytes"].as_i64().unwrap_or_default());
        lines.push(format!("  {:<12} {taken}{limit}", field(size, "name")));
    }
    lines
}

fn failure(release: &Value) -> Vec<String> {
    let error = &release["error"];
    if error.is_null() {
        return Vec::new();
    }
    let (code, message, hint) = (field(error, "code"), field(error, "message"), field(error, "hint"));
    let mut lines = vec![format!("  {code}: {message}").trim_end().to_owned()];
    lines.extend(hint.lines().map(|line| format!("  → {line}")));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_came_of_it_in_a_few_lines() {
        let good = json!({
            "status": "succeeded", "error": null, "receipt": {"version": "1.0.3", "vendor": {"robot": 3}},
            "sizes": [{"name": "main", "bytes": 1536, "limit": 2097152}, {"name": "all", "bytes": 10, "limit": null}],
        });
        let lines =
            ["  receipt: version 1.0.3 {\"robot\":3}", "  main         1.5 KB of 2.00 MB", "  all          10 B"];
        assert_eq!(receipt(&good), lines);
        assert!(failure(&good).is_empty());
        let error =
            json!({"code": "ip_not_allowed", "message": "no\u{1b}[2J", "hint": "Add the address.\nThen retry."});
        let bad = json!({"status": "failed", "receipt": null, "sizes": [], "error": error});
        assert!(receipt(&bad).is_empty());
        assert_eq!(failure(&bad), ["  ip_not_allowed: no", "  → Add the address.", "  → Then retry."]);
    }
}

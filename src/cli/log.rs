//! `log`: a release's log as text, at once or as it is written.

use std::process::ExitCode;

use serde_json::Value;

use super::follow::Follower;
use super::http::Api;
use super::place::{News, Place, page};
use super::screen::{Paint, Screen, Tone, field};
use super::{release_id, stages, watch};

/// Print the log of a release.
#[derive(clap::Args)]
pub struct Show {
    /// Id of the release, or the address of its page
    #[arg(value_name = "RELEASE", value_parser = release_id)]
    release: String,
    /// Go on until the release is over; the status then tells whether it succeeded
    #[arg(long)]
    follow: bool,
    /// One JSON document a line: number, time, stage, stream and text
    #[arg(long)]
    json: bool,
}

pub(super) async fn show(api: &Api, screen: &mut Screen, asked: &Show) -> anyhow::Result<ExitCode> {
    if asked.follow {
        return follow(api, screen, asked).await;
    }
    let mut place = Place::first();
    loop {
        let found = api.get(&page(&asked.release, place.next)).await?;
        let Some(News::Lines(lines)) = place.take(found) else { return Ok(ExitCode::SUCCESS) };
        print(screen, &lines, asked.json)?;
    }
}

/// A line of a log as it is printed; what the server itself says, and what went to standard error, in a colour.
pub(super) fn drawn(line: &Value, paint: Paint) -> String {
    let text = field(line, "text");
    match line["stream"].as_str() {
        Some("system") => paint.tone(Tone::Now, &text),
        Some("stderr") => paint.tone(Tone::Doubt, &text),
        _ => text,
    }
}

async fn follow(api: &Api, screen: &mut Screen, asked: &Show) -> anyhow::Result<ExitCode> {
    let address = format!("/releases/{}", asked.release);
    // A mistake shows at once; later the server may be gone for a while.
    api.get(&address).await?;
    let mut follower = Follower::new(api, &asked.release);
    loop {
        match follower.next().await? {
            News::Lines(lines) => print(screen, &lines, asked.json)?,
            News::Waiting(why) => screen.note(&why)?,
            News::Release(_) => {}
            News::End => break,
        }
    }
    let ended = api.get(&address).await?;
    let status = field(&ended, "status");
    if !asked.json {
        screen.line(&screen.paint().tone(stages::tone(&status), &status))?;
    }
    Ok(watch::outcome(&ended))
}

fn print(screen: &mut Screen, lines: &[Value], json: bool) -> anyhow::Result<()> {
    for line in lines {
        if json {
            screen.json(line)?;
        } else {
            screen.line(&drawn(line, screen.paint()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn streams_have_colours() {
        let line = |stream: &str| json!({"n": 1, "stream": stream, "text": "a\u{1b}[2Jb"});
        assert_eq!(drawn(&line("stderr"), Paint(false)), "ab");
        assert_eq!(drawn(&line("stdout"), Paint(true)), "ab");
        assert_eq!(drawn(&line("system"), Paint(true)), "\u{1b}[36mab\u{1b}[0m");
    }
}

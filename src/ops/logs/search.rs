//! Finding a text in a log, wherever it lies: on the server, so that it covers lines that no viewer has loaded.

use std::ops::Range;

use futures::{StreamExt, stream};
use regex::bytes::{Regex, RegexBuilder};
use tokio::sync::Semaphore;

use super::chunks;
use crate::app::App;
use crate::error::{Error, Result, Text};
use crate::logs::block;
use crate::model::log::{Chunk, plain};

/// Characters of a query.
pub const MAX_QUERY: usize = 200;
/// Line numbers answered at once.
const MOST: usize = 10_000;
/// Searches at once: each may keep a core busy for a second.
static SEARCHES: Semaphore = Semaphore::const_new(2);
/// Pieces of a log looked at in parallel.
const WIDE: usize = 2;

#[derive(Debug, Default)]
pub struct Found {
    /// Lines that hold the text, from the first of the log through `through`.
    pub total: u64,
    /// Those of them before the first line asked for.
    pub before: u64,
    /// Their numbers, from the one asked for on, at most 10 000.
    pub lines: Vec<i64>,
    /// The last line that was looked at.
    pub through: i64,
    /// Where to go on when there are more.
    pub more: Option<i64>,
}

/// Lines that hold `query` literally, in upper or lower case, colours aside. Looks through the whole log; `from` is the
/// first line that is named.
pub async fn search(app: &App, release: &str, query: &str, from: i64) -> Result<Found> {
    if query.is_empty() || query.chars().count() > MAX_QUERY {
        return Err(Error::invalid("q", Text::new("errors.query").arg("n", MAX_QUERY.to_string())));
    }
    let finder = RegexBuilder::new(&regex::escape(query)).case_insensitive(true).build();
    let finder = finder.map_err(|error| Error::Internal(error.into()))?;
    let _turn = SEARCHES.acquire().await.map_err(|error| Error::Internal(error.into()))?;
    let log = (app.clone(), release.to_owned(), 1);
    let pieces = stream::try_unfold(log, |(app, release, next_n)| async move {
        let chunks = chunks(&app, &release, next_n).await?;
        let next = chunks.last().map(|chunk| chunk.last_n + 1);
        // What was looked at already may be in the first one again.
        Ok::<_, anyhow::Error>(next.map(|after| ((chunks, next_n), (app, release, after))))
    });
    let looked = move |piece: anyhow::Result<(Vec<Chunk>, i64)>| {
        let finder = finder.clone();
        async move {
            let (chunks, from) = piece?;
            let looked = tokio::task::spawn_blocking(move || hits(&finder, &chunks)).await?;
            looked.map(|(mut lines, through)| {
                lines.retain(|n| *n >= from);
                (lines, through)
            })
        }
    };
    let mut hits = pieces.map(looked).buffered(WIDE).boxed();
    let mut found = Found::default();
    while let Some(piece) = hits.next().await {
        let (lines, through) = piece?;
        found.through = through;
        found.total += lines.len() as u64;
        for n in lines {
            if n < from {
                found.before += 1;
            } else if found.lines.len() < MOST {
                found.lines.push(n);
            } else {
                found.more.get_or_insert(n);
            }
        }
    }
    Ok(found)
}

/// Numbers of the lines that match, and of the last line.
fn hits(finder: &Regex, chunks: &[Chunk]) -> anyhow::Result<(Vec<i64>, i64)> {
    let mut found = Vec::new();
    let mut through = 0;
    for chunk in chunks {
        through = chunk.last_n;
        let text = block::text(&chunk.data)?;
        // Most text has neither colours nor cursor moves, and is searched as it lies there.
        let bare = memchr::memchr2(0x1b, 0x08, &text).is_none();
        for run in block::runs(&text) {
            let run = run?;
            if bare {
                in_run(finder, run.text, run.first_n, &mut found);
            } else {
                let hit = |line: &[u8]| finder.is_match(plain(&String::from_utf8_lossy(line)).as_bytes());
                let lines = run.lines().zip(run.first_n..).filter(|(line, _)| hit(line));
                found.extend(lines.map(|(_, n)| n));
            }
        }
    }
    Ok((found, through))
}

fn in_run(finder: &Regex, text: &[u8], first_n: i64, found: &mut Vec<i64>) {
    let (mut at, mut n) = (0, first_n);
    let ends = |range: Range<usize>| memchr::memchr_iter(b'\n', &text[range]).count() as i64;
    while let Some(hit) = finder.find_at(text, at) {
        n += ends(at..hit.start());
        found.push(n);
        match memchr::memchr(b'\n', &text[hit.start()..]) {
            Some(end) => at = hit.start() + end + 1,
            None => return,
        }
        n += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::block::pack;
    use crate::model::log::{Line, Stream};

    fn find(query: &str, texts: &[&str]) -> Vec<i64> {
        let line = |(n, text): (i64, &&str)| Line {
            n,
            t: 0,
            stage: "compile".into(),
            stream: Stream::Stdout,
            text: (*text).to_owned(),
        };
        let lines: Vec<Line> = (1..).zip(texts).map(line).collect();
        let finder = RegexBuilder::new(&regex::escape(query)).case_insensitive(true).build().expect("a query");
        hits(&finder, &[pack(&lines).expect("packed").expect("lines")]).expect("searched").0
    }

    #[test]
    fn a_text_is_found_as_people_see_it() {
        let texts =
            ["no", "an Error here, and an error there", "", "[ERROR]", "er\u{1b}[31mror\u{1b}[0m", "错误：找不到"];
        assert_eq!(find("error", &texts), [2, 4, 5]);
        assert_eq!(find("error", &texts[..4]), [2, 4], "without colours anywhere");
        assert_eq!(find("错误", &texts), [6]);
        assert_eq!(find("[E", &texts), [4], "literally");
        assert_eq!(find("compile", &texts), [] as [i64; 0], "stages are no text");
        assert_eq!(find("31m", &texts), [] as [i64; 0], "nor are colours");
    }
}

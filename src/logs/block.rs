//! Lines as blocks of text. A chunk's data is gzip, so that a browser unpacks what the store holds: nothing is packed
//! twice, and the finished object, chunks one after another, is a file that `zcat` reads.
//!
//! The text is made of runs, lines of one stage and stream that came at once:
//!
//! ```text
//! \x1e{number of the first line} {lines} {ms} {stage} {stream}\n
//! so many lines, each ended by \n
//! ```

use std::io::{Read, Write};

use anyhow::{Context, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use flate2::Compression;

use crate::clock::Ms;
use crate::model::log::{Chunk, Line, Mark, Stream};

/// Bytes of text after which a block is full. One longer line is a block of its own.
pub const FULL: usize = 256 * 1024;
/// Lines after which it is full, too: empty ones take no room and have to be drawn all the same.
pub const LINES: usize = 8 * 1024;
/// Bytes of text after which a run ends.
const RUN: usize = 64 * 1024;
/// The most that gzip makes of a byte.
const RATIO: usize = 1032;

/// Consecutive lines on their way into a chunk.
#[derive(Debug, Default)]
pub struct Block {
    first_n: i64,
    lines: i64,
    marks: Vec<Mark>,
    text: Vec<u8>,
}

impl Block {
    pub fn new(first_n: i64) -> Self {
        Self { first_n, ..Self::default() }
    }

    /// Bytes of its text.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }

    pub fn is_full(&self) -> bool {
        self.text.len() >= FULL || self.lines as usize >= LINES
    }

    /// Adds lines until it is full; answers how many it took, at least one. `opens` says that the line before them, if
    /// any, was of another stage.
    pub fn push(&mut self, t: Ms, stage: &str, stream: Stream, lines: &[String], opens: bool) -> usize {
        let n = self.first_n + self.lines;
        let mut bytes = 0;
        debug_assert!(lines.iter().all(|line| !line.contains('\n')), "lines have no ends in them");
        let fit = lines.iter().take(LINES).take_while(|line| {
            let before = bytes;
            bytes += line.len() + 1;
            before < RUN
        });
        let count = fit.count();
        if count == 0 {
            return 0;
        }
        if opens {
            self.marks.push(Mark { n, stage: stage.to_owned(), t });
        }
        // Writing into memory does not fail.
        let _ = writeln!(self.text, "\x1e{n} {count} {t} {stage} {stream}");
        for line in &lines[..count] {
            self.text.extend_from_slice(line.as_bytes());
            self.text.push(b'\n');
        }
        self.lines += count as i64;
        count
    }

    /// Another block's text after this one's.
    pub fn append(&mut self, text: &[u8], lines: i64) {
        self.text.extend_from_slice(text);
        self.lines += lines;
    }

    pub fn pack(self) -> anyhow::Result<Chunk> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::with_capacity(self.text.len() / 6 + 64), Compression::fast());
        gzip.write_all(&self.text)?;
        let (first_n, last_n) = (self.first_n, self.first_n + self.lines - 1);
        Ok(Chunk { first_n, last_n, marks: self.marks, data: gzip.finish()? })
    }
}

/// Packs consecutive lines; `None` for none.
pub fn pack(lines: &[Line]) -> anyhow::Result<Option<Chunk>> {
    let Some(first) = lines.first() else { return Ok(None) };
    let mut block = Block::new(first.n);
    let mut stage = None;
    for line in lines {
        let opens = stage.replace(line.stage.as_str()) != Some(&line.stage);
        block.push(line.t, &line.stage, line.stream, std::slice::from_ref(&line.text), opens);
    }
    block.pack().map(Some)
}

/// What earlier versions stored, lines as JSON in zstd, as a chunk of today.
pub fn modern(chunk: Chunk) -> anyhow::Result<Chunk> {
    const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    if !chunk.data.starts_with(&ZSTD) {
        return Ok(chunk);
    }
    let lines: Vec<Line> = serde_json::from_slice(&zstd::decode_all(chunk.data.as_slice())?)?;
    pack(&lines)?.context("a chunk without lines")
}

/// The text of a chunk's data.
pub fn text(data: &[u8]) -> anyhow::Result<Vec<u8>> {
    // A damaged end must not make us ask for gigabytes.
    let mut text = Vec::with_capacity(size(data).min(data.len().saturating_mul(RATIO)));
    flate2::read::GzDecoder::new(data).read_to_end(&mut text)?;
    Ok(text)
}

/// Bytes of the text, as gzip notes it at its end.
pub fn size(data: &[u8]) -> usize {
    data.last_chunk().map_or(0, |end| u32::from_le_bytes(*end) as usize)
}

pub fn unpack(data: &[u8]) -> anyhow::Result<Vec<Line>> {
    let text = text(data)?;
    let mut lines = Vec::new();
    for run in runs(&text) {
        let run = run?;
        for (text, n) in run.lines().zip(run.first_n..) {
            let text = String::from_utf8_lossy(text).into_owned();
            lines.push(Line { n, t: run.t, stage: run.stage.to_owned(), stream: run.stream, text });
        }
    }
    Ok(lines)
}

/// Lines of one stage and stream that came at once.
#[derive(Debug)]
pub struct Run<'t> {
    pub first_n: i64,
    pub t: Ms,
    pub stage: &'t str,
    pub stream: Stream,
    /// Its lines, each ended by `\n`.
    pub text: &'t [u8],
}

impl<'t> Run<'t> {
    /// Its lines from number `n` on, each ended by `\n`.
    pub fn text_from(&self, n: i64) -> &'t [u8] {
        match usize::try_from(n - self.first_n) {
            Ok(skip) if skip > 0 => {
                let end = memchr::memchr_iter(b'\n', self.text).nth(skip - 1);
                end.map_or(&[], |end| &self.text[end + 1..])
            }
            _ => self.text,
        }
    }

    pub fn lines(&self) -> impl Iterator<Item = &'t [u8]> + use<'t> {
        let text = self.text;
        let mut at = 0;
        memchr::memchr_iter(b'\n', text).map(move |end| &text[std::mem::replace(&mut at, end + 1)..end])
    }
}

/// The runs of a block's text.
pub fn runs(text: &[u8]) -> impl Iterator<Item = anyhow::Result<Run<'_>>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let run = first_run(rest);
        match &run {
            Ok((_, after)) => rest = after,
            Err(_) => rest = &[],
        }
        Some(run.map(|(run, _)| run))
    })
}

fn first_run(text: &[u8]) -> anyhow::Result<(Run<'_>, &[u8])> {
    let end = memchr::memchr(b'\n', text).context("a run without an end")?;
    let head = std::str::from_utf8(&text[..end])?.strip_prefix('\x1e').context("not a run")?;
    let mut words = head.split(' ');
    let mut word = || words.next().context("a run's head is too short");
    let (first_n, count, t) = (word()?.parse()?, word()?.parse::<usize>()?, word()?.parse()?);
    let (stage, stream) = (word()?, word()?.parse().map_err(anyhow::Error::msg)?);
    ensure!(count > 0, "a run without lines");
    let body = &text[end + 1..];
    let last = memchr::memchr_iter(b'\n', body).nth(count - 1).context("a run is cut short")?;
    Ok((Run { first_n, t, stage, stream, text: &body[..=last] }, &body[last + 1..]))
}

/// A chunk as viewers get it. Cheap to clone: all of them share its bytes.
///
/// Header, big endian: u32 bytes of gzip, u32 lines, u64 number of the first line; then the gzip.
#[derive(Debug, Clone)]
pub struct Frame {
    pub first_n: i64,
    pub last_n: i64,
    pub bytes: Bytes,
}

const HEADER: usize = 16;

impl From<Chunk> for Frame {
    fn from(chunk: Chunk) -> Self {
        let mut bytes = BytesMut::with_capacity(HEADER + chunk.data.len());
        bytes.put_u32(chunk.data.len() as u32);
        bytes.put_u32((chunk.last_n - chunk.first_n + 1) as u32);
        bytes.put_u64(chunk.first_n as u64);
        bytes.put_slice(&chunk.data);
        Self { first_n: chunk.first_n, last_n: chunk.last_n, bytes: bytes.freeze() }
    }
}

impl Frame {
    /// Its lines from number `from` on.
    pub fn lines(&self, from: i64) -> anyhow::Result<Vec<Line>> {
        let mut lines = unpack(&self.bytes[HEADER..])?;
        lines.retain(|line| line.n >= from);
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_as_they_went_in() {
        let texts = ["plain", "", "\x1e1 1 0 looks like a head", "中文 \u{1b}[31mred", "tab\tand \u{fffd}"];
        let line = |n: usize, text: &str| Line {
            n: 41 + n as i64,
            t: 1000 + n as i64 / 2,
            stage: if n < 3 { "install" } else { "compile" }.to_owned(),
            stream: if n == 1 { Stream::Stderr } else { Stream::Stdout },
            text: text.to_owned(),
        };
        let lines: Vec<Line> = texts.iter().enumerate().map(|(n, text)| line(n, text)).collect();
        let chunk = pack(&lines).expect("packed").expect("lines");
        assert_eq!((chunk.first_n, chunk.last_n), (41, 45));
        assert_eq!(
            chunk.marks.iter().map(|m| (m.n, m.stage.as_str())).collect::<Vec<_>>(),
            [(41, "install"), (44, "compile")]
        );
        assert_eq!(unpack(&chunk.data).expect("unpacked"), lines);
        assert_eq!(size(&chunk.data), text(&chunk.data).expect("text").len());
        let packed = text(&chunk.data).expect("text");
        let run = runs(&packed).next().expect("a run").expect("whole");
        let from = |n| String::from_utf8_lossy(run.text_from(n)).into_owned();
        assert_eq!((from(1), from(41), from(42)), ("plain\n".to_owned(), "plain\n".to_owned(), String::new()));
        let frame = Frame::from(chunk);
        assert_eq!(frame.lines(44).expect("lines"), lines[3..]);
        assert_eq!(&frame.bytes[4..16], [0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 41]);
    }

    #[test]
    fn what_an_earlier_version_stored_can_be_read() {
        let line = Line { n: 7, t: 5, stage: "install".into(), stream: Stream::Stderr, text: "old".into() };
        let json = serde_json::to_vec(&[&line]).expect("JSON");
        let data = zstd::encode_all(json.as_slice(), 1).expect("packed");
        let chunk = modern(Chunk { first_n: 7, last_n: 7, marks: vec![], data }).expect("modern");
        assert_eq!((unpack(&chunk.data).expect("lines"), chunk.marks.len()), (vec![line], 1));
    }

    #[test]
    fn blocks_are_bounded_and_take_any_line() {
        let mut block = Block::new(1);
        let long = vec!["x".repeat(300_000), "y".to_owned()];
        assert_eq!(block.push(0, "compile", Stream::Stdout, &long, true), 1);
        assert!(block.is_full());
        let mut block = Block::new(1);
        let took = block.push(0, "compile", Stream::Stdout, &vec![String::new(); 100_000], false);
        assert!(took == LINES && block.is_full(), "empty lines count as well");
        let mut block = Block::new(1);
        let many: Vec<String> = (0..10_000).map(|n| format!("{n:0>99}")).collect();
        let mut rest = &many[..];
        while !block.is_full() {
            let took = block.push(0, "compile", Stream::Stdout, rest, false);
            rest = &rest[took..];
        }
        assert!(block.len() < FULL + RUN + 200);
    }

    #[test]
    fn damaged_text_is_an_error_not_a_panic() {
        for bad in ["x", "\x1e1 2 0 a stdout\nonly one\n", "\x1e1 0 0 a stdout\n", "\x1e1 1 0 a nowhere\nx\n", "\x1e\n"]
        {
            assert!(runs(bad.as_bytes()).any(|run| run.is_err()), "{bad:?}");
        }
        assert!(text(b"no gzip").is_err());
    }
}

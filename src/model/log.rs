//! A line of a log and the chunks that lines are stored in.

use serde::{Deserialize, Serialize};

use crate::clock::Ms;

super::words! { Stream { Stdout = "stdout", Stderr = "stderr", System = "system" } }

/// Numbered from 1 without gaps per release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub n: i64,
    pub t: Ms,
    pub stage: String,
    pub stream: Stream,
    pub text: String,
}

/// Where another stage begins in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Number of its first line.
    pub n: i64,
    pub stage: String,
    pub t: Ms,
}

/// Lines `first_n..=last_n`, packed.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub first_n: i64,
    pub last_n: i64,
    /// Stages that begin in it.
    pub marks: Vec<Mark>,
    pub data: Vec<u8>,
}

/// The log of a release that is over: its blocks one after another in one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub key: String,
    pub last_n: i64,
    pub blocks: Vec<Placed>,
    pub marks: Vec<Mark>,
}

/// Where a block lies in its object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    pub first_n: i64,
    pub last_n: i64,
    pub offset: u64,
    pub bytes: u64,
}

/// Removes escape sequences and control characters, for readers that are not terminals.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        // CSI: parameters, then one final byte.
        Some('[') => while chars.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {},
        // OSC: until BEL or ESC \.
        Some(']') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' {
                    break;
                }
                if c == '\u{1b}' {
                    chars.next_if_eq(&'\\');
                    break;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn escapes_are_not_text() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\tand \u{1b}]0;title\u{7}plain\u{8}"), "red\tand plain");
        assert_eq!(plain("cut \u{1b}[3"), "cut ");
    }
}

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

/// Lines `first_n..=last_n`, compressed.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub first_n: i64,
    pub last_n: i64,
    pub data: Vec<u8>,
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

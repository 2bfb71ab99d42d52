//! What is printed: plain lines, or colours and one moving line of progress where a person watches. Knows no server.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

/// Standard output, and the line of progress that stays below everything else.
pub(super) struct Screen {
    terminal: bool,
    no_color: bool,
    bottom: String,
}

/// Colours, or none.
#[derive(Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

/// What a colour says.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubt,
    Now,
    Faint,
}

impl Screen {
    /// `no_color`: plain lines at a terminal too.
    pub(super) fn new(no_color: bool) -> Self {
        Self { terminal: io::stdout().is_terminal(), no_color, bottom: String::new() }
    }

    /// Whether a person watches: text can be drawn for eyes.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether colours are welcome and lines may move.
    pub(super) fn is_rich(&self) -> bool {
        self.terminal && !self.no_color
    }

    pub(super) fn paint(&self) -> Paint {
        Paint(self.is_rich())
    }

    /// One line, or several; above the line of progress where there is one.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        if self.bottom.is_empty() { put(&format!("{text}\n")) } else { put(&format!("{CLEAR}{text}\n{}", self.bottom)) }
    }

    /// The API's own JSON.
    pub(super) fn json(&mut self, value: &Value) -> io::Result<()> {
        self.line(&value.to_string())
    }

    /// What is not part of the output.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        if !self.bottom.is_empty() {
            return self.line(&self.paint().tone(Tone::Doubt, text));
        }
        eprintln!("{text}");
        Ok(())
    }

    /// Redraws the line of progress; nothing where nobody would see it move.
    pub(super) fn progress(&mut self, text: &str) -> io::Result<()> {
        if !self.is_rich() {
            return Ok(());
        }
        // A line that wraps could not be cleared.
        self.bottom = format!("\u{1b}[?7l{text}\u{1b}[?7h");
        put(&format!("{CLEAR}{}", self.bottom))
    }

    /// Lets the line of progress stand as it is.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.bottom).is_empty() { Ok(()) } else { put("\n") }
    }
}

const CLEAR: &str = "\r\u{1b}[2K";

/// `println!` would panic once nobody reads any more.
fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

impl Paint {
    pub(super) fn tone(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            _ if !self.0 => return text.to_owned(),
            Tone::Good => 32,
            Tone::Bad => 31,
            Tone::Doubt => 33,
            Tone::Now => 36,
            Tone::Faint => 2,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// A text of the API's JSON, safe to print; empty where there is none.
pub(super) fn field(value: &Value, name: &str) -> String {
    value[name].as_str().map(clean).unwrap_or_default()
}

/// Without escape sequences and control characters: a build must not move the cursor of whoever reads its log.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next_if(|c| matches!(c, '[' | ']')) {
                // CSI: parameters, then one final byte.
                Some('[') => while chars.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {},
                // OSC: until BEL or ESC \, whose rest is a control character and an escape of its own.
                Some(_) => while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}')).is_some() {},
                None => _ = chars.next(),
            },
            '\t' | '\n' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Columns, two spaces apart; Chinese characters take two places each.
pub(super) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widest =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide + 2 - width(cell))));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn width(text: &str) -> usize {
    let places = |c: char| match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    };
    text.chars().map(places).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_of_others_cannot_move_the_cursor() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m\tand \u{1b}]0;title\u{7}plain\u{8}\r"), "red\tand plain");
        assert_eq!(clean("\u{1b}]8;;http://x\u{1b}\\link\u{9b}2J \u{1b}7cut \u{1b}[3"), "link2J cut ");
        assert_eq!(field(&json!({"a": "x\u{1b}[2Jy"}), "a"), "xy");
        assert_eq!(field(&json!({"a": 1}), "a") + &field(&json!(null), "b"), "");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [vec!["潮汐".to_owned(), "a".to_owned()], vec!["b".to_owned(), "c".to_owned(), String::new()]];
        assert_eq!(table(&rows), ["潮汐  a", "b     c"]);
    }

    #[test]
    fn colours_only_where_wanted() {
        assert_eq!(Paint(false).tone(Tone::Bad, "x"), "x");
        assert_eq!(Paint(true).tone(Tone::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
    }
}

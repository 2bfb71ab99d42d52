//! Bytes of a stream → lines as people can read them: whole UTF-8, no progress-bar rewrites, bounded.

use crate::runner::mask::Mask;

/// Kept of one line while it grows; what comes after is only counted.
const BUFFER: usize = 256 * 1024;
/// Shown of one line. Less than the buffer, so that a secret across the cut is masked whole before.
const SHOWN: usize = 64 * 1024;

#[derive(Default)]
pub struct Splitter {
    buffer: Vec<u8>,
    beyond: usize,
}

impl Splitter {
    /// Takes bytes, gives the lines they complete.
    pub fn push(&mut self, bytes: &[u8], mask: &Mask) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.keep(&rest[..end]);
            lines.push(self.take(mask));
            rest = &rest[end + 1..];
        }
        self.keep(rest);
        lines
    }

    /// The last line, if it had no end.
    pub fn finish(&mut self, mask: &Mask) -> Option<String> {
        if self.buffer.is_empty() { None } else { Some(self.take(mask)) }
    }

    /// What a progress bar shows that has not ended its line: its last whole state, once.
    pub fn progress(&mut self, mask: &Mask) -> Option<String> {
        let end = memchr::memrchr(b'\r', &self.buffer)?;
        let state = self.buffer[..end].rsplit(|b| *b == b'\r').next().unwrap_or_default();
        let shown = String::from_utf8_lossy(state).into_owned();
        self.buffer.drain(..=end);
        (!shown.trim().is_empty()).then(|| cut(mask.apply(shown), 0))
    }

    fn keep(&mut self, bytes: &[u8]) {
        // What a progress bar has overwritten nobody will see; hours of it must not fill the buffer.
        if self.buffer.len() + bytes.len() > BUFFER / 2
            && let Some(end) = memchr::memrchr(b'\r', &self.buffer)
        {
            let state = memchr::memrchr(b'\r', &self.buffer[..end]).map_or(0, |at| at + 1);
            self.buffer.drain(..state);
        }
        let room = BUFFER - self.buffer.len();
        self.buffer.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.beyond += bytes.len().saturating_sub(room);
    }

    fn take(&mut self, mask: &Mask) -> String {
        let mut text = String::from_utf8_lossy(&self.buffer).into_owned();
        let beyond = std::mem::take(&mut self.beyond);
        self.buffer.clear();
        // A progress bar rewrites its line; the last state is what a person would see.
        text.truncate(text.trim_end_matches('\r').len());
        let last = text.rfind('\r').map_or(0, |at| at + 1);
        let last = text.split_off(last);
        cut(mask.apply(last), beyond)
    }
}

/// At most what is shown of one line, with what is missing of it: `beyond` are bytes that were never kept.
fn cut(mut line: String, beyond: usize) -> String {
    if line.len() <= SHOWN && beyond == 0 {
        return line;
    }
    let mut end = SHOWN.min(line.len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let gone = line.len() - end + beyond;
    line.truncate(end);
    line.push_str(&format!(" … (+{gone} bytes)"));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_output_becomes_lines() {
        let mask = Mask::default();
        let mut s = Splitter::default();
        let word = "中文".as_bytes();
        assert!(s.push(&word[..4], &mask).is_empty());
        assert_eq!(s.push(&[&word[4..], b"\r\n10%\r50%\r100%\nlast"].concat(), &mask), ["中文", "100%"]);
        assert_eq!(s.finish(&mask).as_deref(), Some("last"));
        assert_eq!(s.finish(&mask), None);
        assert_eq!(s.push(b"bad \xff byte\n", &mask), ["bad \u{fffd} byte"]);
        let long = s.push(&[&vec![b'x'; 10_000_000][..], b"\nnext\n"].concat(), &mask);
        assert_eq!(long.len(), 2);
        assert!(long[0].len() < SHOWN + 100 && long[0].ends_with(&format!("(+{} bytes)", 10_000_000 - SHOWN)));
    }

    #[test]
    fn a_progress_bar_shows_states_and_needs_no_room() {
        let mask = Mask::new(["topsecretvalue"]);
        let mut s = Splitter::default();
        assert!(s.push(b"10%\r20", &mask).is_empty());
        assert_eq!(s.progress(&mask).as_deref(), Some("10%"));
        assert_eq!(s.progress(&mask), None, "told once");
        assert!(s.push(b"%\r30% topsecretvalue\r4", &mask).is_empty());
        assert_eq!(s.progress(&mask).as_deref(), Some("30% ••••••"));
        for n in 0..200_000 {
            assert!(s.push(format!("\r{n} of 200000").as_bytes(), &mask).is_empty());
        }
        assert!(s.buffer.len() <= BUFFER && s.beyond == 0);
        assert_eq!(s.push(b"\rdone\n", &mask), ["done"]);
    }

    #[test]
    fn a_secret_split_across_writes_is_masked() {
        let mask = Mask::new(["supersecretvalue"]);
        let mut s = Splitter::default();
        assert!(s.push(b"key supersec", &mask).is_empty());
        assert_eq!(s.push(b"retvalue end\n", &mask), ["key •••••• end"]);
    }
}

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
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
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

    fn keep(&mut self, bytes: &[u8]) {
        let room = BUFFER - self.buffer.len();
        self.buffer.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.beyond += bytes.len().saturating_sub(room);
    }

    fn take(&mut self, mask: &Mask) -> String {
        let text = String::from_utf8_lossy(&self.buffer).into_owned();
        let beyond = std::mem::take(&mut self.beyond);
        self.buffer.clear();
        // A progress bar rewrites its line; the last state is what a person would see.
        let last = text.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().to_owned();
        let mut line = mask.apply(last);
        if line.len() > SHOWN || beyond > 0 {
            let mut cut = SHOWN.min(line.len());
            while !line.is_char_boundary(cut) {
                cut -= 1;
            }
            let gone = line.len() - cut + beyond;
            line.truncate(cut);
            line.push_str(&format!(" … (+{gone} bytes)"));
        }
        line
    }
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
    fn a_secret_split_across_writes_is_masked() {
        let mask = Mask::new(["supersecretvalue"]);
        let mut s = Splitter::default();
        assert!(s.push(b"key supersec", &mask).is_empty());
        assert_eq!(s.push(b"retvalue end\n", &mask), ["key •••••• end"]);
    }
}

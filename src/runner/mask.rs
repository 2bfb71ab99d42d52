//! Redaction before anything is stored: whole secrets, each of their lines, and the forms tools print them in.

use aho_corasick::{AhoCorasick, MatchKind};
use openssl::base64::encode_block;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::log::plain;

/// What tools leave as it is when they percent-encode.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const STARS: &str = "••••••";
/// Shorter pieces would blacken ordinary words.
const MIN: usize = 6;

#[derive(Default)]
pub struct Mask {
    finder: Option<AhoCorasick>,
}

impl Mask {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms: Vec<String> = secrets.into_iter().flat_map(forms).filter(|form| form.len() >= MIN).collect();
        forms.sort();
        forms.dedup();
        if forms.is_empty() {
            return Self::default();
        }
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&forms);
        Self { finder: finder.ok() }
    }

    /// The text without secrets; escape sequences inside one do not save it.
    pub fn apply(&self, text: String) -> String {
        let Some(finder) = &self.finder else { return text };
        let bare = plain(&text);
        if bare != text && finder.is_match(&bare) {
            return self.apply(bare);
        }
        if !finder.is_match(&text) {
            return text;
        }
        let mut out = String::with_capacity(text.len());
        finder.replace_all_with(&text, &mut out, |_, _, out| {
            out.push_str(STARS);
            true
        });
        out
    }
}

fn forms(secret: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for part in std::iter::once(secret.trim()).chain(secret.lines().map(str::trim)) {
        // The frame of a PEM file is no secret, and appears in honest error messages.
        if part.starts_with("-----") && !part.contains('\n') {
            continue;
        }
        forms.push(part.to_owned());
        forms.push(serde_json::to_string(part).unwrap_or_default().trim_matches('"').to_owned());
        forms.push(percent(part));
        forms.extend(base64_cores(part.as_bytes()));
    }
    forms.extend(base64_cores(secret.as_bytes()));
    forms
}

/// What base64 of a longer text shows of `bytes` at each of the three alignments, without the ends that neighbours colour.
fn base64_cores(bytes: &[u8]) -> Vec<String> {
    (0..3usize)
        .map(|skip| {
            let shifted = [&vec![0; skip][..], bytes].concat();
            let whole = encode_block(&shifted[..shifted.len() - shifted.len() % 3]);
            whole.chars().skip(if skip == 0 { 0 } else { 4 }).collect::<String>()
        })
        // Tools wrap base64; a piece of a line is enough to recognise it.
        .flat_map(|core| {
            let pieces: Vec<String> = core
                .as_bytes()
                .chunks(48)
                .filter(|c| c.len() >= 16)
                .map(|c| String::from_utf8_lossy(c).into_owned())
                .collect();
            pieces
        })
        .collect()
}

fn percent(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQDfRfH8abc+/x==\n-----END PRIVATE KEY-----\n";

    #[test]
    fn every_form_of_a_secret_goes() {
        let mask = Mask::new([KEY, "p@ss word!"]);
        let lines: Vec<&str> = KEY.lines().collect();
        let json = serde_json::to_string(KEY).expect("JSON");
        for text in [
            KEY.to_owned(),
            format!("x {} y", lines[1]),
            json,
            percent(lines[2]),
            format!("token={}", percent("p@ss word!")),
            "p@ss\u{1b}[31m word\u{1b}[0m!".to_owned(),
            encode_block(format!("ab{KEY}cd").as_bytes()),
        ] {
            let masked = mask.apply(text.clone());
            assert_ne!(masked, text);
            for secret in [lines[1], lines[2], "p@ss word!", "ss%20word"] {
                assert!(!plain(&masked).contains(secret), "{masked}");
            }
        }
        assert_eq!(mask.apply("nothing here".to_owned()), "nothing here");
        assert_eq!(mask.apply("-----BEGIN PRIVATE KEY-----".to_owned()), "-----BEGIN PRIVATE KEY-----");
    }
}

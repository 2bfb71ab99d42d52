//! Turns what a tool said into something a tester can act on.

use super::Platform;
use crate::lang::Lang;
use crate::model::release::Failure;

/// Recognises a vendor error by the platform's table: the first match gives its code and captures.
pub fn recognise(platform: &Platform, code: &str, message: &str) -> Failure {
    let text = format!("{code} {message}");
    for known in &platform.errors {
        if let Some(found) = known.pattern.captures(&text) {
            let args = found.iter().skip(1).map(|group| group.map_or("", |g| g.as_str()).trim().to_owned()).collect();
            return Failure { args, ..Failure::new(&known.code, message) };
        }
    }
    Failure::new(code, message)
}

/// The hint for a failure: the platform's own table first, then ours; none for what nobody has met yet.
pub fn hint(platform: Option<&Platform>, failure: &Failure, lang: Lang) -> Option<String> {
    let known = platform.and_then(|p| p.errors.iter().find(|known| known.code == failure.code));
    let (text, mark) = match known {
        Some(known) => (known.hint.get(lang).to_owned(), "$"),
        None => {
            let key = format!("failures.{}", failure.code);
            let text = lang.t(&key);
            if text == key {
                return None;
            }
            (text.into_owned(), "%")
        }
    };
    Some(failure.args.iter().enumerate().fold(text, |text, (i, arg)| text.replace(&format!("{mark}{}", i + 1), arg)))
}

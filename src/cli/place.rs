//! How far a log is told, and what is new in what arrives. Pure: no connection, no clock.

use std::time::Duration;

use serde_json::Value;

/// Breaks in a row, without a word in between, after which there is no hope: about a minute.
const MAX_BREAKS: u32 = 8;

/// What a follower hears, in order.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    /// Lines of the log, each once.
    Lines(Vec<Value>),
    /// The release as it is now.
    Release(Value),
    /// No connection; it will be tried again.
    Waiting(String),
    /// Nothing more will come.
    End,
}

/// How far the log is told, whatever becomes of connections.
#[derive(Debug)]
pub(super) struct Place {
    /// The number of the next line.
    pub(super) next: i64,
    breaks: u32,
}

/// A page of the log, below `/api/v1`.
pub(super) fn page(release: &str, from: i64) -> String {
    format!("/releases/{release}/log?from={from}&limit=1000")
}

impl Place {
    pub(super) fn first() -> Self {
        Self { next: 1, breaks: 0 }
    }

    /// What is new in a frame or page: no line that was told before.
    pub(super) fn take(&mut self, mut frame: Value) -> Option<News> {
        self.breaks = 0;
        if frame["end"].as_bool() == Some(true) {
            return Some(News::End);
        }
        if let Some(release) = frame.get_mut("release") {
            return Some(News::Release(release.take()));
        }
        let Some(Value::Array(mut lines)) = frame.get_mut("lines").map(Value::take) else { return None };
        lines.retain(|line| match line["n"].as_i64() {
            Some(n) if n >= self.next => {
                self.next = n + 1;
                true
            }
            _ => false,
        });
        (!lines.is_empty()).then_some(News::Lines(lines))
    }

    /// How long to wait after a break, each time longer; `None` once there is no hope.
    pub(super) fn broke(&mut self) -> Option<Duration> {
        self.breaks += 1;
        (self.breaks <= MAX_BREAKS).then(|| Duration::from_millis(500_u64 << (self.breaks - 1).min(5)))
    }

    /// Proxies end connections that were silent for a while: the first break says nothing.
    pub(super) fn is_worth_telling(&self) -> bool {
        self.breaks > 1
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(numbers: &[i64]) -> Vec<Value> {
        numbers.iter().map(|n| json!({"n": n, "text": n.to_string()})).collect()
    }

    #[test]
    fn a_new_connection_goes_on_where_the_last_one_broke() {
        let mut place = Place::first();
        assert_eq!(place.take(json!({"lines": lines(&[1, 2, 3])})), Some(News::Lines(lines(&[1, 2, 3]))));
        assert!(place.broke().is_some());
        assert_eq!(place.next, 4);
        // Whatever is sent twice is told once, and what a limit dropped is no reason to wait.
        assert_eq!(place.take(json!({"lines": lines(&[2, 3, 4])})), Some(News::Lines(lines(&[4]))));
        assert_eq!(place.take(json!({"lines": lines(&[3, 4])})), None);
        assert_eq!(place.take(json!({"lines": lines(&[900])})), Some(News::Lines(lines(&[900]))));
        assert_eq!(place.next, 901);
    }

    #[test]
    fn frames_are_told_apart() {
        let mut place = Place::first();
        let release = json!({"status": "running"});
        assert_eq!(place.take(json!({"release": release})), Some(News::Release(json!({"status": "running"}))));
        assert_eq!(place.take(json!({"lines": [], "next": 1, "complete": true})), None);
        assert_eq!(place.take(json!({"end": true})), Some(News::End));
        for other in [json!({"later": 1}), json!([1]), json!("x"), json!({"lines": [{"text": "no number"}]})] {
            assert_eq!(place.take(other), None);
        }
        assert_eq!(place.next, 1);
    }

    #[test]
    fn hope_ends_and_begins_anew_with_each_word() {
        let mut place = Place::first();
        let mut waits = Vec::new();
        while let Some(wait) = place.broke() {
            waits.push(wait.as_millis());
        }
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 16000, 16000]);
        place.take(json!({"lines": []}));
        assert_eq!(place.broke(), Some(Duration::from_millis(500)));
    }
}

//! Who did what, from where, and what changed.

use crate::clock::Ms;

#[derive(Debug, Clone)]
pub struct Entry {
    pub id: String,
    pub at: Ms,
    /// `None` for somebody who did not sign in.
    pub user_id: Option<String>,
    /// The login as it was then.
    pub user_name: String,
    /// Where the request came from; empty for a command on the server.
    pub address: String,
    /// A noun and a verb: `program.update`.
    pub action: String,
    pub target_id: String,
    pub target_name: String,
    /// What changed: field → `[before, after]`, or what else is worth knowing. Never a secret.
    pub detail: serde_json::Value,
}

/// What differs between two objects: field → `[before, after]`.
pub fn changes(before: &serde_json::Value, after: &serde_json::Value) -> serde_json::Value {
    let empty = serde_json::Map::new();
    let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let pair = |name: &String| {
        let value = |side: &serde_json::Map<String, serde_json::Value>| side.get(name).cloned().unwrap_or_default();
        let (old, new) = (value(before), value(after));
        (old != new).then(|| (name.clone(), serde_json::json!([old, new])))
    };
    names.into_iter().filter_map(pair).collect::<serde_json::Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::changes;
    use serde_json::json;

    #[test]
    fn only_what_differs() {
        let found = changes(&json!({"a": 1, "b": "x", "gone": true}), &json!({"a": 1, "b": "y", "new": 2}));
        assert_eq!(found, json!({"b": ["x", "y"], "gone": [true, null], "new": [null, 2]}));
        assert_eq!(changes(&json!(null), &json!({})), json!({}));
    }
}

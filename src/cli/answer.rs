//! Why a call has no answer to work with, in words that people can act on.

use reqwest::StatusCode;
use serde_json::Value;

use super::screen::clean;

/// Why there is no answer to work with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The server said no; `text` is its reason.
    #[error("{text}")]
    Refused { status: u16, text: String },
    /// The server could not be reached, or the connection broke.
    #[error("no answer from {base}")]
    Lost { base: String, source: reqwest::Error },
    /// Something answered that is no Sampan server.
    #[error("{base} does not answer like a Sampan server")]
    Strange { base: String },
}

/// What an error answer says: the message, a line for each field, and what to look for in the
/// server's log.
pub(super) fn explain(status: StatusCode, body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let error = &body["error"];
    let Some(message) = error["message"].as_str() else { return format!("the server answered {status}") };
    let mut text = message.to_owned();
    for (name, value) in error["fields"].as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text += &format!("\n  {name}: {value}");
    }
    if let Some(request) = error["request_id"].as_str().filter(|_| status.is_server_error()) {
        text += &format!(" (request {request})");
    }
    clean(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_out_of_their_envelope() {
        let invalid = r#"{"error":{"code":"invalid","message":"not like this","fields":{"ref":"is missing","x":["a"]},"request_id":"r1"}}"#;
        assert_eq!(
            explain(StatusCode::UNPROCESSABLE_ENTITY, invalid),
            "not like this\n  ref: is missing\n  x: [\"a\"]"
        );
        let internal = r#"{"error":{"code":"internal","message":"something\u001b[2J broke","request_id":"r2"}}"#;
        assert_eq!(explain(StatusCode::INTERNAL_SERVER_ERROR, internal), "something broke (request r2)");
        let proxy = "<html>502</html>";
        assert_eq!(explain(StatusCode::BAD_GATEWAY, proxy), "the server answered 502 Bad Gateway");
        assert_eq!(explain(StatusCode::NOT_FOUND, r#"{"error":"x"}"#), "the server answered 404 Not Found");
    }
}

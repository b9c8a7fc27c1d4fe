//! What an operation needs, judged by HTTP before anything of it begins (R-P8).
//!
//! A client learns of a missing scope from 403 with a challenge, and from nothing else: an error
//! inside of the protocol is for the model, which cannot sign a user in. So the message is read
//! here, ahead of the transport.

use access_token::{Bearer, Challenge};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;
use mcp::demonstration::{MAX_REQUEST_BYTES, READ, WRITE};
use serde_json::Value;

use crate::respond;

/// Lets a request through whose token permits what it asks for. A refusal names all scopes of the
/// operation at once, those that the token has too, so that a client that requests just these can do it.
/// No scope here includes another (R-P9): each is looked for by its name.
pub(super) async fn step_up(
    State(challenge): State<Challenge>,
    Bearer(claims): Bearer,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        let about = "The message is too large or incomplete.";
        return respond::error(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", about);
    };
    let needed = needed(&body);
    if needed.iter().all(|scope| claims.has_scope(scope)) {
        next.run(Request::from_parts(parts, Body::from(body))).await
    } else {
        challenge.insufficient_scope(needed)
    }
}

/// The scopes that a message needs: a single one, or several in an array, as revision 2025-03-26
/// has it. What cannot be read is for the transport to refuse.
fn needed(body: &[u8]) -> &'static [&'static str] {
    let adds = |message: &Value| {
        message["method"] == "tools/call" && message["params"]["name"] == "add_note"
    };
    let any_adds = match serde_json::from_slice(body) {
        Ok(Value::Array(messages)) => messages.iter().any(adds),
        Ok(message) => adds(&message),
        Err(_) => false,
    };
    if any_adds { &[READ, WRITE] } else { &[READ] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_p8_what_is_called_decides_what_is_needed() {
        let adding = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add_note", "arguments": {}}}"#;
        let asking =
            r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami"}}"#;
        assert_eq!(needed(adding.as_bytes()), [READ, WRITE]);
        assert_eq!(
            needed(adding.replace("add_note", r"add_not\u0065").as_bytes()),
            [READ, WRITE]
        );
        assert_eq!(
            needed(format!("[{asking}, {adding}]").as_bytes()),
            [READ, WRITE]
        );
        for other in [
            asking,
            "",
            "nonsense",
            "[]",
            "7",
            r#""add_note""#,
            &adding.replace("tools/call", "tools/list"),
            &format!("[{asking}, {asking}]"),
            &"[".repeat(10_000),
        ] {
            assert_eq!(needed(other.as_bytes()), [READ], "{other}");
        }
    }
}

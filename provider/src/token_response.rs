//! How a token request is answered (OAuth 2.1 section 3.2.3).

use oauth::scope::Scopes;
use serde::Serialize;

/// The answer to a token request (OAuth 2.1 section 3.2.3). `scope` is always named (R-O13).
#[derive(Clone, Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    token_type: &'static str,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    /// The refresh token, when the client may hold one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// What the access token allows.
    pub scope: String,
}

impl TokenResponse {
    /// An answer with a bearer token (RFC 6750).
    pub fn bearer(
        access_token: String,
        expires_in: u64,
        refresh_token: Option<String>,
        scope: &Scopes,
    ) -> Self {
        Self {
            access_token,
            token_type: "Bearer",
            expires_in,
            refresh_token,
            scope: scope.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn r_o13_an_answer_names_its_scope_and_leaves_out_what_there_is_not() {
        let scopes = Scopes::parse("read write");
        let answer = |refresh_token| {
            serde_json::to_value(TokenResponse::bearer(
                "a".to_owned(),
                3600,
                refresh_token,
                &scopes,
            ))
            .expect("serialisable")
        };
        assert_eq!(
            answer(None),
            json!({"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "scope": "read write"})
        );
        assert_eq!(answer(Some("r".to_owned()))["refresh_token"], "r");
    }
}

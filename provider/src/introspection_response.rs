//! How a question about a token is answered (RFC 7662 section 2.2).

use serde::Serialize;

/// What a resource is told about a token (RFC 7662 section 2.2). Of one that does not count here
/// and now, nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Introspection {
    active: bool,
    #[serde(flatten)]
    token: Option<ActiveToken>,
}

/// What an active token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    /// Scope names, with one space between them.
    pub scope: String,
    /// The client that holds it.
    pub client_id: String,
    /// The user it acts for.
    pub sub: String,
    /// What it is for.
    pub aud: String,
    /// Who issued it.
    pub iss: String,
    /// When it expires, in seconds since 1970.
    pub exp: u64,
    /// When it was issued, in seconds since 1970.
    pub iat: u64,
    /// Its number.
    pub jti: String,
    /// The device or installation it is bound to.
    pub device_id: String,
    /// How it is presented (RFC 6749 section 7.1).
    pub token_type: &'static str,
    /// The email address of the user, for a resource that may know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The same address, by the name that OpenID Connect gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name that the user has chosen, for a resource that may know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Introspection {
    /// The token is good.
    pub const fn active(token: ActiveToken) -> Self {
        Self {
            active: true,
            token: Some(token),
        }
    }

    /// It is not, or the caller may not know; the answer does not say which.
    pub const fn inactive() -> Self {
        Self {
            active: false,
            token: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn an_inactive_answer_carries_nothing_else() {
        assert_eq!(
            to_value(Introspection::inactive()).expect("serialisable"),
            json!({ "active": false })
        );
        let token = ActiveToken {
            scope: "read".to_owned(),
            client_id: "vc_a".to_owned(),
            sub: "acct_a".to_owned(),
            aud: "https://a.example/mcp".to_owned(),
            iss: "https://auth.example.com".to_owned(),
            exp: 3607,
            iat: 7,
            jti: "j".to_owned(),
            device_id: "vc_a".to_owned(),
            token_type: "Bearer",
            username: None,
            email: None,
            name: None,
        };
        assert_eq!(
            to_value(Introspection::active(token)).expect("serialisable"),
            json!({
                "active": true, "scope": "read", "client_id": "vc_a", "sub": "acct_a", "aud": "https://a.example/mcp",
                "iss": "https://auth.example.com", "exp": 3607, "iat": 7, "jti": "j", "device_id": "vc_a", "token_type": "Bearer"
            })
        );
    }
}

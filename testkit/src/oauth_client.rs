//! The requests of an OAuth client, independent of the transport: the forms of RFC 6749 with PKCE
//! (RFC 7636) and resource indicators (RFC 8707).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Query;

/// The verifier of RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its S256 challenge.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The redirect URI of a native client.
pub const CALLBACK: &str = "http://127.0.0.1:33418/callback";

/// A client with its credentials.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    /// Its `client_id`.
    pub id: String,
    /// Its secret, if it is confidential.
    pub secret: Option<String>,
    /// Its redirect URI.
    pub redirect_uri: String,
    /// The PKCE verifier of all its requests.
    pub verifier: String,
}

impl OAuthClient {
    /// A client with [`VERIFIER`].
    pub fn new(id: &str, secret: Option<String>, redirect_uri: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret,
            redirect_uri: redirect_uri.to_owned(),
            verifier: VERIFIER.to_owned(),
        }
    }

    /// The parameters of an authorization request for access to `resource`.
    pub fn authorization(&self, resource: &str, state: &str) -> Query {
        Query::new([
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect_uri),
            ("state", state),
            ("code_challenge", &challenge(&self.verifier)),
            ("code_challenge_method", "S256"),
            ("resource", resource),
        ])
    }

    /// The token request that exchanges a code.
    pub fn code_form(&self, code: &str, resource: &str) -> Query {
        self.with_secret(Query::new([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", &self.verifier),
            ("redirect_uri", &self.redirect_uri),
            ("client_id", &self.id),
            ("resource", resource),
        ]))
    }

    /// The token request that refreshes.
    pub fn refresh_form(&self, token: &str) -> Query {
        self.with_secret(Query::new([
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &self.id),
        ]))
    }

    fn with_secret(&self, form: Query) -> Query {
        match &self.secret {
            Some(secret) => form.and("client_secret", secret),
            None => form,
        }
    }
}

/// The registration (RFC 7591) of a public client that redirects to [`CALLBACK`].
pub fn native_metadata() -> Value {
    json!({
        "client_name": "Notebook",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    })
}

/// The S256 challenge of a verifier (RFC 7636 section 4.2).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// The value of a Basic `Authorization` header (RFC 7617).
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

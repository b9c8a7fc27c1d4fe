//! Clients and how they authenticate (OAuth 2.1 section 2.4, O11, O12).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::{
    error::Reason,
    parameters::Parameters,
    redirect::RedirectUri,
    secret::{Digest, Secret},
    time::Timestamp,
};

/// The longest client identifier that is looked up.
const LONGEST_ID: usize = 2048;
const SECRET_PREFIX: &str = "vcs_";

/// A client that may ask people for access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its identifier.
    pub id: String,
    /// The name it gave itself, or an administrator gave it. Nobody has checked a name that it gave itself.
    pub name: Option<String>,
    /// Where answers to it may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it proves that it is itself.
    pub authentication: Authentication,
    /// Whether it may hold refresh tokens.
    pub refreshes: bool,
    /// How it came to be known.
    pub origin: Origin,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// How a client proves that it is itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// A public client: it cannot, and PKCE stands in (OAuth 2.1 section 2.1).
    None,
    /// A confidential client, by a secret in the header or the body.
    Secret(Digest),
}

/// How a client came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It registered itself (RFC 7591).
    Registered,
    /// An administrator added it.
    Added,
}

/// The text of a new client secret, in characters that need no escaping in any place a client may put it.
pub fn secret_text(secret: &Secret) -> String {
    format!("{SECRET_PREFIX}{}", secret.encode())
}

/// What the store keeps of a client secret.
pub fn secret_digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// The credentials that a token request presents.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who the client says it is.
    pub client_id: String,
    secrets: Vec<String>,
    by_header: bool,
}

impl Credentials {
    /// Reads the credentials from the raw `Authorization` header and the parameters of the body.
    ///
    /// # Errors
    /// Credentials in two places, a header that is not Basic, or no `client_id` at all.
    pub fn read(parameters: &Parameters, authorization: Option<&str>) -> Result<Self, Reason> {
        let body_id = parameters.one("client_id")?;
        let body_secret = parameters.one("client_secret")?;
        let credentials = match authorization {
            Some(header) => {
                if body_secret.is_some() {
                    return Err(Reason::SeveralAuthenticationMethods);
                }
                let credentials = Self::from_basic(header, body_id)?;
                // Some clients repeat their id in the body; a different one is an attempt at confusion.
                if body_id.is_some_and(|id| id != credentials.client_id) {
                    return Err(Reason::SeveralAuthenticationMethods);
                }
                credentials
            }
            None => Self {
                client_id: body_id.ok_or(Reason::Missing("client_id"))?.to_owned(),
                secrets: body_secret.map(str::to_owned).into_iter().collect(),
                by_header: false,
            },
        };
        if is_client_id(&credentials.client_id) { Ok(credentials) } else { Err(credentials.refusal()) }
    }

    /// RFC 6749 section 2.3.1 form-encodes id and secret before Basic, which some clients leave out: the secret is
    /// tried both ways.
    fn from_basic(header: &str, body_id: Option<&str>) -> Result<Self, Reason> {
        let (scheme, encoded) = header.split_once(' ').ok_or(Reason::MalformedAuthorizationHeader)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(Reason::MalformedAuthorizationHeader);
        }
        let text = STANDARD
            .decode(encoded.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or(Reason::MalformedAuthorizationHeader)?;
        let (id, secret) = text.split_once(':').ok_or(Reason::MalformedAuthorizationHeader)?;
        let decoded_id = form_decoded(id);
        let client_id = if body_id == Some(id) { id.to_owned() } else { decoded_id };
        let mut secrets = vec![secret.to_owned(), form_decoded(secret)];
        secrets.dedup();
        secrets.retain(|secret| !secret.is_empty());
        Ok(Self { client_id, secrets, by_header: true })
    }

    /// The refusal that fits how the client tried (O12).
    pub const fn refusal(&self) -> Reason {
        Reason::ClientAuthenticationFailed { by_header: self.by_header }
    }

    /// Judges the credentials against what is known of the client: `None` when nothing is.
    ///
    /// A confidential client may use either place for its secret, whichever it registered: the secret is the proof.
    ///
    /// # Errors
    /// [`Reason::ClientAuthenticationFailed`].
    pub fn check(&self, client: Option<&Client>) -> Result<(), Reason> {
        let proved = match client.map(|client| &client.authentication) {
            None => false,
            Some(Authentication::None) => self.secrets.is_empty(),
            Some(Authentication::Secret(digest)) => self.secrets.iter().any(|secret| secret_digest(secret) == *digest),
        };
        if proved { Ok(()) } else { Err(self.refusal()) }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Credentials({})", self.client_id)
    }
}

/// Whether a text can be a client identifier at all (RFC 6749 appendix A.1), which bounds what is looked up.
pub fn is_client_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

fn form_decoded(text: &str) -> String {
    form_urlencoded::parse(format!("v={}", text.replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(authentication: Authentication) -> Client {
        Client {
            id: "c".to_owned(),
            name: None,
            redirect_uris: Vec::new(),
            authentication,
            refreshes: true,
            origin: Origin::Added,
            created_at: Timestamp::from_seconds(0),
        }
    }

    fn attempt(body: &str, header: Option<&str>, client: Option<&Client>) -> Result<(), Reason> {
        let header = header.map(|pair| format!("Basic {}", STANDARD.encode(pair)));
        Credentials::read(&Parameters::parse(body.as_bytes()), header.as_deref())?.check(client)
    }

    #[test]
    fn a_confidential_client_needs_its_secret_in_one_place() {
        let known = client(Authentication::Secret(secret_digest("s~/1")));
        let known = Some(&known);
        assert_eq!(attempt("client_id=c&client_secret=s%7E%2F1", None, known), Ok(()));
        assert_eq!(attempt("", Some("c:s~/1"), known), Ok(()), "as it is");
        assert_eq!(attempt("", Some("c:s%7E%2F1"), known), Ok(()), "percent-encoded");
        assert_eq!(attempt("client_id=c", Some("c:s~/1"), known), Ok(()), "the same id twice");
        let refused = |by_header| Err(Reason::ClientAuthenticationFailed { by_header });
        assert_eq!(attempt("client_id=c", None, known), refused(false));
        assert_eq!(attempt("client_id=c&client_secret=", None, known), refused(false));
        assert_eq!(attempt("client_id=c&client_secret=wrong", None, known), refused(false));
        assert_eq!(attempt("", Some("c:wrong"), known), refused(true));
        assert_eq!(attempt("", Some("c:"), known), refused(true));
        assert_eq!(attempt("client_id=c", None, None), refused(false));
        assert_eq!(attempt("client_id=d", Some("c:s~/1"), known), Err(Reason::SeveralAuthenticationMethods));
        assert_eq!(attempt("client_secret=s", Some("c:s~/1"), known), Err(Reason::SeveralAuthenticationMethods));
    }

    #[test]
    fn a_public_client_has_no_secret() {
        let known = client(Authentication::None);
        assert_eq!(attempt("client_id=c", None, Some(&known)), Ok(()));
        assert_eq!(attempt("client_id=c&client_secret=", None, Some(&known)), Ok(()));
        assert_eq!(
            attempt("client_id=c&client_secret=x", None, Some(&known)),
            Err(Reason::ClientAuthenticationFailed { by_header: false })
        );
    }

    #[test]
    fn a_header_that_is_not_readable_is_refused() {
        let read = |header: &str| Credentials::read(&Parameters::default(), Some(header));
        for bad in ["", "Basic", "Basic !!!", "Bearer abc", "Basic YWJj"] {
            assert_eq!(read(bad), Err(Reason::MalformedAuthorizationHeader), "{bad}");
        }
        assert_eq!(Credentials::read(&Parameters::default(), None), Err(Reason::Missing("client_id")));
    }

    #[test]
    fn an_id_in_the_header_is_read_as_it_is_when_the_body_repeats_it_so() {
        let header = format!("Basic {}", STANDARD.encode("a%20b:s"));
        let read = |body: &str| {
            Credentials::read(&Parameters::parse(body.as_bytes()), Some(&header)).map(|credentials| credentials.client_id)
        };
        assert_eq!(read(""), Ok("a b".to_owned()));
        assert_eq!(read("client_id=a+b"), Ok("a b".to_owned()));
        assert_eq!(read("client_id=a%2520b"), Ok("a%20b".to_owned()));
    }

    #[test]
    fn what_cannot_be_an_id_is_an_unknown_client() {
        for good in ["a", "a b", "https://a.example/client.json", &"a".repeat(2048)] {
            assert!(is_client_id(good), "{good}");
        }
        for bad in ["", "a\tb", "a\n", "é", "\u{7f}", &"a".repeat(2049)] {
            assert!(!is_client_id(bad), "{bad:?}");
        }
        let body = Parameters::parse(b"client_id=%0A");
        assert_eq!(Credentials::read(&body, None), Err(Reason::ClientAuthenticationFailed { by_header: false }));
    }

    #[test]
    fn a_secret_needs_no_escaping_and_is_not_shown() {
        let text = secret_text(&Secret::new([255; 32]));
        assert_eq!(text, format!("vcs_{}", Secret::new([255; 32]).encode()));
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
        let parameters = Parameters::parse(format!("client_id=c&client_secret={text}").as_bytes());
        assert_eq!(
            Credentials::read(&parameters, None).map(|credentials| format!("{credentials:?}")),
            Ok("Credentials(c)".to_owned())
        );
    }
}

//! Why a client is refused: one enum for each step.

use oauth::error::{
    AuthenticationScheme, ErrorCode, ParameterError, ProtocolError, RedirectUriError,
    RedirectUriFault,
};
use thiserror::Error;

/// A fault of the credentials at the token endpoint (OAuth 2.1 section 2.4, R-O11, R-O12).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClientAuthenticationError {
    /// A parameter is missing, or came twice.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Credentials in more than one place (R-O11).
    #[error("the client authenticated in more than one way")]
    SeveralMethods,
    /// The Authorization header is not readable as Basic credentials.
    #[error("the Authorization header is not Basic credentials")]
    MalformedHeader,
    /// A confidential client without its secret, or with a wrong one; or an unknown client.
    #[error("client authentication failed")]
    Failed {
        /// Whether the attempt used the Authorization header, which the answer must match (R-O12).
        by_header: bool,
    },
    /// A public client that sends a secret, which it has not: leaving it out helps.
    #[error("the client is public and has no secret, so it must not send one")]
    SecretOfPublicClient {
        /// Whether the attempt used the Authorization header.
        by_header: bool,
    },
    /// A client assertion that proves nothing.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
}

impl ProtocolError for ClientAuthenticationError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Parameter(error) => error.code(),
            Self::SeveralMethods => ErrorCode::InvalidRequest,
            Self::MalformedHeader | Self::Failed { .. } | Self::SecretOfPublicClient { .. } => {
                ErrorCode::InvalidClient
            }
            Self::Assertion(error) => error.code(),
        }
    }

    fn challenge(&self) -> Option<AuthenticationScheme> {
        let by_header = match self {
            Self::MalformedHeader => true,
            Self::Failed { by_header } | Self::SecretOfPublicClient { by_header } => *by_header,
            Self::Parameter(_) | Self::SeveralMethods | Self::Assertion(_) => false,
        };
        by_header.then_some(AuthenticationScheme::Basic)
    }
}

/// A client assertion that proves nothing (RFC 7521 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AssertionError {
    /// It is malformed, not for this server, out of its time, or its signature is wrong.
    #[error("the client assertion is not acceptable: {0}")]
    Unacceptable(&'static str),
    /// It is signed by a key that is not in the key set of the client, or not yet.
    #[error("the client assertion is signed by a key that is not in the client's key set")]
    UnknownKey,
    /// The address of the client's keys gives no key set.
    #[error("the client's key set cannot be used: {0}")]
    UnusableKeys(&'static str),
}

impl ProtocolError for AssertionError {
    fn code(&self) -> ErrorCode {
        ErrorCode::InvalidClient
    }
}

/// Client metadata that cannot be accepted (RFC 7591 section 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// The body is not a JSON object of client metadata.
    #[error("the body is not a JSON object of client metadata")]
    Malformed,
    /// A member has a type or a value that this server cannot accept.
    #[error("the member {member} is not acceptable: {why}")]
    Unacceptable {
        /// The member of the metadata.
        member: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A redirect URI cannot be registered (R-A11, R-O24).
    #[error(transparent)]
    RedirectUri(#[from] RedirectUriError),
}

impl ProtocolError for MetadataError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed | Self::Unacceptable { .. } => ErrorCode::InvalidClientMetadata,
            Self::RedirectUri(error) => error.code(),
        }
    }
}

/// A fault of a registration, or of its management (RFC 7591 section 3.2.2, RFC 7592 section 2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RegistrationError {
    /// The metadata is not acceptable.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The metadata takes too much room.
    #[error("the metadata takes more than 8 KB; keys may be at a jwks_uri instead")]
    TooLarge,
    /// The registration access token is missing, wrong, or of a client that is gone (RFC 7592
    /// section 2.1).
    #[error("the registration access token is missing or is not the one of this client")]
    TokenRefused,
}

impl From<RedirectUriError> for RegistrationError {
    fn from(error: RedirectUriError) -> Self {
        Self::Metadata(error.into())
    }
}

impl ProtocolError for RegistrationError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Metadata(error) => error.code(),
            Self::TooLarge => ErrorCode::InvalidClientMetadata,
            Self::TokenRefused => ErrorCode::InvalidToken,
        }
    }

    fn challenge(&self) -> Option<AuthenticationScheme> {
        match self {
            Self::Metadata(_) | Self::TooLarge => None,
            Self::TokenRefused => Some(AuthenticationScheme::Bearer),
        }
    }
}

/// A fault of a client's metadata document, which is told on a local page.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// A `client_id` with a scheme that can be no document's address (R-C12, draft -02 section 3).
    #[error("the client_id is not the address of a metadata document: {0}")]
    MalformedAddress(&'static str),
    /// The settings of this server keep clients of this host out (R-C11).
    #[error("this server accepts no client that describes itself at this address")]
    NotAllowed,
    /// The address does not give a document, whenever it is asked (draft -02 sections 5 and 8).
    #[error("the client's metadata document is not to be had: {0}")]
    NotAvailable(&'static str),
    /// What the address gives is not a JSON object (R-C6).
    #[error("the client's metadata document is not a JSON object")]
    Malformed,
    /// A member of the document that this server cannot accept (R-C3, R-C6, draft -02 section 4.1).
    #[error("the member {member} of the client's metadata document is not acceptable: {why}")]
    Unacceptable {
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// None of its redirect URIs is safe.
    #[error("the member redirect_uris of the client's metadata document is not acceptable: {0}")]
    RedirectUri(RedirectUriFault),
    /// The settings do not let the scheme of a redirect URI in.
    #[error("{}", RedirectUriError::SchemeNotAllowed(.0.clone()))]
    SchemeNotAllowed(String),
    /// Nothing that the client can do is what this server can do (SEP-3149).
    #[error(
        "the client's metadata document names no way to authenticate that this server knows; it knows none and private_key_jwt"
    )]
    NoCommonAuthentication,
}

impl From<MetadataError> for DocumentError {
    /// The words of a registration, turned to what a document is.
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::Malformed => Self::Malformed,
            MetadataError::Unacceptable { member, why } => Self::Unacceptable { member, why },
            MetadataError::RedirectUri(RedirectUriError::Unsafe(fault)) => Self::RedirectUri(fault),
            MetadataError::RedirectUri(RedirectUriError::SchemeNotAllowed(scheme)) => {
                Self::SchemeNotAllowed(scheme)
            }
        }
    }
}

impl ProtocolError for DocumentError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::SchemeNotAllowed(_) => ErrorCode::InvalidRedirectUri,
            Self::MalformedAddress(_)
            | Self::NotAllowed
            | Self::NotAvailable(_)
            | Self::Malformed
            | Self::Unacceptable { .. }
            | Self::RedirectUri(_)
            | Self::NoCommonAuthentication => ErrorCode::InvalidClient,
        }
    }
}

/// A fault of an introspection request (RFC 7662 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IntrospectionError {
    /// A parameter is missing, or came twice.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Credentials in more than one place.
    #[error("{}", ClientAuthenticationError::SeveralMethods)]
    SeveralMethods,
    /// A resource without its secret, or with a wrong one, or one that has none.
    #[error(
        "the caller is no resource that may ask; it authenticates with its identifier and its introspection secret"
    )]
    AuthenticationFailed,
}

impl ProtocolError for IntrospectionError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Parameter(error) => error.code(),
            Self::SeveralMethods => ErrorCode::InvalidRequest,
            Self::AuthenticationFailed => ErrorCode::InvalidClient,
        }
    }

    fn challenge(&self) -> Option<AuthenticationScheme> {
        match self {
            Self::Parameter(_) | Self::SeveralMethods => None,
            Self::AuthenticationFailed => Some(AuthenticationScheme::Basic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_o22_every_error_of_a_client_has_a_code_and_a_sentence_in_the_allowed_characters() {
        let all: Vec<(Box<dyn ProtocolError>, &str)> = vec![
            (
                Box::new(ClientAuthenticationError::SeveralMethods),
                "invalid_request",
            ),
            (
                Box::new(ClientAuthenticationError::MalformedHeader),
                "invalid_client",
            ),
            (
                Box::new(ClientAuthenticationError::Failed { by_header: true }),
                "invalid_client",
            ),
            (
                Box::new(MetadataError::Malformed),
                "invalid_client_metadata",
            ),
            (
                Box::new(MetadataError::Unacceptable {
                    member: "scope",
                    why: "it is too long",
                }),
                "invalid_client_metadata",
            ),
            (
                Box::new(IntrospectionError::AuthenticationFailed),
                "invalid_client",
            ),
            (Box::new(RegistrationError::TokenRefused), "invalid_token"),
            (
                Box::new(DocumentError::MalformedAddress("it has a fragment")),
                "invalid_client",
            ),
            (Box::new(DocumentError::NotAllowed), "invalid_client"),
            (
                Box::new(DocumentError::NotAvailable("it is too long")),
                "invalid_client",
            ),
            (Box::new(DocumentError::Malformed), "invalid_client"),
            (
                Box::new(DocumentError::Unacceptable {
                    member: "client_id",
                    why: "it is too long",
                }),
                "invalid_client",
            ),
            (
                Box::new(DocumentError::NoCommonAuthentication),
                "invalid_client",
            ),
            (
                Box::new(AssertionError::Unacceptable("it has expired")),
                "invalid_client",
            ),
            (Box::new(AssertionError::UnknownKey), "invalid_client"),
            (
                Box::new(AssertionError::UnusableKeys("it is too large")),
                "invalid_client",
            ),
            (
                Box::new(RegistrationError::TooLarge),
                "invalid_client_metadata",
            ),
            (
                Box::new(ClientAuthenticationError::SecretOfPublicClient { by_header: false }),
                "invalid_client",
            ),
            (
                Box::new(ClientAuthenticationError::Parameter(
                    ParameterError::Missing("client_id"),
                )),
                "invalid_request",
            ),
            (
                Box::new(DocumentError::SchemeNotAllowed("my-agent".to_owned())),
                "invalid_redirect_uri",
            ),
            (
                Box::new(IntrospectionError::SeveralMethods),
                "invalid_request",
            ),
            (
                Box::new(RegistrationError::Metadata(MetadataError::Malformed)),
                "invalid_client_metadata",
            ),
        ];
        for (error, code) in all {
            assert_eq!(error.code().as_str(), code, "{error}");
            let text = error.description();
            assert!(
                text.starts_with(|first: char| first.is_ascii_uppercase()) && text.ends_with('.'),
                "{text}"
            );
            assert!(
                text.bytes()
                    .all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)),
                "{text}"
            );
        }
    }

    #[test]
    fn r_o12_a_caller_that_failed_to_authenticate_is_challenged_where_it_tried() {
        use ClientAuthenticationError as E;

        let answer = |error: &dyn ProtocolError| {
            let code = error.code();
            (code.as_str(), code.status(), error.challenge())
        };
        let basic = Some(AuthenticationScheme::Basic);
        for (error, status, challenge) in [
            (E::Failed { by_header: true }, 401, basic),
            (E::Failed { by_header: false }, 401, None),
            (E::SecretOfPublicClient { by_header: true }, 401, basic),
            (E::SecretOfPublicClient { by_header: false }, 401, None),
            (E::MalformedHeader, 401, basic),
            (AssertionError::UnknownKey.into(), 401, None),
            (
                AssertionError::Unacceptable("it has expired").into(),
                401,
                None,
            ),
        ] {
            assert_eq!(
                answer(&error),
                ("invalid_client", status, challenge),
                "{error}"
            );
        }
        for error in [
            E::SeveralMethods,
            ParameterError::Missing("client_id").into(),
        ] {
            assert_eq!(answer(&error), ("invalid_request", 400, None), "{error}");
        }
        assert_eq!(
            answer(&IntrospectionError::AuthenticationFailed),
            ("invalid_client", 401, basic)
        );
        assert_eq!(
            answer(&RegistrationError::TokenRefused),
            ("invalid_token", 401, Some(AuthenticationScheme::Bearer))
        );
        assert_eq!(
            answer(&RegistrationError::TooLarge),
            ("invalid_client_metadata", 400, None)
        );
    }
}

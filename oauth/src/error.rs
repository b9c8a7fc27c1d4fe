//! Why a request is refused: one enum for each step, and the codes of the RFCs.
//!
//! `Display` is for the log of the server. [`ProtocolError`] says what the client is told.

mod authorize;
mod code;
mod token;

pub use authorize::{LocalError, RedirectError, RedirectUriError};
pub use code::ErrorCode;
use thiserror::Error;
pub use token::TokenRequestError;

/// A fault of a request, as its sender is told of it.
pub trait ProtocolError: std::fmt::Display {
    /// The RFC's code for it.
    fn code(&self) -> ErrorCode;

    /// The sentence for it, in the characters that RFC 6749 section 5.2 allows (R-O22).
    fn description(&self) -> String {
        sentence(self.to_string())
    }

    /// How the sender should have authenticated, where the answer has to say so (R-O12).
    fn challenge(&self) -> Option<AuthenticationScheme> {
        None
    }
}

/// The authentication scheme that a refused caller should have used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationScheme {
    /// RFC 7617.
    Basic,
    /// RFC 6750.
    Bearer,
}

/// A fault of a single parameter, at any endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParameterError {
    /// It came more than once (R-O5).
    #[error("the parameter {0} came more than once")]
    Repeated(&'static str),
    /// It is required, and absent or empty.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
}

impl ProtocolError for ParameterError {
    fn code(&self) -> ErrorCode {
        ErrorCode::InvalidRequest
    }
}

/// A request names different resources at once, and a token here is for one (RFC 8707 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the request names several resources, and a token here is for one")]
pub struct SeveralResources;

/// A text with a capital letter and a full stop.
fn sentence(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front() -> Vec<(Box<dyn ProtocolError>, &'static str)> {
        vec![
            (
                Box::new(ParameterError::Repeated("scope")),
                "invalid_request",
            ),
            (Box::new(ParameterError::Missing("code")), "invalid_request"),
            (Box::new(LocalError::UnknownClient), "invalid_client"),
            (
                Box::new(LocalError::UnregisteredRedirectUri),
                "invalid_request",
            ),
            (
                Box::new(RedirectError::UnsupportedResponseType),
                "unsupported_response_type",
            ),
            (
                Box::new(RedirectError::UnsupportedResponseMode),
                "invalid_request",
            ),
            (
                Box::new(RedirectError::UnsupportedChallengeMethod),
                "invalid_request",
            ),
            (
                Box::new(RedirectError::MalformedChallenge),
                "invalid_request",
            ),
            (
                Box::new(RedirectError::StateTooLong(2048)),
                "invalid_request",
            ),
            (Box::new(RedirectError::NoGrantableScope), "invalid_scope"),
            (Box::new(RedirectError::UnknownResource), "invalid_target"),
            (Box::new(RedirectError::Denied), "access_denied"),
            (
                Box::new(RedirectError::InteractionRequired),
                "interaction_required",
            ),
            (
                Box::new(RedirectUriError::Unsafe("it is too long")),
                "invalid_redirect_uri",
            ),
            (Box::new(RedirectError::LoginRequired), "login_required"),
            (Box::new(RedirectError::ConsentRequired), "consent_required"),
            (
                Box::new(RedirectError::PromptNoneWithOthers),
                "invalid_request",
            ),
            (Box::new(LocalError::ClientBlocked), "invalid_client"),
            (Box::new(RedirectError::MissingResource), "invalid_target"),
            (Box::new(RedirectError::SeveralResources), "invalid_target"),
            (
                Box::new(RedirectUriError::SchemeNotAllowed("my-agent".to_owned())),
                "invalid_redirect_uri",
            ),
            (
                Box::new(RedirectError::Parameter(ParameterError::Missing("scope"))),
                "invalid_request",
            ),
            (Box::new(LocalError::StateTooLong(16384)), "invalid_request"),
            (
                Box::new(LocalError::RedirectUri(RedirectUriError::Unsafe(
                    "it is too long",
                ))),
                "invalid_redirect_uri",
            ),
        ]
    }

    fn token() -> Vec<(Box<dyn ProtocolError>, &'static str)> {
        vec![
            (
                Box::new(TokenRequestError::GrantTypeNotRegistered),
                "unauthorized_client",
            ),
            (
                Box::new(TokenRequestError::UnsupportedGrantType),
                "unsupported_grant_type",
            ),
            (Box::new(TokenRequestError::UnknownCode), "invalid_grant"),
            (
                Box::new(TokenRequestError::CodeOfAnotherClient),
                "invalid_grant",
            ),
            (Box::new(TokenRequestError::ExpiredCode), "invalid_grant"),
            (
                Box::new(TokenRequestError::RedirectUriMismatch),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::MalformedVerifier),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::VerifierMismatch),
                "invalid_grant",
            ),
            (Box::new(TokenRequestError::ReplayedCode), "invalid_grant"),
            (
                Box::new(TokenRequestError::UnknownRefreshToken),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::RefreshTokenOfAnotherClient),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::ExpiredRefreshToken),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::ReplayedRefreshToken),
                "invalid_grant",
            ),
            (Box::new(TokenRequestError::EndedGrant), "invalid_grant"),
            (Box::new(TokenRequestError::AccountGone), "invalid_grant"),
            (
                Box::new(TokenRequestError::ResourceNotGranted),
                "invalid_target",
            ),
            (
                Box::new(TokenRequestError::ScopeNotGranted),
                "invalid_scope",
            ),
            (
                Box::new(TokenRequestError::TokenOfAnotherClient),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::GrantedScopesGone),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::SeveralResources),
                "invalid_target",
            ),
            (
                Box::new(TokenRequestError::Parameter(ParameterError::Missing(
                    "code",
                ))),
                "invalid_request",
            ),
        ]
    }

    #[test]
    fn r_o22_every_reason_has_a_code_and_a_sentence_in_the_allowed_characters() {
        for (error, code) in front().into_iter().chain(token()) {
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
    fn every_fault_of_a_code_reads_the_same_and_so_does_every_fault_of_a_refresh_token() {
        use TokenRequestError as E;

        let alike = |errors: &[TokenRequestError]| {
            let mut texts: Vec<String> = errors.iter().map(ProtocolError::description).collect();
            texts.dedup();
            texts.len() == 1
        };
        assert!(alike(&[
            E::UnknownCode,
            E::CodeOfAnotherClient,
            E::ExpiredCode,
            E::RedirectUriMismatch,
            E::MalformedVerifier,
            E::VerifierMismatch,
            E::ReplayedCode,
        ]));
        assert!(alike(&[
            E::UnknownRefreshToken,
            E::RefreshTokenOfAnotherClient,
            E::ExpiredRefreshToken,
            E::ReplayedRefreshToken,
            E::EndedGrant,
            E::AccountGone,
        ]));
    }
}

//! Why a request is refused: one enum for each step, and the codes of the RFCs.
//!
//! The words beside a variant are the ones of `error_description` and of the server's log; pages
//! and commands have words of their own. [`ProtocolError`] says what the client is told.

mod authorize;
mod code;
mod token;

pub use authorize::{LocalError, RedirectError, RedirectUriError, RedirectUriFault};
pub use code::ErrorCode;
pub use token::{CodeError, RefreshTokenError, TokenRequestError};

/// Declares the error of a step: the errors that it passes on, then its own, each with the code of
/// the RFCs and the words of `error_description`. Other methods of [`ProtocolError`] may follow.
#[macro_export]
macro_rules! step_error {
    (
        $(#[$about:meta])*
        $name:ident from [$($(#[$from_about:meta])* $from:ident($error:ty)),* $(,)?] {
            $($(#[$fault_about:meta])* $fault:ident $(($($data:tt)*))? $({ $($field:tt)* })?
                => $code:ident, $words:literal;)*
        }
        $($method:item)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, ::thiserror::Error)]
        pub enum $name {
            $($(#[$from_about])* #[error(transparent)] $from(#[from] $error),)*
            $($(#[$fault_about])* #[doc = concat!("`", stringify!($code), "`: `", $words, "`")]
                #[error($words)] $fault $(($($data)*))? $({ $($field)* })?,)*
        }

        impl $crate::error::ProtocolError for $name {
            fn code(&self) -> $crate::error::ErrorCode {
                match self {
                    $(Self::$from(error) => error.code(),)*
                    $(Self::$fault { .. } => $crate::error::ErrorCode::$code,)*
                }
            }

            $($method)*
        }
    };
}

/// An error of a request, with what its sender gets.
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

step_error! {
    /// A fault of a single parameter, at any endpoint.
    #[derive(Copy)]
    ParameterError from [] {
        /// R-O5.
        Repeated(&'static str) => InvalidRequest, "the parameter {0} was sent more than once";
        /// Absent, or empty.
        Missing(&'static str) => InvalidRequest, "the parameter {0} is missing";
    }
}

step_error! {
    /// What a request names as its resource is not what a token can be for (RFC 8707 section 2).
    #[derive(Copy)]
    ResourceError from [] {
        /// R-A19.
        Unknown => InvalidTarget, "the resource is unknown";
        /// None is named, there are several, and nothing says which is meant.
        Missing => InvalidTarget, "the request names no resource, but several are configured; send the parameter resource";
        /// A token is for one resource.
        Several => InvalidTarget, "the request names several resources, but a token is valid for only one";
        /// A resource other than the one consented to.
        NotGranted => InvalidTarget, "the resource is not the one that was granted";
    }
}

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
            (Box::new(RedirectError::StateTooLong), "invalid_request"),
            (Box::new(RedirectError::NoGrantableScope), "invalid_scope"),
            (
                Box::new(RedirectError::Resource(ResourceError::Unknown)),
                "invalid_target",
            ),
            (Box::new(RedirectError::Denied), "access_denied"),
            (
                Box::new(RedirectError::InteractionRequired),
                "interaction_required",
            ),
            (
                Box::new(RedirectUriError::Unsafe(RedirectUriFault::TooLong)),
                "invalid_redirect_uri",
            ),
            (Box::new(RedirectError::LoginRequired), "login_required"),
            (Box::new(RedirectError::ConsentRequired), "consent_required"),
            (
                Box::new(RedirectError::PromptNoneWithOthers),
                "invalid_request",
            ),
            (Box::new(LocalError::ClientBlocked), "invalid_client"),
            (
                Box::new(RedirectError::Resource(ResourceError::Missing)),
                "invalid_target",
            ),
            (
                Box::new(RedirectError::Resource(ResourceError::Several)),
                "invalid_target",
            ),
            (
                Box::new(RedirectUriError::SchemeNotAllowed("my-agent".to_owned())),
                "invalid_redirect_uri",
            ),
            (
                Box::new(RedirectError::Parameter(ParameterError::Missing("scope"))),
                "invalid_request",
            ),
            (Box::new(LocalError::StateTooLong), "invalid_request"),
            (
                Box::new(LocalError::RedirectUri(RedirectUriError::Unsafe(
                    RedirectUriFault::TooLong,
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
            (
                Box::new(TokenRequestError::Code(CodeError::Unknown)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::Code(CodeError::OfAnotherClient)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::Code(CodeError::Expired)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::Code(CodeError::RedirectUriMismatch)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::Code(CodeError::MalformedVerifier)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::Code(CodeError::VerifierMismatch)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::Code(CodeError::Replayed)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::RefreshToken(RefreshTokenError::Unknown)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::RefreshToken(
                    RefreshTokenError::OfAnotherClient,
                )),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::RefreshToken(RefreshTokenError::Expired)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::RefreshToken(RefreshTokenError::Replayed)),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::RefreshToken(
                    RefreshTokenError::GrantRevoked,
                )),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::RefreshToken(
                    RefreshTokenError::AccountGone,
                )),
                "invalid_grant",
            ),
            (
                Box::new(TokenRequestError::Resource(ResourceError::NotGranted)),
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
                Box::new(TokenRequestError::Resource(ResourceError::Several)),
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
    fn a_caller_that_failed_to_authenticate_gets_401_and_any_other_400() {
        for (code, status) in [
            (ErrorCode::InvalidClient, 401),
            (ErrorCode::InvalidToken, 401),
            (ErrorCode::InvalidGrant, 400),
            (ErrorCode::InvalidRequest, 400),
        ] {
            assert_eq!(code.status(), status, "{}", code.as_str());
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
            E::Code(CodeError::Unknown),
            E::Code(CodeError::OfAnotherClient),
            E::Code(CodeError::Expired),
            E::Code(CodeError::RedirectUriMismatch),
            E::Code(CodeError::MalformedVerifier),
            E::Code(CodeError::VerifierMismatch),
            E::Code(CodeError::Replayed),
        ]));
        assert!(alike(&[
            E::RefreshToken(RefreshTokenError::Unknown),
            E::RefreshToken(RefreshTokenError::OfAnotherClient),
            E::RefreshToken(RefreshTokenError::Expired),
            E::RefreshToken(RefreshTokenError::Replayed),
            E::RefreshToken(RefreshTokenError::GrantRevoked),
            E::RefreshToken(RefreshTokenError::AccountGone),
        ]));
    }
}

//! How a refused machine is answered.

use crate::error::{ErrorCode, Reason};

/// A refused request of a machine, as it is answered (OAuth 2.1 section 3.2.4, RFC 7591 section
/// 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse(pub Reason);

/// The authentication scheme that a refused caller should have used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationScheme {
    /// RFC 7617.
    Basic,
    /// RFC 6750.
    Bearer,
}

impl ErrorResponse {
    /// The error code.
    pub const fn code(&self) -> &'static str {
        self.0.code().as_str()
    }

    /// The error description.
    pub fn description(&self) -> String {
        self.0.description()
    }

    /// The HTTP status: 401 for a caller that failed to authenticate, else 400.
    pub const fn status(&self) -> u16 {
        match self.0.code() {
            ErrorCode::InvalidClient | ErrorCode::InvalidToken => 401,
            _ => 400,
        }
    }

    /// What `WWW-Authenticate` asks for, where there is one: a client is challenged where it used
    /// the header (R-O12).
    pub const fn challenge(&self) -> Option<AuthenticationScheme> {
        match self.0 {
            Reason::MalformedAuthorizationHeader
            | Reason::ClientAuthenticationFailed { by_header: true }
            | Reason::SecretOfPublicClient { by_header: true }
            | Reason::ResourceAuthenticationFailed => Some(AuthenticationScheme::Basic),
            Reason::RegistrationTokenRefused => Some(AuthenticationScheme::Bearer),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use Reason as R;

    use super::*;

    #[test]
    fn r_o12_a_caller_that_failed_to_authenticate_is_challenged_where_it_tried() {
        let (basic, bearer) = (
            Some(AuthenticationScheme::Basic),
            Some(AuthenticationScheme::Bearer),
        );
        for (reason, code, status, challenge) in [
            (
                R::ClientAuthenticationFailed { by_header: true },
                "invalid_client",
                401,
                basic,
            ),
            (
                R::ClientAuthenticationFailed { by_header: false },
                "invalid_client",
                401,
                None,
            ),
            (
                R::SecretOfPublicClient { by_header: true },
                "invalid_client",
                401,
                basic,
            ),
            (
                R::SecretOfPublicClient { by_header: false },
                "invalid_client",
                401,
                None,
            ),
            (
                R::MalformedAuthorizationHeader,
                "invalid_client",
                401,
                basic,
            ),
            (
                R::ResourceAuthenticationFailed,
                "invalid_client",
                401,
                basic,
            ),
            (R::RegistrationTokenRefused, "invalid_token", 401, bearer),
            (
                R::SeveralAuthenticationMethods,
                "invalid_request",
                400,
                None,
            ),
            (R::UnknownCode, "invalid_grant", 400, None),
            (R::TokenOfAnotherClient, "invalid_grant", 400, None),
            (R::GrantTypeNotRegistered, "unauthorized_client", 400, None),
        ] {
            let refusal = ErrorResponse(reason);
            assert_eq!(
                (refusal.code(), refusal.status(), refusal.challenge()),
                (code, status, challenge)
            );
            assert_eq!(refusal.description(), refusal.0.description());
        }
    }
}

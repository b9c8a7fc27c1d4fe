//! How a refused machine is answered.

use crate::error::{AuthenticationScheme, ErrorCode, ProtocolError};

/// A refused request of a machine, as it is answered (OAuth 2.1 section 3.2.4, RFC 7591 section
/// 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The error code.
    pub code: ErrorCode,
    /// The error description.
    pub description: String,
    /// What `WWW-Authenticate` asks for, where there is one: a client is challenged where it used
    /// the header (R-O12).
    pub challenge: Option<AuthenticationScheme>,
}

impl<E: ProtocolError> From<&E> for ErrorResponse {
    fn from(error: &E) -> Self {
        Self {
            code: error.code(),
            description: error.description(),
            challenge: error.challenge(),
        }
    }
}

impl ErrorResponse {
    /// The HTTP status: 401 for a caller that failed to authenticate, else 400.
    pub const fn status(&self) -> u16 {
        self.code.status()
    }
}

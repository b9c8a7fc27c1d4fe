//! The token endpoint (OAuth 2.1 section 3.2): what is asked there.

use crate::{error::TokenRequestError, parameters::Parameters, resource_indicator};

/// A token request, by grant type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TokenRequest<'a> {
    /// OAuth 2.1 section 4.1.3.
    Code(CodeRequest<'a>),
    /// OAuth 2.1 section 4.3.
    Refresh(RefreshRequest<'a>),
}

/// The exchange of an authorization code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodeRequest<'a> {
    /// The code.
    pub code: &'a str,
    /// The proof of possession (RFC 7636).
    pub verifier: &'a str,
    /// Gone in OAuth 2.1, enforced where a client still sends it (R-O10).
    pub redirect_uri: Option<&'a str>,
    /// RFC 8707.
    pub resource: Option<&'a str>,
    /// Narrows the access token.
    pub scope: Option<&'a str>,
}

/// The use of a refresh token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RefreshRequest<'a> {
    /// The refresh token.
    pub token: &'a str,
    /// RFC 8707.
    pub resource: Option<&'a str>,
    /// Narrows the access token, not the grant.
    pub scope: Option<&'a str>,
}

impl<'a> TokenRequest<'a> {
    /// Reads the parameters of the body.
    ///
    /// # Errors
    /// A missing or repeated parameter, or a grant type that is not ours.
    pub fn read(parameters: &'a Parameters) -> Result<Self, TokenRequestError> {
        match parameters.required("grant_type")? {
            "authorization_code" => Ok(Self::Code(CodeRequest {
                code: parameters.required("code")?,
                verifier: parameters.required("code_verifier")?,
                redirect_uri: parameters.one("redirect_uri")?,
                resource: resource_indicator::requested(parameters)?,
                scope: parameters.one("scope")?,
            })),
            "refresh_token" => Ok(Self::Refresh(RefreshRequest {
                token: parameters.required("refresh_token")?,
                resource: resource_indicator::requested(parameters)?,
                scope: parameters.one("scope")?,
            })),
            // It exists, but what it asks for needs more than any client here is registered for.
            "client_credentials" => Err(TokenRequestError::GrantTypeNotRegistered),
            _ => Err(TokenRequestError::UnsupportedGrantType),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ParameterError, ResourceError};

    fn read(body: &str) -> Result<(), TokenRequestError> {
        TokenRequest::read(&Parameters::parse(body.as_bytes())).map(|_| ())
    }

    #[test]
    fn a_code_request_is_read_whole() {
        let parameters = Parameters::parse(
            b"grant_type=authorization_code&code=c&code_verifier=v&redirect_uri=https%3A%2F%2Fa&resource=r&scope=s+t&client_id=x&other=1&other=2",
        );
        let request = CodeRequest {
            code: "c",
            verifier: "v",
            redirect_uri: Some("https://a"),
            resource: Some("r"),
            scope: Some("s t"),
        };
        assert!(TokenRequest::read(&parameters) == Ok(TokenRequest::Code(request)));
        let parameters = Parameters::parse(
            b"grant_type=authorization_code&code=c&code_verifier=v&redirect_uri=&resource=&scope=",
        );
        let request = CodeRequest {
            code: "c",
            verifier: "v",
            redirect_uri: None,
            resource: None,
            scope: None,
        };
        assert!(TokenRequest::read(&parameters) == Ok(TokenRequest::Code(request)));
    }

    #[test]
    fn a_refresh_request_is_read_whole() {
        let parameters =
            Parameters::parse(b"grant_type=refresh_token&refresh_token=t&resource=r&scope=s");
        let request = RefreshRequest {
            token: "t",
            resource: Some("r"),
            scope: Some("s"),
        };
        assert!(TokenRequest::read(&parameters) == Ok(TokenRequest::Refresh(request)));
        let parameters = Parameters::parse(b"grant_type=refresh_token&refresh_token=t");
        assert!(
            TokenRequest::read(&parameters)
                == Ok(TokenRequest::Refresh(RefreshRequest {
                    token: "t",
                    resource: None,
                    scope: None
                }))
        );
    }

    #[test]
    fn what_is_missing_or_comes_twice_is_named() {
        for (body, reason) in [
            ("", ParameterError::Missing("grant_type").into()),
            ("grant_type=", ParameterError::Missing("grant_type").into()),
            (
                "grant_type=refresh_token&grant_type=refresh_token",
                ParameterError::Repeated("grant_type").into(),
            ),
            (
                "grant_type=authorization_code&code_verifier=v",
                ParameterError::Missing("code").into(),
            ),
            (
                "grant_type=authorization_code&code=&code_verifier=v",
                ParameterError::Missing("code").into(),
            ),
            (
                "grant_type=authorization_code&code=c&code=c&code_verifier=v",
                ParameterError::Repeated("code").into(),
            ),
            (
                "grant_type=authorization_code&code=c",
                ParameterError::Missing("code_verifier").into(),
            ),
            (
                "grant_type=authorization_code&code=c&code_verifier=",
                ParameterError::Missing("code_verifier").into(),
            ),
            (
                "grant_type=authorization_code&code=c&code_verifier=v&code_verifier=v",
                ParameterError::Repeated("code_verifier").into(),
            ),
            (
                "grant_type=authorization_code&code=c&code_verifier=v&redirect_uri=u&redirect_uri=u",
                ParameterError::Repeated("redirect_uri").into(),
            ),
            (
                "grant_type=authorization_code&code=c&code_verifier=v&resource=r&resource=s",
                TokenRequestError::Resource(ResourceError::Several),
            ),
            (
                "grant_type=authorization_code&code=c&code_verifier=v&scope=s&scope=s",
                ParameterError::Repeated("scope").into(),
            ),
            (
                "grant_type=refresh_token",
                ParameterError::Missing("refresh_token").into(),
            ),
            (
                "grant_type=refresh_token&refresh_token=",
                ParameterError::Missing("refresh_token").into(),
            ),
            (
                "grant_type=refresh_token&refresh_token=t&refresh_token=t",
                ParameterError::Repeated("refresh_token").into(),
            ),
            (
                "grant_type=refresh_token&refresh_token=t&resource=r&resource=s",
                TokenRequestError::Resource(ResourceError::Several),
            ),
            (
                "grant_type=refresh_token&refresh_token=t&scope=s&scope=s",
                ParameterError::Repeated("scope").into(),
            ),
            (
                "grant_type=client_credentials",
                TokenRequestError::GrantTypeNotRegistered,
            ),
            (
                "grant_type=password&username=u&password=p",
                TokenRequestError::UnsupportedGrantType,
            ),
            (
                "grant_type=Refresh_Token&refresh_token=t",
                TokenRequestError::UnsupportedGrantType,
            ),
        ] {
            assert_eq!(read(body), Err(reason), "{body}");
        }
    }
}

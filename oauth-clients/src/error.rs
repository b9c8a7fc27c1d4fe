//! Why a client is refused: one enum for each step.

use jose::{JwtError, KeySetError, SignatureError};
use oauth::{
    error::{AuthenticationScheme, ParameterError, RedirectUriError, RedirectUriFault},
    step_error,
};
use primitives::faults;

step_error! {
    /// A fault of the credentials at the token endpoint (OAuth 2.1 section 2.4, R-O11, R-O12).
    ClientAuthenticationError from [
        /// A parameter is missing, or came twice.
        Parameter(ParameterError),
        /// A client assertion that proves nothing.
        Assertion(AssertionError),
    ] {
        /// R-O11.
        SeveralMethods => InvalidRequest, "the client authenticated in more than one way";
        /// It is not readable.
        MalformedHeader => InvalidClient, "the Authorization header is not Basic credentials";
        /// A confidential client without its secret, or with a wrong one; or an unknown client.
        Failed {
            /// Whether the attempt used the Authorization header, which the answer must match (R-O12).
            by_header: bool,
        } => InvalidClient, "client authentication failed";
        /// It has none: leaving it out helps.
        SecretOfPublicClient {
            /// Whether the attempt used the Authorization header.
            by_header: bool,
        } => InvalidClient, "the client is public and has no secret, so it must not send one";
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

step_error! {
    /// A client assertion that proves nothing (RFC 7521 section 4.2.1).
    #[derive(Copy)]
    AssertionError from [] {
        /// It is no JWT that is read here.
        Unreadable(JwtError) => InvalidClient, "invalid client assertion: {0}";
        /// It is of another type, not for this server, or out of its time.
        Unacceptable(#[from] AssertionFault) => InvalidClient, "invalid client assertion: {0}";
        /// The key that it names did not sign it, or too many keys may have.
        WronglySigned(SignatureError) => InvalidClient, "invalid client assertion: {0}";
        /// Its key is not in the key set of the client, or not yet.
        UnknownKey => InvalidClient, "the client assertion is signed by a key that is not in the client's key set";
        /// The address of the client's keys gives no key set.
        UnusableKeys(&'static str) => InvalidClient, "the client's key set cannot be used: {0}";
    }
}

faults! {
    /// What is wrong with a client assertion.
    AssertionFault {
        Type: "its typ is neither JWT nor client-authentication+jwt",
        Client: "its iss and its sub are not both the client_id",
        OtherClient: "its sub is not the client_id of the request",
        AssertionType: "its client_assertion_type is not the one for JWTs",
        NoIdentifier: "it has no jti of 1 to 256 bytes",
        Audiences: "its aud is not exactly one value",
        Audience: "its aud is neither the issuer nor the token endpoint",
        NoExpiry: "it has no exp",
        Expired: "it has expired",
        TooFarAhead: "its exp is more than an hour ahead",
        NotYet: "its nbf or iat is in the future",
        UsedBefore: "it was used before; each assertion needs a new jti",
    }
}

impl From<JwtError> for AssertionError {
    fn from(error: JwtError) -> Self {
        match error {
            JwtError::Type => AssertionFault::Type.into(),
            JwtError::TooLong | JwtError::Malformed | JwtError::Critical | JwtError::Algorithm => {
                Self::Unreadable(error)
            }
        }
    }
}

impl From<SignatureError> for AssertionError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::UnknownKey => Self::UnknownKey,
            SignatureError::Mismatch | SignatureError::TooManyKeys => Self::WronglySigned(error),
        }
    }
}

step_error! {
    /// Client metadata that cannot be accepted (RFC 7591 section 3.2.2).
    MetadataError from [
        /// A redirect URI cannot be registered (R-A11, R-O24).
        RedirectUri(RedirectUriError),
    ] {
        /// Anything else than an object.
        Malformed => InvalidClientMetadata, "the body is not a JSON object of client metadata";
        /// A member has a type or a value that this server cannot accept.
        Unacceptable {
            /// The member of the metadata.
            member: &'static str,
            /// What is wrong with it.
            fault: MemberFault,
        } => InvalidClientMetadata, "the member {member} is invalid: {fault}";
        /// Its keys are not accepted.
        Keys(#[from] KeySetError) => InvalidClientMetadata, "the member jwks is invalid: {0}";
    }
}

faults! {
    /// What is wrong with a member of client metadata.
    MemberFault {
        NotAString: "it is not a string",
        NotAList: "it is not a list of strings",
        TooLong: "it is too long",
        Cut: "it is too long and was truncated",
        NotAnAddress: "it is not a web address",
        NoCodeFlow: "it does not include the authorization code flow",
        UnknownMethod: "it is not none, private_key_jwt, client_secret_basic or client_secret_post",
        UnknownType: "it is neither native nor web",
        NotPlainHttps: "it must be an https URL without user part or fragment",
        KeysTwice: "jwks and jwks_uri cannot be used together",
        KeysMissing: "private_key_jwt requires jwks or jwks_uri",
        KeysMissingInDocument: "private_key_jwt requires jwks_uri or jwks",
        OtherClient: "it does not match this registration",
        OtherSecret: "it does not match the issued one",
        OtherAddress: "it does not exactly match the URL of the document",
        Missing: "it is missing",
        PublicSecret: "a public document must not contain a client secret",
        SharedSecret: "client secrets are not supported in client metadata documents",
    }
}

step_error! {
    /// A fault of a registration, or of its management (RFC 7591 section 3.2.2, RFC 7592 section 2).
    RegistrationError from [
        /// The metadata is not acceptable.
        Metadata(MetadataError),
    ] {
        /// The client would take too much room in the store.
        TooLarge => InvalidClientMetadata, "the client metadata is larger than 8 KB; use jwks_uri for keys";
        /// Also for a client that is gone (RFC 7592 section 2.1).
        TokenRefused => InvalidToken, "the registration access token is missing or belongs to another client";
    }

    fn challenge(&self) -> Option<AuthenticationScheme> {
        match self {
            Self::Metadata(_) | Self::TooLarge => None,
            Self::TokenRefused => Some(AuthenticationScheme::Bearer),
        }
    }
}

impl From<RedirectUriError> for RegistrationError {
    fn from(error: RedirectUriError) -> Self {
        Self::Metadata(error.into())
    }
}

step_error! {
    /// A fault of a client's metadata document, which is told on a local page.
    DocumentError from [] {
        /// R-C12, draft -02 section 3.
        MalformedAddress(#[from] AddressFault) => InvalidClient, "the client_id is not a valid client metadata document URL: {0}";
        /// The settings keep clients of this host out (R-C11).
        NotAllowed => InvalidClient, "client metadata documents from this host are not allowed by the configuration";
        /// The address gives none, whenever it is asked (draft -02 sections 5 and 8).
        NotAvailable(&'static str) => InvalidClient, "the client metadata document could not be fetched: {0}";
        /// R-C6.
        Malformed => InvalidClient, "the client metadata document is not a JSON object";
        /// R-C3, R-C6, draft -02 section 4.1.
        Unacceptable {
            /// The member.
            member: &'static str,
            /// What is wrong with it.
            fault: MemberFault,
        } => InvalidClient, "the member {member} of the client metadata document is invalid: {fault}";
        /// Its keys are not accepted.
        Keys(#[from] KeySetError) => InvalidClient, "the member jwks of the client metadata document is invalid: {0}";
        /// None of its redirect URIs is safe.
        RedirectUri(RedirectUriFault) => InvalidClient, "the member redirect_uris of the client metadata document is invalid: {0}";
        /// The settings do not let the scheme of a redirect URI in.
        SchemeNotAllowed(String) => InvalidRedirectUri, "invalid redirect URI: the scheme {0} is not allowed by the configuration";
        /// Nothing that the client can do is what this server can do (SEP-3149).
        NoCommonAuthentication => InvalidClient, "the client metadata document must use the authentication method none or private_key_jwt";
    }
}

faults! {
    /// Why a client identifier is not the address of a document.
    AddressFault {
        TooLong: "it is longer than 2048 characters",
        NotHttps: "it does not start with https://",
        ForbiddenCharacter: "it has a character that is not visible ASCII",
        Fragment: "it has a fragment",
        UserPart: "it has a user part",
        NoPath: "it has no path after the host",
        DotSegment: "its path has a dot segment",
        NotAUrl: "it is not a URL",
        HostNotPlain: "its host or port is not in normalized form",
        PathNotPlain: "its path or query is not in normalized form",
    }
}

impl From<MetadataError> for DocumentError {
    /// The same fault, as one of a document.
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::Malformed => Self::Malformed,
            MetadataError::Unacceptable { member, fault } => Self::Unacceptable { member, fault },
            MetadataError::Keys(fault) => Self::Keys(fault),
            MetadataError::RedirectUri(RedirectUriError::Unsafe(fault)) => Self::RedirectUri(fault),
            MetadataError::RedirectUri(RedirectUriError::SchemeNotAllowed(scheme)) => {
                Self::SchemeNotAllowed(scheme)
            }
        }
    }
}

faults! {
    /// Why an administrator cannot choose an identifier for a client.
    ClientIdFault {
        Length: "it must have 1 to 200 characters",
        ForbiddenCharacter: "it must have only visible ASCII characters and no leading or trailing space",
        Address: "it looks like a client metadata document URL",
    }
}

step_error! {
    /// A fault of an introspection request (RFC 7662 section 2.1).
    #[derive(Copy)]
    IntrospectionError from [
        /// A parameter is missing, or came twice.
        Parameter(ParameterError),
    ] {
        /// In the words of a client's request.
        SeveralMethods => InvalidRequest, "the client authenticated in more than one way";
        /// A resource without its secret, or with a wrong one, or one that has none.
        AuthenticationFailed => InvalidClient, "the caller must authenticate with its resource identifier and introspection secret";
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
    use oauth::error::ProtocolError;

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
                    fault: MemberFault::TooLong,
                }),
                "invalid_client_metadata",
            ),
            (
                Box::new(IntrospectionError::AuthenticationFailed),
                "invalid_client",
            ),
            (Box::new(RegistrationError::TokenRefused), "invalid_token"),
            (
                Box::new(DocumentError::MalformedAddress(AddressFault::Fragment)),
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
                    fault: MemberFault::TooLong,
                }),
                "invalid_client",
            ),
            (
                Box::new(DocumentError::NoCommonAuthentication),
                "invalid_client",
            ),
            (
                Box::new(AssertionError::Unacceptable(AssertionFault::Expired)),
                "invalid_client",
            ),
            (
                Box::new(AssertionError::from(JwtError::Malformed)),
                "invalid_client",
            ),
            (
                Box::new(AssertionError::from(SignatureError::Mismatch)),
                "invalid_client",
            ),
            (
                Box::new(MetadataError::from(KeySetError::NotAKeySet)),
                "invalid_client_metadata",
            ),
            (
                Box::new(DocumentError::from(KeySetError::PrivateKey)),
                "invalid_client",
            ),
            (Box::new(AssertionError::UnknownKey), "invalid_client"),
            (
                Box::new(AssertionError::UnusableKeys("the response is too large")),
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
    fn r_o22_the_words_of_a_fault_fit_into_a_sentence() {
        let words = [
            AssertionFault::ALL
                .iter()
                .map(|fault| fault.words())
                .collect::<Vec<_>>(),
            MemberFault::ALL.iter().map(|fault| fault.words()).collect(),
            AddressFault::ALL
                .iter()
                .map(|fault| fault.words())
                .collect(),
            RedirectUriFault::ALL
                .iter()
                .map(|fault| fault.words())
                .collect(),
            JwtError::ALL.iter().map(|fault| fault.words()).collect(),
            KeySetError::ALL.iter().map(|fault| fault.words()).collect(),
            SignatureError::ALL
                .iter()
                .map(|fault| fault.words())
                .collect(),
        ];
        for words in words.concat() {
            assert!(
                words
                    .bytes()
                    .all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)),
                "{words}"
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
                AssertionError::Unacceptable(AssertionFault::Expired).into(),
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

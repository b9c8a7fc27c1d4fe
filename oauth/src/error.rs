//! Two vocabularies of failure and the one bridge between them: a rich [`Reason`] for us, an RFC
//! [`ErrorCode`] for clients.

mod code;

pub use code::ErrorCode;
use thiserror::Error;

/// Why a request was refused. `Display` is for our log; [`Reason::description`] is what the client
/// is told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    // Any endpoint.
    /// A parameter came more than once (R-O5).
    #[error("the parameter {0} came more than once")]
    Repeated(&'static str),
    /// A required parameter is absent or empty.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),

    // Authorization endpoint, before client and redirect URI are proved.
    /// No such client.
    #[error("the client is not known")]
    UnknownClient,
    /// An administrator keeps applications of its host out.
    #[error("this server keeps applications of this host out")]
    ClientBlocked,
    /// The redirect URI is not one of the client's (R-O1, R-A12).
    #[error("the redirect URI is not registered for this client")]
    UnregisteredRedirectUri,

    // A client's metadata document, which is fetched when the client asks.
    /// A `client_id` with a scheme that can be no document's address (R-C12, draft -02 section 3).
    #[error("the client_id is not the address of a metadata document: {0}")]
    MalformedDocumentAddress(&'static str),
    /// The settings of this server keep clients of this host out (R-C11).
    #[error("this server accepts no client that describes itself at this address")]
    DocumentNotAllowed,
    /// The address does not give a document, whenever it is asked (draft -02 sections 5 and 8).
    #[error("the client's metadata document is not to be had: {0}")]
    NoDocument(&'static str),
    /// What the address gives is not a JSON object (R-C6).
    #[error("the client's metadata document is not a JSON object")]
    MalformedDocument,
    /// A member of the document that this server cannot accept (R-C3, R-C6, draft -02 section 4.1).
    #[error("the member {member} of the client's metadata document is not acceptable: {why}")]
    UnacceptableDocument {
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nothing that the client can do is what this server can do (SEP-3149).
    #[error(
        "the client's metadata document names no way to authenticate that this server knows; it knows none and private_key_jwt"
    )]
    NoCommonAuthentication,

    // Authorization endpoint, afterwards.
    /// A response type other than `code`.
    #[error("the response type is not code")]
    UnsupportedResponseType,
    /// A response mode other than `query`.
    #[error("the response mode is not query")]
    UnsupportedResponseMode,
    /// A challenge method that is absent or other than `S256` (R-O3).
    #[error("the code challenge method is not S256")]
    UnsupportedChallengeMethod,
    /// A challenge that no SHA-256 digest can produce.
    #[error("the code challenge is not a SHA-256 digest in base64url")]
    MalformedChallenge,
    /// The state is too long to be kept.
    #[error("the state is longer than {0} bytes")]
    StateTooLong(usize),
    /// Scopes were asked for, and none of them exists.
    #[error("none of the requested scopes exists")]
    NoGrantableScope,
    /// A resource that this server does not stand in front of (R-A19).
    #[error("the resource is not one of this server's")]
    UnknownResource,
    /// No resource is named, there are several, and nothing says which is meant (RFC 8707 section
    /// 2).
    #[error(
        "the request names no resource, and this server stands in front of several: the parameter resource says which"
    )]
    MissingResource,
    /// Different resources are named at once.
    #[error("the request names several resources, and a token here is for one")]
    SeveralResources,
    /// The client's registration leaves the authorization code grant out.
    #[error("the client is not registered for this grant type")]
    GrantTypeNotRegistered,
    /// The person said no.
    #[error("the person denied the request")]
    Denied,
    /// `prompt=none`, and the answer would go where the person has to be asked every time (R-O19).
    #[error("prompt=none, but for this redirect URI the person is asked every time")]
    InteractionRequired,
    /// `prompt=none`, and nobody is signed in.
    #[error("prompt=none, but the person has to sign in")]
    LoginRequired,
    /// `prompt=none`, and the person has not allowed this, or no longer, or asked to be asked.
    #[error("prompt=none, but the person has to be asked")]
    ConsentRequired,
    /// `prompt` says `none` and something besides (OpenID Connect Core section 3.1.2.1).
    #[error("the prompt none cannot be combined with others")]
    PromptNoneWithOthers,

    // Token endpoint: the client.
    /// Credentials in more than one place (R-O11).
    #[error("the client authenticated in more than one way")]
    SeveralAuthenticationMethods,
    /// The Authorization header is not readable as Basic credentials.
    #[error("the Authorization header is not Basic credentials")]
    MalformedAuthorizationHeader,
    /// A confidential client without its secret, or with a wrong one, or a public one with a
    /// secret.
    #[error("client authentication failed")]
    ClientAuthenticationFailed {
        /// Whether the attempt used the Authorization header, which the answer must match (R-O12).
        by_header: bool,
    },
    /// A public client that shows a secret, which it has not: leaving it out helps.
    #[error("the client is public and has no secret, so it must not send one")]
    SecretOfPublicClient {
        /// Whether the attempt used the Authorization header.
        by_header: bool,
    },
    /// A client assertion that proves nothing (RFC 7521 section 4.2.1).
    #[error("the client assertion is not acceptable: {0}")]
    UnacceptableAssertion(&'static str),
    /// A client assertion by a key that the client has not, or has not shown yet.
    #[error("the client assertion is signed by a key that is not in the client's key set")]
    UnknownAssertionKey,
    /// Where the client's keys should be, there is none.
    #[error("the client's key set cannot be used: {0}")]
    UnusableKeys(&'static str),
    /// A grant type that this server does not know.
    #[error("the grant type is not supported")]
    UnsupportedGrantType,

    // Token endpoint: the authorization code.
    /// Not the form of our codes, or no such grant, or another secret.
    #[error("the code is unknown")]
    UnknownCode,
    /// The code was issued to another client.
    #[error("the code belongs to another client")]
    CodeOfAnotherClient,
    /// The code's time has passed.
    #[error("the code has expired")]
    ExpiredCode,
    /// The redirect URI is not the one of the authorization request (R-O10).
    #[error("the redirect URI is not the one of the authorization request")]
    RedirectUriMismatch,
    /// The verifier breaks the rules of RFC 7636 section 4.1.
    #[error("the code verifier is not 43 to 128 unreserved characters")]
    MalformedVerifier,
    /// The verifier does not answer the challenge.
    #[error("the code verifier does not match the challenge")]
    VerifierMismatch,
    /// A second valid use, which ends the grant (R-O9).
    #[error("the code was used a second time; its grant is revoked")]
    ReplayedCode,

    // Token endpoint: the refresh token.
    /// Not the form of our refresh tokens, or no such grant, or another secret.
    #[error("the refresh token is unknown")]
    UnknownRefreshToken,
    /// The refresh token was issued to another client.
    #[error("the refresh token belongs to another client")]
    RefreshTokenOfAnotherClient,
    /// The refresh token's time has passed.
    #[error("the refresh token has expired")]
    ExpiredRefreshToken,
    /// A rotated token came again after the replay window, which ends the grant (R-O14).
    #[error("a rotated refresh token was used again; its grant is revoked")]
    ReplayedRefreshToken,
    /// The grant has ended.
    #[error("the grant has ended")]
    EndedGrant,
    /// The person's account is disabled or gone.
    #[error("the account is disabled or gone")]
    AccountGone,

    // Token endpoint: what is asked of a grant.
    /// A resource other than the one consented to.
    #[error("the resource is not the one of the grant")]
    ResourceNotGranted,
    /// A scope beyond the ones consented to.
    #[error("the scope is wider than the grant's")]
    ScopeNotGranted,
    /// The configuration has dropped every scope that was consented to. The client has to ask its
    /// person again.
    #[error("none of the scopes that were granted exists any more")]
    GrantedScopesGone,

    // Revocation and introspection endpoints.
    /// The token was issued to another client (RFC 7009 section 2.1).
    #[error("the token was issued to another client")]
    TokenOfAnotherClient,
    /// A resource without its secret, or with a wrong one, or one that has none (RFC 7662 section
    /// 2.1).
    #[error(
        "the caller is no resource that may ask; it authenticates with its identifier and its introspection secret"
    )]
    ResourceAuthenticationFailed,

    // Registration endpoint.
    /// The registration access token is missing, wrong, or of a client that is gone (RFC 7592
    /// section 2.1).
    #[error("the registration access token is missing or is not the one of this client")]
    RegistrationTokenRefused,
    /// The body is not a JSON object of client metadata.
    #[error("the body is not a JSON object of client metadata")]
    MalformedMetadata,
    /// The metadata takes too much room.
    #[error("the metadata takes more than 8 KB; keys may be at a jwks_uri instead")]
    MetadataTooLarge,
    /// A member has a type or a value that this server cannot accept.
    #[error("the member {member} is not acceptable: {why}")]
    UnacceptableMetadata {
        /// The member of the metadata.
        member: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A redirect URI that is not safe to send an answer to (R-A11, R-O24).
    #[error("a redirect URI is not acceptable: {0}")]
    UnsafeRedirectUri(&'static str),
    /// A redirect URI with the scheme of an application that the settings do not let in (R-O24).
    #[error(
        "a redirect URI is not acceptable: the settings of this server do not allow its scheme, {0}"
    )]
    SchemeNotAllowed(String),
}

impl Reason {
    /// The RFC's code for this reason.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Repeated(_)
            | Self::Missing(_)
            | Self::UnregisteredRedirectUri
            | Self::UnsupportedResponseMode
            | Self::UnsupportedChallengeMethod
            | Self::MalformedChallenge
            | Self::StateTooLong(_)
            | Self::PromptNoneWithOthers
            | Self::SeveralAuthenticationMethods => ErrorCode::InvalidRequest,
            Self::UnknownClient
            | Self::ClientBlocked
            | Self::MalformedDocumentAddress(_)
            | Self::DocumentNotAllowed
            | Self::NoDocument(_)
            | Self::MalformedDocument
            | Self::UnacceptableDocument { .. }
            | Self::NoCommonAuthentication
            | Self::MalformedAuthorizationHeader
            | Self::ClientAuthenticationFailed { .. }
            | Self::SecretOfPublicClient { .. }
            | Self::UnacceptableAssertion(_)
            | Self::UnknownAssertionKey
            | Self::UnusableKeys(_)
            | Self::ResourceAuthenticationFailed => ErrorCode::InvalidClient,
            Self::UnsupportedResponseType => ErrorCode::UnsupportedResponseType,
            Self::NoGrantableScope | Self::ScopeNotGranted => ErrorCode::InvalidScope,
            Self::UnknownResource
            | Self::MissingResource
            | Self::SeveralResources
            | Self::ResourceNotGranted => ErrorCode::InvalidTarget,
            Self::GrantTypeNotRegistered => ErrorCode::UnauthorizedClient,
            Self::Denied => ErrorCode::AccessDenied,
            Self::InteractionRequired => ErrorCode::InteractionRequired,
            Self::LoginRequired => ErrorCode::LoginRequired,
            Self::ConsentRequired => ErrorCode::ConsentRequired,
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::UnknownCode
            | Self::CodeOfAnotherClient
            | Self::ExpiredCode
            | Self::RedirectUriMismatch
            | Self::MalformedVerifier
            | Self::VerifierMismatch
            | Self::ReplayedCode
            | Self::UnknownRefreshToken
            | Self::RefreshTokenOfAnotherClient
            | Self::ExpiredRefreshToken
            | Self::ReplayedRefreshToken
            | Self::EndedGrant
            | Self::AccountGone
            | Self::GrantedScopesGone
            | Self::TokenOfAnotherClient => ErrorCode::InvalidGrant,
            Self::RegistrationTokenRefused => ErrorCode::InvalidToken,
            Self::MalformedMetadata
            | Self::MetadataTooLarge
            | Self::UnacceptableMetadata { .. } => ErrorCode::InvalidClientMetadata,
            Self::UnsafeRedirectUri(_) | Self::SchemeNotAllowed(_) => ErrorCode::InvalidRedirectUri,
        }
    }

    /// What the client is told, in the characters that RFC 6749 allows (R-O22).
    ///
    /// Every fault of a code, and every fault of a refresh token, reads the same: a failed attempt
    /// learns nothing from it.
    pub fn description(&self) -> String {
        match self {
            Self::UnknownCode
            | Self::CodeOfAnotherClient
            | Self::ExpiredCode
            | Self::RedirectUriMismatch
            | Self::MalformedVerifier
            | Self::VerifierMismatch
            | Self::ReplayedCode => {
                "The authorization code is unknown, expired, already used, or was not issued for this client, redirect URI and verifier.".to_owned()
            }
            Self::UnknownRefreshToken
            | Self::RefreshTokenOfAnotherClient
            | Self::ExpiredRefreshToken
            | Self::ReplayedRefreshToken
            | Self::EndedGrant
            | Self::AccountGone => "The refresh token is unknown, expired, revoked, or was not issued to this client.".to_owned(),
            other => {
                let mut text = other.to_string();
                if let Some(first) = text.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                text + "."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use Reason as R;

    use super::*;

    /// Every reason, with the code it has on the wire. [`place`] makes the compiler ask for a line
    /// here.
    static ALL: std::sync::LazyLock<[(Reason, &str); 58]> = std::sync::LazyLock::new(|| {
        [
            (R::Repeated("scope"), "invalid_request"),
            (R::Missing("code"), "invalid_request"),
            (R::UnknownClient, "invalid_client"),
            (R::UnregisteredRedirectUri, "invalid_request"),
            (R::UnsupportedResponseType, "unsupported_response_type"),
            (R::UnsupportedResponseMode, "invalid_request"),
            (R::UnsupportedChallengeMethod, "invalid_request"),
            (R::MalformedChallenge, "invalid_request"),
            (R::StateTooLong(2048), "invalid_request"),
            (R::NoGrantableScope, "invalid_scope"),
            (R::UnknownResource, "invalid_target"),
            (R::GrantTypeNotRegistered, "unauthorized_client"),
            (R::Denied, "access_denied"),
            (R::InteractionRequired, "interaction_required"),
            (R::SeveralAuthenticationMethods, "invalid_request"),
            (R::MalformedAuthorizationHeader, "invalid_client"),
            (
                R::ClientAuthenticationFailed { by_header: true },
                "invalid_client",
            ),
            (R::UnsupportedGrantType, "unsupported_grant_type"),
            (R::UnknownCode, "invalid_grant"),
            (R::CodeOfAnotherClient, "invalid_grant"),
            (R::ExpiredCode, "invalid_grant"),
            (R::RedirectUriMismatch, "invalid_grant"),
            (R::MalformedVerifier, "invalid_grant"),
            (R::VerifierMismatch, "invalid_grant"),
            (R::ReplayedCode, "invalid_grant"),
            (R::UnknownRefreshToken, "invalid_grant"),
            (R::RefreshTokenOfAnotherClient, "invalid_grant"),
            (R::ExpiredRefreshToken, "invalid_grant"),
            (R::ReplayedRefreshToken, "invalid_grant"),
            (R::EndedGrant, "invalid_grant"),
            (R::AccountGone, "invalid_grant"),
            (R::ResourceNotGranted, "invalid_target"),
            (R::ScopeNotGranted, "invalid_scope"),
            (R::MalformedMetadata, "invalid_client_metadata"),
            (
                R::UnacceptableMetadata {
                    member: "scope",
                    why: "it is too long",
                },
                "invalid_client_metadata",
            ),
            (
                R::UnsafeRedirectUri("it is too long"),
                "invalid_redirect_uri",
            ),
            (R::TokenOfAnotherClient, "invalid_grant"),
            (R::ResourceAuthenticationFailed, "invalid_client"),
            (R::RegistrationTokenRefused, "invalid_token"),
            (R::LoginRequired, "login_required"),
            (R::ConsentRequired, "consent_required"),
            (R::PromptNoneWithOthers, "invalid_request"),
            (
                R::MalformedDocumentAddress("it has a fragment"),
                "invalid_client",
            ),
            (R::DocumentNotAllowed, "invalid_client"),
            (R::NoDocument("it is too long"), "invalid_client"),
            (R::MalformedDocument, "invalid_client"),
            (
                R::UnacceptableDocument {
                    member: "client_id",
                    why: "it is too long",
                },
                "invalid_client",
            ),
            (R::NoCommonAuthentication, "invalid_client"),
            (R::UnacceptableAssertion("it has expired"), "invalid_client"),
            (R::UnknownAssertionKey, "invalid_client"),
            (R::UnusableKeys("it is too large"), "invalid_client"),
            (R::ClientBlocked, "invalid_client"),
            (R::MissingResource, "invalid_target"),
            (R::SeveralResources, "invalid_target"),
            (R::GrantedScopesGone, "invalid_grant"),
            (
                R::SchemeNotAllowed("my-agent".to_owned()),
                "invalid_redirect_uri",
            ),
            (R::MetadataTooLarge, "invalid_client_metadata"),
            (
                R::SecretOfPublicClient { by_header: false },
                "invalid_client",
            ),
        ]
    });

    /// The line of [`ALL`] that stands for a reason.
    const fn place(reason: &Reason) -> usize {
        match reason {
            R::Repeated(_) => 0,
            R::Missing(_) => 1,
            R::UnknownClient => 2,
            R::UnregisteredRedirectUri => 3,
            R::UnsupportedResponseType => 4,
            R::UnsupportedResponseMode => 5,
            R::UnsupportedChallengeMethod => 6,
            R::MalformedChallenge => 7,
            R::StateTooLong(_) => 8,
            R::NoGrantableScope => 9,
            R::UnknownResource => 10,
            R::GrantTypeNotRegistered => 11,
            R::Denied => 12,
            R::InteractionRequired => 13,
            R::SeveralAuthenticationMethods => 14,
            R::MalformedAuthorizationHeader => 15,
            R::ClientAuthenticationFailed { .. } => 16,
            R::UnsupportedGrantType => 17,
            R::UnknownCode => 18,
            R::CodeOfAnotherClient => 19,
            R::ExpiredCode => 20,
            R::RedirectUriMismatch => 21,
            R::MalformedVerifier => 22,
            R::VerifierMismatch => 23,
            R::ReplayedCode => 24,
            R::UnknownRefreshToken => 25,
            R::RefreshTokenOfAnotherClient => 26,
            R::ExpiredRefreshToken => 27,
            R::ReplayedRefreshToken => 28,
            R::EndedGrant => 29,
            R::AccountGone => 30,
            R::ResourceNotGranted => 31,
            R::ScopeNotGranted => 32,
            R::MalformedMetadata => 33,
            R::UnacceptableMetadata { .. } => 34,
            R::UnsafeRedirectUri(_) => 35,
            R::TokenOfAnotherClient => 36,
            R::ResourceAuthenticationFailed => 37,
            R::RegistrationTokenRefused => 38,
            R::LoginRequired => 39,
            R::ConsentRequired => 40,
            R::PromptNoneWithOthers => 41,
            R::MalformedDocumentAddress(_) => 42,
            R::DocumentNotAllowed => 43,
            R::NoDocument(_) => 44,
            R::MalformedDocument => 45,
            R::UnacceptableDocument { .. } => 46,
            R::NoCommonAuthentication => 47,
            R::UnacceptableAssertion(_) => 48,
            R::UnknownAssertionKey => 49,
            R::UnusableKeys(_) => 50,
            R::ClientBlocked => 51,
            R::MissingResource => 52,
            R::SeveralResources => 53,
            R::GrantedScopesGone => 54,
            R::SchemeNotAllowed(_) => 55,
            R::MetadataTooLarge => 56,
            R::SecretOfPublicClient { .. } => 57,
        }
    }

    #[test]
    fn r_o22_every_reason_has_a_code_and_a_sentence_in_the_allowed_characters() {
        for (line, (reason, code)) in ALL.iter().enumerate() {
            assert_eq!(place(reason), line);
            assert_eq!(reason.code().as_str(), *code, "{reason:?}");
            let text = reason.description();
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
        let alike = |reasons: std::ops::RangeInclusive<usize>| {
            let mut texts: Vec<String> = ALL[reasons]
                .iter()
                .map(|(reason, _)| reason.description())
                .collect();
            texts.dedup();
            texts.len() == 1
        };
        assert!(alike(place(&R::UnknownCode)..=place(&R::ReplayedCode)));
        assert!(alike(
            place(&R::UnknownRefreshToken)..=place(&R::AccountGone)
        ));
    }
}

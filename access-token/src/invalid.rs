//! Why a token is refused.

/// Why a token is invalid. The texts use the characters of RFC 6750 §3 and may be sent to the
/// caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Longer than [`crate::MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Another version or purpose of PASETO, or none at all.
    #[error("the token is not a PASETO v4.public token")]
    Header,
    /// Not base64url, not its canonical form, too short for a signature, or too many parts.
    #[error("the token is malformed")]
    Encoding,
    /// A footer that is larger than a key id needs.
    #[error("the footer of the token is too large")]
    FooterTooLarge,
    /// No footer, or one that is not JSON with the id of a public key.
    #[error("the footer of the token names no key")]
    Footer,
    /// Not a signed JWT in compact form.
    #[error("the token is not a signed JWT")]
    NotAJwt,
    /// The `typ` of the header is not that of an access token of this resource, or an extension is
    /// critical.
    #[error("the token is not a JWT access token of the expected type")]
    Type,
    /// The `alg` of the header is none that an issuer of access tokens uses.
    #[error("the token is signed with an algorithm that is not accepted")]
    Algorithm,
    /// The header names no key.
    #[error("the header of the token names no key")]
    NoKeyId,
    /// No published key has this id.
    #[error("the token is signed with an unknown key")]
    UnknownKey,
    /// The key was retired, and its overlap has ended.
    #[error("the token is signed with a retired key")]
    RetiredKey,
    /// The signature does not match the key.
    #[error("the signature of the token is wrong")]
    Signature,
    /// The signature is valid, but the claims are not those of an access token.
    #[error("the claims of the token are incomplete")]
    Claims,
    /// Issued by another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// Issued for another resource.
    #[error("the token is meant for another service")]
    Audience,
    /// The time of `exp` has come.
    #[error("the token has expired")]
    Expired,
    /// `iat` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
}

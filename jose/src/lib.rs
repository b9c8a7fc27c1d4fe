//! Public keys and JWTs that they sign: JWK Sets (RFC 7517) and JWTs in compact form (RFC 7515, RFC
//! 7519), with the algorithms RS256, ES256 and `EdDSA` (RFC 7518, RFC 8037).
//!
//! This crate knows no issuer and no audience: what the claims of a JWT have to say is decided by
//! those who accept it. Nothing here does input or output or reads a clock.

mod claims;
mod error;
mod jwk;
mod jwt;

pub use claims::{AudienceClaim, NumericDate};
pub use error::{JwtError, KeySetError, SignatureError};
pub use jwk::{JWKS_PATH, Jwk, Jwks, PublicKey};
pub use jwt::UnverifiedJwt;

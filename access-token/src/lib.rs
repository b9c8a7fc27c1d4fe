//! Access tokens as PASETO v4.public or as JWTs (RFC 9068): typed claims, the keys that sign them, and the verifier for
//! protected resources.
//!
//! A PASETO token is `v4.public.` over the JSON of [`Claims`], with the footer `{"kid":"k4.pid.…"}`, no
//! implicit assertion, and RFC 3339 times. Any PASETO implementation can verify it with the keys of
//! a [`KeySet`].
//!
//! A JWT has the same claims, with times in seconds, and `typ`, `alg` and `kid` in its header. A
//! [`Verifier`] accepts one of the two formats.
//!
//! Issuing: a [`TokenService`] with a [`KeyRing`], which is stored as a [`SealedRing`] under a
//! [`SealingKey`]. Verifying: a [`Verifier`], with the keys of the service in the same process or
//! of a [`KeySetSource`]. The feature `remote` has a source that fetches the published keys,
//! the feature `axum` a layer that protects routes. A token is valid until it expires; with a
//! `Liveness`, the layer also checks its grant.
//!
//! Time and randomness are arguments. The exceptions are [`system_clock`], which reads the
//! clock, and what the cryptography draws from the system: keys of JWTs, the random numbers of
//! their signatures, and the nonce of a sealed ring.

mod assertion;
mod claims;
mod clock;
mod invalid;
mod jwt;
mod jwt_key;
mod jwt_ring;
mod jwt_sealing;
mod key;
mod key_set;
mod ring;
mod sealing;
mod service;
mod source;
mod timestamp;
mod token;
mod verified;
mod verifier;

#[cfg(feature = "axum")]
mod challenge;
#[cfg(feature = "axum")]
mod layer;
#[cfg(feature = "remote")]
mod remote;

pub use assertion::{ASSERTION_LIFETIME, ASSERTION_TYPE};
pub use claims::Claims;
pub use clock::{Clock, system_clock};
pub use invalid::Invalid;
pub use jose::{JWKS_PATH, Jwks};
pub use jwt_key::JwtSigningKey;
pub use jwt_ring::{JwtRing, RetiringJwk};
pub use jwt_sealing::{SealedJwtKey, SealedJwtRing, StoredJwk};
pub use key::{KeyError, KeyId, SigningKey, VerifyingKey};
pub use key_set::{KEYS_PATH, KeySet, KeyState, PublishedKey};
pub use primitives::{JwtType, SigningAlgorithm, TokenFormat};
pub use ring::{KeyRing, NewKeys, RetiringKey};
pub use sealing::{SealedKey, SealedRing, SealingKey, UnsealError};
pub use service::{IssueError, Issued, TokenService, TokenSubject};
pub use source::{KeyDocument, KeySetSource, SourceError};
pub use token::MAX_TOKEN_BYTES;
pub use verifier::{Audience, Refusal, Renewal, Verifier};

#[cfg(feature = "axum")]
pub use challenge::{Challenge, Rejection};
#[cfg(feature = "axum")]
pub use layer::{Bearer, Guarded, Liveness, LivenessUnknown, RequireToken};
#[cfg(feature = "remote")]
pub use remote::RemoteKeys;

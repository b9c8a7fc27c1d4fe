//! Tokens whose signature was checked before.
//!
//! A client sends the same token with each of its requests, and the signature is what costs most about
//! it. So the service remembers what a token says, under the SHA-256 of its text, and reads it once.
//!
//! A token that is remembered is trusted no longer than one that is read again:
//!
//! - Only what is fixed is remembered: the claims, the format, and which key signed. Whether that key
//!   may verify now, the times, the issuer, the audience and the format that a resource wants are
//!   judged for each request, as are the grant, the account and the client.
//! - The tokens belong to one ring of keys, and whatever replaces the ring begins without any. A token
//!   that is verified while the ring changes is remembered with the ring that verified it.
//! - Another text has another digest, so a token that is changed in any way is read.
//! - Only tokens with a valid signature enter, so that a stranger can fill nothing, and there is room
//!   for two [`GENERATION`]s: beyond that a token is read again, as if nothing were remembered.
//! - The text of a token is not kept.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use primitives::JwtType;
use ring::digest::{SHA256, digest};
use time::OffsetDateTime;

use crate::{Claims, Invalid, KeyId, KeyRing, MAX_TOKEN_BYTES};

/// When so many are young, the old ones are forgotten: all together are about two megabytes.
const GENERATION: usize = 1024;

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token; `None` of a text that is too long for one.
    pub(crate) fn of(token: &str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let digest = digest(&SHA256, token.as_bytes());
        digest.as_ref().try_into().ok().map(Self)
    }
}

/// What a token with a valid signature says.
pub(crate) struct Verified {
    /// Which key signed it, in which format.
    pub(crate) signer: Signer,
    pub(crate) claims: Claims,
}

/// The key of a signature.
pub(crate) enum Signer {
    /// Of a PASETO token.
    Paseto(KeyId),
    /// Of a JWT of a type, by its `kid`.
    Jwt(JwtType, String),
}

impl Signer {
    /// Whether it may verify now. `types` are those of JWTs that are accepted; `None` accepts PASETO
    /// alone.
    pub(crate) fn counts(
        &self,
        types: Option<&[JwtType]>,
        ring: &KeyRing,
        now: OffsetDateTime,
    ) -> Result<(), Invalid> {
        match (self, types) {
            (Self::Paseto(id), None) => ring.find(id, now).map(|_| ()),
            (Self::Jwt(jwt_type, kid), Some(types)) if types.contains(jwt_type) => {
                ring.jwt_key(kid, now).map(|_| ())
            }
            (Self::Paseto(_) | Self::Jwt(..), _) => Err(Invalid::Type),
        }
    }
}

/// The tokens that one ring of keys has verified.
#[derive(Default)]
pub(crate) struct VerifiedTokens(Mutex<Generations>);

/// A token that is used becomes young; the old ones are forgotten when the young ones are many.
#[derive(Default)]
struct Generations {
    young: HashMap<TokenDigest, Arc<Verified>>,
    old: HashMap<TokenDigest, Arc<Verified>>,
}

impl VerifiedTokens {
    /// What a token says, if it is remembered.
    pub(crate) fn recall(&self, digest: &TokenDigest) -> Option<Arc<Verified>> {
        let mut tokens = self.locked();
        if let Some(found) = tokens.young.get(digest) {
            return Some(Arc::clone(found));
        }
        let found = tokens.old.remove(digest)?;
        tokens.add(*digest, Arc::clone(&found));
        Some(found)
    }

    /// Remembers a token.
    pub(crate) fn remember(&self, digest: TokenDigest, verified: Verified) {
        self.locked().add(digest, Arc::new(verified));
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        let tokens = self.locked();
        tokens.young.len() + tokens.old.len()
    }

    fn locked(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn add(&mut self, digest: TokenDigest, verified: Arc<Verified>) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest, verified);
    }
}

#[cfg(test)]
mod tests {
    use primitives::{SigningAlgorithm, TokenFormat};
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::{
        Audience, JwtRing, JwtSigningKey, NewKeys, Refusal, TokenService, TokenSubject, Verifier,
    };

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
    const NOTES: &str = "https://notes.example/mcp";
    const EDDSA: TokenFormat = TokenFormat::Jwt {
        algorithm: SigningAlgorithm::EdDsa,
        jwt_type: JwtType::AccessToken,
    };
    const FORMATS: [TokenFormat; 2] = [TokenFormat::Paseto, EDDSA];

    fn key() -> JwtSigningKey {
        JwtSigningKey::generate(SigningAlgorithm::EdDsa).expect("a key")
    }

    fn service() -> TokenService {
        let jwt = JwtRing::first(key(), key(), NOON).expect("two keys");
        let ring = KeyRing::first(NOON, &[1; 32]).expect("a seed");
        TokenService::new(
            "https://id.example".into(),
            Duration::HOUR,
            ring.with_jwt(jwt),
        )
    }

    fn issue(service: &TokenService, format: TokenFormat) -> String {
        let subject = TokenSubject {
            sub: "person".into(),
            aud: NOTES.into(),
            client_id: "client".into(),
            device_id: "phone".into(),
            scope: "notes:read".into(),
            grant: None,
            email: None,
            name: None,
        };
        let issued = service.issue(NOON, [5; 16], subject, format);
        issued.expect("issued").token
    }

    fn verifier(service: &TokenService, audience: &str) -> Verifier {
        Verifier::beside(service.clone(), Audience::Exactly(audience.into()))
    }

    fn verify(verifier: &Verifier, token: &str, now: OffsetDateTime) -> Result<Claims, Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime
            .expect("a runtime")
            .block_on(verifier.verify(token, now))
    }

    fn refusal(verifier: &Verifier, token: &str, now: OffsetDateTime) -> Option<Refusal> {
        verify(verifier, token, now).err()
    }

    /// The token with another character in its middle.
    fn changed(token: &str) -> String {
        let (start, end) = token.split_at(token.len() / 2);
        let other = if end.starts_with('A') { 'B' } else { 'A' };
        format!("{start}{other}{}", &end[1..])
    }

    fn new_keys() -> NewKeys {
        NewKeys {
            seed: [2; 32],
            jwt: vec![key()],
        }
    }

    /// A service and a token that it has verified.
    fn used(format: TokenFormat) -> (TokenService, String) {
        let service = service();
        let token = issue(&service, format);
        verify(&verifier(&service, NOTES), &token, NOON).expect("a good token");
        assert_eq!(service.keys().verified.count(), 1);
        (service, token)
    }

    #[test]
    fn a_token_is_read_once() {
        for format in FORMATS {
            let (service, token) = used(format);
            let digest = TokenDigest::of(&token).expect("a digest");
            let known = service.keys().verified.recall(&digest).expect("remembered");
            let again = verify(&verifier(&service, NOTES), &token, NOON);
            assert_eq!(again.as_ref(), Ok(&known.claims));
            // What is remembered answers, and nothing else.
            let signer = match &known.signer {
                Signer::Paseto(id) => Signer::Paseto(id.clone()),
                Signer::Jwt(jwt_type, kid) => Signer::Jwt(*jwt_type, kid.clone()),
            };
            let claims = Claims {
                sub: "another".into(),
                ..known.claims.clone()
            };
            let other = Verified { signer, claims };
            service.keys().verified.remember(digest, other);
            let again = verify(&verifier(&service, NOTES), &token, NOON);
            assert_eq!(again.expect("a good token").sub, "another");
        }
    }

    #[test]
    fn a_remembered_token_is_judged_each_time() {
        for format in FORMATS {
            let (service, token) = used(format);
            let own = verifier(&service, NOTES);
            let expiry = NOON + Duration::HOUR;
            let early = NOON - Duration::MINUTE;
            assert_eq!(refusal(&own, &token, expiry), Some(Invalid::Expired.into()));
            assert_eq!(
                refusal(&own, &token, early),
                Some(Invalid::NotYetValid.into())
            );
            let elsewhere = verifier(&service, "https://other.example/mcp");
            assert_eq!(
                refusal(&elsewhere, &token, NOON),
                Some(Invalid::Audience.into())
            );
            for wanted in FORMATS {
                let only = verifier(&service, NOTES).only(wanted);
                assert_eq!(verify(&only, &token, NOON).is_ok(), wanted == format);
            }
            assert!(refusal(&own, &changed(&token), NOON).is_some());
            assert!(verify(&own, &token, expiry - Duration::SECOND).is_ok());
        }
    }

    #[test]
    fn a_key_that_has_retired_or_was_removed_verifies_nothing_that_is_remembered() {
        for format in FORMATS {
            let (service, token) = used(format);
            let own = verifier(&service, NOTES).allowing_skew(Duration::DAY);
            let ring = service.ring();
            let kid = match format.algorithm() {
                Some(algorithm) => ring.jwt_ring(algorithm).expect("keys").active().kid(),
                None => ring.active().id().as_str(),
            };
            let rotated = ring.rotate(NOON, &new_keys(), Duration::HOUR);
            service.replace_ring(rotated.expect("rotated"));
            assert_eq!(service.keys().verified.count(), 0, "it is read again");
            assert!(verify(&own, &token, NOON).is_ok());
            assert_eq!(service.keys().verified.count(), 1);
            // JWT keys retire two hours later than others.
            let over = NOON + Duration::hours(if format.algorithm().is_some() { 3 } else { 1 });
            assert!(verify(&own, &token, over - Duration::SECOND).is_ok());
            assert_eq!(
                refusal(&own, &token, over),
                Some(Invalid::RetiredKey.into())
            );
            let without = service.ring().without(kid, NOON, &new_keys());
            let without = without.expect("a ring").expect("there was one");
            service.replace_ring(without);
            assert_eq!(
                refusal(&own, &token, NOON),
                Some(Invalid::UnknownKey.into())
            );
        }
    }

    #[test]
    fn what_no_key_has_signed_is_not_remembered() {
        let service = service();
        let verifier = verifier(&service, NOTES);
        for format in FORMATS {
            let token = issue(&service, format);
            let foreign = issue(&self::service(), format);
            let changed = changed(&token);
            let long = format!("{token}{}", "A".repeat(MAX_TOKEN_BYTES));
            for bad in [&foreign[..foreign.len() - 4], &changed, &long, "", "x"] {
                assert!(refusal(&verifier, bad, NOON).is_some(), "{bad}");
            }
        }
        assert_eq!(service.keys().verified.count(), 0);
    }

    #[test]
    fn there_is_room_for_so_many_and_what_is_used_stays() {
        let (service, token) = used(TokenFormat::Paseto);
        let keys = service.keys();
        let used = TokenDigest::of(&token).expect("a digest");
        let known = keys.verified.recall(&used).expect("remembered");
        for number in 0..6 * GENERATION {
            let digest = TokenDigest::of(&number.to_string()).expect("a digest");
            let verified = Verified {
                signer: Signer::Jwt(JwtType::AccessToken, "kid".into()),
                claims: known.claims.clone(),
            };
            keys.verified.remember(digest, verified);
            assert!(keys.verified.count() <= 2 * GENERATION, "{number}");
            assert!(keys.verified.recall(&used).is_some(), "{number}");
        }
        let first = TokenDigest::of("0").expect("a digest");
        assert!(keys.verified.recall(&first).is_none());
    }
}

//! Ed25519 keys in PASERK notation.

use std::{fmt, str::FromStr};

use ed25519_compact::{KeyPair, Seed};
use pasetors::{
    keys::{AsymmetricPublicKey, AsymmetricSecretKey},
    paserk::{FormatAsPaserk, Id},
    version4::V4,
};
use serde::{Deserialize, Serialize};

/// Why a key could not be created or parsed. Contains no part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The 32 bytes are all zero, or otherwise not a seed.
    #[error("these bytes cannot be the seed of a signing key")]
    Seed,
    /// Not a canonical `k4.public.…`, or a weak point.
    #[error("not a usable PASERK k4.public key")]
    Public,
    /// Not a canonical `k4.local.…`.
    #[error("not a PASERK k4.local key")]
    Sealing,
    /// Not a `k4.pid.…` of 44 characters.
    #[error("not a PASERK k4.pid key id")]
    Id,
    /// A published key has the id of another key.
    #[error("the key id does not belong to the key")]
    IdOfAnotherKey,
    /// A change of the ring needs a new key of an algorithm that none was made for.
    #[error("a new key is missing")]
    NoNewKey,
    /// No private key of JWTs: the system gives no random numbers, or the bytes are none.
    #[error("there is no private key for JWTs")]
    Jwt,
    /// The ring could not be sealed: a date is outside of RFC 3339, or the system returned no
    /// randomness.
    #[error("the signing keys could not be encrypted")]
    Seal,
}

/// The PASERK id of a public key: `k4.pid.` and 44 base64url characters (33 bytes, so each id has
/// only one encoding).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KeyId(String);

/// The public key of a signing key, which verifies its signatures.
#[derive(Clone)]
pub struct VerifyingKey {
    id: KeyId,
    key: AsymmetricPublicKey<V4>,
}

/// A private key, which signs tokens. Its Debug shows the id only; pasetors wipes the secret when
/// it is dropped.
pub struct SigningKey {
    public: VerifyingKey,
    secret: AsymmetricSecretKey<V4>,
}

impl SigningKey {
    /// Derives the key from 32 random bytes, which the caller generates and discards.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = KeyPair::try_from_seed(Seed::new(*seed)).map_err(|_| KeyError::Seed)?;
        let secret = AsymmetricSecretKey::from(&pair.sk[..]).map_err(|_| KeyError::Seed)?;
        Ok(Self {
            public: VerifyingKey::from_bytes(&pair.pk[..])?,
            secret,
        })
    }

    /// Derives another key than this one from 32 random bytes.
    pub(crate) fn other(&self, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::from_seed(seed).and_then(|other| {
            if other.id() == self.id() {
                Err(KeyError::Seed)
            } else {
                Ok(other)
            }
        })
    }

    /// A copy of the key, for another ring.
    pub(crate) fn duplicate(&self) -> Result<Self, KeyError> {
        Self::from_seed(self.seed().try_into().map_err(|_| KeyError::Seed)?)
    }

    /// Its public key.
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// The key id in the footer of its tokens.
    pub fn id(&self) -> &KeyId {
        &self.public.id
    }

    pub(crate) fn secret(&self) -> &AsymmetricSecretKey<V4> {
        &self.secret
    }

    /// The seed of the key, for sealing only.
    pub(crate) fn seed(&self) -> &[u8] {
        &self.secret.as_bytes()[..32]
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", self.id())
            .finish_non_exhaustive()
    }
}

impl VerifyingKey {
    fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        // A weak point accepts forged signatures; pasetors accepts any 32 bytes.
        ed25519_compact::PublicKey::from_slice(bytes)
            .and_then(|point| point.validate())
            .map_err(|_| KeyError::Public)?;
        let key = AsymmetricPublicKey::from(bytes).map_err(|_| KeyError::Public)?;
        Ok(Self {
            id: KeyId(paserk(&Id::from(&key))),
            key,
        })
    }

    /// The id of this key.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    pub(crate) fn raw(&self) -> &AsymmetricPublicKey<V4> {
        &self.key
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.key.as_bytes() == other.key.as_bytes()
    }
}

impl Eq for VerifyingKey {}

impl fmt::Display for VerifyingKey {
    /// As PASERK, `k4.public.…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&paserk(&self.key))
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parsed = AsymmetricPublicKey::<V4>::try_from(text).map_err(|_| KeyError::Public)?;
        // The decoder of pasetors accepts encodings that its encoder never writes.
        if paserk(&parsed) != text {
            return Err(KeyError::Public);
        }
        Self::from_bytes(parsed.as_bytes())
    }
}

impl KeyId {
    const PREFIX: &str = "k4.pid.";

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        let hash = text.strip_prefix(Self::PREFIX).ok_or(KeyError::Id)?;
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if hash.len() == 44 && hash.bytes().all(base64url) {
            Ok(Self(text))
        } else {
            Err(KeyError::Id)
        }
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        text.to_owned().try_into()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writing into a `String` cannot fail, so the text is never empty.
pub(crate) fn paserk(key: &impl FormatAsPaserk) -> String {
    let mut text = String::new();
    let _infallible = key.fmt(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_ids_are_parsed_as_written() {
        let key = SigningKey::from_seed(&[7; 32]).expect("a seed");
        let text = key.public().to_string();
        assert!(text.starts_with("k4.public."));
        assert_eq!(text.parse::<VerifyingKey>().as_ref(), Ok(key.public()));
        assert_eq!(key.id().as_str().parse::<KeyId>().as_ref(), Ok(key.id()));
    }

    #[test]
    fn the_zero_seed_and_weak_points_are_refused() {
        assert_eq!(SigningKey::from_seed(&[0; 32]).err(), Some(KeyError::Seed));
        assert_eq!(
            VerifyingKey::from_bytes(&[0; 32]).err(),
            Some(KeyError::Public)
        );
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(
            VerifyingKey::from_bytes(&neutral).err(),
            Some(KeyError::Public)
        );
    }

    #[test]
    fn another_encoding_of_a_public_key_is_refused() {
        let text = SigningKey::from_seed(&[7; 32])
            .expect("a seed")
            .public()
            .to_string();
        assert!(format!("{text}=").parse::<VerifyingKey>().is_err());
        assert!(text.replace("k4.", "k2.").parse::<VerifyingKey>().is_err());
        assert!(
            text.replace(".public.", ".local.")
                .parse::<VerifyingKey>()
                .is_err()
        );
        // The last of 43 characters has two bits beyond the 32 bytes.
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let accepted = alphabet
            .chars()
            .filter(|last| {
                format!("{}{last}", &text[..text.len() - 1])
                    .parse::<VerifyingKey>()
                    .is_ok()
            })
            .count();
        assert!(accepted <= 16, "{accepted} encodings for at most 16 keys");
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = SigningKey::from_seed(&[7; 32]).expect("a seed");
        let shown = format!("{key:?}");
        assert!(
            shown.contains("k4.pid.") && !shown.contains("7, 7") && !shown.contains("secret"),
            "{shown}"
        );
    }
}

//! Secrets as types: redacted in `Debug`, prefixed on the wire, stored as a digest only.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

/// 256 random bits that only their holder may know: twice what guessing resistance asks for
/// (R-O15). The bytes are wiped from memory when the secret is dropped.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret made of bytes that a cryptographic source has just produced.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret as base64url without padding: 43 characters of `[A-Za-z0-9_-]`.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads what [`Self::encode`] wrote. `None` for anything else, non-canonical spellings
    /// included.
    pub fn decode(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        decode_into(&mut bytes, text).then(|| Self(*bytes))
    }

    /// The bytes themselves, for what is derived from them in another spelling.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What the store keeps instead of the secret.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// Another secret that only the holder of this one and of `context` can compute.
    #[must_use]
    pub fn derive(&self, purpose: &str, context: &[u8]) -> Self {
        let mut mac = <Hmac<Sha256>>::new_from_slice(&self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(context);
        Self(mac.finalize().into_bytes().into())
    }
}

/// Decodes 32 bytes from 43 characters of canonical base64url, without an allocation: a page that
/// lists grants reads thousands of digests. `false` for any other text.
fn decode_into(bytes: &mut [u8; 32], text: &str) -> bool {
    // Bounds the work before any decoding: the text comes from outside.
    text.len() == 43 && URL_SAFE_NO_PAD.decode_slice(text, bytes) == Ok(32)
}

/// Compares in constant time, so that the time taken tells nothing about how much was right.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

/// A SHA-256 digest, for looking a secret up and for telling whether a presented one is the same.
///
/// A fast hash suffices: what is digested has 256 random bits, unlike a password.
#[derive(Clone, Debug)]
pub struct Digest(String);

impl Digest {
    /// The digest of any bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)))
    }

    /// Reads what [`Self::as_str`] gave, or a digest that was made elsewhere, such as a PKCE
    /// challenge (RFC 7636 section 4.2). `None` for anything else, non-canonical spellings
    /// included.
    pub fn parse(text: &str) -> Option<Self> {
        decode_into(&mut [0; 32], text).then(|| Self(text.to_owned()))
    }

    /// Base64url text, fit to be part of a storage key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Compares in constant time, so that the time taken tells nothing about how much was right.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Digest {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_survive_the_wire_and_nothing_else_is_read_as_one() {
        let secret = Secret::new([7; 32]);
        assert_eq!(Secret::decode(&secret.encode()), Some(secret.clone()));
        let text = secret.encode();
        // The last character carries two unused bits: another spelling of the same bytes is
        // refused.
        let other_spelling = format!(
            "{}{}",
            &text[..42],
            if text.ends_with('c') { 'd' } else { 'c' }
        );
        for bad in [
            "",
            "short",
            &format!("{text}="),
            &text[1..],
            &other_spelling,
            &"é".repeat(22),
        ] {
            assert_eq!(Secret::decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn debug_output_reveals_nothing() {
        assert_eq!(format!("{:?}", Secret::new([7; 32])), "Secret(redacted)");
    }

    #[test]
    fn a_secret_is_equal_to_its_own_bytes_and_to_nothing_that_differs_in_one() {
        let secret = Secret::new([7; 32]);
        assert_eq!(secret, Secret::new([7; 32]));
        for place in 0..32 {
            let mut bytes = [7; 32];
            bytes[place] = 8;
            assert_ne!(secret, Secret::new(bytes), "{place}");
        }
    }

    #[test]
    fn dropping_a_secret_runs_code_that_wipes_it() {
        assert!(
            std::mem::needs_drop::<Secret>(),
            "without a destructor nothing is wiped"
        );
        let mut secret = std::mem::ManuallyDrop::new(Secret::new([7; 32]));
        // What the destructor does, seen from outside without reading freed memory.
        secret.0.zeroize();
        assert_eq!(secret.0, [0; 32]);
    }

    #[test]
    fn derived_secrets_depend_on_secret_purpose_and_context() {
        let secret = Secret::new([1; 32]);
        let derived = secret.derive("a", b"b");
        assert_eq!(derived, secret.derive("a", b"b"));
        assert_ne!(derived, secret.derive("a", b"c"));
        assert_ne!(derived, secret.derive("ab", b""));
        assert_ne!(derived, Secret::new([2; 32]).derive("a", b"b"));
    }

    #[test]
    fn a_digest_is_sha_256_in_base64url() {
        // FIPS 180-2 appendix B.1.
        let abc = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
        assert_eq!(Digest::of(b"abc").as_str(), abc);
        assert_ne!(Digest::of(b"abc"), Digest::of(b"abd"));
        assert_eq!(Digest::parse(abc), Some(Digest::of(b"abc")));
        assert_eq!(
            (Digest::parse("abc"), Digest::parse(&format!("{abc}="))),
            (None, None)
        );
        assert_eq!(
            Secret::new(*b"abcdefghijklmnopqrstuvwxyzabcdef").digest(),
            Digest::of(b"abcdefghijklmnopqrstuvwxyzabcdef")
        );
    }
}

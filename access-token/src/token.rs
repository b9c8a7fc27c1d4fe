//! The token as a string: signing, and parsing before verification.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use pasetors::{
    token::{Public, UntrustedToken},
    version4::{PublicToken, V4},
};
use serde::Deserialize;

use crate::{Claims, Invalid, KeyId, SigningKey, VerifyingKey};

/// The maximum size of a token in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Our footer has 61 bytes. The footer is parsed before the signature is verified, so it must be
/// small.
const MAX_FOOTER_BYTES: usize = 256;

/// Signs a payload. `None` for an empty one, which PASETO does not sign.
pub(crate) fn sign(key: &SigningKey, payload: &[u8]) -> Option<String> {
    let footer = format!(r#"{{"kid":"{}"}}"#, key.id());
    PublicToken::sign(key.secret(), payload, Some(footer.as_bytes()), None).ok()
}

/// A well-formed token with a key id. It is not verified yet.
pub(crate) struct Untrusted {
    parts: UntrustedToken<Public, V4>,
    kid: KeyId,
}

impl Untrusted {
    pub(crate) fn parse(token: &str) -> Result<Self, Invalid> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Invalid::TooLong);
        }
        let parts = split(token)?;
        let kid = key_id(parts.untrusted_footer())?;
        Ok(Self { parts, kid })
    }

    /// The key id in the footer.
    pub(crate) fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// The claims, if this key signed them without an implicit assertion.
    pub(crate) fn verify(&self, key: &VerifyingKey) -> Result<Claims, Invalid> {
        let payload = open(&self.parts, key, b"")?;
        serde_json::from_str(&payload).map_err(|_| Invalid::Claims)
    }
}

/// Checks header and base64url encoding, which must be canonical: two encodings of one token would
/// defeat any cache or blocklist by token text.
fn split(token: &str) -> Result<UntrustedToken<Public, V4>, Invalid> {
    let body = token
        .strip_prefix(PublicToken::HEADER)
        .ok_or(Invalid::Header)?;
    let (message, footer) = body.split_once('.').unwrap_or((body, ""));
    if footer.len() > MAX_FOOTER_BYTES.div_ceil(3) * 4 {
        return Err(Invalid::FooterTooLarge);
    }
    let parts = UntrustedToken::<Public, V4>::try_from(token).map_err(|_| Invalid::Encoding)?;
    let is_canonical = |bytes: &[u8], text: &str| BASE64_URL_SAFE_NO_PAD.encode(bytes) == text;
    if is_canonical(parts.untrusted_message(), message)
        && is_canonical(parts.untrusted_footer(), footer)
    {
        Ok(parts)
    } else {
        Err(Invalid::Encoding)
    }
}

fn key_id(footer: &[u8]) -> Result<KeyId, Invalid> {
    #[derive(Deserialize)]
    struct Footer {
        kid: KeyId,
    }
    serde_json::from_slice(footer)
        .map(|Footer { kid }| kid)
        .map_err(|_| Invalid::Footer)
}

fn open(
    parts: &UntrustedToken<Public, V4>,
    key: &VerifyingKey,
    implicit: &[u8],
) -> Result<String, Invalid> {
    let trusted = PublicToken::verify(key.raw(), parts, None, Some(implicit))
        .map_err(|_| Invalid::Signature)?;
    Ok(trusted.payload().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        tests: Vec<Vector>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Vector {
        name: String,
        expect_fail: bool,
        public_key: Option<String>,
        token: String,
        payload: Option<String>,
        #[serde(default)]
        implicit_assertion: String,
    }

    fn vectors() -> Vec<Vector> {
        let json = include_str!("../tests/vectors/v4.json");
        serde_json::from_str::<Vectors>(json)
            .expect("the official vectors")
            .tests
    }

    fn from_hex(text: &str) -> Vec<u8> {
        let digits = text
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).expect("ASCII"));
        digits
            .map(|pair| u8::from_str_radix(pair, 16).expect("hex"))
            .collect()
    }

    fn public_key(vector: &Vector) -> VerifyingKey {
        let bytes = from_hex(vector.public_key.as_deref().expect("a public key"));
        format!("k4.public.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
            .parse()
            .expect("a key")
    }

    #[test]
    fn official_v4_public_vectors_verify() {
        let mut seen = 0;
        for vector in vectors()
            .iter()
            .filter(|vector| vector.name.starts_with("4-S-"))
        {
            let parts =
                split(&vector.token).unwrap_or_else(|fault| panic!("{}: {fault}", vector.name));
            let payload = open(
                &parts,
                &public_key(vector),
                vector.implicit_assertion.as_bytes(),
            );
            assert_eq!(payload.ok(), vector.payload, "{}", vector.name);
            seen += 1;
        }
        assert_eq!(seen, 3);
    }

    #[test]
    fn official_invalid_tokens_are_refused() {
        let vectors = vectors();
        let good = vectors
            .iter()
            .find(|vector| vector.name == "4-S-1")
            .expect("there");
        let mut seen = 0;
        for vector in vectors.iter().filter(|vector| vector.expect_fail) {
            let key = public_key(if vector.public_key.is_some() {
                vector
            } else {
                good
            });
            let opened = split(&vector.token)
                .and_then(|parts| open(&parts, &key, vector.implicit_assertion.as_bytes()));
            assert!(opened.is_err(), "{}", vector.name);
            seen += 1;
        }
        assert_eq!(seen, 5);
    }

    #[test]
    fn t_c21_an_official_token_under_another_implicit_assertion_is_refused() {
        for vector in vectors()
            .iter()
            .filter(|vector| vector.name.starts_with("4-S-"))
        {
            let parts = split(&vector.token).expect("right shape");
            assert_eq!(
                open(&parts, &public_key(vector), b"another").err(),
                Some(Invalid::Signature),
                "{}",
                vector.name
            );
        }
    }

    #[test]
    fn tokens_of_other_versions_and_purposes_are_refused_by_their_header() {
        let local = &vectors()[0].token;
        for token in [
            local,
            "v3.public.AAAA",
            "v2.public.AAAA",
            "v2.local.AAAA",
            "v1.public.AAAA",
            "eyJhbGciOiJub25lIn0.e30.",
            "",
        ] {
            assert_eq!(
                Untrusted::parse(token).err(),
                Some(Invalid::Header),
                "{token}"
            );
        }
    }

    #[test]
    fn footers_without_a_valid_key_id_are_refused() {
        let with_footer = |footer: &str| {
            format!(
                "v4.public.{}.{}",
                BASE64_URL_SAFE_NO_PAD.encode([1; 80]),
                BASE64_URL_SAFE_NO_PAD.encode(footer)
            )
        };
        let id = "k4.pid.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert!(Untrusted::parse(&with_footer(&format!(r#"{{"kid":"{id}"}}"#))).is_ok());
        let twice = format!(r#"{{"kid":"{id}","kid":"{id}"}}"#);
        let secret = format!(r#"{{"kid":"{}"}}"#, id.replace("pid", "sid"));
        for footer in [
            "",
            "kid",
            "{}",
            r#"{"kid":7}"#,
            r#"{"kid":"k4.pid.AAAA"}"#,
            "[1]",
            &twice,
            &secret,
        ] {
            assert_eq!(
                Untrusted::parse(&with_footer(footer)).err(),
                Some(Invalid::Footer),
                "{footer}"
            );
        }
        let large = format!(r#"{{"kid":"{id}","note":"{}"}}"#, "x".repeat(300));
        assert_eq!(
            Untrusted::parse(&with_footer(&large)).err(),
            Some(Invalid::FooterTooLarge)
        );
        assert_eq!(
            Untrusted::parse(&with_footer("{}").replace(".e30", "")).err(),
            Some(Invalid::Footer)
        );
    }

    #[test]
    fn only_canonical_base64url_is_read() {
        let (message, footer) = (
            BASE64_URL_SAFE_NO_PAD.encode([255; 80]),
            BASE64_URL_SAFE_NO_PAD.encode(r#"{"kid":"short"}"#),
        );
        assert!(split(&format!("v4.public.{message}.{footer}")).is_ok());
        // The last character of 80 bytes has four unused bits: "8" is canonical, "9" is a second
        // encoding.
        let (loose, padded) = (
            format!("{}9", &message[..message.len() - 1]),
            format!("{message}="),
        );
        assert!(message.ends_with('8'));
        let standard = message.replace('_', "/");
        for message in [
            &loose,
            &padded,
            &standard,
            &format!("{message}\n"),
            &format!(" {message}"),
        ] {
            assert_eq!(
                split(&format!("v4.public.{message}.{footer}")).err(),
                Some(Invalid::Encoding),
                "{message}"
            );
        }
        for token in [
            "v4.public.",
            "v4.public..",
            &format!("v4.public.{message}.{footer}."),
            &format!("v4.public.{message}.{footer}="),
        ] {
            assert_eq!(split(token).err(), Some(Invalid::Encoding), "{token}");
        }
        assert_eq!(
            Untrusted::parse(&"v".repeat(MAX_TOKEN_BYTES + 1)).err(),
            Some(Invalid::TooLong)
        );
    }
}

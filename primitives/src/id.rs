//! Identifiers of our own making.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// 128 random bits that name a record. Not a secret: it appears in tokens, lists and logs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

impl Id {
    /// Length of the text form.
    pub const TEXT_LENGTH: usize = 22;

    /// An identifier made of bytes that a random source has just produced.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// Reads the text form: 22 characters of canonical base64url. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT_LENGTH {
            return None;
        }
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Id({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_22_characters_of_canonical_base64url() {
        let id = Id::new([7; 16]);
        assert_eq!(id.bytes(), [7; 16]);
        assert_eq!(id.to_string(), "BwcHBwcHBwcHBwcHBwcHBw");
        assert_eq!(format!("{id:?}"), "Id(BwcHBwcHBwcHBwcHBwcHBw)");
        assert_eq!(Id::parse("BwcHBwcHBwcHBwcHBwcHBw"), Some(id));
        for bad in [
            "",
            "BwcHBwcHBwcHBwcHBwcHBx",
            "BwcHBwcHBwcHBwcHBwcHBw==",
            "BwcHBwcHBwcHBwcHBwcHB",
            "BwcHBwcHBwcHBwcHBwcH+w",
            "ééééééééééé",
        ] {
            assert_eq!(Id::parse(bad), None, "{bad}");
        }
    }
}

//! What the rules see of a client. How it described itself, how it is stored and how it
//! authenticates is the business of the crate `oauth-clients`.

use std::{fmt, ops::Deref};

use crate::redirect::RedirectUri;

/// The longest client identifier that is looked up, in bytes.
const LONGEST_ID: usize = 2048;

/// A client identifier (RFC 6749 section 2.2), by where its client is described.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientId {
    /// Given by this server or by an administrator: the store knows the client.
    Registered(String),
    /// Meant to be the address of a document that describes the client (R-C2). Whether it can be
    /// one is for `oauth_clients::document::DocumentUrl` to say.
    Document(String),
}

impl ClientId {
    /// Reads an identifier. `None` for a text that cannot be one (RFC 6749 appendix A.1), which
    /// bounds what is looked up.
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        ((1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(is_valid))
            .then(|| Self::of(text))
    }

    /// The identifier of a text that was read before, such as one in a record.
    ///
    /// Identifiers that this server gives never look like addresses (draft -02 section 8.10).
    pub fn of(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.contains("://") {
            Self::Document(text)
        } else {
            Self::Registered(text)
        }
    }

    /// The identifier on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Registered(text) | Self::Document(text) => text,
        }
    }
}

/// An identifier reads as its text.
impl Deref for ClientId {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self)
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        match id {
            ClientId::Registered(text) | ClientId::Document(text) => text,
        }
    }
}

/// A client, as far as authorization depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientProfile<'a> {
    /// Its identifier.
    pub id: &'a ClientId,
    /// Where answers to it may go.
    pub redirect_uris: &'a [RedirectUri],
    /// Whether it may hold refresh tokens.
    pub may_refresh: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_1_to_2048_visible_characters_or_blanks() {
        for good in ["vc_a", "a b", "~", &"x".repeat(2048)] {
            let id = ClientId::parse(good);
            assert_eq!(id, Some(ClientId::Registered(good.to_owned())), "{good}");
        }
        for bad in ["", "a\n", "a\u{7f}", "clié", &"x".repeat(2049)] {
            assert_eq!(ClientId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_identifier_that_is_meant_to_be_an_address_names_a_document() {
        for text in ["https://app.example/client.json", "ftp://a", "x://"] {
            let id = ClientId::of(text);
            assert_eq!(id, ClientId::Document(text.to_owned()));
            assert_eq!((id.as_str(), id.to_string().as_str()), (text, text));
            assert_eq!(String::from(id), text);
        }
        assert!(matches!(ClientId::of("https:/a"), ClientId::Registered(_)));
    }
}

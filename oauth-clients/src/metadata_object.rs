//! The members of client metadata (RFC 7591 section 2), however it came here: what both ways of
//! describing a client share.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    client::KeySource,
    error::{MemberFault, MetadataError},
};
use jose::Jwks;
use oauth::{
    error::{RedirectUriError, RedirectUriFault},
    redirect::{PrivateSchemes, RedirectUri},
};
use primitives::web_address::web_url;

const MOST_REDIRECT_URIS: usize = 20;
/// The longest name or version, in bytes.
pub(crate) const LONGEST_TEXT: usize = 200;
/// The longest address, in bytes.
pub(crate) const LONGEST_URL: usize = 2048;

/// What some editors put before a text; RFC 8259 section 8.1 lets a reader pass over it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A JSON text without a byte order mark.
pub fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json)
}

/// A JSON object whose null, empty and unknown members count for nothing.
pub(crate) struct ClientMetadataObject {
    object: Map<String, Value>,
    /// Why parts of it are not used that a client can do without.
    dropped: Vec<MetadataError>,
}

impl ClientMetadataObject {
    /// Reads an object. Null members, empty strings and empty lists count as absent.
    ///
    /// # Errors
    /// [`MetadataError::Malformed`], as every fault here in the words of a registration.
    pub(crate) fn read_from(body: &[u8]) -> Result<Self, MetadataError> {
        let Ok(Value::Object(mut object)) = serde_json::from_slice(without_mark(body)) else {
            return Err(MetadataError::Malformed);
        };
        let is_absent = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        object.retain(|_, value| !is_absent(value));
        Ok(Self {
            object,
            dropped: Vec::new(),
        })
    }

    /// Why parts of it were not used, once everything was read.
    pub(crate) fn into_dropped(self) -> Vec<MetadataError> {
        self.dropped
    }

    /// Whether there is such a member.
    pub(crate) fn has(&self, member: &str) -> bool {
        self.object.contains_key(member)
    }

    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        member: &'static str,
        fault: MemberFault,
    ) -> Result<Option<T>, MetadataError> {
        self.object
            .get(member)
            .map(|value| T::deserialize(value))
            .transpose()
            .map_err(|_| MetadataError::Unacceptable { member, fault })
    }

    /// A text of at most so many bytes.
    pub(crate) fn text(
        &self,
        member: &'static str,
        longest: usize,
    ) -> Result<Option<String>, MetadataError> {
        let text: Option<String> = self.read(member, MemberFault::NotAString)?;
        match text {
            Some(text) if text.len() > longest => Err(unacceptable(member, MemberFault::TooLong)),
            text => Ok(text),
        }
    }

    /// What is read of a member that a client can do without: nothing where it is faulty.
    pub(crate) fn optional<T>(
        &mut self,
        read: impl FnOnce(&Self) -> Result<Option<T>, MetadataError>,
    ) -> Option<T> {
        read(self).unwrap_or_else(|reason| {
            self.dropped.push(reason);
            None
        })
    }

    /// The client's name, cut where it is too long.
    pub(crate) fn name(&mut self) -> Result<Option<String>, MetadataError> {
        let mut name: Option<String> = self.read("client_name", MemberFault::NotAString)?;
        if let Some(name) = name.as_mut().filter(|name| name.len() > LONGEST_TEXT) {
            name.truncate(name.floor_char_boundary(LONGEST_TEXT));
            self.dropped
                .push(unacceptable("client_name", MemberFault::Cut));
        }
        Ok(name)
    }

    /// An http or https URL: it may be shown as a link.
    pub(crate) fn web_url(&self, member: &'static str) -> Result<Option<String>, MetadataError> {
        let Some(text) = self.text(member, LONGEST_URL)? else {
            return Ok(None);
        };
        if web_url(&text).is_some() {
            Ok(Some(text))
        } else {
            Err(unacceptable(member, MemberFault::NotAnAddress))
        }
    }

    /// Where answers to the client may go. What is not safe among them is dropped; what is left is
    /// at least one place.
    ///
    /// # Errors
    /// What is wrong with the first, where none is left.
    pub(crate) fn redirect_uris(
        &mut self,
        schemes: &PrivateSchemes,
    ) -> Result<Vec<RedirectUri>, MetadataError> {
        let values: Vec<Value> = self
            .read("redirect_uris", MemberFault::NotAList)?
            .unwrap_or_default();
        if values.len() > MOST_REDIRECT_URIS {
            return Err(RedirectUriError::Unsafe(RedirectUriFault::TooMany).into());
        }
        let register = |value: &Value| match value.as_str() {
            Some(text) => RedirectUri::register(text, schemes),
            None => Err(RedirectUriError::Unsafe(RedirectUriFault::NotAString)),
        };
        let mut safe = Vec::new();
        let mut faults = Vec::new();
        for value in &values {
            match register(value) {
                Ok(uri) => safe.push(uri),
                Err(reason) => faults.push(reason),
            }
        }
        if safe.is_empty() {
            return Err(faults
                .into_iter()
                .next()
                .unwrap_or(RedirectUriError::Unsafe(RedirectUriFault::NoneGiven))
                .into());
        }
        self.dropped
            .extend(faults.into_iter().map(MetadataError::from));
        Ok(safe)
    }

    /// Where the client's public keys are: in `jwks`, or at `jwks_uri`, and never in both (RFC 7591
    /// section 2).
    pub(crate) fn keys(&self) -> Result<Option<KeySource>, MetadataError> {
        match (self.object.get("jwks"), self.text("jwks_uri", LONGEST_URL)?) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(unacceptable("jwks_uri", MemberFault::KeysTwice)),
            (Some(keys), None) => Ok(Some(KeySource::Inline(Jwks::parse(keys)?))),
            (None, Some(address)) => KeySource::at(address)
                .map(Some)
                .map_err(|fault| unacceptable("jwks_uri", fault)),
        }
    }

    /// Whether `jwks` has a private or symmetric key.
    pub(crate) fn contains_private_key(&self) -> bool {
        self.object
            .get("jwks")
            .is_some_and(Jwks::contains_private_key)
    }

    /// Keeps of a list what is supported. Absent means all of it, and so does what is no list;
    /// without `required` there is no flow left to run.
    pub(crate) fn supported(
        &mut self,
        member: &'static str,
        all: &[&str],
        required: &str,
    ) -> Result<Vec<String>, MetadataError> {
        let asked: Option<Vec<Value>> =
            self.optional(|members| members.read(member, MemberFault::NotAList));
        let is_asked = |name: &&&str| match &asked {
            None => true,
            Some(asked) => asked.iter().any(|own| own.as_str() == Some(**name)),
        };
        let kept = all.iter().filter(is_asked);
        let kept: Vec<String> = kept.map(|&name| name.to_owned()).collect();
        if kept.iter().any(|name| name == required) {
            Ok(kept)
        } else {
            Err(unacceptable(member, MemberFault::NoCodeFlow))
        }
    }
}

pub(crate) const fn unacceptable(member: &'static str, fault: MemberFault) -> MetadataError {
    MetadataError::Unacceptable { member, fault }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &Value) -> ClientMetadataObject {
        ClientMetadataObject::read_from(value.to_string().as_bytes()).expect("an object")
    }

    #[test]
    fn a_text_and_a_name_may_have_their_longest_length() {
        let longest = "a".repeat(LONGEST_TEXT);
        let longer = "a".repeat(LONGEST_TEXT + 1);
        let text = |text: &str| object(&json!({ "x": text })).text("x", LONGEST_TEXT);
        assert_eq!(text(&longest), Ok(Some(longest.clone())));
        assert_eq!(text(&longer), Err(unacceptable("x", MemberFault::TooLong)));
        let name = |name: &str| {
            let mut object = object(&json!({ "client_name": name }));
            (object.name(), object.dropped)
        };
        let cut = unacceptable("client_name", MemberFault::Cut);
        assert_eq!(name(&longest), (Ok(Some(longest.clone())), vec![]));
        assert_eq!(name(&longer), (Ok(Some(longest)), vec![cut]));
    }
}

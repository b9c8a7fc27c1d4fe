//! The members of client metadata (RFC 7591 section 2), however it came here: what both ways of describing a client share.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::{
    client::KeySource,
    error::Reason,
    jwk::Jwks,
    redirect::{PrivateSchemes, RedirectUri},
};

const MOST_REDIRECT_URIS: usize = 20;
/// The longest name or version, in bytes.
pub(crate) const LONGEST_TEXT: usize = 200;
/// The longest address, in bytes.
pub(crate) const LONGEST_URL: usize = 2048;

/// A JSON object whose null, empty and unknown members count for nothing.
pub(crate) struct Members(Map<String, Value>);

impl Members {
    /// Reads an object. Null members, empty strings and empty lists count as absent.
    ///
    /// # Errors
    /// [`Reason::MalformedMetadata`], as every fault here in the words of a registration.
    pub(crate) fn read_from(body: &[u8]) -> Result<Self, Reason> {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else { return Err(Reason::MalformedMetadata) };
        let is_absent = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        members.retain(|_, value| !is_absent(value));
        Ok(Self(members))
    }

    /// Whether there is such a member.
    pub(crate) fn has(&self, member: &str) -> bool {
        self.0.contains_key(member)
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, member: &'static str, why: &'static str) -> Result<Option<T>, Reason> {
        self.0.get(member).map(|value| T::deserialize(value)).transpose().map_err(|_| Reason::UnacceptableMetadata { member, why })
    }

    /// A text of at most so many bytes.
    pub(crate) fn text(&self, member: &'static str, longest: usize) -> Result<Option<String>, Reason> {
        let text: Option<String> = self.read(member, "it is not a string")?;
        match text {
            Some(text) if text.len() > longest => Err(Reason::UnacceptableMetadata { member, why: "it is too long" }),
            text => Ok(text),
        }
    }

    /// Shown as a link one day, so nothing but the web's own schemes may pass.
    pub(crate) fn web_url(&self, member: &'static str) -> Result<Option<String>, Reason> {
        let Some(text) = self.text(member, LONGEST_URL)? else { return Ok(None) };
        let clean = text.bytes().all(|byte| byte.is_ascii_graphic());
        match Url::parse(&text) {
            Ok(url) if clean && matches!(url.scheme(), "https" | "http") => Ok(Some(text)),
            _ => Err(Reason::UnacceptableMetadata { member, why: "it is not a web address" }),
        }
    }

    /// Where answers to the client may go: at least one place.
    pub(crate) fn redirect_uris(&self, schemes: &PrivateSchemes) -> Result<Vec<RedirectUri>, Reason> {
        let texts: Vec<String> = self.read("redirect_uris", "it is not a list of strings")?.unwrap_or_default();
        match texts.len() {
            0 => Err(Reason::UnsafeRedirectUri("there is none")),
            1..=MOST_REDIRECT_URIS => texts.iter().map(|text| RedirectUri::register(text, schemes)).collect(),
            _ => Err(Reason::UnsafeRedirectUri("there are too many")),
        }
    }

    /// Where the client's public keys are: in `jwks`, or at `jwks_uri`, and never in both (RFC 7591 section 2).
    pub(crate) fn keys(&self) -> Result<Option<KeySource>, Reason> {
        match (self.0.get("jwks"), self.text("jwks_uri", LONGEST_URL)?) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Reason::UnacceptableMetadata { member: "jwks_uri", why: "there is jwks too" }),
            (Some(keys), None) => Ok(Some(KeySource::Inline(Jwks::read(keys)?))),
            (None, Some(address)) => KeySource::at(address).map(Some),
        }
    }

    /// Whether `jwks` holds a key that is nobody's business.
    pub(crate) fn has_spent_keys(&self) -> bool {
        self.0.get("jwks").is_some_and(Jwks::is_spent)
    }

    /// Keeps of a list what is supported. Absent means all of it; without `required` there is no flow left to run.
    pub(crate) fn supported(&self, member: &'static str, all: &[&str], required: &str) -> Result<Vec<String>, Reason> {
        let Some(asked) = self.read::<Vec<String>>(member, "it is not a list of strings")? else {
            return Ok(all.iter().map(|&name| name.to_owned()).collect());
        };
        let kept: Vec<String> =
            all.iter().filter(|name| asked.iter().any(|own| own == *name)).map(|&name| name.to_owned()).collect();
        if kept.iter().any(|name| name == required) {
            Ok(kept)
        } else {
            Err(Reason::UnacceptableMetadata { member, why: "it leaves out the authorization code flow" })
        }
    }
}

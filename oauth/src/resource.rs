//! Protected resources and their identifiers (RFC 8707, R-A17, R-A19).

use std::fmt;

use primitives::{
    Digest, TokenFormat,
    web_address::{AddressParts, web_url},
};

use crate::endpoint;

/// The identifier of a protected resource in its canonical spelling, which is also the `aud` of its
/// tokens.
///
/// Scheme and host are compared without case, a default port and a slash alone as the path are
/// forgiven; everything else is exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceIdentifier(String);

impl ResourceIdentifier {
    /// Reads an absolute http or https URI without user part and fragment. `None` for anything
    /// else.
    pub fn parse(text: &str) -> Option<Self> {
        let url = web_url(text)?;
        if text.contains('\\') || url.fragment().is_some() {
            return None;
        }
        let parts = AddressParts::split(text);
        if parts.authority.is_empty() || parts.has_user_part() {
            return None;
        }
        let path_and_query = match parts.path_and_query {
            "/" => "",
            other => other,
        };
        Some(Self(url.origin().ascii_serialization() + path_and_query))
    }

    /// The identifier of a text that [`parse`](Self::parse) gave before, such as one in a record.
    pub fn parsed_before(canonical: &str) -> Self {
        Self(canonical.to_owned())
    }

    /// The canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host, with the port when it is not the scheme's own.
    pub fn host(&self) -> &str {
        AddressParts::split(&self.0).authority
    }

    /// The path, empty for a resource that is a whole origin. The well-known metadata document is
    /// named by it (RFC 9728 section 3.1).
    pub fn path(&self) -> &str {
        AddressParts::split(&self.0).path
    }

    /// Where the metadata of the resource belongs: the well-known path between its host and all
    /// that follows (RFC 9728 section 3.1).
    pub fn metadata_address(&self) -> String {
        let parts = AddressParts::split(&self.0);
        let (scheme, authority) = (parts.scheme, parts.authority);
        let well_known = endpoint::PROTECTED_RESOURCE;
        format!("{scheme}://{authority}{well_known}{}", parts.path_and_query)
    }
}

impl fmt::Display for ResourceIdentifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A protected resource that this server issues tokens for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its identifier, and the audience of its tokens.
    pub identifier: ResourceIdentifier,
    /// What people call it.
    pub name: String,
    /// What can be done with it.
    pub scopes: Vec<ScopeDescription>,
    /// The digest of the secret by which it may ask about tokens (RFC 7662), if it may.
    pub introspection_secret: Option<Digest>,
    /// A short name for it in paths and as a user name, if it has one: no colon, no slash.
    pub id: Option<String>,
    /// The format of its access tokens.
    pub token_format: TokenFormat,
    /// What it may know of a user.
    pub disclosed: Disclosed,
}

/// What a resource may know of a user who allows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disclosed {
    /// The email address.
    pub email: bool,
    /// The name that the user has chosen, if any.
    pub name: bool,
}

impl Resource {
    /// A resource that gets PASETO tokens and may ask nothing.
    pub fn new(
        identifier: ResourceIdentifier,
        name: impl Into<String>,
        scopes: Vec<ScopeDescription>,
    ) -> Self {
        Self {
            identifier,
            name: name.into(),
            scopes,
            introspection_secret: None,
            id: None,
            token_format: TokenFormat::Paseto,
            disclosed: Disclosed::default(),
        }
    }

    /// Whether `scope` is one of this resource's.
    pub fn describes(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own.name == scope)
    }

    /// The words of the default set (R-P3, R-P4, R-K7).
    pub fn default_scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes
            .iter()
            .filter(|scope| scope.default)
            .map(|scope| scope.name.as_str())
    }
}

/// A scope, and the sentence by which the consent page explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeDescription {
    /// The word on the wire.
    pub name: String,
    /// What a user is told that it allows.
    pub sentence: String,
    /// Whether it belongs to the default set: what clients get that ask for nothing in particular,
    /// and all that the resource's own metadata and its first challenge name. Clients ask for the
    /// others when they need them (R-P4, R-K8).
    pub default: bool,
}

#[cfg(test)]
mod tests;

//! Protected resources and their identifiers (RFC 8707, R-A17, R-A19).

use std::fmt;

use crate::{
    endpoint,
    error::ResourceError,
    parameters::Parameters,
    scope::Scopes,
    secret::Digest,
    web_address::{AddressParts, web_url},
};

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
}

impl Resource {
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
    /// What a person is told that it allows.
    pub sentence: String,
    /// Whether it belongs to the default set: what clients get that ask for nothing in particular,
    /// and all that the resource's own metadata and its first challenge name. Clients ask for the
    /// others when they need them (R-P4, R-K8).
    pub default: bool,
}

/// The resource that a request names. RFC 8707 lets the parameter repeat, while a token here is for
/// exactly one resource: the same one named again counts once.
///
/// # Errors
/// [`ResourceError::Several`] when it names different ones.
pub fn requested(parameters: &Parameters) -> Result<Option<&str>, ResourceError> {
    let mut named = parameters.all("resource");
    let Some(first) = named.next() else {
        return Ok(None);
    };
    let identifier = ResourceIdentifier::parse(first);
    let is_same = |other: &str| {
        other == first || (identifier.is_some() && ResourceIdentifier::parse(other) == identifier)
    };
    if named.all(is_same) {
        Ok(Some(first))
    } else {
        Err(ResourceError::Several)
    }
}

/// Chooses the resource of an authorization request: the one that is named, or the only one there
/// is. Of several, a scope that only one of them has decides, and else the `default` of the
/// settings.
///
/// # Errors
/// [`ResourceError::Unknown`] for a name that is none of `resources`; [`ResourceError::Missing`]
/// when none is named and nothing decides.
pub fn select<'a>(
    resources: &'a [Resource],
    default: Option<&ResourceIdentifier>,
    requested: Option<&str>,
    scope: Option<&str>,
) -> Result<&'a Resource, ResourceError> {
    let of = |identifier: &ResourceIdentifier| {
        resources
            .iter()
            .find(|resource| resource.identifier == *identifier)
    };
    match (requested, resources) {
        (Some(text), _) => ResourceIdentifier::parse(text)
            .as_ref()
            .and_then(of)
            .ok_or(ResourceError::Unknown),
        (None, [only]) => Ok(only),
        (None, _) => by_scope(resources, scope)
            .or_else(|| of(default?))
            .ok_or(ResourceError::Missing),
    }
}

/// The one resource that scopes of no other are asked for at; `None` when there are two of that
/// kind, or none.
fn by_scope<'a>(resources: &'a [Resource], scope: Option<&str>) -> Option<&'a Resource> {
    let asked = Scopes::parse(scope.unwrap_or_default());
    let only_holder = |word: &str| {
        let mut holders = resources.iter().filter(|resource| resource.describes(word));
        holders.next().filter(|_| holders.next().is_none())
    };
    let mut meant = asked.iter().filter_map(only_holder);
    let first = meant.next()?;
    meant
        .all(|other| other.identifier == first.identifier)
        .then_some(first)
}

/// Judges the `resource` of a token request against the one consented to; absent means that one
/// (R-K6).
///
/// # Errors
/// [`ResourceError::NotGranted`].
pub fn check_granted(
    granted: &ResourceIdentifier,
    requested: Option<&str>,
) -> Result<(), ResourceError> {
    match requested {
        None => Ok(()),
        Some(text) if ResourceIdentifier::parse(text).as_ref() == Some(granted) => Ok(()),
        Some(_) => Err(ResourceError::NotGranted),
    }
}

#[cfg(test)]
mod tests;

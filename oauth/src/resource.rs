//! Protected resources and their identifiers (RFC 8707, A17, A19).

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{error::Reason, secret::Digest};

/// The identifier of a protected resource in its canonical spelling, which is also the `aud` of its tokens.
///
/// Scheme and host are compared without case, a default port and a slash alone as the path are forgiven; everything else is
/// exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceIdentifier(String);

impl ResourceIdentifier {
    /// Reads an absolute http or https URI without fragment. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let parsed = Url::parse(text).ok()?;
        let clean = text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ' || byte == b'\\');
        if !clean || !matches!(parsed.scheme(), "http" | "https") || parsed.fragment().is_some() || text.contains('@') {
            return None;
        }
        let rest = text.split_once(':')?.1.strip_prefix("//").filter(|rest| !rest.starts_with('/'))?;
        let path_and_query = rest.find(['/', '?']).map_or("", |start| &rest[start..]);
        let path_and_query = if path_and_query == "/" { "" } else { path_and_query };
        Some(Self(parsed.origin().ascii_serialization() + path_and_query))
    }

    /// The canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host, with the port when it is not the scheme's own.
    pub fn host(&self) -> &str {
        let (_, rest) = self.0.split_once("://").unwrap_or_default();
        rest.split(['/', '?']).next().unwrap_or_default()
    }

    /// The path, empty for a resource that is a whole origin. The well-known metadata document is named by it (RFC 9728 section 3.1).
    pub fn path(&self) -> &str {
        let (_, rest) = self.0.split_once("://").unwrap_or_default();
        let place = rest.split('?').next().unwrap_or_default();
        place.find('/').map_or("", |start| &place[start..])
    }

    /// Where the metadata of the resource belongs: the well-known path between its host and all that follows (RFC 9728 section 3.1).
    pub fn metadata_address(&self) -> String {
        let origin = self.0.len() - self.0.split_once("://").map_or("", |(_, rest)| &rest[self.host().len()..]).len();
        let (origin, place) = self.0.split_at(origin);
        format!("{origin}/.well-known/oauth-protected-resource{place}")
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

    /// The words of the default set (P3, P4, K7).
    pub fn default_scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().filter(|scope| scope.default).map(|scope| scope.name.as_str())
    }
}

/// A scope, and the sentence by which the consent page explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeDescription {
    /// The word on the wire.
    pub name: String,
    /// What a person is told that it allows.
    pub sentence: String,
    /// Whether it belongs to the default set: what clients get that ask for nothing in particular, and all that the
    /// resource's own metadata and its first challenge name. Clients ask for the others when they need them (P4, K8).
    pub default: bool,
}

/// Chooses the resource of an authorization request: the one that is named, or the only one there is.
///
/// # Errors
/// [`Reason::UnknownResource`], also when none is named and there are several.
pub fn select<'a>(resources: &'a [Resource], requested: Option<&str>) -> Result<&'a Resource, Reason> {
    match (requested, resources) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Reason::UnknownResource),
        (Some(text), _) => {
            let identifier = ResourceIdentifier::parse(text).ok_or(Reason::UnknownResource)?;
            resources.iter().find(|resource| resource.identifier == identifier).ok_or(Reason::UnknownResource)
        }
    }
}

/// Judges the `resource` of a token request against the one consented to; absent means that one (K6).
///
/// # Errors
/// [`Reason::ResourceNotGranted`].
pub fn check_granted(granted: &ResourceIdentifier, requested: Option<&str>) -> Result<(), Reason> {
    match requested {
        None => Ok(()),
        Some(text) if ResourceIdentifier::parse(text).as_ref() == Some(granted) => Ok(()),
        Some(_) => Err(Reason::ResourceNotGranted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Option<String> {
        ResourceIdentifier::parse(text).map(|identifier| identifier.0)
    }

    #[test]
    fn scheme_host_default_port_and_root_slash_are_forgiven_and_nothing_else() {
        assert_eq!(canonical("HTTPS://MCP.Example.com:443/"), Some("https://mcp.example.com".to_owned()));
        assert_eq!(canonical("https://mcp.example.com"), Some("https://mcp.example.com".to_owned()));
        assert_eq!(canonical("http://localhost:3000/mcp"), Some("http://localhost:3000/mcp".to_owned()));
        let mcp = canonical("https://mcp.example.com/mcp");
        for other in [
            "https://mcp.example.com/mcp/",
            "https://mcp.example.com/MCP",
            "https://mcp.example.com/mcp?x",
            "https://mcp.example.com/a/../mcp",
            "https://mcp.example.com/%6dcp",
            "http://mcp.example.com/mcp",
        ] {
            assert_ne!(canonical(other), mcp, "{other}");
        }
    }

    #[test]
    fn what_is_no_absolute_web_uri_is_no_resource() {
        for bad in [
            "",
            "mcp",
            "/mcp",
            "https://",
            "https://a/#f",
            "https://u@a/",
            "https:\\\\a",
            "https://a/ b",
            "ftp://a/",
            "javascript:alert(1)",
            "urn:x:y",
            "https:/a/mcp",
            "https:a/mcp",
            "https:///a/mcp",
            "https:/a://b/mcp",
            "https://é.example/",
        ] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }

    #[test]
    fn host_and_path_are_parts_of_the_identifier() {
        let identifier = ResourceIdentifier::parse("http://localhost:3000/mcp?x=/y").expect("a valid identifier");
        assert_eq!((identifier.host(), identifier.path()), ("localhost:3000", "/mcp"));
        assert_eq!(identifier.to_string(), "http://localhost:3000/mcp?x=/y");
        let identifier = ResourceIdentifier::parse("http://localhost:3000?x=/y").expect("a valid identifier");
        assert_eq!((identifier.host(), identifier.path()), ("localhost:3000", ""));
    }

    #[test]
    fn p2_the_metadata_belongs_between_host_and_path() {
        for (identifier, address) in [
            ("https://mcp.example.com", "https://mcp.example.com/.well-known/oauth-protected-resource"),
            ("https://mcp.example.com/mcp", "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"),
            ("http://localhost:3000/a/b?x=/y", "http://localhost:3000/.well-known/oauth-protected-resource/a/b?x=/y"),
            ("http://localhost:3000?x=/y", "http://localhost:3000/.well-known/oauth-protected-resource?x=/y"),
        ] {
            let identifier = ResourceIdentifier::parse(identifier).expect("a valid identifier");
            assert_eq!(identifier.metadata_address(), address);
        }
    }
}

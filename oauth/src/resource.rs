//! Protected resources and their identifiers (RFC 8707, R-A17, R-A19).

use std::fmt;

use url::Url;

use crate::{
    endpoint, error::ResourceError, parameters::Parameters, scope::Scopes, secret::Digest,
    web_address::AddressParts,
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
        let parsed = Url::parse(text).ok()?;
        let clean = text.is_ascii()
            && !text
                .bytes()
                .any(|byte| byte.is_ascii_control() || byte == b' ' || byte == b'\\');
        if !clean || !matches!(parsed.scheme(), "http" | "https") || parsed.fragment().is_some() {
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
        Some(Self(parsed.origin().ascii_serialization() + path_and_query))
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
mod tests {
    use super::*;

    fn canonical(text: &str) -> Option<String> {
        ResourceIdentifier::parse(text).map(|identifier| identifier.0)
    }

    #[test]
    fn scheme_host_default_port_and_root_slash_are_forgiven_and_nothing_else() {
        assert_eq!(
            canonical("HTTPS://MCP.Example.com:443/"),
            Some("https://mcp.example.com".to_owned())
        );
        assert_eq!(
            canonical("https://mcp.example.com"),
            Some("https://mcp.example.com".to_owned())
        );
        assert_eq!(
            canonical("http://localhost:3000/mcp"),
            Some("http://localhost:3000/mcp".to_owned())
        );
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
            "https://u:p@a/",
            "https://u@a?x",
            "https://@a/",
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
    fn every_character_of_a_path_that_rfc_3986_allows_may_stand_in_one() {
        for path in [
            "/@scope/mcp",
            "/a@b",
            "/u:p@x/y",
            "/-._~!$&'()*+,;=:@",
            "/a%40b",
            "?owner=@me",
            "/mcp?a=b@c/d?e",
        ] {
            let text = format!("https://mcp.example.com{path}");
            assert_eq!(canonical(&text).as_deref(), Some(text.as_str()));
            let identifier = ResourceIdentifier::parse(&text).expect("a valid identifier");
            assert_eq!(identifier.host(), "mcp.example.com", "{path}");
        }
    }

    fn resources() -> [Resource; 3] {
        [
            ("https://a.example/mcp", ["read", "a:write"]),
            ("https://b.example", ["read", "b:write"]),
            ("https://c.example", ["c", "d"]),
        ]
        .map(|(identifier, scopes)| Resource {
            identifier: ResourceIdentifier::parse(identifier).expect("a valid identifier"),
            name: "Notes".to_owned(),
            scopes: scopes
                .map(|name| ScopeDescription {
                    name: name.to_owned(),
                    sentence: String::new(),
                    default: true,
                })
                .into(),
            introspection_secret: None,
        })
    }

    #[test]
    fn the_same_resource_named_again_counts_once() {
        let named = |query: &str| {
            requested(&Parameters::parse(query.as_bytes())).map(|named| named.map(str::to_owned))
        };
        let a = Ok(Some("https://a.example/mcp".to_owned()));
        for query in [
            "resource=https://a.example/mcp",
            "resource=https://a.example/mcp&resource=https://a.example/mcp",
            "resource=https://a.example/mcp&resource=https://A.example:443/mcp&resource=",
            "resource=&resource=https://a.example/mcp&resource=https://a.example/mcp",
        ] {
            assert_eq!(named(query), a, "{query}");
        }
        assert_eq!(named("resource=&resource="), Ok(None));
        assert_eq!(
            named("resource=nonsense&resource=nonsense"),
            Ok(Some("nonsense".to_owned()))
        );
        for query in [
            "resource=https://a.example/mcp&resource=https://b.example",
            "resource=https://a.example/mcp&resource=https://a.example/MCP",
            "resource=nonsense&resource=other",
        ] {
            assert_eq!(named(query), Err(ResourceError::Several), "{query}");
        }
    }

    #[test]
    fn r_k6_without_a_name_a_scope_decides_then_the_default_then_nothing() {
        let resources = resources();
        let default = Some(&resources[1].identifier);
        let chosen = |default, scope: &str| {
            select(&resources, default, None, Some(scope)).map(|chosen| chosen.identifier.as_str())
        };
        for (scope, without_default, with_default) in [
            (
                "a:write",
                Ok("https://a.example/mcp"),
                Ok("https://a.example/mcp"),
            ),
            (
                "read a:write offline_access",
                Ok("https://a.example/mcp"),
                Ok("https://a.example/mcp"),
            ),
            (
                "c d openid",
                Ok("https://c.example"),
                Ok("https://c.example"),
            ),
            ("read", Err(ResourceError::Missing), Ok("https://b.example")),
            (
                "a:write b:write",
                Err(ResourceError::Missing),
                Ok("https://b.example"),
            ),
            (
                "openid offline_access",
                Err(ResourceError::Missing),
                Ok("https://b.example"),
            ),
            ("", Err(ResourceError::Missing), Ok("https://b.example")),
        ] {
            assert_eq!(chosen(None, scope), without_default, "{scope}");
            assert_eq!(chosen(default, scope), with_default, "{scope}");
        }
        let named = |text| {
            select(&resources, default, Some(text), Some("a:write"))
                .map(|chosen| chosen.identifier.as_str())
        };
        assert_eq!(
            named("https://c.example/"),
            Ok("https://c.example"),
            "a name wins"
        );
        assert_eq!(named("https://d.example"), Err(ResourceError::Unknown));
        assert_eq!(
            select(&[], None, None, Some("read")).err(),
            Some(ResourceError::Missing)
        );
        assert_eq!(
            select(&resources[2..], None, None, None).map(|only| only.identifier.as_str()),
            Ok("https://c.example")
        );
    }

    #[test]
    fn host_and_path_are_parts_of_the_identifier() {
        let identifier = ResourceIdentifier::parse("http://localhost:3000/mcp?x=/y")
            .expect("a valid identifier");
        assert_eq!(
            (identifier.host(), identifier.path()),
            ("localhost:3000", "/mcp")
        );
        assert_eq!(identifier.to_string(), "http://localhost:3000/mcp?x=/y");
        let identifier =
            ResourceIdentifier::parse("http://localhost:3000?x=/y").expect("a valid identifier");
        assert_eq!(
            (identifier.host(), identifier.path()),
            ("localhost:3000", "")
        );
    }

    #[test]
    fn r_p2_the_metadata_belongs_between_host_and_path() {
        for (identifier, address) in [
            (
                "https://mcp.example.com",
                "https://mcp.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://mcp.example.com/mcp",
                "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "http://localhost:3000/a/b?x=/y",
                "http://localhost:3000/.well-known/oauth-protected-resource/a/b?x=/y",
            ),
            (
                "http://localhost:3000?x=/y",
                "http://localhost:3000/.well-known/oauth-protected-resource?x=/y",
            ),
        ] {
            let identifier = ResourceIdentifier::parse(identifier).expect("a valid identifier");
            assert_eq!(identifier.metadata_address(), address);
        }
    }
}

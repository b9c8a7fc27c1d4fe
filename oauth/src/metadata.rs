//! The documents by which clients find everything: RFC 8414 and RFC 9728, made from one value.

use serde::Serialize;

use crate::{issuer::Issuer, resource::Resource, scope::OFFLINE_ACCESS};

/// Authorization server metadata (RFC 8414 section 2, mcp-requirements 5.5): only what works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthorizationServer {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 2],
    code_challenge_methods_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    scopes_supported: Vec<String>,
    authorization_response_iss_parameter_supported: bool,
    protected_resources: Vec<String>,
}

impl AuthorizationServer {
    /// Describes a server.
    pub fn describe(issuer: &Issuer, resources: &[Resource], registration_open: bool) -> Self {
        let mut scopes: Vec<String> = Vec::new();
        for scope in resources.iter().flat_map(|resource| &resource.scopes) {
            if !scopes.contains(&scope.name) {
                scopes.push(scope.name.clone());
            }
        }
        scopes.push(OFFLINE_ACCESS.to_owned());
        Self {
            issuer: issuer.as_str().to_owned(),
            authorization_endpoint: issuer.url("/authorize"),
            token_endpoint: issuer.url("/token"),
            registration_endpoint: registration_open.then(|| issuer.url("/register")),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: ["authorization_code", "refresh_token"],
            code_challenge_methods_supported: ["S256"],
            // `none` is there, or Claude uses no metadata document, and first, since some clients take the first.
            token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post"],
            scopes_supported: scopes,
            authorization_response_iss_parameter_supported: true,
            protected_resources: resources.iter().map(|resource| resource.identifier.as_str().to_owned()).collect(),
        }
    }
}

/// Protected resource metadata (RFC 9728 section 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProtectedResource {
    resource: String,
    authorization_servers: [String; 1],
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    resource_name: String,
}

impl ProtectedResource {
    /// Describes a resource that this server stands in front of.
    pub fn describe(issuer: &Issuer, resource: &Resource) -> Self {
        Self {
            resource: resource.identifier.as_str().to_owned(),
            authorization_servers: [issuer.as_str().to_owned()],
            scopes_supported: resource.scopes.iter().map(|scope| scope.name.clone()).collect(),
            bearer_methods_supported: ["header"],
            resource_name: resource.name.clone(),
        }
    }

    /// Finds the resource on this server's own origin that a well-known path names: the part after
    /// `/.well-known/oauth-protected-resource`, empty for the root document, which stands for the only resource there is.
    pub fn find<'a>(issuer: &Issuer, resources: &'a [Resource], path: &str) -> Option<&'a Resource> {
        let prefix = format!("{}/", issuer.as_str());
        let own = |resource: &&Resource| {
            let text = resource.identifier.as_str();
            text == issuer.as_str() || text.starts_with(&prefix)
        };
        resources.iter().filter(own).find(|resource| resource.identifier.path() == path).or(match resources {
            [only] if path.is_empty() => Some(only).filter(own),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;
    use crate::resource::{ResourceIdentifier, ScopeDescription};

    fn issuer() -> Issuer {
        Issuer::parse("https://auth.example.com").expect("a valid issuer")
    }

    fn resource(identifier: &str, scopes: &[&str]) -> Resource {
        let describe = |name: &&str| ScopeDescription { name: (*name).to_owned(), sentence: "Read them".to_owned() };
        Resource {
            identifier: ResourceIdentifier::parse(identifier).expect("a valid identifier"),
            name: "Notes".to_owned(),
            scopes: scopes.iter().map(describe).collect(),
        }
    }

    #[test]
    fn a4_a5_a7_a18_the_authorization_server_is_described_exactly() {
        let resources = [
            resource("https://auth.example.com/mcp", &["read", "write"]),
            resource("https://mcp.example.com/", &["read", "admin"]),
        ];
        let document = json!({
            "issuer": "https://auth.example.com",
            "authorization_endpoint": "https://auth.example.com/authorize",
            "token_endpoint": "https://auth.example.com/token",
            "registration_endpoint": "https://auth.example.com/register",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "scopes_supported": ["read", "write", "admin", "offline_access"],
            "authorization_response_iss_parameter_supported": true,
            "protected_resources": ["https://auth.example.com/mcp", "https://mcp.example.com"],
        });
        assert_eq!(to_value(AuthorizationServer::describe(&issuer(), &resources, true)).expect("serialisable"), document);
        let closed = to_value(AuthorizationServer::describe(&issuer(), &resources, false)).expect("serialisable");
        assert_eq!(closed.get("registration_endpoint"), None);
    }

    #[test]
    fn p1_p5_a_protected_resource_is_described_exactly() {
        let described = ProtectedResource::describe(&issuer(), &resource("https://auth.example.com/mcp", &["read", "write"]));
        assert_eq!(
            to_value(described).expect("serialisable"),
            json!({
                "resource": "https://auth.example.com/mcp",
                "authorization_servers": ["https://auth.example.com"],
                "scopes_supported": ["read", "write"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Notes",
            })
        );
    }

    #[test]
    fn p2_a_resource_is_found_by_its_path_and_the_only_one_at_the_root() {
        let found = |identifiers: &[&str], path| {
            let resources: Vec<_> = identifiers.iter().map(|identifier| resource(identifier, &["read"])).collect();
            ProtectedResource::find(&issuer(), &resources, path).map(|resource| resource.identifier.as_str().to_owned())
        };
        let (mcp, other, whole) = ("https://auth.example.com/mcp", "https://auth.example.com/other", "https://auth.example.com");
        for (identifiers, path, expected) in [
            (&[mcp] as &[&str], "/mcp", Some(mcp)),
            (&[mcp], "", Some(mcp)),
            (&[mcp], "/", None),
            (&[mcp], "/mcp/", None),
            (&[mcp], "/MCP", None),
            (&[mcp], "mcp", None),
            (&[mcp, other], "/other", Some(other)),
            (&[mcp, other], "", None),
            (&[mcp, whole], "", Some(whole)),
            (&[], "", None),
        ] {
            assert_eq!(found(identifiers, path).as_deref(), expected, "{identifiers:?} {path:?}");
        }
    }

    #[test]
    fn nothing_is_said_for_resources_of_other_origins() {
        let foreign = [
            "https://mcp.example.com/mcp",
            "https://auth.example.com:8443/mcp",
            "http://auth.example.com/mcp",
            "https://auth.example.com.evil/mcp",
        ];
        for identifier in foreign {
            let resources = [resource(identifier, &["read"])];
            for path in ["", "/mcp"] {
                assert_eq!(ProtectedResource::find(&issuer(), &resources, path), None, "{identifier} {path:?}");
            }
        }
        let resources = [resource(foreign[0], &["read"]), resource("https://auth.example.com/mcp", &["read"])];
        assert_eq!(ProtectedResource::find(&issuer(), &resources, "/mcp"), Some(&resources[1]));
    }
}

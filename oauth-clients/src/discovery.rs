//! The documents by which clients find everything: RFC 8414 and RFC 9728, made from one value.

use serde::Serialize;

use jose::JWKS_PATH;
use oauth::{endpoint, issuer::Issuer, resource::Resource, scope::OFFLINE_ACCESS};
use primitives::{SigningAlgorithm, TokenFormat};

/// How clients authenticate, at the token and at the revocation endpoint. `none` is there, or
/// Claude uses no metadata document, and first, since some clients take the first.
const CLIENT_METHODS: [&str; 4] = [
    "none",
    "private_key_jwt",
    "client_secret_basic",
    "client_secret_post",
];
/// How resources do, at the introspection endpoint.
const RESOURCE_METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// Authorization server metadata (RFC 8414 section 2, requirements 5.5): only what works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthorizationServer {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    revocation_endpoint: String,
    /// Only while JWTs are signed: PASETO keys are no JWKs.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint: Option<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 2],
    code_challenge_methods_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; CLIENT_METHODS.len()],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; SigningAlgorithm::NAMES.len()],
    revocation_endpoint_auth_methods_supported: [&'static str; CLIENT_METHODS.len()],
    revocation_endpoint_auth_signing_alg_values_supported:
        [&'static str; SigningAlgorithm::NAMES.len()],
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint_auth_methods_supported: Option<[&'static str; RESOURCE_METHODS.len()]>,
    scopes_supported: Vec<String>,
    authorization_response_iss_parameter_supported: bool,
    client_id_metadata_document_supported: bool,
    protected_resources: Vec<String>,
}

/// Whether a resource gets JWTs as access tokens, so that the metadata is also at the path of OpenID
/// Connect Discovery, where some gateways look for the keys. There are no ID tokens, so the document
/// has no member about them.
pub fn issues_jwts(resources: &[Resource]) -> bool {
    let mut formats = resources.iter().map(|resource| resource.token_format);
    formats.any(|format| format != TokenFormat::Paseto)
}

/// Whether JWTs are signed, so that their keys are published: access tokens, or the assertions that
/// proxies get for a resource with an id.
pub fn signs_jwts(resources: &[Resource]) -> bool {
    issues_jwts(resources) || resources.iter().any(|resource| resource.id.is_some())
}

/// How clients can register without an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationMethods {
    /// By registering themselves (R-A3).
    pub registration: bool,
    /// By a document at their address (R-A2, R-C1).
    pub documents: bool,
}

impl AuthorizationServer {
    /// Describes a server.
    pub fn describe(issuer: &Issuer, resources: &[Resource], methods: RegistrationMethods) -> Self {
        let mut scopes: Vec<String> = Vec::new();
        for scope in resources.iter().flat_map(|resource| &resource.scopes) {
            if !scopes.contains(&scope.name) {
                scopes.push(scope.name.clone());
            }
        }
        scopes.push(OFFLINE_ACCESS.to_owned());
        let may_ask = resources
            .iter()
            .any(|resource| resource.introspection_secret.is_some());
        Self {
            issuer: issuer.as_str().to_owned(),
            authorization_endpoint: issuer.url(endpoint::AUTHORIZE),
            token_endpoint: issuer.url(endpoint::TOKEN),
            registration_endpoint: methods.registration.then(|| issuer.url(endpoint::REGISTER)),
            revocation_endpoint: issuer.url(endpoint::REVOKE),
            jwks_uri: signs_jwts(resources).then(|| issuer.url(JWKS_PATH)),
            introspection_endpoint: may_ask.then(|| issuer.url(endpoint::INTROSPECT)),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: ["authorization_code", "refresh_token"],
            code_challenge_methods_supported: ["S256"],
            token_endpoint_auth_methods_supported: CLIENT_METHODS,
            token_endpoint_auth_signing_alg_values_supported: SigningAlgorithm::NAMES,
            revocation_endpoint_auth_methods_supported: CLIENT_METHODS,
            revocation_endpoint_auth_signing_alg_values_supported: SigningAlgorithm::NAMES,
            introspection_endpoint_auth_methods_supported: may_ask.then_some(RESOURCE_METHODS),
            scopes_supported: scopes,
            authorization_response_iss_parameter_supported: true,
            client_id_metadata_document_supported: methods.documents,
            protected_resources: resources
                .iter()
                .map(|resource| resource.identifier.as_str().to_owned())
                .collect(),
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
    /// The metadata of a resource of this server.
    pub fn describe(issuer: &Issuer, resource: &Resource) -> Self {
        Self {
            resource: resource.identifier.as_str().to_owned(),
            authorization_servers: [issuer.as_str().to_owned()],
            // Clients request all of these (R-K7), so they are the necessary minimum; the others
            // follow by step-up (R-P4).
            scopes_supported: resource.default_scopes().map(str::to_owned).collect(),
            bearer_methods_supported: ["header"],
            resource_name: resource.name.clone(),
        }
    }

    /// Finds the resource on this server's own origin that a well-known path names: the part after
    /// `/.well-known/oauth-protected-resource`, empty for the root document, which describes
    /// the only resource.
    pub fn find<'a>(
        issuer: &Issuer,
        resources: &'a [Resource],
        path: &str,
    ) -> Option<&'a Resource> {
        let prefix = format!("{}/", issuer.as_str());
        let own = |resource: &&Resource| {
            let text = resource.identifier.as_str();
            text == issuer.as_str() || text.starts_with(&prefix)
        };
        resources
            .iter()
            .filter(own)
            .find(|resource| resource.identifier.path() == path)
            .or(match resources {
                [only] if path.is_empty() => Some(only).filter(own),
                _ => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;
    use oauth::resource::{ResourceIdentifier, ScopeDescription};
    use primitives::Digest;

    const OPEN: RegistrationMethods = RegistrationMethods {
        registration: true,
        documents: true,
    };
    const CLOSED: RegistrationMethods = RegistrationMethods {
        registration: false,
        documents: false,
    };

    fn issuer() -> Issuer {
        Issuer::parse("https://auth.example.com").expect("a valid issuer")
    }

    /// A scope with a plus is one that is not in the default set.
    fn resource(identifier: &str, scopes: &[&str]) -> Resource {
        let describe = |name: &&str| ScopeDescription {
            name: name.trim_start_matches('+').to_owned(),
            sentence: "Read them".to_owned(),
            default: !name.starts_with('+'),
        };
        Resource::new(
            ResourceIdentifier::parse(identifier).expect("a valid identifier"),
            "Notes".to_owned(),
            scopes.iter().map(describe).collect(),
        )
    }

    #[test]
    fn r_a4_a5_a7_a18_c1_the_authorization_server_is_described_exactly() {
        let resources = [
            resource("https://auth.example.com/mcp", &["read", "+write"]),
            resource("https://mcp.example.com/", &["read", "+admin"]),
        ];
        let document = json!({
            "issuer": "https://auth.example.com",
            "authorization_endpoint": "https://auth.example.com/authorize",
            "token_endpoint": "https://auth.example.com/token",
            "registration_endpoint": "https://auth.example.com/register",
            "revocation_endpoint": "https://auth.example.com/revoke",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt", "client_secret_basic", "client_secret_post"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
            "revocation_endpoint_auth_methods_supported": ["none", "private_key_jwt", "client_secret_basic", "client_secret_post"],
            "revocation_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
            "scopes_supported": ["read", "write", "admin", "offline_access"],
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": true,
            "protected_resources": ["https://auth.example.com/mcp", "https://mcp.example.com"],
        });
        assert_eq!(
            to_value(AuthorizationServer::describe(&issuer(), &resources, OPEN))
                .expect("serialisable"),
            document
        );
        let closed = to_value(AuthorizationServer::describe(&issuer(), &resources, CLOSED))
            .expect("serialisable");
        assert_eq!(closed.get("registration_endpoint"), None);
        assert_eq!(closed["client_id_metadata_document_supported"], false);
    }

    #[test]
    fn introspection_is_named_once_some_resource_may_ask() {
        let [first, second] = ["https://a.example/mcp", "https://b.example/mcp"]
            .map(|identifier| resource(identifier, &["read"]));
        let may_ask = Resource {
            introspection_secret: Some(Digest::of(b"")),
            ..second
        };
        let document = to_value(AuthorizationServer::describe(
            &issuer(),
            &[first, may_ask],
            OPEN,
        ))
        .expect("serialisable");
        assert_eq!(
            document["introspection_endpoint"],
            "https://auth.example.com/introspect"
        );
        let methods = json!(["client_secret_basic", "client_secret_post"]);
        assert_eq!(
            document["introspection_endpoint_auth_methods_supported"],
            methods
        );
    }

    #[test]
    fn r_p1_p4_p5_a_protected_resource_is_described_exactly() {
        let scopes = ["read", "+write", "list", "+admin"];
        let described = ProtectedResource::describe(
            &issuer(),
            &resource("https://auth.example.com/mcp", &scopes),
        );
        assert_eq!(
            to_value(described).expect("serialisable"),
            json!({
                "resource": "https://auth.example.com/mcp",
                "authorization_servers": ["https://auth.example.com"],
                "scopes_supported": ["read", "list"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Notes",
            })
        );
    }

    #[test]
    fn r_p2_a_resource_is_found_by_its_path_and_the_only_one_at_the_root() {
        let found = |identifiers: &[&str], path| {
            let resources: Vec<_> = identifiers
                .iter()
                .map(|identifier| resource(identifier, &["read"]))
                .collect();
            ProtectedResource::find(&issuer(), &resources, path)
                .map(|resource| resource.identifier.as_str().to_owned())
        };
        let mcp = "https://auth.example.com/mcp";
        let other = "https://auth.example.com/other";
        let whole = "https://auth.example.com";
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
            assert_eq!(
                found(identifiers, path).as_deref(),
                expected,
                "{identifiers:?} {path:?}"
            );
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
                assert_eq!(
                    ProtectedResource::find(&issuer(), &resources, path),
                    None,
                    "{identifier} {path:?}"
                );
            }
        }
        let resources = [
            resource(foreign[0], &["read"]),
            resource("https://auth.example.com/mcp", &["read"]),
        ];
        assert_eq!(
            ProtectedResource::find(&issuer(), &resources, "/mcp"),
            Some(&resources[1])
        );
    }
}

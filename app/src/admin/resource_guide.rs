//! What the server of a resource has to answer and to check, made from the settings.

use access_token::{Challenge, JWKS_PATH, KEYS_PATH};
use oauth::{Issuer, endpoint, resource::Resource};
use oauth_clients::discovery::ProtectedResource;
use primitives::TokenFormat;

/// Values in its answers.
pub(crate) const JSON: &str = "application/json";
pub(crate) const CORS: &str = "Access-Control-Allow-Origin: *";
pub(crate) const INVALID_TOKEN: &str = "error=\"invalid_token\"";
pub(crate) const INSUFFICIENT_SCOPE: &str = "error=\"insufficient_scope\"";
/// What makes a secret for introspection.
pub(crate) const SECRET_COMMAND: &str = "vestibule resource secret";

/// What the developer of the server needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourceGuide {
    /// Where its description belongs (RFC 9728).
    pub(crate) document_address: String,
    /// The description.
    pub(crate) document: String,
    /// Whether this server gives it already.
    pub(crate) is_served_here: bool,
    /// The header of its answer to a request without a token.
    pub(crate) challenge: String,
    /// Where the keys are.
    pub(crate) keys_address: String,
    /// Where it may ask about tokens.
    pub(crate) introspection_address: String,
}

impl ResourceGuide {
    /// For one of the resources of this server.
    pub(crate) fn of(resource: &Resource, issuer: &Issuer, all: &[Resource]) -> Self {
        let document_address = resource.identifier.metadata_address();
        let scopes: Vec<_> = resource.default_scopes().collect();
        let challenge = Challenge::new(&document_address, &scopes);
        let described = ProtectedResource::describe(issuer, resource);
        let found = ProtectedResource::find(issuer, all, resource.identifier.path());
        Self {
            document: serde_json::to_string_pretty(&described).unwrap_or_default(),
            is_served_here: found == Some(resource),
            challenge: format!("WWW-Authenticate: {challenge}"),
            keys_address: issuer.url(match resource.token_format {
                TokenFormat::Paseto => KEYS_PATH,
                TokenFormat::Jwt { .. } => JWKS_PATH,
            }),
            introspection_address: issuer.url(endpoint::INTROSPECT),
            document_address,
        }
    }
}

#[cfg(test)]
mod tests {
    use oauth::resource::{ResourceIdentifier, ScopeDescription};

    use super::*;

    fn resource(identifier: &str, name: &str, scopes: &[&str]) -> Resource {
        let describe = |name: &&str| ScopeDescription {
            name: (*name).to_owned(),
            sentence: String::new(),
            default: true,
        };
        Resource::new(
            ResourceIdentifier::parse(identifier).expect("a valid identifier"),
            name.to_owned(),
            scopes.iter().map(describe).collect(),
        )
    }

    fn handed(resource: &Resource, issuer: &str) -> ResourceGuide {
        ResourceGuide::of(
            resource,
            &Issuer::parse(issuer).expect("a valid issuer"),
            std::slice::from_ref(resource),
        )
    }

    #[test]
    fn the_description_is_that_of_the_example() {
        let notes = resource("https://notes.example.com/mcp", "Notes", &["notes:read"]);
        let guide = handed(&notes, "https://auth.example.com");
        assert_eq!(
            guide.document,
            include_str!("../../../access-token/examples/protected-resource.json").trim_end()
        );
        assert!(!guide.is_served_here);
    }

    #[test]
    fn r_p1_p3_a_server_is_told_exactly_what_to_answer() {
        let guide = handed(
            &resource("https://mcp.example", "A \"b\"", &["read", "write"]),
            "https://auth.example.com",
        );
        assert_eq!(
            guide.document_address,
            "https://mcp.example/.well-known/oauth-protected-resource"
        );
        assert_eq!(
            guide.challenge,
            "WWW-Authenticate: Bearer resource_metadata=\"https://mcp.example/.well-known/oauth-protected-resource\", \
             scope=\"read write\""
        );
    }

    #[test]
    fn what_this_server_answers_itself_is_said() {
        assert!(
            handed(
                &resource("https://auth.example.com/mcp", "Notes", &[]),
                "https://auth.example.com"
            )
            .is_served_here
        );
    }
}

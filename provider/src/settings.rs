//! The settings of a server, parsed and checked: how they are spelled in files and flags is the
//! `server` crate's affair.

use std::time::Duration;

use identity::SignUpPolicy;
use oauth::{
    Issuer,
    redirect::PrivateSchemes,
    resource::{Resource, ResourceIdentifier, ScopeDescription},
};
use oauth_clients::document::DocumentPolicy;
use primitives::SigningAlgorithm;

/// The path of the demonstration MCP server, below the issuer.
pub const DEMONSTRATION: &str = "/mcp";

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The settings of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The one name of this server.
    pub issuer: Issuer,
    /// What the pages call it.
    pub name: String,
    /// The protected resources.
    pub resources: Vec<Resource>,
    /// The default resource for requests that neither name one nor request a scope that only one
    /// has.
    pub default_resource: Option<ResourceIdentifier>,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// Who may register clients.
    pub registration: RegistrationPolicy,
    /// Which clients may use a metadata document.
    pub client_documents: DocumentPolicy,
    /// Allowed private-use schemes of redirect URIs.
    pub private_schemes: PrivateSchemes,
    /// Who may sign up.
    pub sign_up: SignUpPolicy,
    /// `false` switches every limit off, for tests.
    pub rate_limits: bool,
    /// Where one-time links lead.
    pub link_pages: LinkPages,
}

/// The pages that one-time links lead to: each a path below the issuer, before the link's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkPages {
    /// For the first account.
    pub setup: &'static str,
    /// For an account that was added, or an invitation.
    pub enrolment: &'static str,
    /// For reset links.
    pub reset: &'static str,
}

/// How long things live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An authorization code, from consent to exchange.
    pub code: Duration,
    /// An access token (R-A8).
    pub access_token: Duration,
    /// A refresh token, from its own issue.
    pub refresh_token: Duration,
    /// The replay window of rotated refresh tokens; zero is strict.
    pub refresh_replay_window: Duration,
    /// Remembered consents, from the last approval; zero always shows the page.
    pub consent: Duration,
    /// An authorization request that waits for a user.
    pub request: Duration,
    /// A signed-in browser.
    pub session: Duration,
    /// A one-time link.
    pub invitation: Duration,
    /// How long a rotated signing key still verifies; at least the lifetime of an access token.
    pub key_overlap: Duration,
    /// How long an event stays in the audit log.
    pub audit: Duration,
}

impl Lifetimes {
    /// The lifetime of a pending authorization request.
    pub const REQUEST: Duration = Duration::from_secs(30 * MINUTE);
    /// How long a browser stays signed in.
    pub const SESSION: Duration = Duration::from_secs(30 * DAY);
    /// How long a one-time link works.
    pub const INVITATION: Duration = Duration::from_secs(DAY);
    /// How long a rotated signing key still verifies.
    pub const KEY_OVERLAP: Duration = Duration::from_secs(DAY);
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            code: Duration::from_secs(MINUTE),
            access_token: Duration::from_secs(HOUR),
            refresh_token: Duration::from_secs(90 * DAY),
            refresh_replay_window: Duration::from_secs(30),
            consent: Duration::from_secs(90 * DAY),
            request: Self::REQUEST,
            session: Self::SESSION,
            invitation: Self::INVITATION,
            key_overlap: Self::KEY_OVERLAP,
            audit: Duration::from_secs(365 * DAY),
        }
    }
}

/// Who may register clients (RFC 7591).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationPolicy {
    /// Whether every visitor may.
    pub open: bool,
    /// How often one address may in an hour; 0 is without limit.
    pub limit_per_hour: u32,
}

impl Default for RegistrationPolicy {
    fn default() -> Self {
        Self {
            open: true,
            limit_per_hour: 20,
        }
    }
}

impl Settings {
    /// The resource of this identifier, while this server protects it.
    pub(crate) fn resource(&self, identifier: &ResourceIdentifier) -> Option<&Resource> {
        self.resources
            .iter()
            .find(|resource| resource.identifier == *identifier)
    }

    /// The algorithms of the JWTs that are signed, each once: those of the tokens of resources, and
    /// `EdDSA` for assertions while a resource has an id, by which proxies ask for them.
    pub fn jwt_algorithms(&self) -> Vec<SigningAlgorithm> {
        let is_used = |algorithm: &SigningAlgorithm| {
            self.resources.iter().any(|resource| {
                let asserts = resource.id.is_some() && *algorithm == SigningAlgorithm::EdDsa;
                asserts || resource.token_format.algorithm() == Some(*algorithm)
            })
        };
        SigningAlgorithm::ALL.into_iter().filter(is_used).collect()
    }

    /// The default settings for an issuer: in front of the demonstration server alone.
    pub fn new(issuer: Issuer, link_pages: LinkPages) -> Self {
        Self {
            resources: demonstration(&issuer).into_iter().collect(),
            default_resource: None,
            issuer,
            name: "Vestibule".to_owned(),
            lifetimes: Lifetimes::default(),
            registration: RegistrationPolicy::default(),
            client_documents: DocumentPolicy::default(),
            private_schemes: PrivateSchemes::default(),
            sign_up: SignUpPolicy::default(),
            rate_limits: true,
            link_pages,
        }
    }
}

/// The demonstration MCP server that every Vestibule brings along.
fn demonstration(issuer: &Issuer) -> Option<Resource> {
    let scope = |name: &str, sentence: &str, default| ScopeDescription {
        name: name.to_owned(),
        sentence: sentence.to_owned(),
        default,
    };
    Some(Resource::new(
        ResourceIdentifier::parse(&issuer.url(DEMONSTRATION))?,
        "Notes",
        // The scope for adding notes is requested when it is first needed (R-K8).
        vec![
            scope("notes:read", "See who you are and read your notes", true),
            scope("notes:write", "Add notes for you", false),
        ],
    ))
}

//! The deeds of Vestibule: the authorization server without HTTP and without HTML.
//!
//! Each deed reads as a numbered list: read what is stored, let `oauth` decide, store what follows
//! in one atomic step, answer. HTTP and pages are two thin voices of the same [`Provider`].

mod accounts;
mod administration;
mod assertions;
mod audit;
mod authorization;
pub mod backup;
mod blocked;
mod browser_context;
mod budget;
mod clients;
mod connections;
mod consent;
mod consents;
mod decided;
mod documents;
mod environment;
mod epochs;
mod exchange;
mod failures;
mod fetch;
mod inspection;
mod introspection_response;
mod key_ring;
mod key_sets;
mod late;
mod limits;
mod presence;
mod problem;
mod readiness;
mod records;
mod repeats;
mod request;
mod settings;
mod signatures;
mod step_error;
mod store_identity;
mod token_response;
mod values;
mod waiting;

use std::sync::Arc;

use access_token::{Audience, SealingKey, TokenService, Verifier};
use oauth::{
    Timestamp,
    resource::{Resource, ResourceIdentifier},
};
use oauth_clients::discovery::{self, RegistrationMethods};
use store::Store;

use fetch::Fetcher;
use records::keys;

pub use accounts::{
    AccountError, AccountView, Busy, Ceremony, EnrolError, EnrolmentSource, Invitation,
    PasskeyView, RemainingCodes, SessionView, SignInError, SignedIn, SignedInUser,
};
pub use administration::{
    AccountSummary, AddedAccount, AddedClient, AdminCommand, AdminReply, Administration,
    AdministrationError, ApplicationKind, ApplicationSummary, BlockedHost, ChangedClient,
    ClientChanges, ClientProof, InvalidInput, MissingTarget, NewClient, NotAdministrator,
    StateConflict, UnfinishedOperation,
};
pub use audit::{
    Actor, AuditAction, AuditEntry, AuditFilter, AuditPage, AuditReport, Category, ClientName,
    Event, RequestSource, UnknownAction, Whose,
};
pub use authorization::{AuthorizeError, Begun};
pub use browser_context::{BrowserContext, SetCookie};
pub use clients::RegisterError;
pub use connections::{Application, Connection, Connections, LastUse, Replayed};
pub use consent::{ConsentError, ConsentView, Decision, Identity, Permission};
pub use environment::{Clock, Entropy, Environment, Names, Web};
pub use exchange::TokenError;
pub use failures::{
    Asked, AskedText, Attempt, FailedStep, Failure, FailureKind, FailureView,
    Standing as ClientStanding,
};
pub use identity::{
    PasswordError, Purpose, Role, SignInMethod, SignUpPolicy,
    deceptive::is_deceptive_char,
    email::{domain_in_ascii, domain_in_unicode, has_local_domain},
    password::MIN_PASSWORD_LENGTH,
};
pub use introspection_response::{ActiveToken, Introspection};
pub use key_ring::{KeySummary, OpenError, SigningKeyState, opens_key_ring};
pub use presence::Presence;
pub use problem::{Problem, ProblemKind, Unavailable};
pub use records::Listing;
pub use repeats::{PostAnswer, Ticket, Turn};
pub use request::RequestId;
pub use settings::{DEMONSTRATION, Lifetimes, RegistrationPolicy, Settings};
pub use step_error::{LocalFault, StepError};
pub use store_identity::{IssuerChange, IssuerReport, StoreIdentity, is_in_use, recorded_issuer};
pub use token_response::TokenResponse;
pub use waiting::{RequestError, RequestView};

/// The authorization server. Cheap to clone; every clone is the same server.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// Finds out what became of a write whose answer was lost.
    store: Store,
    /// The same without that: what the audit log notes is in memory until it is in the store, and
    /// nobody waits for it.
    plain_store: Store,
    limiter: limits::RateLimiter,
    readiness: Arc<readiness::Readiness>,
    environment: Environment,
    sealing_key: SealingKey,
    tokens: Arc<TokenService>,
    fetcher: Fetcher,
    blocked: Arc<blocked::Known>,
    failures: Arc<failures::Noting>,
    audit_log: Arc<audit::AuditLog>,
    late: Arc<late::LateWork>,
    /// Reads our own tokens, whatever they are for.
    verifier: Verifier,
    renewal: Arc<key_ring::Renewal>,
    metadata: discovery::AuthorizationServer,
    passwords: Arc<accounts::hashing::Passwords>,
    passkeys: accounts::passkey::Passkeys,
    signatures: Arc<signatures::Signatures>,
}

impl Provider {
    /// Starts a server over a store: reads the signing keys, or makes them at the first start, and
    /// the blocked hosts.
    ///
    /// # Errors
    /// [`OpenError`] when the store does not answer, or its keys are sealed under another key.
    pub async fn open(
        settings: Settings,
        store: Store,
        sealing_key: SealingKey,
        environment: Environment,
    ) -> Result<Self, OpenError> {
        if records::exists(&store, &keys::RESTORE).await? {
            return Err(OpenError::Restoring);
        }
        let (plain_store, store) = (store.clone(), store.resolving());
        let ring = key_ring::open(&store, &sealing_key, &environment).await?;
        let lifetime = settings.lifetimes.access_token;
        let tokens = TokenService::new(
            settings.issuer.as_str().to_owned(),
            lifetime.try_into().unwrap_or(time::Duration::MAX),
            ring,
        );
        let metadata = describe(&settings);
        let passwords = Arc::new(accounts::hashing::Passwords::new());
        let passkeys = accounts::passkey::Passkeys::new(&settings);
        let audit_log = Arc::new(audit::AuditLog::new(&sealing_key));
        let verifier = Verifier::beside(tokens.clone(), Audience::Any);
        let tokens = Arc::new(tokens);
        let fetcher = Fetcher::new(environment.web.clone(), settings.issuer.is_loopback());
        let limiter = limiter(&settings, &store, &environment);
        let provider = Self(Arc::new(Inner {
            settings,
            store,
            plain_store,
            limiter,
            readiness: Arc::default(),
            environment,
            sealing_key,
            tokens,
            fetcher,
            blocked: Arc::default(),
            failures: Arc::default(),
            audit_log,
            late: Arc::default(),
            verifier,
            renewal: Arc::default(),
            metadata,
            passwords,
            passkeys,
            signatures: Arc::new(signatures::Signatures::new()),
        }));
        provider.refresh_blocked().await?;
        Ok(provider)
    }

    /// The same server with other settings, over the same store: keys, limits on work, and what
    /// waits in memory to be stored are shared with this one. The issuer stays what it is, since
    /// everything that was issued rests on it.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        let old = &self.0;
        let settings = Settings {
            issuer: old.settings.issuer.clone(),
            ..settings
        };
        let tokens = old.tokens.with_lifetime(
            settings
                .lifetimes
                .access_token
                .try_into()
                .unwrap_or(time::Duration::MAX),
        );
        let limiter = limiter(&settings, &old.store, &old.environment);
        Self(Arc::new(Inner {
            metadata: describe(&settings),
            passkeys: accounts::passkey::Passkeys::new(&settings),
            settings,
            store: old.store.clone(),
            plain_store: old.plain_store.clone(),
            limiter,
            readiness: Arc::clone(&old.readiness),
            environment: old.environment.clone(),
            sealing_key: old.sealing_key.clone(),
            verifier: Verifier::beside(tokens.clone(), Audience::Any),
            tokens: Arc::new(tokens),
            renewal: Arc::clone(&old.renewal),
            fetcher: old.fetcher.clone(),
            blocked: Arc::clone(&old.blocked),
            failures: Arc::clone(&old.failures),
            audit_log: Arc::clone(&old.audit_log),
            late: Arc::clone(&old.late),
            passwords: Arc::clone(&old.passwords),
            signatures: Arc::clone(&old.signatures),
        }))
    }

    /// The settings that the server runs with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What time it is, by the server's clock.
    pub fn now(&self) -> Timestamp {
        self.0.environment.clock.now()
    }

    /// The service that issues access tokens, and the source of the keys that check them.
    pub fn tokens(&self) -> &Arc<TokenService> {
        &self.0.tokens
    }

    /// The authorization server's metadata (RFC 8414).
    pub fn metadata(&self) -> &discovery::AuthorizationServer {
        &self.0.metadata
    }

    /// The metadata of a protected resource on this server's own origin (RFC 9728), by the part of
    /// the path after `/.well-known/oauth-protected-resource`.
    pub fn protected_resource(&self, path: &str) -> Option<discovery::ProtectedResource> {
        let settings = self.settings();
        let resource =
            discovery::ProtectedResource::find(&settings.issuer, &settings.resources, path)?;
        Some(discovery::ProtectedResource::describe(
            &settings.issuer,
            resource,
        ))
    }

    /// The resource of this identifier, while this server stands in front of it.
    fn resource(&self, identifier: &ResourceIdentifier) -> Option<&Resource> {
        self.settings()
            .resources
            .iter()
            .find(|resource| resource.identifier == *identifier)
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn limiter(&self) -> &limits::RateLimiter {
        &self.0.limiter
    }

    fn plain_store(&self) -> &Store {
        &self.0.plain_store
    }

    fn entropy(&self) -> &dyn Entropy {
        &*self.0.environment.entropy
    }
}

fn describe(settings: &Settings) -> discovery::AuthorizationServer {
    let methods = RegistrationMethods {
        registration: settings.registration.open,
        documents: settings.client_documents.is_on(),
    };
    discovery::AuthorizationServer::describe(&settings.issuer, &settings.resources, methods)
}

fn limiter(settings: &Settings, store: &Store, environment: &Environment) -> limits::RateLimiter {
    let clock = Arc::clone(&environment.clock);
    limits::RateLimiter::new(store.clone(), clock, settings.rate_limits)
}

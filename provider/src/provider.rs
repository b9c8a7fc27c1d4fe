//! The server: a composition of services, each of which owns only what it needs.

use std::sync::Arc;

use access_token::{SealingKey, TokenService};
use oauth::{Secret, Timestamp};
use oauth_clients::discovery::{self, RegistrationMethods};
use store::Store;

use crate::{
    accounts::{self, AccountCredentials, Accounts, Enrolment, Sessions, SignIn},
    audit::{self, AuditLog},
    authorization::Authorization,
    browser_context::BrowserContext,
    clients::{self, BlockedHosts, ClientRegistry, Clients},
    connections::ConnectedClients,
    context::Context,
    environment::Environment,
    failures::{self, FailureLog},
    grants::GrantStore,
    key_ring::{self, OpenError, Renewal, SigningKeys},
    limits::RateLimiter,
    readiness::{Probe, Readiness},
    records::{self, SortOrder, keys},
    repeats::RepeatedPosts,
    settings::Settings,
    store_identity::IssuerRecord,
    tokens::TokenEndpoint,
    unavailable::Unavailable,
};

/// The authorization server. Cheap to clone; every clone is the same server.
#[derive(Clone)]
pub struct Provider(Arc<Services>);

/// The services, lowest first: each contains those that it calls, which are above it here.
pub(crate) struct Services {
    pub(crate) context: Context,
    /// What outlives a reload of the settings.
    state: Arc<State>,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) failures: Arc<FailureLog>,
    pub(crate) clients: Clients,
    pub(crate) grants: Arc<GrantStore>,
    pub(crate) accounts: Accounts,
    authorization: Authorization,
    connections: ConnectedClients,
    pub(crate) signing_keys: Arc<SigningKeys>,
    token_endpoint: TokenEndpoint,
    repeated_posts: RepeatedPosts,
    issuer_record: IssuerRecord,
    readiness: Readiness,
    metadata: discovery::AuthorizationServer,
}

/// The state of the services of a process. It survives a reload of the settings.
struct State {
    sealing_key: SealingKey,
    audit: Arc<audit::LogState>,
    failures: Arc<failures::FailureQueue>,
    clients: clients::State,
    passwords: Arc<accounts::Passwords>,
    renewal: Arc<Renewal>,
    probe: Arc<Probe>,
}

impl Provider {
    /// Starts a server over a store: reads the signing keys, or creates them at the first start,
    /// and reads the blocked hosts.
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
        let context = Context::new(settings, store, environment);
        let settings = context.settings();
        let ring = key_ring::open(&context, &sealing_key, &settings.jwt_algorithms()).await?;
        let issuer = settings.issuer.as_str().to_owned();
        let tokens = TokenService::new(issuer, token_lifetime(settings), ring);
        let state = State {
            audit: Arc::new(audit::LogState::new(&sealing_key)),
            failures: Arc::default(),
            clients: clients::State::new(&context),
            passwords: Arc::new(accounts::Passwords::new()),
            renewal: Arc::default(),
            probe: Arc::default(),
            sealing_key,
        };
        let provider = Self::compose(context, Arc::new(state), tokens);
        provider.blocked_hosts().refresh_blocked().await?;
        if let Err(error) = provider.begin_sorted_lists().await {
            // The pages try again.
            tracing::warn!(%error, "a sorted list could not be started");
        }
        Ok(provider)
    }

    /// The same server with other settings over the same store. It shares keys, work limits and
    /// queued events with this one. The issuer does not change, since everything that was issued
    /// depends on it.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        let settings = Settings {
            issuer: self.settings().issuer.clone(),
            ..settings
        };
        let tokens = self.tokens().with_lifetime(token_lifetime(&settings));
        let context = self.0.context.with_settings(settings);
        Self::compose(context, Arc::clone(&self.0.state), tokens)
    }

    /// Builds the services, lowest first.
    fn compose(context: Context, state: Arc<State>, tokens: TokenService) -> Self {
        let limiter = Arc::new(RateLimiter::new(
            context.store().clone(),
            Arc::clone(&context.environment().clock),
            context.settings().rate_limits,
        ));
        let audit = Arc::new(AuditLog::new(context.clone(), Arc::clone(&state.audit)));
        let failures = Arc::new(FailureLog::new(
            context.clone(),
            Arc::clone(&state.failures),
        ));
        let clients = Clients::compose(&context, &limiter, &failures, &state.clients);
        let grants = Arc::new(GrantStore::new(
            context.clone(),
            Arc::clone(&audit),
            Arc::clone(&clients.registry),
        ));
        let passwords = Arc::clone(&state.passwords);
        let accounts = Accounts::compose(&context, &limiter, &audit, &grants, passwords);
        let signing_keys = Arc::new(SigningKeys {
            context: context.clone(),
            sealing_key: state.sealing_key.clone(),
            tokens: Arc::new(tokens),
            renewal: Arc::clone(&state.renewal),
        });
        Self(Arc::new(Services {
            authorization: Authorization {
                context: context.clone(),
                limiter,
                failures: Arc::clone(&failures),
                registry: Arc::clone(&clients.registry),
                documents: Arc::clone(&clients.documents),
                grants: Arc::clone(&grants),
                sessions: Arc::clone(&accounts.sessions),
            },
            connections: ConnectedClients {
                context: context.clone(),
                audit: Arc::clone(&audit),
                registry: Arc::clone(&clients.registry),
                grants: Arc::clone(&grants),
                sessions: Arc::clone(&accounts.sessions),
            },
            token_endpoint: TokenEndpoint {
                context: context.clone(),
                failures: Arc::clone(&failures),
                blocked: Arc::clone(&clients.blocked),
                registry: Arc::clone(&clients.registry),
                documents: Arc::clone(&clients.documents),
                authenticator: Arc::clone(&clients.authenticator),
                grants: Arc::clone(&grants),
                directory: Arc::clone(&accounts.directory),
                signing_keys: Arc::clone(&signing_keys),
            },
            repeated_posts: RepeatedPosts {
                context: context.clone(),
            },
            issuer_record: IssuerRecord {
                context: context.clone(),
            },
            readiness: Readiness {
                context: context.clone(),
                probe: Arc::clone(&state.probe),
            },
            metadata: describe(context.settings()),
            context,
            state,
            audit,
            failures,
            clients,
            grants,
            accounts,
            signing_keys,
        }))
    }

    /// The settings that the server runs with.
    pub fn settings(&self) -> &Settings {
        self.0.context.settings()
    }

    /// What time it is, by the server's clock.
    pub fn now(&self) -> Timestamp {
        self.0.context.now()
    }

    /// The service that issues access tokens, and the source of the keys that check them.
    pub fn tokens(&self) -> &Arc<TokenService> {
        &self.0.signing_keys.tokens
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

    /// A token that a form of this browser carries against forgery. Each is different.
    pub fn form_token(&self, browser: &BrowserContext) -> String {
        browser.form_token(self.0.context.entropy().id())
    }

    /// A secret for a browser that has none.
    pub fn fresh_secret(&self) -> Secret {
        self.0.context.entropy().secret()
    }

    /// Whether the store works.
    ///
    /// # Errors
    /// [`Unavailable`] when it does not.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        self.0.readiness.ready().await
    }

    /// Waits until all work is done that was put off until after an answer.
    pub async fn finish_background_tasks(&self) {
        self.0.context.background().finish_background_tasks().await;
    }

    /// Builds the lists by which pages are sorted from the records of earlier releases. Several
    /// servers may do so at once; where it is done already, that is one read for each list.
    ///
    /// # Errors
    /// [`Unavailable`] when the store does not answer; the next call continues there.
    pub async fn build_sorted_lists(&self) -> Result<(), Unavailable> {
        for order in SortOrder::ALL {
            self.0.accounts.directory.sort_accounts(order).await?;
            self.0.clients.registry.sort_clients(order).await?;
        }
        self.0.grants.sorting.sort_all().await
    }

    async fn begin_sorted_lists(&self) -> Result<(), Unavailable> {
        self.0.accounts.directory.begin_sorting().await?;
        self.0.clients.registry.begin_sorting().await?;
        self.0.grants.sorting.begin().await
    }

    /// The audit log.
    pub fn audit(&self) -> &AuditLog {
        &self.0.audit
    }

    /// Registered clients, and those that register.
    pub fn clients(&self) -> &ClientRegistry {
        &self.0.clients.registry
    }

    /// The blocked hosts.
    pub fn blocked_hosts(&self) -> &BlockedHosts {
        &self.0.clients.blocked
    }

    /// The signed-in browsers of users.
    pub fn sessions(&self) -> &Sessions {
        &self.0.accounts.sessions
    }

    /// Signing in.
    pub fn sign_in(&self) -> &SignIn {
        &self.0.accounts.sign_in
    }

    /// What users change about their own account.
    pub fn credentials(&self) -> &AccountCredentials {
        &self.0.accounts.credentials
    }

    /// One-time links, sign-up and first credentials.
    pub fn enrolment(&self) -> &Enrolment {
        &self.0.accounts.enrolment
    }

    /// Authorization requests and the consent page.
    pub fn authorization(&self) -> &Authorization {
        &self.0.authorization
    }

    /// What users have allowed.
    pub fn connections(&self) -> &ConnectedClients {
        &self.0.connections
    }

    /// The signing keys.
    pub fn signing_keys(&self) -> &SigningKeys {
        &self.0.signing_keys
    }

    /// The token, revocation and introspection endpoints.
    pub fn token_endpoint(&self) -> &TokenEndpoint {
        &self.0.token_endpoint
    }

    /// Forms that may be sent twice.
    pub fn repeated_posts(&self) -> &RepeatedPosts {
        &self.0.repeated_posts
    }

    /// The issuer that the store belongs to.
    pub fn issuer_record(&self) -> &IssuerRecord {
        &self.0.issuer_record
    }

    /// All services, for administration.
    pub(crate) fn services(&self) -> &Services {
        &self.0
    }
}

fn token_lifetime(settings: &Settings) -> time::Duration {
    let lifetime = settings.lifetimes.access_token;
    lifetime.try_into().unwrap_or(time::Duration::MAX)
}

fn describe(settings: &Settings) -> discovery::AuthorizationServer {
    let methods = RegistrationMethods {
        registration: settings.registration.open,
        documents: settings.client_documents.is_on(),
    };
    discovery::AuthorizationServer::describe(&settings.issuer, &settings.resources, methods)
}

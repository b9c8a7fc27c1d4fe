//! A provider over a store in memory, with a test clock and deterministic entropy.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use access_token::SealingKey;
use oauth::Issuer;
use provider::{
    AccountView, AuditEntry, AuditFilter, BrowserContext, BrowserUpdate, Entropy, Environment,
    LinkPages, OpenError, Provider, Settings, SignedIn, SignedInUser, Web,
};
use store::{Store, StoreLocation};

use super::browser::{keep, new_browser};
use crate::{EngineKind, RedisServer, TestClock};

/// The issuer of a provider, unless a test chooses another.
pub const ISSUER: &str = "https://auth.example.com";
/// The usual user.
pub const ADA: &str = "Ada@example.com";
/// Another user.
pub const BOB: &str = "bob@example.com";
/// The name of the browser in the activity list.
pub const DEVICE: &str = "Chrome on Linux";
/// The password of both users.
pub const PASSWORD: &str = "correct horse battery";

/// How many providers were opened. Each has its own sequence, so that two over one store do not
/// collide.
static SERVERS: AtomicU64 = AtomicU64::new(0);
/// The key that seals the signing keys.
pub const SEALING_KEY: [u8; 32] = [7; 32];

/// The pages that one-time links lead to.
pub const LINK_PAGES: LinkPages = LinkPages {
    setup: "/setup/",
    enrolment: "/enroll/",
    reset: "/reset/",
};

/// The default settings of a server under this issuer.
pub fn settings(issuer: &str) -> Settings {
    Settings::new(Issuer::parse(issuer).expect("an issuer"), LINK_PAGES)
}

/// A provider and what is under it. Clones are the same one.
#[derive(Clone)]
pub struct TestProvider {
    /// The provider under test.
    pub provider: Provider,
    /// Its store.
    pub store: Store,
    /// Its clock.
    pub clock: Arc<TestClock>,
}

impl TestProvider {
    /// A provider with the default settings, over a store in memory.
    pub async fn new() -> Self {
        Self::over(Store::open(&StoreLocation::Memory).await.expect("a store")).await
    }

    /// A provider with the default settings, over a given store.
    pub async fn over(store: Store) -> Self {
        Self::with(settings(ISSUER), store).await
    }

    /// One over an empty store of each engine, with the Redis server to keep alive.
    pub async fn on_both_engines() -> Vec<(Self, Option<RedisServer>)> {
        let mut servers = Vec::new();
        for engine in [EngineKind::Memory, EngineKind::Redis] {
            let (store, redis) = engine.open().await;
            servers.push((Self::over(store).await, redis));
        }
        servers
    }

    /// A provider with given settings, over a given store.
    pub async fn with(settings: Settings, store: Store) -> Self {
        Self::open(
            settings,
            store,
            SEALING_KEY,
            Arc::new(TestClock::new()),
            None,
        )
        .await
    }

    /// A provider with changed settings.
    pub async fn set_up(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(ISSUER);
        change(&mut settings);
        Self::with(
            settings,
            Store::open(&StoreLocation::Memory).await.expect("a store"),
        )
        .await
    }

    /// A provider with a loopback issuer that fetches from a test's web servers.
    pub async fn on_this_computer(web: Web, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings("http://localhost:3000");
        change(&mut settings);
        let store = Store::open(&StoreLocation::Memory).await.expect("a store");
        Self::open(
            settings,
            store,
            SEALING_KEY,
            Arc::new(TestClock::new()),
            Some(web),
        )
        .await
    }

    /// Another provider over the same store, with the same clock.
    pub async fn twin(&self) -> Self {
        Self::open(
            self.provider.settings().clone(),
            self.store.clone(),
            SEALING_KEY,
            self.clock.clone(),
            None,
        )
        .await
    }

    /// Like [`Self::twin`], with other settings.
    pub async fn twin_with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.provider.settings().clone();
        change(&mut settings);
        Self::open(
            settings,
            self.store.clone(),
            SEALING_KEY,
            self.clock.clone(),
            None,
        )
        .await
    }

    /// A provider with the same settings, key and clock over another store.
    pub async fn over_another(&self, store: Store) -> Self {
        Self::open(
            self.provider.settings().clone(),
            store,
            SEALING_KEY,
            self.clock.clone(),
            None,
        )
        .await
    }

    /// Opens a provider with the same settings and key over a store.
    pub async fn opens_over(&self, store: Store) -> Result<Provider, OpenError> {
        let sealing_key = SealingKey::from_bytes(&SEALING_KEY).expect("a sealing key");
        Provider::open(
            self.provider.settings().clone(),
            store,
            sealing_key,
            Environment::system(),
        )
        .await
    }

    /// A provider without the sealing key, over its own store, with the same clock.
    pub async fn forger(&self) -> Self {
        let store = Store::open(&StoreLocation::Memory).await.expect("a store");
        Self::open(
            self.provider.settings().clone(),
            store,
            [8; 32],
            self.clock.clone(),
            None,
        )
        .await
    }

    /// A provider with all parameters. Without `web`, host names are resolved by the system.
    pub async fn open(
        settings: Settings,
        store: Store,
        key: [u8; 32],
        clock: Arc<TestClock>,
        web: Option<Web>,
    ) -> Self {
        // The sequences of two providers do not overlap.
        let entropy = Arc::new(SequenceEntropy(AtomicU64::new(
            1 + (SERVERS.fetch_add(1, Ordering::SeqCst) << 32),
        )));
        let system = Environment::system();
        let environment = Environment {
            clock: clock.clone(),
            entropy,
            web: web.unwrap_or(system.web),
        };
        let sealing_key = SealingKey::from_bytes(&key).expect("a sealing key");
        let provider = Provider::open(settings, store.clone(), sealing_key, environment)
            .await
            .expect("a provider");
        Self {
            provider,
            store,
            clock,
        }
    }

    /// Advances the clock, in whole seconds.
    pub fn pass(&self, span: Duration) {
        self.clock.pass(span);
    }

    /// Advances the clock by one second less than a span.
    pub fn pass_almost(&self, span: Duration) {
        self.pass(span.saturating_sub(Duration::from_secs(1)));
    }

    /// A new browser, from the given address.
    pub fn browser_from(&self, last_byte: u8) -> BrowserContext {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last_byte));
        BrowserContext::new(new_browser(&self.provider), DEVICE, address)
    }

    /// A new browser, from the default address.
    pub fn browser(&self) -> BrowserContext {
        self.browser_from(1)
    }

    /// Adds an account with [`PASSWORD`], or sets that password if it exists.
    pub async fn add(&self, email: &str) {
        let terminal = self.provider.terminal();
        match terminal.accounts().add_account(email, Some(PASSWORD)).await {
            Ok(added) => assert!(added.enrolment_link.is_none()),
            Err(_) => terminal
                .accounts()
                .set_account_password(email, PASSWORD)
                .await
                .expect("set"),
        }
    }

    /// A browser in which [`ADA`] is signed in.
    pub async fn ada(&self) -> BrowserContext {
        self.add(ADA).await;
        self.sign_in(ADA, PASSWORD).await
    }

    /// A browser in which [`BOB`] is signed in.
    pub async fn bob(&self) -> BrowserContext {
        self.add(BOB).await;
        self.sign_in(BOB, PASSWORD).await
    }

    /// Another browser in which a user signs in with a password.
    pub async fn sign_in(&self, email: &str, password: &str) -> BrowserContext {
        let signed_in = self
            .provider
            .sign_in()
            .sign_in_with_password(&self.browser(), email, password)
            .await
            .expect("signed in");
        self.holding(&signed_in)
    }

    /// Whether a user can sign in with a password.
    pub async fn opens(&self, email: &str, password: &str) -> bool {
        self.provider
            .sign_in()
            .sign_in_with_password(&self.browser(), email, password)
            .await
            .is_ok()
    }

    /// A browser with the session of a sign-in.
    pub fn holding(&self, signed_in: &SignedIn) -> BrowserContext {
        self.holding_update(&signed_in.updates[0])
    }

    /// A browser that holds what an answer had it keep.
    pub fn holding_update(&self, update: &BrowserUpdate) -> BrowserContext {
        let mut state = new_browser(&self.provider);
        keep(&mut state, update);
        BrowserContext::new(state, DEVICE, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)))
    }

    /// The user who is signed in.
    pub async fn user(&self, context: &BrowserContext) -> Option<SignedInUser> {
        self.provider
            .sessions()
            .signed_in(context)
            .await
            .expect("the store answers")
    }

    /// The account page of a user.
    pub async fn account(&self, context: &BrowserContext) -> AccountView {
        self.provider
            .sessions()
            .account(context)
            .await
            .expect("the store answers")
            .expect("signed in")
    }

    /// The whole audit log, oldest first.
    pub async fn audit_log(&self) -> Vec<AuditEntry> {
        self.provider.finish_background_tasks().await;
        self.provider
            .terminal()
            .audit_export(&AuditFilter::default(), 0, usize::MAX)
            .await
            .expect("the store answers")
    }

    /// The token of the link for the first account.
    pub async fn first_account_token(&self) -> String {
        let link = self
            .provider
            .enrolment()
            .first_account_link()
            .await
            .expect("the store answers")
            .expect("a link");
        link.strip_prefix("https://auth.example.com/setup/")
            .expect("a link to the setup page")
            .to_owned()
    }

    /// Adds an account; returns the token of its enrolment link.
    pub async fn enrolment_token(&self, email: &str) -> String {
        let link = self
            .provider
            .terminal()
            .accounts()
            .add_account(email, None)
            .await
            .expect("added")
            .enrolment_link
            .expect("a link");
        link.strip_prefix("https://auth.example.com/enroll/")
            .expect("a link to the enrolment page")
            .to_owned()
    }

    /// The token of a reset link.
    pub async fn reset_token(&self, email: &str) -> String {
        let link = self
            .provider
            .terminal()
            .accounts()
            .reset_account(email)
            .await
            .expect("a link");
        link.strip_prefix("https://auth.example.com/reset/")
            .expect("a link to the reset page")
            .to_owned()
    }
}

/// Deterministic bytes without repetition (the finaliser of `SplitMix64`).
struct SequenceEntropy(AtomicU64);

impl Entropy for SequenceEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut number = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(number ^ (number >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}

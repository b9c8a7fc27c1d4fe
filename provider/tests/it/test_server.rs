//! A server of one's own, and the browsers at its door.

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
    AccountView, AuditEntry, AuditFilter, BrowserContext, Entropy, Environment, OpenError, Person,
    Provider, SetCookie, Settings, SignedIn, Web,
};
use store::{Location, Store};
use testkit::TestClock;

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const ADA: &str = "Ada@example.com";
pub(crate) const BOB: &str = "bob@example.com";
pub(crate) const DEVICE: &str = "Chrome on Linux";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// How many servers were opened: each draws from chance of its own, as those of one store must.
static SERVERS: AtomicU64 = AtomicU64::new(0);
pub(crate) const SEALING_KEY: [u8; 32] = [7; 32];

#[derive(Clone)]
pub(crate) struct TestServer {
    pub(crate) provider: Provider,
    pub(crate) store: Store,
    clock: Arc<TestClock>,
}

impl TestServer {
    pub(crate) async fn new() -> Self {
        Self::over(Store::open(&Location::Memory).await.expect("a store")).await
    }

    pub(crate) async fn over(store: Store) -> Self {
        let issuer = Issuer::parse(ISSUER).expect("an issuer");
        Self::with(Settings::new(issuer), store).await
    }

    pub(crate) async fn with(settings: Settings, store: Store) -> Self {
        Self::open(
            settings,
            store,
            SEALING_KEY,
            Arc::new(TestClock::new()),
            None,
        )
        .await
    }

    /// With settings that differ from the default ones.
    pub(crate) async fn set_up(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(Issuer::parse(ISSUER).expect("an issuer"));
        change(&mut settings);
        Self::with(
            settings,
            Store::open(&Location::Memory).await.expect("a store"),
        )
        .await
    }

    /// On a developer's machine, where other people's web servers are those of a test.
    pub(crate) async fn on_this_computer(web: Web, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings =
            Settings::new(Issuer::parse("http://localhost:3000").expect("an issuer"));
        change(&mut settings);
        let store = Store::open(&Location::Memory).await.expect("a store");
        Self::open(
            settings,
            store,
            SEALING_KEY,
            Arc::new(TestClock::new()),
            Some(web),
        )
        .await
    }

    /// Another server over the same store, by the same clock.
    pub(crate) async fn twin(&self) -> Self {
        Self::open(
            self.provider.settings().clone(),
            self.store.clone(),
            SEALING_KEY,
            self.clock.clone(),
            None,
        )
        .await
    }

    /// Another such server, with other settings.
    pub(crate) async fn twin_with(&self, change: impl FnOnce(&mut Settings)) -> Self {
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

    /// A server with the same settings, key and clock over another store.
    pub(crate) async fn over_another(&self, store: Store) -> Self {
        Self::open(
            self.provider.settings().clone(),
            store,
            SEALING_KEY,
            self.clock.clone(),
            None,
        )
        .await
    }

    /// Whether such a server starts over a store.
    pub(crate) async fn opens_over(&self, store: Store) -> Result<Provider, OpenError> {
        let sealing_key = SealingKey::from_bytes(&SEALING_KEY).expect("a sealing key");
        Provider::open(
            self.provider.settings().clone(),
            store,
            sealing_key,
            Environment::system(),
        )
        .await
    }

    /// A server of somebody else, who has not the sealing key, over a store of their own and by the
    /// same clock.
    pub(crate) async fn forger(&self) -> Self {
        let store = Store::open(&Location::Memory).await.expect("a store");
        Self::open(
            self.provider.settings().clone(),
            store,
            [8; 32],
            self.clock.clone(),
            None,
        )
        .await
    }

    async fn open(
        settings: Settings,
        store: Store,
        key: [u8; 32],
        clock: Arc<TestClock>,
        web: Option<Web>,
    ) -> Self {
        // The sequences of two servers meet nowhere near their beginnings.
        let entropy = Arc::new(Counted(AtomicU64::new(
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

    pub(crate) fn pass(&self, span: Duration) {
        self.clock.pass(span);
    }

    /// Lets all but the last second of a span pass.
    pub(crate) fn pass_almost(&self, span: Duration) {
        self.pass(span.saturating_sub(Duration::from_secs(1)));
    }

    /// A browser that has never been here, from an address of its own choice.
    pub(crate) fn browser_from(&self, last_byte: u8) -> BrowserContext {
        self.provider
            .browser_context(b"", DEVICE, IpAddr::V4(Ipv4Addr::new(192, 0, 2, last_byte)))
            .0
    }

    pub(crate) fn browser(&self) -> BrowserContext {
        self.browser_from(1)
    }

    /// An account with [`PASSWORD`], added by hand, or given that password if it exists.
    pub(crate) async fn add(&self, email: &str) {
        let terminal = self.provider.terminal();
        match terminal.add_account(email, Some(PASSWORD)).await {
            Ok(added) => assert!(added.enrolment_link.is_none()),
            Err(_) => terminal
                .set_account_password(email, PASSWORD)
                .await
                .expect("set"),
        }
    }

    /// A browser in which [`ADA`] is signed in.
    pub(crate) async fn ada(&self) -> BrowserContext {
        self.add(ADA).await;
        self.sign_in(ADA, PASSWORD).await
    }

    /// A browser in which [`BOB`] is signed in.
    pub(crate) async fn bob(&self) -> BrowserContext {
        self.add(BOB).await;
        self.sign_in(BOB, PASSWORD).await
    }

    /// Another browser in which somebody signs in with a password.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> BrowserContext {
        let signed_in = self
            .provider
            .sign_in_with_password(&self.browser(), email, password)
            .await
            .expect("signed in");
        self.holding(&signed_in)
    }

    /// Whether a password opens an account.
    pub(crate) async fn opens(&self, email: &str, password: &str) -> bool {
        self.provider
            .sign_in_with_password(&self.browser(), email, password)
            .await
            .is_ok()
    }

    /// A browser that holds the session of somebody who signed in.
    pub(crate) fn holding(&self, signed_in: &SignedIn) -> BrowserContext {
        self.holding_cookie(&signed_in.cookies[0])
    }

    /// A browser that holds a cookie.
    pub(crate) fn holding_cookie(&self, cookie: &SetCookie) -> BrowserContext {
        let pair = cookie.header_value();
        self.provider
            .browser_context(
                pair.split(';').next().unwrap_or_default().as_bytes(),
                DEVICE,
                IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            )
            .0
    }

    pub(crate) async fn person(&self, context: &BrowserContext) -> Option<Person> {
        self.provider
            .signed_in(context)
            .await
            .expect("the store answers")
    }

    /// What a person sees of their own account.
    pub(crate) async fn account(&self, context: &BrowserContext) -> AccountView {
        self.provider
            .account(context)
            .await
            .expect("the store answers")
            .expect("signed in")
    }

    /// The whole audit log, oldest first.
    pub(crate) async fn audit_log(&self) -> Vec<AuditEntry> {
        self.provider.finish_late_work().await;
        self.provider
            .terminal()
            .audit_export(&AuditFilter::default(), 0, usize::MAX)
            .await
            .expect("the store answers")
    }

    pub(crate) async fn first_account_token(&self) -> String {
        let link = self
            .provider
            .first_account_link()
            .await
            .expect("the store answers")
            .expect("a link");
        link.strip_prefix("https://auth.example.com/setup/")
            .expect("a link to the setup page")
            .to_owned()
    }

    pub(crate) async fn enrolment_token(&self, email: &str) -> String {
        let link = self
            .provider
            .terminal()
            .add_account(email, None)
            .await
            .expect("added")
            .enrolment_link
            .expect("a link");
        link.strip_prefix("https://auth.example.com/enroll/")
            .expect("a link to the enrolment page")
            .to_owned()
    }

    pub(crate) async fn reset_token(&self, email: &str) -> String {
        let link = self
            .provider
            .terminal()
            .reset_account(email)
            .await
            .expect("a link");
        link.strip_prefix("https://auth.example.com/reset/")
            .expect("a link to the reset page")
            .to_owned()
    }
}

/// Bytes that never come twice, spread out like random ones (the finaliser of `SplitMix64`).
struct Counted(AtomicU64);

impl Entropy for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut number = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(number ^ (number >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}

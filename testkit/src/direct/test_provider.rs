//! A provider over a store in memory, with the clock of the test and entropy that repeats.

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
    AccountView, AuditEntry, AuditFilter, BrowserContext, Entropy, Environment, OpenError,
    Provider, SetCookie, Settings, SignedIn, SignedInUser, Web,
};
use store::{Location, Store};

use crate::TestClock;

/// The issuer of a provider, unless a test chooses another.
pub const ISSUER: &str = "https://auth.example.com";
/// The usual user.
pub const ADA: &str = "Ada@example.com";
/// Another user.
pub const BOB: &str = "bob@example.com";
/// How activity names that browser.
pub const DEVICE: &str = "Chrome on Linux";
/// The password of both.
pub const PASSWORD: &str = "correct horse battery";

/// How many providers were opened: each has a sequence of its own, as two over one store must.
static SERVERS: AtomicU64 = AtomicU64::new(0);
/// The key that seals the signing keys.
pub const SEALING_KEY: [u8; 32] = [7; 32];

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
    /// With the default settings, over a store in memory.
    pub async fn new() -> Self {
        Self::over(Store::open(&Location::Memory).await.expect("a store")).await
    }

    /// With the default settings, over a given store.
    pub async fn over(store: Store) -> Self {
        let issuer = Issuer::parse(ISSUER).expect("an issuer");
        Self::with(Settings::new(issuer), store).await
    }

    /// With given settings, over a given store.
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

    /// With settings that differ from the default ones.
    pub async fn set_up(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(Issuer::parse(ISSUER).expect("an issuer"));
        change(&mut settings);
        Self::with(
            settings,
            Store::open(&Location::Memory).await.expect("a store"),
        )
        .await
    }

    /// On a developer's machine, where other people's web servers are those of a test.
    pub async fn on_this_computer(web: Web, change: impl FnOnce(&mut Settings)) -> Self {
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

    /// Another such server, with other settings.
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

    /// A server with the same settings, key and clock over another store.
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

    /// Whether such a server starts over a store.
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

    /// A server of somebody else, who has not the sealing key, over a store of their own and by the
    /// same clock.
    pub async fn forger(&self) -> Self {
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

    /// With everything given. Without `web`, other hosts are found as the system finds them.
    pub async fn open(
        settings: Settings,
        store: Store,
        key: [u8; 32],
        clock: Arc<TestClock>,
        web: Option<Web>,
    ) -> Self {
        // The sequences of two servers meet nowhere near their beginnings.
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

    /// Lets time pass, in whole seconds.
    pub fn pass(&self, span: Duration) {
        self.clock.pass(span);
    }

    /// Lets all but the last second of a span pass.
    pub fn pass_almost(&self, span: Duration) {
        self.pass(span.saturating_sub(Duration::from_secs(1)));
    }

    /// A browser that has never been here, from an address of its own choice.
    pub fn browser_from(&self, last_byte: u8) -> BrowserContext {
        self.provider
            .browser_context(b"", DEVICE, IpAddr::V4(Ipv4Addr::new(192, 0, 2, last_byte)))
            .0
    }

    /// The same from the usual address.
    pub fn browser(&self) -> BrowserContext {
        self.browser_from(1)
    }

    /// An account with [`PASSWORD`], added by hand, or given that password if it exists.
    pub async fn add(&self, email: &str) {
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
    pub async fn ada(&self) -> BrowserContext {
        self.add(ADA).await;
        self.sign_in(ADA, PASSWORD).await
    }

    /// A browser in which [`BOB`] is signed in.
    pub async fn bob(&self) -> BrowserContext {
        self.add(BOB).await;
        self.sign_in(BOB, PASSWORD).await
    }

    /// Another browser in which somebody signs in with a password.
    pub async fn sign_in(&self, email: &str, password: &str) -> BrowserContext {
        let signed_in = self
            .provider
            .sign_in_with_password(&self.browser(), email, password)
            .await
            .expect("signed in");
        self.holding(&signed_in)
    }

    /// Whether a password opens an account.
    pub async fn opens(&self, email: &str, password: &str) -> bool {
        self.provider
            .sign_in_with_password(&self.browser(), email, password)
            .await
            .is_ok()
    }

    /// A browser that holds the session of somebody who signed in.
    pub fn holding(&self, signed_in: &SignedIn) -> BrowserContext {
        self.holding_cookie(&signed_in.cookies[0])
    }

    /// A browser that holds a cookie.
    pub fn holding_cookie(&self, cookie: &SetCookie) -> BrowserContext {
        let pair = cookie.header_value();
        self.provider
            .browser_context(
                pair.split(';').next().unwrap_or_default().as_bytes(),
                DEVICE,
                IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            )
            .0
    }

    /// Who is signed in.
    pub async fn person(&self, context: &BrowserContext) -> Option<SignedInUser> {
        self.provider
            .signed_in(context)
            .await
            .expect("the store answers")
    }

    /// What a person sees of their own account.
    pub async fn account(&self, context: &BrowserContext) -> AccountView {
        self.provider
            .account(context)
            .await
            .expect("the store answers")
            .expect("signed in")
    }

    /// The whole audit log, oldest first.
    pub async fn audit_log(&self) -> Vec<AuditEntry> {
        self.provider.finish_late_work().await;
        self.provider
            .terminal()
            .audit_export(&AuditFilter::default(), 0, usize::MAX)
            .await
            .expect("the store answers")
    }

    /// The token of the link by which the first account is made.
    pub async fn first_account_token(&self) -> String {
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

    /// Adds an account, and gives the token of its enrolment link.
    pub async fn enrolment_token(&self, email: &str) -> String {
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

    /// The token of a link that resets an account.
    pub async fn reset_token(&self, email: &str) -> String {
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

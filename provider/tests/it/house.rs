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
use oauth::{Issuer, Timestamp};
use provider::{Clock, Entropy, Environment, Person, Provider, SetCookie, Settings, Visitor};
use store::{Location, Store};

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const ADA: &str = "Ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct House {
    pub(crate) provider: Provider,
    clock: Arc<HandMovedClock>,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::over(Store::open(&Location::Memory).await.expect("a store")).await
    }

    pub(crate) async fn over(store: Store) -> Self {
        let issuer = Issuer::parse(ISSUER).expect("an issuer");
        Self::with(Settings::new(issuer), store).await
    }

    pub(crate) async fn with(settings: Settings, store: Store) -> Self {
        let clock = Arc::new(HandMovedClock(AtomicU64::new(1_800_000_000)));
        let environment =
            Environment { clock: clock.clone(), entropy: Arc::new(Counted(AtomicU64::new(1))), ..Environment::system() };
        let sealing_key = SealingKey::from_bytes(&[7; 32]).expect("a sealing key");
        let provider = Provider::open(settings, store, sealing_key, environment).await.expect("a provider");
        Self { provider, clock }
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.clock.0.fetch_add(span.as_secs(), Ordering::SeqCst);
    }

    /// A browser that has never been here, from an address of its own choice.
    pub(crate) fn browser_from(&self, last_byte: u8) -> Visitor {
        self.provider.visitor(None, IpAddr::V4(Ipv4Addr::new(192, 0, 2, last_byte))).0
    }

    pub(crate) fn browser(&self) -> Visitor {
        self.browser_from(1)
    }

    /// An account with [`PASSWORD`], added by hand.
    pub(crate) async fn add(&self, email: &str) {
        assert!(self.provider.add_account(email, Some(PASSWORD)).await.expect("added").enrolment_link.is_none());
    }

    /// A browser in which [`ADA`] is signed in.
    pub(crate) async fn ada(&self) -> Visitor {
        self.add(ADA).await;
        let cookie = self.provider.sign_in_with_password(&self.browser(), ADA, PASSWORD).await.expect("signed in");
        self.holding(&cookie)
    }

    /// A browser that holds a cookie.
    pub(crate) fn holding(&self, cookie: &SetCookie) -> Visitor {
        let pair = cookie.header_value();
        self.provider.visitor(pair.split(';').next(), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))).0
    }

    pub(crate) async fn person(&self, visitor: &Visitor) -> Option<Person> {
        self.provider.signed_in(visitor).await.expect("the store answers")
    }

    pub(crate) async fn first_account_token(&self) -> String {
        let link = self.provider.first_account_link().await.expect("the store answers").expect("a link");
        link.strip_prefix("https://auth.example.com/setup/").expect("a link to the setup page").to_owned()
    }

    pub(crate) async fn enrolment_token(&self, email: &str) -> String {
        let link = self.provider.add_account(email, None).await.expect("added").enrolment_link.expect("a link");
        link.strip_prefix("https://auth.example.com/enroll/").expect("a link to the enrolment page").to_owned()
    }
}

struct HandMovedClock(AtomicU64);

impl Clock for HandMovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
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

//! A provider with the real router, a test clock and a store that can be broken.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderValue, Method, Request, header};
use oauth::Digest;
use provider::{Provider, Settings, Web};
use server::{Guards, Options, proxies::Proxies, router, site::PageFiles};
use store::{CasResult, Store, Ttl};
use tower::ServiceExt as _;

use super::{Browser, TestResponse};
use crate::{
    EngineKind, FaultSwitch, Query, RedisServer, StallSwitch, TestClock,
    direct::{self, SEALING_KEY, TestProvider},
};

/// The issuer of a server, unless a test chooses another.
pub const ISSUER: &str = "https://vestibule.example";
const HOST: &str = "vestibule.example";
/// The issuer of a server on a developer's machine.
const LOOPBACK_ISSUER: &str = "http://localhost:3000";
/// The demonstration MCP server of the default issuer.
pub const MCP: &str = "https://vestibule.example/mcp";
/// The first user.
pub const ALICE: &str = "alice@example.com";
/// Her password.
pub const PASSWORD: &str = "a quiet room with a view";

/// A running server. Clones are the same server.
#[derive(Clone)]
pub struct TestServer {
    /// The provider.
    pub provider: Provider,
    /// The router with all endpoints.
    pub router: Router,
    /// The clock.
    pub clock: Arc<TestClock>,
    /// Breaks and repairs the store, and counts its calls.
    pub switch: FaultSwitch,
    stall: StallSwitch,
    store: Store,
    web: Option<Web>,
    /// Kept alive until the last clone is dropped.
    redis: Option<Arc<RedisServer>>,
}

impl TestServer {
    /// A server with the default settings and no account.
    pub async fn empty(engine: EngineKind) -> Self {
        Self::with(engine, |_| {}).await
    }

    /// A server with the default settings and Alice's account.
    pub async fn of_alice(engine: EngineKind) -> Self {
        let server = Self::empty(engine).await;
        server.add_alice().await;
        server
    }

    /// A server with changed settings.
    pub async fn with(engine: EngineKind, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = direct::settings(ISSUER);
        change(&mut settings);
        let (store, redis) = engine.open().await;
        Self {
            redis: redis.map(Arc::new),
            ..Self::over(store, settings).await
        }
    }

    /// A server with a loopback issuer and Alice's account that fetches from a test's web servers.
    pub async fn on_this_computer(
        engine: EngineKind,
        web: Web,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = direct::settings(LOOPBACK_ISSUER);
        change(&mut settings);
        let (store, redis) = engine.open().await;
        let server = Self {
            redis: redis.map(Arc::new),
            ..Self::in_the_web(store, settings, Some(web)).await
        };
        server.add_alice().await;
        server
    }

    /// A server over an existing store.
    pub async fn over(store: Store, settings: Settings) -> Self {
        Self::in_the_web(store, settings, None).await
    }

    /// A server over a store, with a test's web servers instead of the real ones.
    pub async fn in_the_web(store: Store, settings: Settings, web: Option<Web>) -> Self {
        let (store, stall) = StallSwitch::around(store);
        let (store, switch) = FaultSwitch::around(store);
        let clock = Arc::new(TestClock::new());
        let opened = TestProvider::open(settings, store, SEALING_KEY, clock, web.clone()).await;
        Self {
            router: routed(&opened.provider, Guards::default()),
            provider: opened.provider,
            clock: opened.clock,
            switch,
            stall,
            store: opened.store,
            web,
            redis: None,
        }
    }

    /// A second server over the same store, with the same clock.
    pub async fn twin(&self) -> Self {
        self.twin_with(|_| {}).await
    }

    /// Like [`Self::twin`] with other settings, as after a restart.
    pub async fn twin_with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.provider.settings().clone();
        change(&mut settings);
        let store = self.store.clone();
        let clock = self.clock.clone();
        let opened =
            TestProvider::open(settings, store, SEALING_KEY, clock, self.web.clone()).await;
        Self {
            router: routed(&opened.provider, Guards::default()),
            provider: opened.provider,
            ..self.clone()
        }
    }

    /// The same server with rules for the calls of its resources.
    #[must_use]
    pub fn guarded(mut self, guards: Guards) -> Self {
        self.router = routed(&self.provider, guards);
        self
    }

    /// Creates Alice's account, the first one and an administrator. She declines a passkey.
    pub async fn add_alice(&self) {
        self.provider
            .terminal()
            .accounts()
            .add_account(ALICE, Some(PASSWORD))
            .await
            .expect("Alice's account is created");
        let mut browser = direct::Browser::of(&self.provider, 99);
        assert!(browser.signs_in(ALICE, PASSWORD).await, "Alice signs in");
        let alice = browser.context();
        self.provider
            .credentials()
            .decline_passkey(&alice)
            .await
            .expect("Alice declines");
        self.provider
            .sessions()
            .sign_out(&alice)
            .await
            .expect("Alice signs out");
    }

    /// Sends a request to the router. The default host name is replaced by this server's.
    pub async fn send(&self, mut request: Request<Body>) -> TestResponse {
        let own = self
            .provider
            .settings()
            .issuer
            .as_str()
            .split_once("://")
            .map(|(_, authority)| authority);
        if request
            .headers()
            .get(header::HOST)
            .is_some_and(|host| host == HOST)
        {
            let own = HeaderValue::from_str(own.expect("an authority")).expect("a header");
            request.headers_mut().insert(header::HOST, own);
        }
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("the router is infallible");
        TestResponse::read(response).await
    }

    /// Sends a GET request as a program does.
    pub async fn get(&self, path: &str) -> TestResponse {
        self.send(
            request(Method::GET, path)
                .body(Body::empty())
                .expect("a request"),
        )
        .await
    }

    /// Posts a form as a program does.
    pub async fn post(&self, path: &str, form: &Query) -> TestResponse {
        let request = request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(form.encode().into()).expect("a request"))
            .await
    }

    /// Signs in with a new browser; returns the path of the redirect.
    pub async fn sign_in(&self, email: &str, password: &str) -> String {
        let signed_in = Browser::new(self).sign_in(email, password).await;
        signed_in.destination().to_owned()
    }

    /// Removes a record from the store directly.
    pub async fn lose(&self, key: &str) {
        assert!(
            self.store.remove(key).await.expect("the store answers"),
            "there is no {key}"
        );
    }

    /// Inserts a record into the store directly.
    pub async fn put_back(&self, key: &str, record: &str) {
        let ttl = Ttl::For(Duration::from_hours(1));
        assert!(
            self.store
                .insert(key, record.as_bytes(), ttl)
                .await
                .expect("the store answers"),
            "there is a {key}"
        );
    }

    /// Adds a name to a list of the store directly.
    pub async fn list_directly(&self, list: &str, name: &str) {
        let listed = self.store.set_add(list, name).await;
        listed.expect("the store answers");
    }

    /// Removes a name from a list of the store directly.
    pub async fn unlist_directly(&self, list: &str, name: &str) {
        let listed = self.store.set_remove(list, name).await;
        assert!(listed.expect("the store answers"), "no {name} in {list}");
    }

    /// The names of a list as they are stored.
    pub async fn listed(&self, list: &str) -> Vec<String> {
        let names = self.store.set_range(list, None, 10_000).await;
        names.expect("the store answers")
    }

    /// A record as it is stored.
    pub async fn record(&self, key: &str) -> String {
        let bytes = self
            .store
            .get(key)
            .await
            .expect("the store answers")
            .expect("a record");
        String::from_utf8(bytes).expect("a record in UTF-8")
    }

    /// Sets a counter of a rate limit directly in the store, in the current window of this many
    /// seconds.
    pub async fn set_counter(&self, limit: &str, subject: &str, window: u64, count: u64) {
        let digest = Digest::of(subject.as_bytes());
        let number = self.provider.now().seconds() / window;
        let key = format!("count:{limit}:{}:{number}", digest.as_str());
        self.store.remove(&key).await.expect("the store answers");
        let set = self
            .store
            .insert(
                &key,
                count.to_string().as_bytes(),
                Ttl::For(Duration::from_secs(window)),
            )
            .await;
        assert!(set.expect("the store answers"));
    }

    /// Replaces one text in a record directly in the store, as an attacker with write access might.
    pub async fn tamper(&self, key: &str, from: &str, to: &str) {
        let bytes = self
            .store
            .get(key)
            .await
            .expect("the store answers")
            .expect("a record");
        let text = String::from_utf8(bytes.clone()).expect("a record in UTF-8");
        assert!(text.contains(from), "{text}");
        let ttl = Ttl::For(Duration::from_hours(1));
        let swap = self
            .store
            .compare_and_swap(key, &bytes, text.replace(from, to).as_bytes(), ttl)
            .await;
        assert_eq!(swap.expect("the store answers"), CasResult::Done);
    }

    /// Advances the clock by `seconds`.
    pub fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
    }

    /// Counts how often `work` waits for the store, where concurrent calls are one wait; returns
    /// the count and the result.
    pub async fn waits<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        self.provider.finish_background_tasks().await;
        self.stall.waits(work).await
    }

    /// Runs `action` after the store has answered `work` this many times; `false` when there are
    /// not that many calls.
    pub async fn between<T>(
        &self,
        answers: u64,
        work: impl Future<Output = T>,
        action: impl Future,
    ) -> (T, bool) {
        self.stall.between(answers, work, action).await
    }

    /// Drops `work` at its first wait for the store, as when a client closes the connection, and
    /// waits until the server has made `calls` calls of the store.
    pub async fn hanging_up(&self, calls: u64, work: impl Future) {
        self.provider.finish_background_tasks().await;
        let before = self.switch.calls();
        self.stall.abandon(work).await;
        let done = async {
            while self.switch.calls() < before + calls {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            // The last call has been made, and can be answered.
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        tokio::time::timeout(Duration::from_secs(10), done)
            .await
            .expect("the work completes");
    }

    /// Runs `work`, and returns the commands that Redis got meanwhile; only of a server over Redis.
    pub async fn monitored<T>(&self, work: impl Future<Output = T>) -> (Vec<String>, T) {
        let redis = self.redis.as_ref().expect("a server over Redis");
        redis.monitored(work).await
    }

    /// Counts the calls of the store in `work`; returns the count and the result.
    pub async fn counting<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        self.provider.finish_background_tasks().await;
        let before = self.switch.calls();
        let result = work.await;
        (self.switch.calls() - before, result)
    }
}

/// A request from a default address, with the server's host name.
pub fn request(method: Method, path: &str) -> http::request::Builder {
    from(Ipv4Addr::new(192, 0, 2, 1).into(), method, path)
}

/// A request from a given address.
pub fn from(address: IpAddr, method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, HOST)
        .extension(ConnectInfo(SocketAddr::new(address, 50_000)))
}

fn routed(provider: &Provider, guards: Guards) -> Router {
    let site = PageFiles::new(None, None, &provider.settings().name);
    let options = Options {
        guards,
        ..Options::new(Proxies::default(), site)
    };
    router(provider.clone(), options)
}

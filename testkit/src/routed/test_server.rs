//! A provider behind the real router, with the clock of the test and a store that can be broken.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{HeaderValue, Method, Request, header};
use oauth::{Digest, Issuer};
use provider::{Provider, Settings, Web};
use server::proxies::Proxies;
use server::site::PageFiles;
use server::{Options, router};
use store::{CasResult, Store, Ttl};
use tower::ServiceExt as _;

use super::TestResponse;
use crate::direct::{SEALING_KEY, TestProvider};
use crate::{EngineKind, FaultSwitch, Query, RedisServer, StallSwitch, TestClock};

/// The issuer of a server, unless a test chooses another.
pub const ISSUER: &str = "https://vestibule.example";
const HOST: &str = "vestibule.example";
/// The issuer of a server on a developer's machine.
const LOOPBACK_ISSUER: &str = "http://localhost:3000";
/// The demonstration MCP server of such a server.
pub const MCP: &str = "https://vestibule.example/mcp";
/// Who lives here.
pub const ALICE: &str = "alice@example.com";
/// Her password.
pub const PASSWORD: &str = "a quiet room with a view";

/// A running server. Clones are the same server.
#[derive(Clone)]
pub struct TestServer {
    /// The provider behind it.
    pub provider: Provider,
    /// The whole surface.
    pub router: Router,
    /// The clock of both.
    pub clock: Arc<TestClock>,
    /// Breaks and mends the store, and counts its verbs.
    pub switch: FaultSwitch,
    stall: StallSwitch,
    store: Store,
    web: Option<Web>,
    /// Ends with the last clone.
    _redis: Option<Arc<RedisServer>>,
}

impl TestServer {
    /// A server with the default settings, where nobody lives yet.
    pub async fn empty(engine: EngineKind) -> Self {
        Self::with(engine, |_| {}).await
    }

    /// A server with the default settings, where Alice lives.
    pub async fn of_alice(engine: EngineKind) -> Self {
        let server = Self::empty(engine).await;
        server.add_alice().await;
        server
    }

    /// A server whose default settings are changed.
    pub async fn with(engine: EngineKind, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(Issuer::parse(ISSUER).expect("a good issuer"));
        change(&mut settings);
        let (store, redis) = engine.open().await;
        Self {
            _redis: redis.map(Arc::new),
            ..Self::over(store, settings).await
        }
    }

    /// A server on a developer's machine, where Alice lives and other people's web servers are those
    /// of a test.
    pub async fn on_this_computer(
        engine: EngineKind,
        web: Web,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = Settings::new(Issuer::parse(LOOPBACK_ISSUER).expect("a good issuer"));
        change(&mut settings);
        let (store, redis) = engine.open().await;
        let server = Self {
            _redis: redis.map(Arc::new),
            ..Self::in_the_web(store, settings, Some(web)).await
        };
        server.add_alice().await;
        server
    }

    /// A server over a store that is there already.
    pub async fn over(store: Store, settings: Settings) -> Self {
        Self::in_the_web(store, settings, None).await
    }

    /// A server over a store, with the web servers of a test in place of those of the world.
    pub async fn in_the_web(store: Store, settings: Settings, web: Option<Web>) -> Self {
        let (store, stall) = StallSwitch::around(store);
        let (store, switch) = FaultSwitch::around(store);
        let clock = Arc::new(TestClock::new());
        let opened = TestProvider::open(settings, store, SEALING_KEY, clock, web.clone()).await;
        Self {
            router: routed(&opened.provider),
            provider: opened.provider,
            clock: opened.clock,
            switch,
            stall,
            store: opened.store,
            web,
            _redis: None,
        }
    }

    /// A second server over the same store, with the same clock.
    pub async fn twin(&self) -> Self {
        self.twin_with(|_| {}).await
    }

    /// The same with other settings, as after a restart.
    pub async fn twin_with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.provider.settings().clone();
        change(&mut settings);
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let opened =
            TestProvider::open(settings, store, SEALING_KEY, clock, self.web.clone()).await;
        Self {
            router: routed(&opened.provider),
            provider: opened.provider,
            ..self.clone()
        }
    }

    /// Alice moves in, the first and so the administrator. She wants no passkey for now.
    pub async fn add_alice(&self) {
        self.provider
            .terminal()
            .add_account(ALICE, Some(PASSWORD))
            .await
            .expect("Alice moves in");
        let visitor = |cookies: &str| {
            self.provider
                .browser_context(cookies.as_bytes(), "", Ipv4Addr::new(192, 0, 2, 99).into())
                .0
        };
        let signed_in = self
            .provider
            .sign_in_with_password(&visitor(""), ALICE, PASSWORD)
            .await
            .expect("Alice signs in");
        let session = signed_in.cookies[0].header_value();
        let alice = visitor(session.split(';').next().unwrap_or_default());
        self.provider
            .decline_passkey(&alice)
            .await
            .expect("Alice declines");
        self.provider
            .sign_out(&alice)
            .await
            .expect("Alice signs out");
    }

    /// Sends a request straight into the router. One that names the usual server means this one.
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

    /// Asks for an address as a program does.
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

    /// Takes a record away behind the server's back.
    pub async fn lose(&self, key: &str) {
        assert!(
            self.store.remove(key).await.expect("the store answers"),
            "there is no {key}"
        );
    }

    /// Puts a record where none is behind the server's back.
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

    /// A record as it lies in the store.
    pub async fn record(&self, key: &str) -> String {
        let bytes = self
            .store
            .get(key)
            .await
            .expect("the store answers")
            .expect("a record");
        String::from_utf8(bytes).expect("a record in UTF-8")
    }

    /// Sets a counter of a limit behind the server's back, in the present window of so many
    /// seconds.
    pub async fn set_counter(&self, limit: &str, whom: &str, window: u64, count: u64) {
        let (digest, number) = (
            Digest::of(whom.as_bytes()),
            self.provider.now().seconds() / window,
        );
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

    /// Changes one text in a record behind the server's back, as whoever can write to the store
    /// might.
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

    /// Lets `seconds` pass.
    pub fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
    }

    /// How often `work` waits for the store, and what it leads to: what is asked for at once is one
    /// wait.
    pub async fn waits<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        self.stall.waits(work).await
    }

    /// Does `meanwhile` after the store has answered `work` so many times; `false` when it does not
    /// ask that often.
    pub async fn between<T>(
        &self,
        answers: u64,
        work: impl Future<Output = T>,
        meanwhile: impl Future,
    ) -> (T, bool) {
        self.stall.between(answers, work, meanwhile).await
    }

    /// Lets the caller hang up while `work` waits for the store, and waits until the server has
    /// called the store `calls` times.
    pub async fn hanging_up(&self, calls: u64, work: impl Future) {
        let before = self.switch.calls();
        self.stall.abandon(work).await;
        let done = async {
            while self.switch.calls() < before + calls {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            // The last call has been made; now it is answered.
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        tokio::time::timeout(Duration::from_secs(10), done)
            .await
            .expect("the work goes on");
    }

    /// How many verbs of the store `work` takes, and what it leads to.
    pub async fn counting<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        let before = self.switch.calls();
        let result = work.await;
        (self.switch.calls() - before, result)
    }
}

/// A request from an unremarkable neighbour, addressed to the server by its name.
pub fn request(method: Method, path: &str) -> http::request::Builder {
    from(Ipv4Addr::new(192, 0, 2, 1).into(), method, path)
}

/// A request from a certain address.
pub fn from(address: IpAddr, method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, HOST)
        .extension(ConnectInfo(SocketAddr::new(address, 50_000)))
}

fn routed(provider: &Provider) -> Router {
    let site = PageFiles::new(None, None, &provider.settings().name);
    router(
        provider.clone(),
        Options {
            proxies: Proxies::default(),
            site,
        },
    )
}

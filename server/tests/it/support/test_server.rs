//! The server: a provider behind the real router, with a clock moved by hand and a store that can be
//! broken.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use access_token::SealingKey;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{HeaderValue, Method, Request, header};
use oauth::{Digest, Issuer};
use provider::{Environment, Provider, Settings, Web};
use server::proxies::Proxies;
use server::site::PageFiles;
use server::{Options, router};
use store::{CasResult, Store, Ttl};
use testkit::{FaultSwitch, RedisServer, StallSwitch, TestClock};
use tower::ServiceExt as _;

use super::{Answer, Engine, Query};

/// The issuer of a server, unless a test chooses another.
pub(crate) const ISSUER: &str = "https://vestibule.example";
const HOST: &str = "vestibule.example";
/// The issuer of a server on a developer's machine.
pub(crate) const LOOPBACK_ISSUER: &str = "http://localhost:3000";
/// The demonstration MCP server of such a server.
pub(crate) const MCP: &str = "https://vestibule.example/mcp";
/// When every test begins.
pub(crate) const START: u64 = TestClock::START;
/// Who lives here.
pub(crate) const ALICE: &str = "alice@example.com";
/// Her password.
pub(crate) const PASSWORD: &str = "a quiet room with a view";

const SEALING_KEY: [u8; 32] = [7; 32];

/// A running server. Clones are the same server.
#[derive(Clone)]
pub(crate) struct TestServer {
    pub(crate) provider: Provider,
    pub(crate) router: Router,
    pub(crate) clock: Arc<TestClock>,
    /// Breaks and mends the store, and counts its verbs.
    pub(crate) switch: FaultSwitch,
    stall: StallSwitch,
    store: Store,
    web: Option<Web>,
    /// Ends with the last clone.
    _redis: Option<Arc<RedisServer>>,
}

impl TestServer {
    /// A server with the default settings, where nobody lives yet.
    pub(crate) async fn empty(engine: Engine) -> Self {
        Self::with(engine, |_| {}).await
    }

    /// A server with the default settings, where Alice lives.
    pub(crate) async fn of_alice(engine: Engine) -> Self {
        let server = Self::empty(engine).await;
        server.add_alice().await;
        server
    }

    /// A server whose default settings are changed.
    pub(crate) async fn with(engine: Engine, change: impl FnOnce(&mut Settings)) -> Self {
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
    pub(crate) async fn on_this_computer(
        engine: Engine,
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
    pub(crate) async fn over(store: Store, settings: Settings) -> Self {
        Self::in_the_web(store, settings, None).await
    }

    /// A server over a store, with the web servers of a test in place of those of the world.
    pub(crate) async fn in_the_web(store: Store, settings: Settings, web: Option<Web>) -> Self {
        let (store, stall) = StallSwitch::around(store);
        let (store, switch) = FaultSwitch::around(store);
        let clock = Arc::new(TestClock::new());
        let (provider, router) = open(settings, store.clone(), clock.clone(), web.clone()).await;
        Self {
            provider,
            router,
            clock,
            switch,
            stall,
            store,
            web,
            _redis: None,
        }
    }

    /// A second server over the same store, with the same clock.
    pub(crate) async fn twin(&self) -> Self {
        let (provider, router) = open(
            self.provider.settings().clone(),
            self.store.clone(),
            self.clock.clone(),
            self.web.clone(),
        )
        .await;
        Self {
            provider,
            router,
            ..self.clone()
        }
    }

    /// The same with other settings, as after a restart.
    pub(crate) async fn twin_with(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.provider.settings().clone();
        change(&mut settings);
        let (provider, router) = open(
            settings,
            self.store.clone(),
            self.clock.clone(),
            self.web.clone(),
        )
        .await;
        Self {
            provider,
            router,
            ..self.clone()
        }
    }

    /// Alice moves in, the first and so the administrator. She wants no passkey for now.
    pub(crate) async fn add_alice(&self) {
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
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
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
        Answer::read(response).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(
            request(Method::GET, path)
                .body(Body::empty())
                .expect("a request"),
        )
        .await
    }

    /// Posts a form as a program does.
    pub(crate) async fn post(&self, path: &str, form: &Query) -> Answer {
        let request = request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(form.encode().into()).expect("a request"))
            .await
    }

    /// Takes a record away behind the server's back.
    pub(crate) async fn lose(&self, key: &str) {
        assert!(
            self.store.remove(key).await.expect("the store answers"),
            "there is no {key}"
        );
    }

    /// Puts a record where none is behind the server's back.
    pub(crate) async fn put_back(&self, key: &str, record: &str) {
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
    pub(crate) async fn record(&self, key: &str) -> String {
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
    pub(crate) async fn set_counter(&self, limit: &str, whom: &str, window: u64, count: u64) {
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
    pub(crate) async fn tamper(&self, key: &str, from: &str, to: &str) {
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
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.pass(Duration::from_secs(seconds));
    }

    /// How often `work` waits for the store, and what it leads to: what is asked for at once is one
    /// wait.
    pub(crate) async fn waits<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        self.stall.waits(work).await
    }

    /// Does `meanwhile` after the store has answered `work` so many times; `false` when it does not
    /// ask that often.
    pub(crate) async fn between<T>(
        &self,
        answers: u64,
        work: impl Future<Output = T>,
        meanwhile: impl Future,
    ) -> (T, bool) {
        self.stall.between(answers, work, meanwhile).await
    }

    /// Lets the caller hang up while `work` waits for the store, and waits until the server has
    /// called the store `calls` times.
    pub(crate) async fn hanging_up(&self, calls: u64, work: impl Future) {
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
    pub(crate) async fn counting<T>(&self, work: impl Future<Output = T>) -> (u64, T) {
        let before = self.switch.calls();
        let result = work.await;
        (self.switch.calls() - before, result)
    }
}

/// A request from an unremarkable neighbour, addressed to the server by its name.
pub(crate) fn request(method: Method, path: &str) -> http::request::Builder {
    from(Ipv4Addr::new(192, 0, 2, 1).into(), method, path)
}

/// A request from a certain address.
pub(crate) fn from(address: IpAddr, method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, HOST)
        .extension(ConnectInfo(SocketAddr::new(address, 50_000)))
}

async fn open(
    settings: Settings,
    store: Store,
    clock: Arc<TestClock>,
    web: Option<Web>,
) -> (Provider, Router) {
    let sealing_key = SealingKey::from_bytes(&SEALING_KEY).expect("a sealing key");
    let system = Environment::system();
    let environment = Environment {
        clock,
        web: web.unwrap_or(system.web),
        entropy: system.entropy,
    };
    let site = PageFiles::new(None, None, &settings.name);
    let provider = Provider::open(settings, store, sealing_key, environment)
        .await
        .expect("the provider opens");
    let router = router(
        provider.clone(),
        Options {
            proxies: Proxies::default(),
            site,
        },
    );
    (provider, router)
}

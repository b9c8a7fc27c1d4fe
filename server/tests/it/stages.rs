//! No step of signing in can be skipped, in any order of requests (T-D34, R-O18): only a browser
//! gets a code that has signed in since its last sign-out, and since the request if that requires
//! it.
//!
//! A small model defines the possible results of each step, and the server is compared with it.

use std::cell::Cell;

use proptest::{
    collection::vec,
    prelude::{Just, ProptestConfig, Strategy, any},
    prop_oneof,
    sample::{Index, select},
    test_runner::TestRunner,
};
use serde_json::json;
use testkit::{
    EngineKind, Query, native_metadata,
    routed::{ALICE, Browser, McpClient, PASSWORD, TestResponse, TestServer},
};

const SESSION: &str = "__Host-vestibule-session";
/// The `prompt` values of requests; empty for none.
const PROMPTS: [&str; 4] = ["", "login", "consent", "none"];

/// The next step of a browser. An [`Index`] picks one of the existing items, those of the other
/// browser included.
#[derive(Clone, Debug)]
enum Step {
    Ask(&'static str),
    OpenConsent(Index),
    Allow(Index),
    SignIn {
        password: &'static str,
        request: Index,
    },
    SignOut,
    /// Sets an earlier session cookie, or none.
    Wear(Index),
}

/// A successful sign-in in one of the browsers.
struct Session {
    browser: usize,
    cookie: String,
    at: u64,
    is_over: bool,
}

/// A pending request.
struct PendingRequest {
    id: String,
    browser: usize,
    at: u64,
    wants_sign_in: bool,
    is_decided: bool,
}

/// Two browsers of Alice, and the state of the model.
struct Model<'a> {
    server: TestServer,
    client: McpClient,
    browsers: [Browser; 2],
    /// The session cookie of each browser.
    worn: [Option<usize>; 2],
    sessions: Vec<Session>,
    requests: Vec<PendingRequest>,
    is_remembered: bool,
    now: u64,
    /// The number of issued codes.
    codes: &'a Cell<usize>,
}

#[test]
fn t_d34_no_order_of_steps_gets_a_code_without_signing_in() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let codes = Cell::new(0);
    let config = ProptestConfig {
        cases: 24,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&vec((0..2_usize, step()), 8..40), |steps| {
        runtime.block_on(async {
            let mut trial = Model::begin(&codes).await;
            for (browser, step) in steps {
                trial.take(browser, &step).await;
            }
        });
        Ok(())
    });
    assert_eq!(outcome.map_err(|fault| fault.to_string()), Ok(()));
    assert!(codes.get() > 0, "some orders do get one");
}

fn step() -> impl Strategy<Value = Step> {
    let which = any::<Index>;
    prop_oneof![
        4 => select(&PROMPTS[..]).prop_map(Step::Ask),
        2 => which().prop_map(Step::OpenConsent),
        5 => which().prop_map(Step::Allow),
        3 => which().prop_map(|request| Step::SignIn { password: PASSWORD, request }),
        1 => which().prop_map(|request| Step::SignIn { password: "wrong", request }),
        1 => Just(Step::SignOut),
        2 => which().prop_map(Step::Wear),
    ]
}

impl<'a> Model<'a> {
    async fn begin(codes: &'a Cell<usize>) -> Self {
        let server = TestServer::of_alice(EngineKind::Memory).await;
        let mut metadata = native_metadata();
        // Consent for web clients is remembered, so that some codes are issued without a page.
        metadata["redirect_uris"] = json!(["https://app.example/callback"]);
        let client = McpClient::registered(&server, &metadata).await;
        let browsers = [Browser::new(&server), Browser::new(&server)];
        let sessions = Vec::new();
        let requests = Vec::new();
        Self {
            server,
            client,
            browsers,
            worn: [None; 2],
            sessions,
            requests,
            is_remembered: false,
            now: 0,
            codes,
        }
    }

    async fn take(&mut self, browser: usize, step: &Step) {
        self.server.pass(1);
        self.now += 1;
        match step {
            Step::Ask(prompt) => self.ask(browser, prompt).await,
            Step::OpenConsent(which) => self.open_consent(browser, *which).await,
            Step::Allow(which) => self.allow(browser, *which).await,
            Step::SignIn { password, request } => self.sign_in(browser, password, *request).await,
            Step::SignOut => self.sign_out(browser).await,
            Step::Wear(which) => self.set_session(browser, *which),
        }
    }

    async fn ask(&mut self, browser: usize, prompt: &str) {
        let client = self.client.asking(|query| {
            if prompt.is_empty() {
                query
            } else {
                query.set("prompt", prompt)
            }
        });
        let answer = self.browsers[browser].get(&client.authorize_path()).await;
        let passes =
            self.session(browser).is_some() && self.is_remembered && ["", "none"].contains(&prompt);
        assert_eq!(has_code(&answer), passes, "{prompt}: {answer:?}");
        self.codes.set(self.codes.get() + usize::from(passes));
        if let Some((_, id)) = answer.destination().split_once("?request=") {
            let id = id.to_owned();
            let wants_sign_in = prompt == "login";
            self.requests.push(PendingRequest {
                id,
                browser,
                at: self.now,
                wants_sign_in,
                is_decided: false,
            });
        }
    }

    async fn open_consent(&mut self, browser: usize, which: Index) {
        let Some(number) = self.pick(which) else {
            return;
        };
        let answer = self.browsers[browser]
            .get(&format!("/consent?request={}", self.requests[number].id))
            .await;
        let is_shown = answer.status == 200 && answer.document().page() == "consent";
        assert_eq!(is_shown, self.may_decide(browser, number), "{answer:?}");
        assert!(!has_code(&answer), "{answer:?}");
    }

    async fn allow(&mut self, browser: usize, which: Index) {
        let Some(number) = self.pick(which) else {
            return;
        };
        let form = self
            .form(browser)
            .await
            .and("request", &self.requests[number].id)
            .and("decision", "allow");
        let answer = self.browsers[browser].post("/actions/consent", &form).await;
        let may = self.may_decide(browser, number);
        assert_eq!(has_code(&answer), may, "{answer:?}");
        self.codes.set(self.codes.get() + usize::from(may));
        self.requests[number].is_decided |= may;
        self.is_remembered |= may;
    }

    async fn sign_in(&mut self, browser: usize, password: &str, which: Index) {
        let request = self
            .pick(which)
            .map_or("", |number| &self.requests[number].id)
            .to_owned();
        let form = self
            .form(browser)
            .await
            .and("request", &request)
            .and("email", ALICE)
            .and("password", password);
        let before = self.browsers[browser].cookies.get(SESSION).cloned();
        let answer = self.browsers[browser].post("/actions/sign_in", &form).await;
        assert!(!has_code(&answer), "{answer:?}");
        let after = self.browsers[browser].cookies.get(SESSION).cloned();
        assert_eq!(after != before, password == PASSWORD, "{answer:?}");
        if let Some(cookie) = after.filter(|_| password == PASSWORD) {
            self.end_current(browser);
            self.worn[browser] = Some(self.sessions.len());
            self.sessions.push(Session {
                browser,
                cookie,
                at: self.now,
                is_over: false,
            });
        }
    }

    async fn sign_out(&mut self, browser: usize) {
        let form = self.form(browser).await;
        let answer = self.browsers[browser]
            .post("/actions/sign_out", &form)
            .await;
        assert!(!has_code(&answer), "{answer:?}");
        self.end_current(browser);
        self.worn[browser] = None;
    }

    fn set_session(&mut self, browser: usize, which: Index) {
        let own: Vec<_> = (0..self.sessions.len())
            .filter(|number| self.sessions[*number].browser == browser)
            .collect();
        self.worn[browser] = own.get(which.index(own.len() + 1)).copied();
        let cookies = &mut self.browsers[browser].cookies;
        match self.worn[browser] {
            Some(number) => {
                cookies.insert(SESSION.to_owned(), self.sessions[number].cookie.clone())
            }
            None => cookies.remove(SESSION),
        };
    }

    /// Signing in and signing out end the current session, and no other one.
    fn end_current(&mut self, browser: usize) {
        if let Some(number) = self.worn[browser] {
            self.sessions[number].is_over = true;
        }
    }

    /// The session of a browser, if it is signed in.
    fn session(&self, browser: usize) -> Option<&Session> {
        self.worn[browser]
            .map(|number| &self.sessions[number])
            .filter(|session| !session.is_over)
    }

    /// The rule: the browser of the request, once, with a recent enough session.
    fn may_decide(&self, browser: usize, number: usize) -> bool {
        let asked = &self.requests[number];
        let session = self
            .session(browser)
            .filter(|session| !asked.wants_sign_in || session.at > asked.at);
        asked.browser == browser && !asked.is_decided && session.is_some()
    }

    fn pick(&self, which: Index) -> Option<usize> {
        (!self.requests.is_empty()).then(|| which.index(self.requests.len()))
    }

    /// A form with a valid token for the browser's session, so that no step fails because of the
    /// token.
    async fn form(&mut self, browser: usize) -> Query {
        let browser = &mut self.browsers[browser];
        let login = browser.get("/login").await;
        let form = match login.status.as_u16() {
            200 => login.document().form("Sign in"),
            _ => browser.follow(&login).await.document().form("Sign out"),
        };
        Query::new([("form_token", form.token().as_str())])
    }
}

/// Whether a response contains a code, with any redirect target.
fn has_code(answer: &TestResponse) -> bool {
    answer
        .header(http::header::LOCATION)
        .is_some_and(|location| location.contains("code="))
}

//! What a request costs the store: commands of Redis, and how often it waits for them. A path that
//! grows fails here.

use serde_json::json;
use testkit::{
    EngineKind, native_metadata,
    routed::{
        ALICE, Browser, Callback, McpClient, PASSWORD, TestResponse, TestServer, Tokens, register,
    },
};

/// The commands and waits of some work, with what was left for after the response.
async fn cost<T>(server: &TestServer, work: impl Future<Output = T>) -> (Vec<String>, T) {
    let whole = async {
        let result = work.await;
        server.provider.finish_background_tasks().await;
        result
    };
    server.monitored(whole).await
}

fn assert_at_most(most: usize, what: &str, commands: &[String]) {
    assert!(
        commands.len() <= most,
        "{what} costs {} commands, at most {most} are allowed:\n{}",
        commands.len(),
        commands.join("\n")
    );
}

async fn at(server: &TestServer, uri: &str) -> McpClient {
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!([uri]);
    McpClient::registered(server, &metadata).await
}

/// With a remembered consent: one read of what is known beforehand, one of account and consent, one
/// write. The events of many clients are written together, after the responses.
#[tokio::test]
async fn a_silent_authorization_costs_few_commands_in_three_round_trips() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    for _ in 0..20 {
        // A list of earlier grants costs nothing.
        assert!(browser.pass(&client).await.query.one("code").is_some());
    }
    server.provider.finish_background_tasks().await;
    for _ in 0..10 {
        let (commands, callback) = cost(&server, browser.pass(&client)).await;
        assert!(callback.query.one("code").is_some());
        // One of eight additions to a list also looks at other names.
        assert_at_most(8, "a silent authorization", &commands);
    }
    let (waits, callback) = server.waits(browser.pass(&client)).await;
    assert!(callback.query.one("code").is_some());
    assert!(waits <= 3, "{waits} round trips");
}

#[tokio::test]
async fn an_exchange_and_a_refresh_cost_a_read_and_a_swap() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    let code = browser.pass(&client).await;
    server.provider.finish_background_tasks().await;
    let code = code.query.one("code").expect("a code").to_owned();
    let (commands, answer) = cost(&server, client.exchange(&code)).await;
    let tokens = Tokens::read(&answer);
    assert_at_most(2, "an exchange", &commands);
    let (commands, answer) = cost(&server, client.refresh(&tokens.refresh)).await;
    let tokens = Tokens::read(&answer);
    assert_at_most(2, "a refresh", &commands);
    let (waits, answer) = server.waits(client.refresh(&tokens.refresh)).await;
    answer.granted();
    assert_eq!(waits, 2);
}

#[tokio::test]
async fn a_registration_costs_few_commands_in_few_round_trips() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    let address = "192.0.2.77".parse().expect("an address");
    let metadata = native_metadata();
    register(&server, address, &metadata).await;
    let mut least = usize::MAX;
    for _ in 0..6 {
        let (commands, answer) = cost(&server, register(&server, address, &metadata)).await;
        assert_eq!(answer.status, 201);
        // One of eight also looks for clients that have expired: a range and a read in each of four
        // lists, after the response.
        assert_at_most(9, "a registration", &commands);
        least = least.min(commands.len());
    }
    assert!(least <= 1, "{least} commands");
    let (waits, answer) = server.waits(register(&server, address, &metadata)).await;
    assert_eq!(answer.status, 201);
    assert!(waits <= 2, "{waits} round trips");
}

/// The requests of a user who is not signed in, from that of the client to the answer with the code.
#[derive(Clone, Copy, Debug)]
enum Step {
    Authorize,
    SignInPage,
    Password,
    ConsentPage,
    Allow,
}

/// A browser on this path.
struct Visit<'a> {
    browser: Browser,
    client: &'a McpClient,
    last: Option<TestResponse>,
}

impl<'a> Visit<'a> {
    fn new(server: &TestServer, client: &'a McpClient) -> Self {
        Self {
            browser: Browser::new(server),
            client,
            last: None,
        }
    }

    async fn go(&mut self, step: Step) {
        let browser = &mut self.browser;
        let last = self.last.take();
        let page = || last.as_ref().expect("a page").document();
        self.last = Some(match step {
            Step::Authorize => browser.get(&self.client.authorize_path()).await,
            Step::SignInPage | Step::ConsentPage => {
                browser.follow(last.as_ref().expect("an answer")).await
            }
            Step::Password => {
                let form = page().form("Sign in");
                let form = form.fill("email", ALICE).fill("password", PASSWORD);
                let signed_in = browser.submit(&form, "Sign in").await;
                browser.past_the_offer(signed_in).await
            }
            Step::Allow => browser.submit(&page().form("Allow"), "Allow").await,
        });
    }

    fn code(&self) -> String {
        let answer = self.last.as_ref().expect("an answer");
        let callback = Callback::read(answer.destination());
        callback.query.one("code").expect("a code").to_owned()
    }
}

/// From the request of a client to its tokens, by a user who is not signed in: what each request
/// costs at most, in commands and round trips. A command counts once, however many keys it reads or
/// counts; what is done after the response counts too.
const FIRST_SIGN_IN: [(Step, usize, u64); 5] = [
    (Step::Authorize, 2, 2),
    (Step::SignInPage, 2, 2),
    // Three reads, which depend on each other; the count of the attempt; after the hash, account,
    // counters, session and known browser; the event.
    (Step::Password, 6, 6),
    (Step::ConsentPage, 2, 2),
    // Two reads; the decision, the use of the client, consent and grant; the event, with what says
    // that all is stored.
    (Step::Allow, 4, 4),
];

#[tokio::test]
async fn a_first_sign_in_with_consent_does_not_grow() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    // The first event of an account on a server reads its activity.
    Browser::of_alice(&server).await;
    let mut least = vec![Vec::new(); FIRST_SIGN_IN.len()];
    // One of eight additions to a list also looks for names without a record.
    for number in 0..6 {
        let client = at(&server, &format!("https://app{number}.example/callback")).await;
        server.pass(15 * 60);
        server.provider.finish_background_tasks().await;
        let mut visit = Visit::new(&server, &client);
        for ((step, ..), least) in FIRST_SIGN_IN.iter().zip(&mut least) {
            let (commands, ()) = cost(&server, visit.go(*step)).await;
            if least.is_empty() || commands.len() < least.len() {
                *least = commands;
            }
        }
        let (commands, answer) = cost(&server, client.exchange(&visit.code())).await;
        answer.granted();
        assert_at_most(2, "the exchange", &commands);
    }
    for ((step, most, _), commands) in FIRST_SIGN_IN.iter().zip(&least) {
        assert_at_most(*most, &format!("{step:?}"), commands);
    }
    let to_sign_in_page = least[0].len() + least[1].len();
    assert_eq!(to_sign_in_page, 4, "from the client to the sign-in page");
    assert_at_most(16, "the path to the code", &least.concat());
}

#[tokio::test]
async fn a_first_sign_in_with_consent_waits_for_the_store_a_few_times() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    Browser::of_alice(&server).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut visit = Visit::new(&server, &client);
    for (step, _, most) in FIRST_SIGN_IN {
        let (waits, ()) = server.waits(visit.go(step)).await;
        assert!(waits <= most, "{step:?}: {waits} round trips");
    }
    assert!(!visit.code().is_empty());
}

/// The account page: session and account once, the lists and what they name, the clients, and the
/// latest events.
#[tokio::test]
async fn the_account_page_costs_ten_commands_in_five_round_trips() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    let mut browser = Browser::of_alice(&server).await;
    for host in ["app", "other", "third"] {
        let client = at(&server, &format!("https://{host}.example/callback")).await;
        client.connect(&mut browser).await;
    }
    server.provider.finish_background_tasks().await;
    let (commands, page) = cost(&server, browser.open("/account")).await;
    assert_eq!(page.page(), "account");
    assert_at_most(10, "the account page", &commands);
    let (waits, page) = server.waits(browser.open("/account")).await;
    assert_eq!(page.page(), "account");
    assert!(waits <= 5, "{waits} round trips");
}

/// What follows for sessions and grants is done after the response.
#[tokio::test]
async fn disabling_an_account_costs_the_same_however_much_it_has_allowed() {
    let mut costs = Vec::new();
    for passes in [1, 40] {
        let server = TestServer::of_alice(EngineKind::Redis).await;
        let client = at(&server, "https://app.example/callback").await;
        let mut browser = Browser::of_alice(&server).await;
        let tokens = client.connect(&mut browser).await;
        for _ in 0..passes {
            assert!(browser.pass(&client).await.query.one("code").is_some());
        }
        let terminal = server.provider.terminal();
        let disabling = async { terminal.accounts().disable_account(ALICE).await };
        let (calls, done) = server.counting(Box::pin(disabling)).await;
        done.expect("disabled");
        costs.push(calls);
        let refused = client.refresh(&tokens.refresh).await;
        refused.refused(400, "invalid_grant");
    }
    assert_eq!(costs[0], costs[1], "with 1 and with 40 grants");
}

/// A page of the applications reads its rows and no others.
#[tokio::test]
async fn the_pages_of_applications_cost_the_same_however_many_there_are() {
    let server = TestServer::of_alice(EngineKind::Redis).await;
    let mut browser = Browser::of_alice(&server).await;
    let terminal = server.provider.terminal();
    let mut costs = Vec::new();
    for clients in [60, 700] {
        for number in costs.len() * 20..clients {
            let uris = ["https://app.example/callback".to_owned()];
            let name = format!("Tool {number}");
            let added = terminal.clients().add_client(&name, &uris, false).await;
            added.map(drop).expect("added");
        }
        server.provider.finish_background_tasks().await;
        for page in ["", "?q=tool+1", "?q=tool&after=tool+2"] {
            let path = format!("/admin/applications{page}");
            let (commands, answer) = cost(&server, browser.open(&path)).await;
            assert_eq!(answer.page(), "admin-applications");
            assert_at_most(9, "a page of applications", &commands);
            costs.push(commands.len());
        }
    }
    let (few, many) = costs.split_at(3);
    assert_eq!(few, many);
}

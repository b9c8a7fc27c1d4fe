//! Repeated posts: a double click, or a form that a browser sends again because no response
//! arrived.

use std::time::Duration;

use futures_util::future::join_all;
use http::header;

use testkit::{
    EngineKind, HtmlForm, on_both_engines,
    routed::{ALICE, Browser, Callback, McpClient, PASSWORD, TestResponse, TestServer, Tokens},
};

on_both_engines!(
    a_double_click_on_allow_gives_one_code_twice,
    sixteen_identical_posts_make_one_grant,
    a_second_post_waits_for_the_first_on_another_server,
    a_post_is_answered_again_after_its_connection_closed,
    a_double_click_on_deny_gives_one_denial_twice,
    another_decision_browser_session_or_minute_changes_nothing,
    a_redeemed_code_is_not_sent_again,
    a_double_click_on_a_one_time_link_signs_in_once,
    a_recovery_code_that_is_sent_twice_is_used_once,
    a_new_password_that_is_sent_twice_keeps_the_session,
    a_double_click_adds_one_client,
    a_double_click_on_sign_in_succeeds,
    a_refused_post_is_evaluated_again,
);

const OVER_A_MINUTE: u64 = 61;
const NEW_PASSWORD: &str = "another quiet room upstairs";

/// Concurrent identical posts of one browser: no cookie of one response is used by another.
async fn at_once(
    browser: &Browser,
    form: &HtmlForm,
    button: &str,
    number: usize,
) -> Vec<TestResponse> {
    let post = async || browser.clone().submit(form, button).await;
    join_all((0..number).map(|_| post())).await
}

fn code(answer: &TestResponse) -> String {
    let callback = Callback::read(answer.destination());
    callback
        .query
        .one("code")
        .unwrap_or_else(|| panic!("a code: {callback:?}"))
        .to_owned()
}

fn cookies(answer: &TestResponse) -> Vec<String> {
    let lines = answer.headers.get_all(header::SET_COOKIE).iter();
    lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
        .collect()
}

async fn a_double_click_on_allow_gives_one_code_twice(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    let (calls, first) = server
        .counting(browser.clone().submit(&form, "Allow"))
        .await;
    assert!(
        calls <= 33,
        "{calls}: one command more than a decision that is not repeated"
    );
    let second = browser.submit(&form, "Allow").await;
    assert_eq!(second.destination(), first.destination());
    client.exchange(&code(&second)).await.granted();
}

async fn sixteen_identical_posts_make_one_grant(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    let servers = [server.clone(), server.twin().await];
    let mut new_browser = Browser::of_alice(&server).await;
    let post = async |number: usize| {
        browser
            .at(&servers[number % 2])
            .submit(&form, "Allow")
            .await
    };
    let (answers, other) = tokio::join!(
        join_all((0..16).map(post)),
        new_browser.submit(&form, "Allow")
    );
    let first = answers[0].destination().to_owned();
    assert!(
        answers.iter().all(|answer| answer.destination() == first),
        "{answers:?}"
    );
    assert!(
        other.destination().starts_with('/'),
        "another browser gets nothing: {other:?}"
    );
    client.exchange(&code(&answers[15])).await.granted();
    assert_eq!(
        client.exchange(&code(&answers[3])).await.status,
        400,
        "the code was one"
    );
}

async fn a_second_post_waits_for_the_first_on_another_server(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let twin = server.twin().await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    for delay in [0, 1, 3, 10, 30] {
        let form = if delay == 0 {
            form.clone()
        } else {
            browser
                .consent_page(&client.asking(|query| query.set("prompt", "consent")))
                .await
                .form("Allow")
        };
        let (mut one, mut other) = (browser.clone(), browser.at(&twin));
        let late = async {
            tokio::time::sleep(Duration::from_millis(delay)).await;
            other.submit(&form, "Allow").await
        };
        let (first, second) = tokio::join!(one.submit(&form, "Allow"), late);
        assert_eq!(code(&first), code(&second), "{delay} ms");
    }
}

async fn a_post_is_answered_again_after_its_connection_closed(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    // The connection of the first closes while it waits for the store.
    server
        .hanging_up(5, browser.clone().submit(&form, "Allow"))
        .await;
    client
        .exchange(&code(&browser.submit(&form, "Allow").await))
        .await
        .granted();
}

async fn a_double_click_on_deny_gives_one_denial_twice(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Deny");
    let answers = at_once(&browser, &form, "Deny", 4).await;
    for answer in &answers {
        assert_eq!(answer.destination(), answers[0].destination());
        assert_eq!(
            Callback::read(answer.destination()).query.one("error"),
            Some("access_denied")
        );
    }
    assert!(
        browser
            .submit(&form, "Allow")
            .await
            .destination()
            .starts_with("/consent"),
        "it is decided"
    );
}

async fn another_decision_browser_session_or_minute_changes_nothing(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    let allowed = browser.submit(&form, "Allow").await;
    code(&allowed);
    let decided =
        |answer: &TestResponse| assert!(answer.destination().starts_with('/'), "{answer:?}");
    decided(&browser.clone().submit(&form, "Deny").await);
    decided(
        &Browser::of_alice(&server)
            .await
            .submit(&form, "Allow")
            .await,
    );
    let mut other_browser = browser.clone();
    other_browser
        .cookies
        .retain(|name, _| !name.starts_with("__Host-vestibule-browser"));
    other_browser.get("/login").await;
    decided(&other_browser.submit(&form, "Allow").await);
    // The same browser, with another session and its form token.
    let mut later = browser.clone();
    later.cookies.remove("__Host-vestibule-session");
    later.sign_in(ALICE, PASSWORD).await;
    let token = later.form_token().await;
    decided(
        &later
            .submit(&form.clone().fill("form_token", &token), "Allow")
            .await,
    );
    server.pass(OVER_A_MINUTE);
    decided(&browser.submit(&form, "Allow").await);
}

async fn a_redeemed_code_is_not_sent_again(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    let allowed = browser.submit(&form, "Allow").await;
    let tokens = Tokens::read(&client.exchange(&code(&allowed)).await);
    let again = browser.submit(&form, "Allow").await;
    assert!(again.destination().starts_with("/consent"), "{again:?}");
    // The grant is still valid.
    client.refresh(&tokens.refresh).await.granted();
}

async fn a_double_click_on_a_one_time_link_signs_in_once(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let added = server
        .provider
        .terminal()
        .accounts()
        .invite("bob@example.com", None)
        .await
        .expect("invited");
    let enrol = added.enrolment_link.expect("a link");
    let twin = server.twin().await;
    let both = async |link: &str, button: &str| {
        let path = link
            .split_once(".example")
            .map(|(_, path)| path.to_owned())
            .expect("a path");
        let mut bob = Browser::new(&server);
        let form = bob
            .open(&path)
            .await
            .form(button)
            .fill("password", NEW_PASSWORD);
        let (mut one, mut other) = (bob.clone(), bob.at(&twin));
        let (first, second) = tokio::join!(one.submit(&form, button), other.submit(&form, button));
        assert_eq!(
            (first.destination(), cookies(&first)),
            (second.destination(), cookies(&second))
        );
        assert_eq!(first.destination(), "/account");
        other.open("/account").await;
        // Also with the cookies of the first response, as in a browser that has stored them
        // already.
        assert_eq!(cookies(&other.submit(&form, button).await), cookies(&first));
        let mut new_browser = Browser::new(&server);
        new_browser.open("/login").await;
        let refused = new_browser.submit(&form, button).await;
        assert!(
            !new_browser.cookies.contains_key("__Host-vestibule-session"),
            "{refused:?}"
        );
        other.open("/account").await
    };
    let account = both(&enrol, "Create account").await;
    assert!(account.words().contains("bob@example.com"));
    let reset = server
        .provider
        .terminal()
        .accounts()
        .reset_account("bob@example.com")
        .await
        .expect("a link");
    both(&reset, "Save password").await;
}

async fn a_recovery_code_that_is_sent_twice_is_used_once(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let form = alice.open("/account").await.form("Create recovery codes");
    let made = at_once(&alice, &form, "Create recovery codes", 3).await;
    assert!(
        made.iter()
            .all(|answer| cookies(answer) == cookies(&made[0])),
        "{made:?}"
    );
    let made = alice.submit(&form, "Create recovery codes").await;
    let page = alice.follow(&made).await.document().words();
    let codes: Vec<_> = page
        .split_whitespace()
        .filter(|word| word.len() == 19 && word.matches('-').count() == 3)
        .collect();
    let mut lost = Browser::new(&server);
    let form = lost
        .open("/recover")
        .await
        .form("Sign in")
        .fill("email", ALICE)
        .fill("code", codes[0]);
    let answers = at_once(&lost, &form, "Sign in", 8).await;
    for answer in &answers {
        assert_eq!(
            (answer.destination(), cookies(answer)),
            (answers[0].destination(), cookies(&answers[0]))
        );
    }
    let mut lost = lost.clone();
    lost.submit(&form, "Sign in").await;
    assert!(
        lost.open("/account").await.words().contains("9 of 10 left"),
        "one code is used up"
    );
    let mut thief = Browser::new(&server);
    let stolen = thief
        .open("/recover")
        .await
        .form("Sign in")
        .fill("email", ALICE)
        .fill("code", codes[0]);
    assert_eq!(
        thief.submit(&stolen, "Sign in").await.destination(),
        "/recover"
    );
}

async fn a_new_password_that_is_sent_twice_keeps_the_session(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let form = alice
        .open("/account")
        .await
        .form("Save password")
        .fill("password", NEW_PASSWORD);
    let first = alice.clone().submit(&form, "Save password").await;
    let second = alice.submit(&form, "Save password").await;
    assert_eq!(cookies(&first), cookies(&second));
    alice.open("/account").await;
}

async fn a_double_click_adds_one_client(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let form = alice.open("/admin/applications").await.form("Add");
    let form = form
        .fill("name", "Twice")
        .fill("redirect_uris", "https://agent.example/callback");
    let answers = at_once(&alice, &form, "Add", 4).await;
    assert!(
        answers
            .iter()
            .all(|answer| cookies(answer) == cookies(&answers[0]))
    );
    let clients = server
        .provider
        .terminal()
        .clients()
        .list()
        .await
        .expect("clients");
    assert_eq!(
        clients
            .iter()
            .filter(|client| client.name == "Twice")
            .count(),
        1
    );
}

async fn a_double_click_on_sign_in_succeeds(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::new(&server);
    let form = alice
        .open("/login")
        .await
        .form("Sign in")
        .fill("email", ALICE)
        .fill("password", PASSWORD);
    let before = alice.clone();
    assert_eq!(
        alice.submit(&form, "Sign in").await.destination(),
        "/account"
    );
    // With and without the cookies of the first response.
    assert_eq!(
        alice.submit(&form, "Sign in").await.destination(),
        "/account"
    );
    assert_eq!(
        before.clone().submit(&form, "Sign in").await.destination(),
        "/account"
    );
    alice.open("/account").await;
}

async fn a_refused_post_is_evaluated_again(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::new(&server);
    let form = browser
        .open("/recover")
        .await
        .form("Sign in")
        .fill("email", ALICE)
        .fill("code", "0000-0000-0000-0000");
    server.switch.break_all();
    browser.submit(&form, "Sign in").await;
    server.switch.mend();
    let refused = browser.submit(&form, "Sign in").await;
    let page = browser.follow(&refused).await.document();
    assert!(
        page.alert()
            .is_some_and(|alert| alert.contains("Incorrect email or recovery code")),
        "{page:?}"
    );
}

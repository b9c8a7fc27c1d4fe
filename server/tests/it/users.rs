//! Users: guessing, setup, enrolment, signing out (R-O16; T-A9, T-C25, T-D32, T-F44, T-F45, T-F47).

use std::net::IpAddr;

use http::{StatusCode, header};
use serde_json::{Value, json};
use testkit::{
    EngineKind, Query, RACERS, on_both_engines, race,
    routed::{ALICE, Browser, ISSUER, McpClient, PASSWORD, TestResponse, TestServer},
};

on_both_engines!(
    t_f45_an_unknown_address_and_a_wrong_password_get_the_same_answer,
    t_f45_a_passkey_challenge_reveals_no_account_and_requires_verification,
    t_f44_64_concurrent_guesses_count_as_64,
    t_f44_guesses_are_counted_over_two_servers_and_also_block_a_correct_password,
    t_a9_r_o16_every_post_is_answered_by_303,
    t_f47_the_setup_link_works_once,
    t_f47_of_16_concurrent_setups_one_succeeds,
    links_expire_after_a_day,
    an_enrolment_link_works_once_and_for_its_own_address_only,
    a_refused_password_is_explained_at_its_field,
    a_session_lasts_thirty_days,
    t_c25_disabling_an_account_ends_its_sessions_for_good,
    t_f47_a_passkey_ceremony_works_once_and_in_its_own_browser,
    adding_a_passkey_requires_a_session,
);

const WRONG: &str = "Incorrect email or password.";

async fn t_f45_an_unknown_address_and_a_wrong_password_get_the_same_answer(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let fresh = Browser::new(&server);
    // The same requests at the same time, once with her account and once without.
    let attempt = async || {
        let mut browser = fresh.clone();
        browser
            .cookies
            .insert("__Host-vestibule-browser".to_owned(), "A".repeat(43));
        let answer = browser.sign_in(ALICE, "not her password").await;
        let page = browser.follow(&answer).await;
        (answer, page)
    };
    let (wrong, wrong_page) = attempt().await;
    server
        .provider
        .terminal()
        .accounts()
        .remove_account(ALICE)
        .await
        .expect("removed");
    let (unknown, unknown_page) = attempt().await;
    assert_eq!(wrong.destination(), "/login");
    assert_eq!(wrong_page.document().alert().as_deref(), Some(WRONG));
    assert_eq!((unknown.status, &unknown.body), (wrong.status, &wrong.body));
    assert_eq!(unknown.headers_without_id(), wrong.headers_without_id());
    let without_chance = |page: &TestResponse| {
        let policy = page
            .header(header::CONTENT_SECURITY_POLICY)
            .expect("a policy")
            .to_owned();
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .expect("a nonce")
            .to_owned();
        let token = page.document().form("Sign in").token();
        (
            page.status,
            policy.replace(&nonce, ""),
            page.body.replace(&nonce, "").replace(&token, ""),
        )
    };
    assert_eq!(without_chance(&unknown_page), without_chance(&wrong_page));
}

async fn t_f45_a_passkey_challenge_reveals_no_account_and_requires_verification(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::new(&server);
    let form_token = browser.open("/login").await.form("Sign in").token();
    let answer = browser
        .call_action(
            "start_passkey_sign_in",
            &json!({ "form_token": form_token }),
        )
        .await;
    let options = &options(&answer.granted())["publicKey"];
    assert_eq!(options["userVerification"], "required", "{options}");
    assert!(
        options["allowCredentials"]
            .as_array()
            .is_none_or(Vec::is_empty),
        "{options}"
    );
    assert_eq!(options["rpId"], "vestibule.example", "{options}");
}

async fn t_f44_64_concurrent_guesses_count_as_64(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::new(&server);
    let form = browser
        .open("/login")
        .await
        .form("Sign in")
        .fill("email", ALICE)
        .fill("password", "a guess");
    let alerts = race(RACERS, |_| {
        let mut window = browser.clone();
        let form = form.clone();
        async move {
            let answer = window.submit(&form, "Sign in").await;
            window
                .follow(&answer)
                .await
                .document()
                .alert()
                .expect("an alert")
        }
    })
    .await;
    let judged = alerts.iter().filter(|alert| *alert == WRONG).count();
    let slowed = alerts
        .iter()
        .filter(|alert| alert.starts_with("Too many attempts."))
        .count();
    assert_eq!((judged, slowed), (10, RACERS - 10), "{alerts:?}");
}

async fn t_f44_guesses_are_counted_over_two_servers_and_also_block_a_correct_password(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let twin = server.twin().await;
    for number in 0..10_u8 {
        // From another network address and another browser each time, with the e-mail address in
        // another case.
        let mut browser = Browser::new(if number % 2 == 0 { &server } else { &twin });
        browser.address = IpAddr::from([198, 51, 100, number]);
        browser
            .sign_in(
                if number % 3 == 0 {
                    "ALICE@Example.com"
                } else {
                    ALICE
                },
                "a guess",
            )
            .await;
    }
    let mut browser = Browser::new(&server);
    let refused = browser.sign_in(ALICE, PASSWORD).await;
    let alert = browser.follow(&refused).await.document().alert();
    assert_eq!(
        alert.as_deref(),
        Some("Too many attempts. Try again in 15 minutes.")
    );
    // Another address is not affected, and the limit ends after fifteen minutes.
    server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob enrols");
    assert_eq!(
        server.sign_in("bob@example.com", PASSWORD).await,
        "/account"
    );
    server.pass(15 * 60);
    assert_eq!(server.sign_in(ALICE, PASSWORD).await, "/account");
}

/// A network may guess a hundred times, for all addresses together. On one engine only, since it
/// computes a hundred hashes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_f44_guesses_for_many_addresses_from_one_network_are_counted_together() {
    let server = TestServer::of_alice(EngineKind::Memory).await;
    let mut alerts = Vec::new();
    // In four rounds: on a busy machine the last of a hundred hashes comes after the half minute that
    // a request waits.
    for first in (0..104).step_by(26) {
        let guess = |number: usize| {
            let number = first + number;
            let mut browser = Browser::new(&server);
            browser.address = format!("2001:db8:1:2::{number:x}")
                .parse()
                .expect("an address");
            async move {
                let answer = browser
                    .sign_in(&format!("person{number}@example.com"), "a guess")
                    .await;
                browser
                    .follow(&answer)
                    .await
                    .document()
                    .alert()
                    .expect("an alert")
            }
        };
        alerts.extend(race(26, guess).await);
    }
    assert_eq!(alerts.iter().filter(|alert| *alert == WRONG).count(), 100);
    let mut browser = Browser::new(&server);
    browser.address = "2001:db8:1:2:ffff::1".parse().expect("an address");
    assert_eq!(
        browser.sign_in(ALICE, PASSWORD).await.destination(),
        "/login"
    );
    browser.address = "2001:db8:1:3::1".parse().expect("an address");
    assert_eq!(
        browser.sign_in(ALICE, PASSWORD).await.destination(),
        "/account"
    );
}

async fn t_a9_r_o16_every_post_is_answered_by_303(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    let token = form.token();
    for action in [
        "sign_in",
        "accept_invitation",
        "consent",
        "sign_out",
        "disconnect",
    ] {
        for fields in [
            Query::default(),
            Query::new([
                ("form_token", "x"),
                ("request", "x"),
                ("token", "x"),
                ("email", "x"),
                ("password", "x"),
            ]),
            Query::new([
                ("form_token", &token),
                ("request", "unknown"),
                ("token", "unknown"),
                ("email", "x"),
                ("password", "x"),
            ]),
        ] {
            let answer = browser
                .clone()
                .post(&format!("/actions/{action}"), &fields)
                .await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{action}: {answer:?}");
            assert!(
                answer.destination().starts_with('/') && !answer.destination().starts_with("//"),
                "{action}: {answer:?}"
            );
            assert!(!answer.destination().contains("password"), "{action}");
        }
    }
    let posted = browser.post("/authorize", &client.authorization).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
}

async fn t_f47_the_setup_link_works_once(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let path = setup_path(&server).await;
    let other = setup_path(&server).await;
    assert_eq!(
        set_up_account(&server, &path, "alice@example.com")
            .await
            .destination(),
        "/account"
    );
    assert_eq!(
        server
            .provider
            .enrolment()
            .first_account_link()
            .await
            .expect("the store answers"),
        None
    );
    for path in [&path, &other, &path.replace("/setup/", "/enroll/")] {
        Browser::new(&server).get(path).await.problem(410);
    }
    for nobodys in [
        "/setup/x",
        "/setup/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "/enroll/x",
        "/enroll/a.b",
    ] {
        Browser::new(&server).get(nobodys).await.problem(410);
    }
}

async fn t_f47_of_16_concurrent_setups_one_succeeds(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let (one, other) = (setup_path(&server).await, setup_path(&server).await);
    let destinations = race(16, |number| {
        let server = server.clone();
        let path = if number % 2 == 0 {
            one.clone()
        } else {
            other.clone()
        };
        async move {
            set_up_account(&server, &path, &format!("person{number}@example.com"))
                .await
                .destination()
                .to_owned()
        }
    })
    .await;
    assert_eq!(
        destinations
            .iter()
            .filter(|path| *path == "/account")
            .count(),
        1,
        "{destinations:?}"
    );
    assert_eq!(
        server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("the store answers")
            .len(),
        1
    );
}

async fn links_expire_after_a_day(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let path = setup_path(&server).await;
    let form = Browser::new(&server).open(&path).await;
    assert_eq!(form.page(), "setup");
    server.pass(24 * 3600);
    Browser::new(&server).get(&path).await.problem(410);
    let path = setup_path(&server).await;
    assert_eq!(
        set_up_account(&server, &path, ALICE).await.destination(),
        "/account"
    );
    let link = server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", None)
        .await
        .expect("Bob is added")
        .enrolment_link
        .expect("a link");
    server.pass(24 * 3600);
    Browser::new(&server)
        .get(link.strip_prefix(ISSUER).expect("a page of the server"))
        .await
        .problem(410);
}

async fn an_enrolment_link_works_once_and_for_its_own_address_only(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let link = server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", None)
        .await
        .expect("Bob is added")
        .enrolment_link
        .expect("a link");
    let path = link.strip_prefix(ISSUER).expect("a page of the server");
    assert!(path.starts_with("/enroll/"), "{path}");
    let mut browser = Browser::new(&server);
    let page = browser.open(path).await;
    assert!(
        page.attributes("input", "value")
            .any(|value| value == "bob@example.com")
    );
    let form = page
        .form("Create account")
        .fill("email", ALICE)
        .fill("password", "a room above the shop");
    let moved_in = browser.submit(&form, "Create account").await;
    let account = browser.follow(&moved_in).await.document();
    assert!(
        account.words().contains("bob@example.com") && !account.words().contains(ALICE),
        "{}",
        account.words()
    );
    // Alice's password is unchanged, Bob has his, and the link no longer works.
    assert_eq!(server.sign_in(ALICE, PASSWORD).await, "/account");
    assert_eq!(
        server
            .sign_in("bob@example.com", "a room above the shop")
            .await,
        "/account"
    );
    Browser::new(&server).get(path).await.problem(410);
    let again = browser
        .submit(
            &form.fill("password", "another one, stolen"),
            "Create account",
        )
        .await;
    assert_ne!(again.destination(), "/account");
    assert_eq!(
        server
            .sign_in("bob@example.com", "another one, stolen")
            .await,
        "/login"
    );
}

async fn a_refused_password_is_explained_at_its_field(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let path = setup_path(&server).await;
    let mut browser = Browser::new(&server);
    let form = browser.open(&path).await.form("Create account");
    for (email, password, expected) in [
        (
            ALICE,
            "short",
            "Choose a password of at least 12 characters.",
        ),
        (
            ALICE,
            &*"x".repeat(1025),
            "This password is too long. Choose a shorter one.",
        ),
        (ALICE, "", "Choose a password of at least 12 characters."),
        (
            "alice",
            PASSWORD,
            "Enter an email address, such as name@example.com.",
        ),
        (
            "",
            PASSWORD,
            "Enter an email address, such as name@example.com.",
        ),
    ] {
        let answer = browser
            .submit(
                &form.clone().fill("email", email).fill("password", password),
                "Create account",
            )
            .await;
        assert_eq!(answer.destination(), path);
        let page = browser.follow(&answer).await.document();
        assert_eq!(page.alert().as_deref(), Some(expected), "{email}");
        let boxes: Vec<_> = page.attributes("input", "value").collect();
        assert!(
            email.is_empty() || boxes.contains(&email),
            "the input is still there"
        );
        assert!(
            password.is_empty() || !boxes.contains(&password),
            "a password is not"
        );
        assert_eq!(browser.open(&path).await.alert(), None, "said once");
    }
    assert_eq!(
        set_up_account(&server, &path, ALICE).await.destination(),
        "/account"
    );
}

async fn a_session_lasts_thirty_days(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    server.pass(30 * 24 * 3600 - 1);
    assert_eq!(browser.open("/account").await.page(), "account");
    server.pass(1);
    assert_eq!(browser.get("/account").await.destination(), "/login");
    assert_eq!(browser.get("/").await.destination(), "/login");
}

async fn t_c25_disabling_an_account_ends_its_sessions_for_good(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ALICE)
        .await
        .expect("disabled");
    assert_eq!(browser.get("/account").await.destination(), "/login");
    let mut knocking = Browser::new(&server);
    let refused = knocking.sign_in(ALICE, PASSWORD).await;
    assert_eq!(
        knocking
            .follow(&refused)
            .await
            .document()
            .alert()
            .as_deref(),
        Some(WRONG)
    );
    server
        .provider
        .terminal()
        .accounts()
        .enable_account(ALICE)
        .await
        .expect("enabled");
    assert_eq!(browser.get("/account").await.destination(), "/login");
    assert_eq!(
        browser.sign_in(ALICE, PASSWORD).await.destination(),
        "/account"
    );
    server
        .provider
        .terminal()
        .accounts()
        .remove_account(ALICE)
        .await
        .expect("removed");
    assert_eq!(browser.get("/account").await.destination(), "/login");
}

async fn t_f47_a_passkey_ceremony_works_once_and_in_its_own_browser(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::new(&server);
    let form_token = browser.open("/login").await.form("Sign in").token();
    let start = json!({ "form_token": form_token });
    let nonsense = json!({ "id": "AA", "rawId": "AA", "type": "public-key", "extensions": {},
        "response": { "authenticatorData": "AA", "clientDataJSON": "AA", "signature": "AA", "userHandle": null } });
    let ceremony = browser
        .call_action("start_passkey_sign_in", &start)
        .await
        .granted()["id"]
        .clone();
    let mut finish = json!({ "form_token": form_token, "ceremony": ceremony, "credential": nonsense.to_string(), "request": "" });
    for _ in 0..2 {
        let refused = browser.call_action("finish_passkey_sign_in", &finish).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(!browser.cookies.contains_key("__Host-vestibule-session"));
    }
    finish["credential"] = json!("{");
    assert_eq!(
        browser
            .call_action("finish_passkey_sign_in", &finish)
            .await
            .status,
        422
    );
    finish["form_token"] = json!("x");
    assert_eq!(
        browser
            .call_action("finish_passkey_sign_in", &finish)
            .await
            .status,
        403
    );
}

async fn adding_a_passkey_requires_a_session(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut new_browser = Browser::new(&server);
    let token = new_browser.open("/login").await.form("Sign in").token();
    let refused = new_browser
        .call_action("start_adding_passkey", &json!({ "form_token": token }))
        .await;
    assert_eq!(refused.status, 401, "{refused:?}");
    let mut browser = Browser::of_alice(&server).await;
    let token = browser.open("/account").await.form("Sign out").token();
    let begun = browser
        .call_action("start_adding_passkey", &json!({ "form_token": token }))
        .await
        .granted();
    let selection = &options(&begun)["publicKey"]["authenticatorSelection"];
    assert_eq!(
        (&selection["userVerification"], &selection["residentKey"]),
        (&json!("required"), &json!("required")),
        "{begun}"
    );
    let nonsense = json!({ "id": "AA", "rawId": "AA", "type": "public-key", "extensions": {},
        "response": { "attestationObject": "AA", "clientDataJSON": "AA" } });
    let finish =
        json!({ "form_token": token, "ceremony": begun["id"], "credential": nonsense.to_string() });
    assert_eq!(
        browser
            .call_action("finish_adding_passkey", &finish)
            .await
            .status,
        422
    );
    assert_eq!(browser.open("/account").await.alert(), None);
}

async fn setup_path(server: &TestServer) -> String {
    let link = server
        .provider
        .enrolment()
        .first_account_link()
        .await
        .expect("the store answers")
        .expect("a link");
    link.strip_prefix(ISSUER)
        .expect("a page of the server")
        .to_owned()
}

async fn set_up_account(server: &TestServer, path: &str, email: &str) -> TestResponse {
    let mut browser = Browser::new(server);
    let page = browser.get(path).await;
    if page.status != 200 {
        return TestResponse {
            status: StatusCode::SEE_OTHER,
            headers: [(header::LOCATION, path.parse().expect("a path"))]
                .into_iter()
                .collect(),
            ..page
        };
    }
    let form = page
        .document()
        .form("Create account")
        .fill("email", email)
        .fill("password", PASSWORD);
    browser.submit(&form, "Create account").await
}

/// The options for the browser, which are sent as text.
fn options(ceremony: &Value) -> Value {
    serde_json::from_str(ceremony["options"].as_str().expect("options")).expect("options in JSON")
}

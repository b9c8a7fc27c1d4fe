//! Changes of users to their own accounts, by plain forms.

use std::time::Duration;

use testkit::{
    EngineKind, Query, RACERS, on_both_engines, race,
    routed::{ALICE, Browser, McpClient, PASSWORD, TestServer, Tokens},
};

on_both_engines!(
    t_f48_credentials_change_only_within_five_minutes_of_a_sign_in,
    t_f48_confirming_changes_the_session_and_requires_the_same_user,
    t_f44_a_recovery_code_is_shown_once_and_works_once,
    t_f44_guesses_lock_a_password_and_no_recovery_code,
    t_f47_of_16_concurrent_uses_of_a_reset_link_one_succeeds,
    t_c25_a_new_password_ends_all_other_sessions,
    t_f50_a_user_cannot_see_or_end_the_session_of_another,
    a_connection_ends_at_once_on_every_server,
    a_user_is_notified_of_a_replayed_refresh_token,
    a_user_sees_the_last_use_of_an_application,
    a_declined_passkey_is_not_offered_again,
    sign_up_is_closed_by_default,
    t_d33_a_required_sign_in_is_valid_for_five_minutes,
);

const NEW: &str = "a larger room, with a door";

/// Requests that change credentials, with valid fields.
fn changes(token: &str) -> [(&'static str, Query); 4] {
    let with = |pairs: &[(&str, &str)]| {
        pairs.iter().fold(
            Query::default().and("form_token", token),
            |query, (name, value)| query.and(name, value),
        )
    };
    [
        ("change_password", with(&[("password", NEW)])),
        ("remove_password", with(&[])),
        ("make_recovery_codes", with(&[])),
        ("remove_passkey", with(&[("passkey", "x")])),
    ]
}

async fn t_f48_credentials_change_only_within_five_minutes_of_a_sign_in(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let token = browser.form_token().await;
    server.pass(300);
    for (action, fields) in changes(&token) {
        let before = server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("the store answers");
        let refused = browser.post(&format!("/actions/{action}"), &fields).await;
        assert_eq!(refused.destination(), "/confirm?then=account", "{action}");
        let page = browser.follow(&refused).await.document();
        assert_eq!(page.page(), "confirm", "{action}");
        assert_eq!(
            server
                .provider
                .terminal()
                .accounts()
                .list()
                .await
                .expect("the store answers"),
            before,
            "{action}"
        );
    }
    // Nothing changed: the old password confirms.
    let form = browser
        .open("/confirm?then=account")
        .await
        .form("Confirm")
        .fill("password", PASSWORD);
    assert_eq!(
        browser.submit(&form, "Confirm").await.destination(),
        "/account"
    );
    server.pass(299);
    let token = browser.form_token().await;
    let [(_, fields), ..] = changes(&token);
    let changed = browser.post("/actions/change_password", &fields).await;
    assert_eq!(changed.destination(), "/account");
    assert_eq!(server.sign_in(ALICE, PASSWORD).await, "/login");
    assert_eq!(server.sign_in(ALICE, NEW).await, "/account");
}

async fn t_f48_confirming_changes_the_session_and_requires_the_same_user(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let before = browser.cookies["__Host-vestibule-session"].clone();
    let form = browser
        .open("/confirm?then=admin-keys")
        .await
        .form("Confirm");
    let wrong = browser
        .submit(&form.clone().fill("password", "a guess"), "Confirm")
        .await;
    assert_eq!(wrong.destination(), "/confirm?then=admin-keys");
    assert!(browser.follow(&wrong).await.document().alert().is_some());
    let right = browser
        .submit(&form.fill("password", PASSWORD), "Confirm")
        .await;
    assert_eq!(right.destination(), "/admin/keys");
    assert_ne!(browser.cookies["__Host-vestibule-session"], before);
    // The return target is always a page of the server.
    for hostile in [
        "//evil.example",
        "https://evil.example",
        "%2F%2Fevil",
        "/admin",
        "admin-keys%0d%0a",
        "",
    ] {
        let form = browser
            .open(&format!("/confirm?then={hostile}"))
            .await
            .form("Confirm")
            .fill("password", PASSWORD);
        assert_eq!(
            browser.submit(&form, "Confirm").await.destination(),
            "/account",
            "{hostile}"
        );
    }
    // Without a session there is nothing to confirm.
    assert_eq!(
        Browser::new(&server)
            .get("/confirm?then=account")
            .await
            .destination(),
        "/login"
    );
}

async fn t_f44_a_recovery_code_is_shown_once_and_works_once(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let codes = make_codes(&mut browser).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(
        browser.get("/account/codes").await.destination(),
        "/account",
        "shown once"
    );
    assert!(
        browser
            .open("/account")
            .await
            .words()
            .contains("10 of 10 left")
    );

    let destinations = race(RACERS.min(16), |_| {
        let mut other = Browser::new(&server);
        let code = codes[3].to_lowercase().replace('-', " ");
        async move { recover(&mut other, &code).await }
    })
    .await;
    let one = destinations
        .iter()
        .filter(|place| *place == "/passkey")
        .count();
    assert_eq!(one, 1, "{destinations:?}");
    assert!(
        browser
            .open("/account")
            .await
            .words()
            .contains("9 of 10 left")
    );
    // New codes replace the old ones.
    let token = browser.form_token().await;
    let made = browser
        .post(
            "/actions/make_recovery_codes",
            &Query::new([("form_token", &token)]),
        )
        .await;
    assert_eq!(made.destination(), "/account/codes");
    assert_eq!(
        recover(&mut Browser::new(&server), &codes[4]).await,
        "/recover"
    );
}

async fn make_codes(browser: &mut Browser) -> Vec<String> {
    let made = browser.press("/account", "Create recovery codes").await;
    assert_eq!(made.destination(), "/account/codes");
    let page = browser.follow(&made).await.document();
    assert_eq!(page.page(), "codes");
    let is_code = |word: &&str| word.len() == 19 && word.matches('-').count() == 3;
    page.words()
        .split_whitespace()
        .filter(is_code)
        .map(str::to_owned)
        .collect()
}

async fn recover(browser: &mut Browser, code: &str) -> String {
    let form = browser
        .open("/recover")
        .await
        .form("Sign in")
        .fill("email", ALICE)
        .fill("code", code);
    browser
        .submit(&form, "Sign in")
        .await
        .destination()
        .to_owned()
}

async fn t_f44_guesses_lock_a_password_and_no_recovery_code(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let codes = make_codes(&mut Browser::of_alice(&server).await).await;
    for guess in 0..10 {
        assert_eq!(
            recover(
                &mut Browser::new(&server),
                &format!("0000-0000-0000-000{guess}")
            )
            .await,
            "/recover"
        );
        assert_eq!(server.sign_in(ALICE, "a guess").await, "/login");
    }
    // The correct password is refused in an unknown browser. After a sign-in by recovery code, a
    // passkey is offered at once.
    assert_eq!(server.sign_in(ALICE, PASSWORD).await, "/login");
    assert_eq!(
        recover(&mut Browser::new(&server), &codes[0]).await,
        "/passkey"
    );
}

async fn t_f47_of_16_concurrent_uses_of_a_reset_link_one_succeeds(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut before = Browser::of_alice(&server).await;
    let link = server
        .provider
        .terminal()
        .accounts()
        .reset_account(ALICE)
        .await
        .expect("a link");
    let path = link
        .strip_prefix(testkit::routed::ISSUER)
        .expect("a page of the server")
        .to_owned();
    let destinations = race(16, |number| {
        let mut browser = Browser::new(&server);
        let path = path.clone();
        async move {
            let page = browser.get(&path).await;
            if page.status != 200 {
                return "gone".to_owned();
            }
            let form = page
                .document()
                .form("Save password")
                .fill("password", &format!("{NEW} {number}"));
            browser
                .submit(&form, "Save password")
                .await
                .destination()
                .to_owned()
        }
    })
    .await;
    assert_eq!(
        destinations
            .iter()
            .filter(|place| *place == "/account")
            .count(),
        1,
        "{destinations:?}"
    );
    assert_eq!(
        before.get("/account").await.destination(),
        "/login",
        "every session ended"
    );
    assert_eq!(server.sign_in(ALICE, PASSWORD).await, "/login");
    Browser::new(&server).get(&path).await.problem(410);
}

async fn t_c25_a_new_password_ends_all_other_sessions(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut own = Browser::of_alice(&server).await;
    let mut other = Browser::of_alice(&server).await;
    let form = own
        .open("/account")
        .await
        .form("Save password")
        .fill("password", NEW);
    assert_eq!(
        own.submit(&form, "Save password").await.destination(),
        "/account"
    );
    assert_eq!(own.open("/account").await.page(), "account");
    assert_eq!(other.get("/account").await.destination(), "/login");
    let short = own
        .open("/account")
        .await
        .form("Save password")
        .fill("password", "short");
    let refused = own.submit(&short, "Save password").await;
    let alert = own.follow(&refused).await.document().alert();
    assert_eq!(
        alert.as_deref(),
        Some("Choose a password of at least 12 characters.")
    );
}

async fn t_f50_a_user_cannot_see_or_end_the_session_of_another(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob enrols");
    let mut alice = Browser::of_alice(&server).await;
    let mut second = Browser::of_alice(&server).await;
    let mut bob = Browser::new(&server);
    bob.sign_in("bob@example.com", PASSWORD).await;
    let id = alice.open("/account").await;
    let id = id
        .form("Sign out An unknown browser")
        .fields
        .one("session")
        .expect("a session")
        .to_owned();
    let token = bob.form_token().await;
    bob.post(
        "/actions/end_session",
        &Query::new([("form_token", &token), ("session", &id)]),
    )
    .await;
    assert_eq!(
        second.open("/account").await.page(),
        "account",
        "Bob ended no session"
    );

    assert_eq!(
        alice
            .press("/account", "Sign out An unknown browser")
            .await
            .destination(),
        "/account"
    );
    assert_eq!(second.get("/account").await.destination(), "/login");
    let mut third = Browser::of_alice(&server).await;
    assert_eq!(
        alice
            .press("/account", "Sign out everywhere else")
            .await
            .destination(),
        "/account"
    );
    assert_eq!(third.get("/account").await.destination(), "/login");
    assert_eq!(alice.open("/account").await.page(), "account");
    assert_eq!(bob.open("/account").await.page(), "account");
}

async fn a_connection_ends_at_once_on_every_server(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let twin = server.twin().await;
    let mut browser = Browser::of_alice(&server).await;
    let (one, other) = (
        McpClient::native(&server).await,
        McpClient::native(&server).await,
    );
    let tokens = [
        one.connect(&mut browser).await,
        other.connect(&mut browser).await,
    ];
    assert_eq!(
        browser
            .press("/account", "Disconnect all")
            .await
            .destination(),
        "/account"
    );
    for (client, tokens) in [one, other].iter().zip(&tokens) {
        for server in [&server, &twin] {
            client
                .at(server)
                .refresh(&tokens.refresh)
                .await
                .refused(400, "invalid_grant");
            assert_eq!(client.at(server).me(&tokens.access).await.status, 401);
        }
    }
    assert!(
        browser
            .open("/account")
            .await
            .words()
            .contains("You disconnected all applications")
    );
}

async fn a_user_is_notified_of_a_replayed_refresh_token(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut browser).await;
    Tokens::read(&client.refresh(&tokens.refresh).await);
    server.clock.pass(Duration::from_mins(1));
    client
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    let words = browser.open("/account").await.words();
    assert!(words.contains("A one-time key for"), "{words}");
    assert!(words.contains("192.0.2.1"), "from where: {words}");
}

async fn a_user_sees_the_last_use_of_an_application(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut browser).await;
    server.pass(3600);
    Tokens::read(&client.refresh(&tokens.refresh).await);
    server.pass(120);
    let words = browser.open("/account").await.words();
    assert!(
        words.contains("last used 2 minutes ago from 192.0.2.1"),
        "{words}"
    );
}

async fn a_declined_passkey_is_not_offered_again(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob enrols");
    let client = McpClient::native(&server).await;
    let mut bob = Browser::new(&server);
    let begun = bob.get(&client.authorize_path()).await;
    let form = bob
        .follow(&begun)
        .await
        .document()
        .form("Sign in")
        .fill("email", "bob@example.com")
        .fill("password", PASSWORD);
    let signed_in = bob.submit(&form, "Sign in").await;
    assert!(
        signed_in.destination().starts_with("/passkey?request="),
        "{signed_in:?}"
    );
    let offer = bob.follow(&signed_in).await.document();
    assert_eq!(offer.page(), "offer");
    let declined = bob.submit(&offer.form("Not now"), "Not now").await;
    assert!(
        declined.destination().starts_with("/consent?request="),
        "the request continues"
    );
    let direct = async || {
        let mut browser = Browser::new(&server);
        let form = browser
            .open("/login")
            .await
            .form("Sign in")
            .fill("email", "bob@example.com")
            .fill("password", PASSWORD);
        browser
            .submit(&form, "Sign in")
            .await
            .destination()
            .to_owned()
    };
    assert_eq!(direct().await, "/account");
    server.pass(30 * 24 * 3600);
    assert_eq!(direct().await, "/passkey");
}

async fn sign_up_is_closed_by_default(engine: EngineKind) {
    let closed = TestServer::of_alice(engine).await;
    closed.get("/sign-up").await.problem(404);
    let server = TestServer::with(engine, |settings| {
        settings.sign_up = provider::SignUpPolicy::Domains(vec!["example.org".to_owned()]);
    })
    .await;
    server.add_alice().await;
    let sign_up = async |email: &str| {
        let mut browser = Browser::new(&server);
        let form = browser
            .open("/sign-up")
            .await
            .form("Create account")
            .fill("email", email)
            .fill("password", PASSWORD);
        let answer = browser.submit(&form, "Create account").await;
        let place = answer.destination().to_owned();
        (browser.follow(&answer).await.document().alert(), place)
    };
    let (_, place) = sign_up("Bob@Example.org").await;
    assert_eq!(place, "/account");
    // A refused address and an address in use get the same answer.
    let refusals = [
        sign_up("bob@example.org").await,
        sign_up("eve@example.com").await,
        sign_up("eve@sub.example.org").await,
    ];
    assert!(
        refusals[0].0.is_some() && refusals.iter().all(|refusal| *refusal == refusals[0]),
        "{refusals:?}"
    );
    let accounts = server
        .provider
        .terminal()
        .accounts()
        .list()
        .await
        .expect("the store answers");
    assert_eq!(
        accounts
            .iter()
            .map(|account| account.role.as_str())
            .collect::<Vec<_>>(),
        ["administrator", "person"],
        "by their addresses"
    );
}

async fn t_d33_a_required_sign_in_is_valid_for_five_minutes(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server)
        .await
        .asking(|query| query.and("prompt", "login"));
    let mut browser = Browser::of_alice(&server).await;
    let page = browser.consent_page(&client).await;
    server.pass(300);
    let late = browser.submit(&page.form("Allow"), "Allow").await;
    assert!(
        late.destination().starts_with("/login?request="),
        "{late:?}"
    );
    let form = browser
        .follow(&late)
        .await
        .document()
        .form("Sign in")
        .fill("email", ALICE)
        .fill("password", PASSWORD);
    let again = browser.submit(&form, "Sign in").await;
    let page = browser.follow(&again).await.document();
    let allowed = browser.submit(&page.form("Allow"), "Allow").await;
    assert!(allowed.destination().contains("code="), "{allowed:?}");
}

//! Store failures: no user loses anything, and no client is told that its tokens are invalid
//! (T-C24; requirements 5.2: a temporary failure is never `invalid_client` or `invalid_grant`).

use http::header;

use testkit::{
    EngineKind, native_metadata, on_both_engines,
    routed::{
        ALICE, Browser, Callback, McpClient, PASSWORD, TestResponse, TestServer, Tokens, register,
    },
};

on_both_engines!(
    programs_get_503_with_retry_after,
    a_server_that_cannot_write_is_not_ready,
    users_get_an_error_page,
    endpoints_without_the_store_still_work,
    a_code_survives_an_outage,
    a_refresh_token_survives_an_outage,
    a_decision_survives_an_outage,
    a_lost_answer_of_the_store_is_resolved,
    a_lost_answer_allows_no_second_use_of_a_code,
    a_failed_setup_leaves_no_partial_account,
    an_operation_completes_when_its_client_disconnects,
    a_panic_is_a_500_response,
    t_c24_an_account_that_could_not_be_disabled_is_not_reported_as_disabled,
    exchange_and_refresh_take_two_round_trips,
);

async fn programs_get_503_with_retry_after(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    server.switch.break_all();
    let unknown = client.refresh_form("vrt_x").set("client_id", "vc_unknown");
    for (what, answer) in [
        ("exchange", client.exchange(&code).await),
        ("refresh", client.refresh(&tokens.refresh).await),
        ("an unknown client", server.post("/token", &unknown).await),
        (
            "registration",
            register(&server, [192, 0, 2, 2].into(), native_metadata()).await,
        ),
        ("who am I", client.me(&tokens.access).await),
        ("readiness", server.get("/health/ready").await),
    ] {
        assert_eq!(
            answer.refused(503, "temporarily_unavailable")["error"],
            "temporarily_unavailable",
            "{what}"
        );
        assert!(answer.header(header::RETRY_AFTER).is_some(), "{what}");
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), None, "{what}");
    }
    server.switch.mend();
    // There is one probe per second.
    server.pass(1);
    assert_eq!(server.get("/health/ready").await.status, 200);
    client.me(&tokens.access).await.granted();
}

/// A store that can be read but not written, such as a full one or a replica.
async fn a_server_that_cannot_write_is_not_ready(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    assert_eq!(server.get("/health/ready").await.status, 200);
    server.pass(1);
    server.switch.break_writes();
    server
        .get("/health/ready")
        .await
        .refused(503, "temporarily_unavailable");
    server.switch.mend();
    server.pass(1);
    let (calls, ()) = server
        .counting(async {
            for _ in 0..50 {
                assert_eq!(server.get("/health/ready").await.status, 200);
            }
        })
        .await;
    assert_eq!(calls, 1, "whoever asks, one probe a second is made");
}

async fn users_get_an_error_page(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let consent = browser
        .get(&client.authorize_path())
        .await
        .destination()
        .to_owned();
    server.switch.break_all();
    for path in [
        &consent,
        "/account",
        "/",
        &client.authorize_path(),
        "/setup/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let answer = browser.get(path).await;
        assert!(
            answer.problem(503).words().contains("Nothing was lost"),
            "{path}"
        );
    }
    // A form shows the error next to it.
    let refused = Browser::new(&server).sign_in(ALICE, PASSWORD).await;
    assert_eq!(refused.destination(), "/login");
    server.switch.mend();
    assert_eq!(browser.open(&consent).await.page(), "consent");
}

async fn endpoints_without_the_store_still_work(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server.switch.break_all();
    for path in [
        "/health/live",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/paseto-keys",
    ] {
        server.get(path).await.granted();
    }
    assert_eq!(Browser::new(&server).open("/login").await.page(), "login");
    // A token is checked by its signature and its grant. While the grant cannot be checked, no
    // access is granted, and the token is not called invalid.
    let call = async || {
        client
            .call(&tokens.access, "whoami", serde_json::json!({}))
            .await
    };
    let refused = call().await;
    refused.refused(503, "temporarily_unavailable");
    assert_eq!(refused.header(header::WWW_AUTHENTICATE), None);
    server.switch.mend();
    call().await.granted();
}

async fn a_code_survives_an_outage(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    for fault in [
        testkit::FaultSwitch::break_all,
        testkit::FaultSwitch::break_writes,
    ] {
        fault(&server.switch);
        unavailable(&client.exchange(&code).await);
        server.switch.mend();
    }
    let tokens = Tokens::read(&client.exchange(&code).await);
    client.me(&tokens.access).await.granted();
}

async fn a_refresh_token_survives_an_outage(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    for fault in [
        testkit::FaultSwitch::break_all,
        testkit::FaultSwitch::break_writes,
    ] {
        fault(&server.switch);
        unavailable(&client.refresh(&tokens.refresh).await);
        server.switch.mend();
    }
    // Far outside of the window: nothing was rotated, so there is no replay.
    server.pass(3600);
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn a_decision_survives_an_outage(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    for fault in [
        testkit::FaultSwitch::break_all,
        testkit::FaultSwitch::break_writes,
    ] {
        fault(&server.switch);
        let refused = browser.submit(&form, "Allow").await;
        assert!(
            refused.destination().starts_with("/consent?request="),
            "{refused:?}"
        );
        server.switch.mend();
        let page = browser.follow(&refused).await.document();
        assert!(
            page.alert()
                .is_some_and(|alert| alert.contains("is temporarily unavailable")),
            "{:?}",
            page.alert()
        );
    }
    let callback = Callback::read(browser.submit(&form, "Allow").await.destination());
    Tokens::read(
        &client
            .exchange(callback.query.one("code").expect("a code"))
            .await,
    );
}

async fn a_lost_answer_of_the_store_is_resolved(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let code = browser.allow(&client).await;
    server.switch.lose_write_answers();
    let first = Tokens::read(&client.exchange(&code).await);
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    let other = register(&server, [192, 0, 2, 2].into(), native_metadata()).await;
    assert_eq!(other.status, 201, "{other:?}");
    assert_eq!(server.sign_in(ALICE, PASSWORD).await, "/account");
    server.switch.mend();
    // Far outside of the window: each token was issued once, and there is no replay.
    server.pass(3600);
    let third = Tokens::read(&client.refresh(&second.refresh).await);
    client.me(&third.access).await.granted();
    client.exchange(&code).await.refused(400, "invalid_grant");
    client.me(&third.access).await.refused(401, "invalid_token");
}

/// Another client redeems the code at the moment when the answer is lost.
async fn a_lost_answer_allows_no_second_use_of_a_code(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut metadata = native_metadata();
    metadata["grant_types"] = serde_json::json!(["authorization_code"]);
    let client = McpClient::registered(&server, &metadata).await;
    let mut browser = Browser::of_alice(&server).await;
    for _ in 0..4 {
        let code = browser.allow(&client).await;
        // Same second, same address, no refresh token: both write the same value except for the
        // mark.
        server.switch.lose_write_answers();
        let (one, other) = tokio::join!(client.exchange(&code), client.exchange(&code));
        server.switch.mend();
        let granted = [&one, &other]
            .iter()
            .filter(|answer| answer.status == 200)
            .count();
        assert!(granted <= 1, "{one:?} {other:?}");
    }
}

async fn a_failed_setup_leaves_no_partial_account(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let link = server
        .provider
        .enrolment()
        .first_account_link()
        .await
        .expect("the store answers")
        .expect("a link");
    let path = link
        .strip_prefix(testkit::routed::ISSUER)
        .expect("a page of the server")
        .to_owned();
    let mut browser = Browser::new(&server);
    let form = browser
        .open(&path)
        .await
        .form("Create account")
        .fill("email", ALICE)
        .fill("password", PASSWORD);
    server.switch.break_writes();
    assert_ne!(
        browser.submit(&form, "Create account").await.destination(),
        "/account"
    );
    server.switch.mend();
    assert!(
        server
            .provider
            .terminal()
            .accounts()
            .list()
            .await
            .expect("the store answers")
            .is_empty()
    );
    assert_eq!(
        browser.submit(&form, "Create account").await.destination(),
        "/account"
    );
}

async fn an_operation_completes_when_its_client_disconnects(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    server.hanging_up(2, client.refresh(&tokens.refresh)).await;
    // The write of the other request is read.
    let (calls, answer) = server.counting(client.refresh(&tokens.refresh)).await;
    Tokens::read(&answer);
    assert_eq!(calls, 1);
}

async fn a_panic_is_a_500_response(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server.clock.break_clock();
    let to_machines = [
        client.refresh(&tokens.refresh).await,
        client
            .call(&tokens.access, "whoami", serde_json::json!({}))
            .await,
    ];
    for answer in &to_machines {
        assert_eq!(
            answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            Some("*"),
            "{answer:?}"
        );
    }
    for answer in [
        server.get(&client.authorize_path()).await,
        client.me(&tokens.access).await,
    ]
    .iter()
    .chain(&to_machines)
    {
        answer.refused(500, "server_error");
        assert_eq!(
            answer.header(header::X_CONTENT_TYPE_OPTIONS),
            Some("nosniff"),
            "{answer:?}"
        );
        assert!(
            answer.header(header::CONTENT_SECURITY_POLICY).is_some(),
            "{answer:?}"
        );
    }
}

async fn t_c24_an_account_that_could_not_be_disabled_is_not_reported_as_disabled(
    engine: EngineKind,
) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server.switch.break_writes();
    assert!(
        server
            .provider
            .terminal()
            .accounts()
            .disable_account(ALICE)
            .await
            .is_err()
    );
    assert!(
        server
            .provider
            .terminal()
            .clients()
            .remove_client(&client.id)
            .await
            .is_err()
    );
    server.switch.mend();
    client.me(&tokens.access).await.granted();
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ALICE)
        .await
        .expect("disabled");
    client
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
}

async fn exchange_and_refresh_take_two_round_trips(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let code = browser.allow(&client).await;
    let (calls, answer) = server.counting(client.exchange(&code)).await;
    let tokens = Tokens::read(&answer);
    assert_eq!(calls, 2);
    let (calls, answer) = server.counting(client.refresh(&tokens.refresh)).await;
    let next = Tokens::read(&answer);
    assert_eq!(calls, 2);
    // The same successor is read, not written.
    assert_eq!(server.counting(client.refresh(&tokens.refresh)).await.0, 1);
    // Two waits each: all reads are concurrent.
    let code = browser.allow(&client).await;
    let (waits, answer) = server.waits(client.exchange(&code)).await;
    Tokens::read(&answer);
    assert_eq!(waits, 2);
    let (waits, answer) = server.waits(client.refresh(&next.refresh)).await;
    Tokens::read(&answer);
    assert_eq!(waits, 2);
}

fn unavailable(answer: &TestResponse) {
    answer.refused(503, "temporarily_unavailable");
}

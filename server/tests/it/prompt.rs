//! The `prompt` parameter (R-O18, R-O19; T-D32, T-D33), and the issuer in every response (R-A6,
//! R-K5).

use serde_json::json;

use testkit::{
    EngineKind, Query, QueryChange, native_metadata, on_both_engines,
    routed::{ALICE, Browser, Callback, ISSUER, McpClient, PASSWORD, TestResponse, TestServer},
};

on_both_engines!(
    r_o18_prompt_none_shows_no_page_and_returns_the_required_interaction,
    r_o2_prompt_none_does_not_redirect_to_an_invalid_client,
    prompt_none_excludes_other_values_and_unknown_values_are_ignored,
    prompt_consent_shows_the_page_despite_a_remembered_consent,
    t_d33_prompt_login_requires_a_new_sign_in,
    t_d33_an_older_session_does_not_satisfy_prompt_login,
    t_d32_prompt_login_changes_the_session,
    prompt_login_without_a_session_is_an_ordinary_sign_in,
    r_a6_k5_every_response_names_the_issuer_once,
);

const SESSION: &str = "__Host-vestibule-session";

async fn r_o18_prompt_none_shows_no_page_and_returns_the_required_interaction(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let web = on_the_web(&server).await;
    let local = McpClient::native(&server).await;
    let quiet = |client: &McpClient| prompting(client, "none");
    let mut new_browser = Browser::new(&server);
    let mut alice = Browser::of_alice(&server).await;
    for (browser, client, error) in [
        (&mut new_browser, &web, "login_required"),
        (&mut Browser::new(&server), &local, "login_required"),
        (&mut alice, &web, "consent_required"),
    ] {
        refused(&browser.pass(&quiet(client)).await, client, error);
    }
    refused(
        &alice.pass(&quiet(&local)).await,
        &local,
        "interaction_required",
    );
    // After a consent, a web client gets its code, and a loopback client does not (R-O19).
    web.connect(&mut alice).await;
    local.connect(&mut alice).await;
    let callback = alice.pass(&quiet(&web)).await;
    assert_eq!(callback.query.names(), ["code", "state", "iss"]);
    web.exchange(callback.query.one("code").expect("a code"))
        .await
        .granted();
    refused(
        &alice.pass(&quiet(&local)).await,
        &local,
        "interaction_required",
    );
    // A wider scope needs consent.
    let wider = quiet(&web).asking(|query| query.set("scope", "notes:read notes:write"));
    refused(&alice.pass(&wider).await, &web, "consent_required");
    // Another account needs consent too.
    refused(
        &new_browser.pass(&quiet(&web)).await,
        &web,
        "login_required",
    );
}

async fn r_o2_prompt_none_does_not_redirect_to_an_invalid_client(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let quiet = prompting(&on_the_web(&server).await, "none");
    let mut browser = Browser::of_alice(&server).await;
    for wrong in [
        quiet.asking(|query| query.set("redirect_uri", "https://evil.example/cb")),
        quiet.asking(|query| query.set("client_id", "vc_unknown")),
    ] {
        browser.get(&wrong.authorize_path()).await.problem(400);
    }
    // An error of the request comes before the check of the session.
    let wrong = quiet.asking(|query| query.set("resource", "https://unknown.example"));
    refused(
        &Browser::new(&server).pass(&wrong).await,
        &wrong,
        "invalid_target",
    );
}

async fn prompt_none_excludes_other_values_and_unknown_values_are_ignored(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = on_the_web(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    for both in [
        "none login",
        "consent none",
        "none select_account",
        "none x",
    ] {
        refused(
            &browser.pass(&prompting(&client, both)).await,
            &client,
            "invalid_request",
        );
    }
    client.connect(&mut browser).await;
    for ignored in ["", "create", "Consent", "x y"] {
        assert!(
            browser
                .pass(&prompting(&client, ignored))
                .await
                .query
                .one("code")
                .is_some(),
            "{ignored}"
        );
    }
}

async fn prompt_consent_shows_the_page_despite_a_remembered_consent(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = on_the_web(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    for asking in ["consent", "select_account", "x consent"] {
        let callback = browser.decide(&prompting(&client, asking), "Allow").await;
        assert!(callback.query.one("code").is_some(), "{asking}");
    }
    let denied = browser.decide(&prompting(&client, "consent"), "Deny").await;
    refused(&denied, &client, "access_denied");
}

async fn t_d33_prompt_login_requires_a_new_sign_in(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = on_the_web(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    let begun = browser
        .get(&prompting(&client, "login").authorize_path())
        .await;
    let login = browser.follow(&begun).await.document();
    assert_eq!(login.page(), "login");
    assert!(
        login
            .words()
            .contains("You're signed in as alice@example.com . The application asks"),
        "{}",
        login.words()
    );
    let form = login.form("Sign in");
    let request = form.fields.one("request").expect("a request").to_owned();

    // Cancelling leaves the old session and the pending request unchanged: by the page, and by a
    // forged decision.
    let consent = format!("/consent?request={request}");
    assert_eq!(
        browser.get(&consent).await.destination(),
        begun.destination()
    );
    let forged = Query::new([
        ("form_token", form.token().as_str()),
        ("request", &request),
        ("decision", "allow"),
    ]);
    for decision in ["allow", "deny"] {
        let answer = browser
            .post(
                "/actions/consent",
                &forged.clone().set("decision", decision),
            )
            .await;
        assert_eq!(answer.destination(), begun.destination());
    }
    assert_eq!(browser.open("/account").await.page(), "account");
    // A wrong password is no sign-in.
    let wrong = browser
        .submit(
            &form.clone().fill("email", ALICE).fill("password", "wrong"),
            "Sign in",
        )
        .await;
    assert_eq!(browser.follow(&wrong).await.document().page(), "login");
    assert_eq!(
        browser.get(&consent).await.destination(),
        begun.destination()
    );
    assert_eq!(browser.open("/account").await.page(), "account");

    // The correct password is.
    let consent = sign_in(&mut browser, &begun).await;
    let allowed = browser
        .submit(&consent.document().form("Allow"), "Allow")
        .await;
    let callback = Callback::read(allowed.destination());
    client
        .exchange(callback.query.one("code").expect("a code"))
        .await
        .granted();
}

async fn t_d33_an_older_session_does_not_satisfy_prompt_login(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = on_the_web(&server).await;
    // Two earlier sessions; the request begins with one of them.
    let mut browser = Browser::of_alice(&server).await;
    let other = Browser::of_alice(&server).await;
    server.pass(1);
    for planted in [
        Some(other.cookies[SESSION].clone()),
        Some(browser.cookies[SESSION].clone()),
    ] {
        let begun = browser
            .get(&prompting(&client, "login").authorize_path())
            .await;
        let consent = begun.destination().replace("/login", "/consent");
        let mut window = browser.clone();
        window
            .cookies
            .extend(planted.map(|session| (SESSION.to_owned(), session)));
        assert_eq!(
            window.get(&consent).await.destination(),
            begun.destination()
        );
    }
    // The same for a session that was left just before.
    let mut without = browser.clone();
    without.cookies.remove(SESSION);
    let begun = without
        .get(&prompting(&client, "login").authorize_path())
        .await;
    without
        .cookies
        .insert(SESSION.to_owned(), browser.cookies[SESSION].clone());
    let consent = begun.destination().replace("/login", "/consent");
    assert_eq!(
        without.get(&consent).await.destination(),
        begun.destination()
    );
}

async fn t_d32_prompt_login_changes_the_session(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = on_the_web(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let mut old_window = browser.clone();
    let first = browser.cookies[SESSION].clone();
    let begun = browser
        .get(&prompting(&client, "login consent").authorize_path())
        .await;
    assert_eq!(
        sign_in(&mut browser, &begun).await.document().page(),
        "consent"
    );
    assert_ne!(browser.cookies[SESSION], first);
    assert_eq!(old_window.get("/account").await.destination(), "/login");
}

async fn prompt_login_without_a_session_is_an_ordinary_sign_in(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = on_the_web(&server).await;
    let mut browser = Browser::new(&server);
    let begun = browser
        .get(&prompting(&client, "login").authorize_path())
        .await;
    let login = browser.follow(&begun).await.document();
    assert!(
        !login.words().contains("You're signed in"),
        "{}",
        login.words()
    );
    assert_eq!(
        sign_in(&mut browser, &begun).await.document().page(),
        "consent"
    );
}

async fn r_a6_k5_every_response_names_the_issuer_once(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    for redirect in [
        "https://app.example/cb",
        "https://app.example/cb?tenant=a&x=%69ss",
        "https://app.example/cb?",
    ] {
        let mut metadata = native_metadata();
        metadata["redirect_uris"] = json!([redirect]);
        let client = McpClient::registered(&server, &metadata).await;
        let mut alice = Browser::of_alice(&server).await;
        let denied = alice.decide(&client, "Deny").await;
        let allowed = alice.decide(&client, "Allow").await;
        let passed = alice.pass(&client).await;
        let mut answers = vec![("denied", denied), ("allowed", allowed), ("passed", passed)];
        let refused: [(&str, QueryChange); 9] = [
            ("unsupported_response_type", |query| {
                query.set("response_type", "token")
            }),
            ("invalid_request", |query| {
                query.set("response_mode", "fragment")
            }),
            ("invalid_request", |query| query.without("code_challenge")),
            ("invalid_request", |query| query.set("prompt", "none login")),
            ("invalid_target", |query| {
                query.set("resource", "https://unknown.example")
            }),
            ("invalid_scope", |query| query.set("scope", "openid")),
            ("consent_required", |query| {
                query.set("prompt", "none").set("scope", "notes:write")
            }),
            ("invalid_request", |query| {
                query.set("state", &"x".repeat(9000))
            }),
            ("invalid_request", |query| {
                query
                    .and("iss", "https://evil.example")
                    .and("scope", "a")
                    .and("scope", "b")
            }),
        ];
        for (error, change) in refused {
            let callback = alice.pass(&client.asking(change)).await;
            assert_eq!(callback.query.one("error"), Some(error));
            answers.push((error, callback));
        }
        answers.push((
            "login_required",
            Browser::new(&server)
                .pass(&prompting(&client, "none"))
                .await,
        ));
        for (what, callback) in answers {
            assert_eq!(callback.base, "https://app.example/cb", "{what}");
            let named: Vec<_> = callback
                .query
                .names()
                .into_iter()
                .filter(|name| *name == "iss")
                .collect();
            assert_eq!(
                (named.len(), callback.query.one("iss")),
                (1, Some(ISSUER)),
                "{what} at {redirect}"
            );
        }
    }
    let metadata = server
        .get("/.well-known/oauth-authorization-server")
        .await
        .granted();
    assert_eq!(
        (
            &metadata["issuer"],
            &metadata["authorization_response_iss_parameter_supported"]
        ),
        (&json!(ISSUER), &json!(true))
    );
}

/// A public client with a web redirect URI.
async fn on_the_web(server: &TestServer) -> McpClient {
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!(["https://app.example/callback"]);
    McpClient::registered(server, &metadata).await
}

fn prompting(client: &McpClient, prompt: &str) -> McpClient {
    client.asking(|query| query.set("prompt", prompt))
}

/// Signs in at the login page of a request, and continues.
async fn sign_in(browser: &mut Browser, begun: &TestResponse) -> TestResponse {
    let form = browser
        .follow(begun)
        .await
        .document()
        .form("Sign in")
        .fill("email", ALICE)
        .fill("password", PASSWORD);
    let signed_in = browser.submit(&form, "Sign in").await;
    browser.follow(&signed_in).await
}

#[track_caller]
fn refused(callback: &Callback, client: &McpClient, error: &str) {
    assert_eq!(callback.query.one("error"), Some(error), "{callback:?}");
    assert_eq!(
        callback.query.names(),
        ["error", "error_description", "state", "iss"]
    );
    assert_eq!(
        callback.query.one("state"),
        client.authorization.one("state")
    );
    assert_eq!(
        (callback.base.as_str(), callback.query.one("iss")),
        (client.redirect_uri.as_str(), Some(ISSUER))
    );
}

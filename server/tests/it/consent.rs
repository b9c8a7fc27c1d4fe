//! A decision belongs to one user in one browser, and is made once (R-A10, R-A14, R-A20; T-A2,
//! T-A8, T-A9, T-D27, T-D29, T-D32, T-D33).

use oauth::Secret;
use serde_json::json;

use testkit::{
    EngineKind, native_metadata, on_both_engines,
    routed::{ALICE, Browser, Callback, ISSUER, McpClient, PASSWORD, TestResponse, TestServer},
};

on_both_engines!(
    t_d27_a_request_is_useless_in_another_browser,
    t_d27_a_decision_from_another_browser_is_refused,
    forms_without_a_valid_token_have_no_effect,
    forms_from_other_origins_have_no_effect,
    a_decision_is_made_once,
    t_d32_a_sign_in_changes_the_session_and_keeps_the_request,
    t_d32_an_injected_cookie_is_no_session,
    r_bp3_cookies_are_host_bound_secure_and_hidden_from_scripts,
    a_denial_is_redirected_with_state_and_issuer,
    t_a2_a_removed_client_gets_no_redirect,
    t_a2_a_changed_redirect_uri_gets_no_redirect,
    a_pending_request_expires_after_half_an_hour,
    t_a8_only_a_pending_request_can_be_the_return_target,
    a_decision_requires_a_session,
    t_c25_a_disabled_account_cannot_decide,
    a_different_account_leads_back_to_the_same_request,
    every_decision_but_allow_is_a_denial,
);

async fn t_d27_a_request_is_useless_in_another_browser(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    // The attacker's browser sends the request, and the link to its pending request is sent to
    // Alice.
    let begun = Browser::new(&server).get(&client.authorize_path()).await;
    let login = begun.destination().to_owned();
    let consent = login.replace("/login", "/consent");
    for mut victim in [Browser::of_alice(&server).await, Browser::new(&server)] {
        for path in [&login, &consent] {
            victim.get(path).await.problem(400);
        }
    }
}

async fn t_d27_a_decision_from_another_browser_is_refused(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut attacker = Browser::of_alice(&server).await;
    let mut victim = Browser::of_alice(&server).await;
    let theirs = attacker.consent_page(&client).await.form("Allow");
    let own = victim.consent_page(&client).await.form("Allow");
    // Alice's own session and form token, with the attacker's request.
    let request = theirs.fields.one("request").expect("a request").to_owned();
    expect_no_effect(
        &mut victim,
        &own.clone().fill("request", &request).press("Allow"),
        &own.action,
    )
    .await;
    // The attacker's whole form in Alice's browser.
    expect_no_effect(&mut victim, &theirs.press("Allow"), &theirs.action).await;
    // Alice's request with the attacker's browser cookie.
    let browser_cookie = "__Host-vestibule-browser";
    let mut mixed = victim.clone();
    mixed
        .cookies
        .retain(|name, _| !name.starts_with(browser_cookie));
    mixed.cookies.insert(
        browser_cookie.to_owned(),
        attacker.cookies[browser_cookie].clone(),
    );
    expect_no_effect(&mut mixed, &own.press("Allow"), &own.action).await;
    // Both requests are still pending.
    granted(&victim.submit(&own, "Allow").await);
    granted(&attacker.submit(&theirs, "Allow").await);
}

async fn forms_without_a_valid_token_have_no_effect(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    let of_another = Browser::of_alice(&server)
        .await
        .consent_page(&client)
        .await
        .form("Allow");
    let of_another = of_another.token();
    let before_signing_in = Browser::new(&server).open("/login").await.form("Sign in");
    let before_signing_in = before_signing_in.token();
    for wrong in [
        form.clone().without("form_token"),
        form.clone().fill("form_token", ""),
        form.clone().fill("form_token", "x"),
        form.clone().fill("form_token", &of_another),
        form.clone().fill("form_token", &before_signing_in),
    ] {
        let answer = browser.submit(&wrong, "Allow").await;
        let page = browser.follow(&answer).await.document();
        assert_eq!(page.page(), "consent");
        assert!(
            page.alert()
                .is_some_and(|alert| alert.contains("nothing was changed")),
            "{:?}",
            page.alert()
        );
    }
    granted(&browser.submit(&form, "Allow").await);
}

async fn forms_from_other_origins_have_no_effect(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    let foreign = [
        "https://evil.example",
        "null",
        "",
        "http://vestibule.example",
        "https://vestibule.example:444",
        "https://vestibule.example.evil",
    ];
    for origin in foreign
        .map(|origin| Some(origin.to_owned()))
        .into_iter()
        .chain([None])
    {
        browser.origin = origin;
        browser.submit(&form, "Allow").await.problem(403);
    }
    browser.origin = Some(ISSUER.to_owned());
    granted(&browser.submit(&form, "Allow").await);
}

async fn a_decision_is_made_once(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    for (first, second) in [("Allow", "Deny"), ("Deny", "Allow")] {
        let form = browser.consent_page(&client).await.form(first);
        Callback::read(browser.submit(&form, first).await.destination());
        let again = browser.submit(&form, second).await;
        browser.follow(&again).await.problem(400);
    }
    // Concurrent decisions get the same code.
    let form = browser.consent_page(&client).await.form("Allow");
    let answers = testkit::race(16, |_| {
        let mut window = browser.clone();
        let form = form.clone();
        async move { window.submit(&form, "Allow").await.destination().to_owned() }
    })
    .await;
    assert!(
        answers
            .iter()
            .all(|location| location.contains("code=") && *location == answers[0]),
        "{answers:?}"
    );
}

async fn t_d32_a_sign_in_changes_the_session_and_keeps_the_request(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let session = "__Host-vestibule-session";
    let first = browser.cookies[session].clone();
    let old_window = browser.clone();
    // A second sign-in in the same browser, by a form that was opened before.
    let mut fresh = browser.clone();
    fresh.cookies.remove(session);
    let form = fresh
        .open("/login")
        .await
        .form("Sign in")
        .fill("email", ALICE)
        .fill("password", PASSWORD);
    fresh.submit(&form, "Sign in").await;
    assert_ne!(fresh.cookies[session], first);
    // A request from before the sign-in can still be decided.
    let mut visitor = Browser::new(&server);
    let begun = visitor.get(&client.authorize_path()).await;
    assert!(
        !visitor.cookies.contains_key(session),
        "a request needs no session"
    );
    let login = visitor.follow(&begun).await.document();
    let form = login
        .form("Sign in")
        .fill("email", ALICE)
        .fill("password", PASSWORD);
    let signed_in = visitor.submit(&form, "Sign in").await;
    assert_eq!(
        visitor.follow(&signed_in).await.document().page(),
        "consent"
    );
    // A sign-out in one window also ends the other.
    let out = browser.press("/account", "Sign out").await;
    assert_eq!(
        (out.destination(), browser.cookies.contains_key(session)),
        ("/login", false)
    );
    let mut old_window = old_window;
    assert_eq!(old_window.get("/account").await.destination(), "/login");
}

async fn t_d32_an_injected_cookie_is_no_session(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let session = "__Host-vestibule-session";
    let planted = "A".repeat(43);
    let mut browser = Browser::new(&server);
    browser.cookies.insert(session.to_owned(), planted.clone());
    assert_eq!(browser.get("/account").await.destination(), "/login");
    browser.sign_in(ALICE, PASSWORD).await;
    assert_ne!(browser.cookies[session], planted);
    let mut attacker = Browser::new(&server);
    attacker.cookies.insert(session.to_owned(), planted);
    assert_eq!(attacker.get("/account").await.destination(), "/login");
}

async fn r_bp3_cookies_are_host_bound_secure_and_hidden_from_scripts(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::new(&server);
    // The cookies: the browser, a flash message, its removal, a session, and its removal.
    let begun = browser.get(&client.authorize_path()).await;
    let login = browser
        .follow(&begun)
        .await
        .document()
        .form("Sign in")
        .fill("email", ALICE);
    let refused = browser
        .submit(&login.clone().fill("password", "wrong"), "Sign in")
        .await;
    let told = browser.follow(&refused).await;
    let signed_in = browser
        .submit(&login.fill("password", PASSWORD), "Sign in")
        .await;
    let out = browser.open("/account").await.form("Sign out");
    let signed_out = browser.submit(&out, "Sign out").await;

    let browser_cookie = "__Host-vestibule-browser";
    let notice = "__Host-vestibule-notice";
    let session = "__Host-vestibule-session";
    for (answer, place, of, name, seconds) in [
        (&begun, 0, 2, browser_cookie, 400 * 24 * 3600),
        (&refused, 0, 1, notice, 60),
        (&told, 0, 1, notice, 0),
        (&signed_in, 0, 2, session, 30 * 24 * 3600),
        (&signed_in, 1, 2, "__Host-vestibule-way", 400 * 24 * 3600),
        (&signed_out, 0, 1, session, 0),
    ] {
        let lines: Vec<_> = answer
            .headers
            .get_all(http::header::SET_COOKIE)
            .iter()
            .collect();
        assert_eq!(lines.len(), of, "{name}: {answer:?}");
        let line = lines[place];
        let mut parts = line.to_str().expect("a cookie that is text").split("; ");
        let (own, value) = parts
            .next()
            .and_then(|pair| pair.split_once('='))
            .expect("a name and a value");
        assert_eq!((own, value.is_empty()), (name, seconds == 0));
        // The complete list of attributes. Without a domain, no other host can set or read the
        // cookie.
        let lifetime = format!("Max-Age={seconds}");
        assert_eq!(
            parts.collect::<Vec<_>>(),
            ["Path=/", &lifetime, "Secure", "HttpOnly", "SameSite=Lax"],
            "{name}"
        );
    }
}

async fn a_denial_is_redirected_with_state_and_issuer(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let callback = Browser::of_alice(&server)
        .await
        .decide(&client, "Deny")
        .await;
    assert_eq!(callback.base, client.redirect_uri);
    assert_eq!(
        callback.query.names(),
        ["error", "error_description", "state", "iss"]
    );
    assert_eq!(callback.query.one("error"), Some("access_denied"));
    assert_eq!(
        callback.query.one("state"),
        client.authorization.one("state")
    );
    assert_eq!(callback.query.one("iss"), Some(ISSUER));
}

async fn t_a2_a_removed_client_gets_no_redirect(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    server
        .provider
        .terminal()
        .clients()
        .remove_client(&client.id)
        .await
        .expect("removed");
    let answer = browser.submit(&form, "Allow").await;
    browser.follow(&answer).await.problem(400);
    browser.get(&client.authorize_path()).await.problem(400);
}

async fn t_a2_a_changed_redirect_uri_gets_no_redirect(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let here = client.redirect_uri.as_str();
    let elsewhere = "https://evil.example/cb";
    let form = browser.consent_page(&client).await.form("Allow");
    let other = browser.consent_page(&client).await.form("Allow");
    // In the pending request: the stored text alone is not enough, it is validated again.
    let id = Secret::decode(form.fields.one("request").expect("a request")).expect("an id");
    server
        .tamper(
            &format!("request:{}", id.digest().as_str()),
            here,
            elsewhere,
        )
        .await;
    let refused = browser.submit(&form, "Allow").await;
    browser.follow(&refused).await.problem(400);
    // In the registration: the requested URI is no longer valid.
    server
        .tamper(&format!("client:{}", client.id), here, elsewhere)
        .await;
    for button in ["Deny", "Allow"] {
        let refused = browser.submit(&other, button).await;
        browser.follow(&refused).await.problem(400);
    }
}

async fn a_pending_request_expires_after_half_an_hour(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let (one, other) = (
        browser.consent_page(&client).await.form("Allow"),
        browser.consent_page(&client).await.form("Allow"),
    );
    server.pass(1799);
    granted(&browser.submit(&one, "Allow").await);
    server.pass(1);
    let late = browser.submit(&other, "Allow").await;
    browser.follow(&late).await.problem(400);
}

async fn t_a8_only_a_pending_request_can_be_the_return_target(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let hostile = [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "..%2f..",
        "x&y",
        "\r\nLocation:x",
        "\u{e9}",
    ];
    for way in hostile {
        let way_in_query =
            testkit::Query::new([("request", way), ("return_to", way), ("next", way)]).encode();
        let mut browser = Browser::new(&server);
        for page in ["/login", "/consent"] {
            browser
                .get(&format!("{page}?{way_in_query}"))
                .await
                .problem(400);
        }
        let form = browser
            .open(&format!(
                "/login?return_to={}",
                &way_in_query["request=".len()..]
            ))
            .await
            .form("Sign in");
        let form = form
            .fill("email", ALICE)
            .fill("password", PASSWORD)
            .fill("request", way)
            .fill("return_to", way);
        assert_eq!(
            browser.submit(&form, "Sign in").await.destination(),
            "/account",
            "{way}"
        );
        let form = browser
            .open("/account")
            .await
            .form("Sign out")
            .fill("request", way);
        assert_eq!(
            browser.submit(&form, "Sign out").await.destination(),
            "/login",
            "{way}"
        );
    }
}

async fn a_decision_requires_a_session(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    // The request is pending, but there is no session.
    let mut new_browser = Browser::new(&server);
    let begun = new_browser.get(&client.authorize_path()).await;
    let login = new_browser.follow(&begun).await.document().form("Sign in");
    let request = login.fields.one("request").expect("a request").to_owned();
    assert_eq!(
        new_browser
            .get(&format!("/consent?request={request}"))
            .await
            .destination(),
        begun.destination()
    );
    let token = login.token();
    let forged = form
        .clone()
        .fill("request", &request)
        .fill("form_token", &token);
    assert_eq!(
        new_browser.submit(&forged, "Allow").await.destination(),
        begun.destination()
    );
    // A session that has ended.
    server.pass(31 * 24 * 3600);
    let late = browser.submit(&form, "Allow").await;
    assert!(!late.destination().contains("code="), "{late:?}");
}

async fn t_c25_a_disabled_account_cannot_decide(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&client).await.form("Allow");
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ALICE)
        .await
        .expect("disabled");
    let answer = browser.submit(&form, "Allow").await;
    assert!(
        answer.destination().starts_with("/login?request="),
        "{answer:?}"
    );
    assert_eq!(browser.get("/account").await.destination(), "/login");
}

async fn a_different_account_leads_back_to_the_same_request(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", Some("another quiet room"))
        .await
        .expect("Bob enrols");
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let other = browser
        .consent_page(&client)
        .await
        .form("Use a different account");
    let out = browser.submit(&other, "Use a different account").await;
    let login = browser.follow(&out).await.document().form("Sign in");
    let form = login
        .fill("email", "bob@example.com")
        .fill("password", "another quiet room");
    let signed_in = browser.submit(&form, "Sign in").await;
    let signed_in = browser.past_the_offer(signed_in).await;
    let consent = browser.follow(&signed_in).await.document();
    assert!(
        consent.words().contains("bob@example.com"),
        "{}",
        consent.words()
    );
    granted(&browser.submit(&consent.form("Allow"), "Allow").await);
}

async fn every_decision_but_allow_is_a_denial(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!(["https://app.example/cb"]);
    let client = McpClient::registered(&server, &metadata).await;
    let mut browser = Browser::of_alice(&server).await;
    for decision in ["", "Allow", "ALLOW", "allow ", "true", "1"] {
        let form = browser.consent_page(&client).await.form("Deny");
        let answer = browser
            .post(&form.action, &form.fields.clone().and("decision", decision))
            .await;
        assert!(
            answer
                .destination()
                .starts_with("https://app.example/cb?error=access_denied"),
            "{decision}"
        );
    }
}

/// Expects a response without a code and without a redirect to the client.
async fn expect_no_effect(browser: &mut Browser, fields: &testkit::Query, action: &str) {
    let answer = browser.post(action, fields).await;
    let location = answer.destination();
    assert!(
        location.starts_with("/consent?request=") || location.starts_with("/login?request="),
        "{location}"
    );
}

fn granted(answer: &TestResponse) {
    let callback = Callback::read(answer.destination());
    assert!(callback.query.one("code").is_some(), "{callback:?}");
}

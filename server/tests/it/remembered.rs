//! Remembered consent: when the page is skipped, and that a withdrawal leaves nothing (R-A14,
//! R-O19, R-O20; T-D28, T-A2, T-C25, T-E38).

use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use serde_json::json;
use testkit::{
    EngineKind, native_metadata, on_both_engines, race,
    routed::{ALICE, Browser, Callback, MCP, McpClient, PASSWORD, TestServer, Tokens},
};

on_both_engines!(
    r_a14_a_remembered_consent_skips_the_page,
    only_wider_scopes_show_the_page_again,
    a_denial_is_not_remembered,
    r_o19_a_loopback_client_always_shows_the_page,
    t_d28_another_origin_client_resource_or_user_shows_the_page,
    without_a_session_the_login_page_is_shown,
    a_consent_expires_ninety_days_after_the_last_approval,
    with_no_lifetime_nothing_is_remembered,
    r_o20_disconnecting_revokes_every_grant_and_removes_the_consent,
    a_consent_without_a_grant_is_shown_and_can_be_removed,
    a_user_cannot_end_the_consent_of_another,
    t_c25_disabling_an_account_removes_its_consents,
    t_a2_e38_a_changed_or_removed_client_gets_no_code,
    a_consent_to_a_removed_client_is_not_shown,
    concurrent_consents_are_merged,
    a_consent_withdrawn_during_its_use_leaves_no_grant,
    a_new_consent_does_not_restore_a_withdrawn_one,
    a_consent_withdrawn_during_its_approval_leaves_no_grant,
    t_c25_a_reset_password_withdraws_a_consent_at_every_step,
    a_store_failure_gives_no_code,
);

const DAY: u64 = 24 * 3600;

async fn r_a14_a_remembered_consent_skips_the_page(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    for client in [
        at(&server, "https://app.example/callback").await,
        McpClient::confidential(&server).await,
    ] {
        let mut browser = Browser::of_alice(&server).await;
        client.connect(&mut browser).await;
        let again = client.asking(|query| query.set("state", "another").set("scope", "notes:read"));
        let callback = browser.pass(&again).await;
        assert_eq!(
            (callback.base.as_str(), callback.query.names()),
            (client.redirect_uri.as_str(), vec!["code", "state", "iss"])
        );
        assert_eq!(callback.query.one("state"), Some("another"));
        let answer = client
            .exchange(callback.query.one("code").expect("a code"))
            .await;
        assert_eq!(answer.granted()["scope"], "notes:read");
        client.me(&Tokens::read(&answer).access).await.granted();
        // Also in another browser: the consent belongs to her account.
        let mut other = Browser::of_alice(&server).await;
        assert!(other.pass(&client).await.query.one("code").is_some());
    }
}

async fn only_wider_scopes_show_the_page_again(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let asking = |scope: &str| client.asking(|query| query.set("scope", scope));
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    for wider in [
        "notes:read notes:write",
        "notes:write",
        "notes:read offline_access",
    ] {
        assert_eq!(
            browser.consent_page(&asking(wider)).await.page(),
            "consent",
            "{wider}"
        );
    }
    let marked = browser
        .consent_page(&asking("notes:read notes:write"))
        .await
        .words();
    assert!(marked.contains("New Add notes for you"), "{marked}");
    // Scopes of several consents are merged.
    browser.decide(&asking("notes:write"), "Allow").await;
    for narrower in ["notes:read notes:write", "notes:write", "notes:read"] {
        let code = browser
            .pass(&asking(narrower))
            .await
            .query
            .one("code")
            .expect("a code")
            .to_owned();
        assert_eq!(client.exchange(&code).await.granted()["scope"], narrower);
    }
}

async fn a_denial_is_not_remembered(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    browser.decide(&client, "Deny").await;
    assert_eq!(browser.consent_page(&client).await.page(), "consent");
}

async fn r_o19_a_loopback_client_always_shows_the_page(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for redirect in [
        "http://127.0.0.1/cb",
        "http://localhost:3118/callback",
        "cursor://anysphere/cb",
        "https://localhost/cb",
    ] {
        let client = at(&server, redirect).await;
        for _ in 0..2 {
            assert!(
                browser
                    .decide(&client, "Allow")
                    .await
                    .query
                    .one("code")
                    .is_some(),
                "{redirect}"
            );
        }
    }
}

async fn t_d28_another_origin_client_resource_or_user_shows_the_page(engine: EngineKind) {
    let files = "https://files.example/mcp";
    let server = TestServer::with(engine, |settings| {
        let scopes = vec![ScopeDescription {
            name: "notes:read".to_owned(),
            sentence: "Read".to_owned(),
            default: true,
        }];
        let identifier = ResourceIdentifier::parse(files).expect("an identifier");
        settings
            .resources
            .push(Resource::new(identifier, "Files".to_owned(), scopes));
    })
    .await;
    server.add_alice().await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob enrols");
    let mut metadata = native_metadata();
    let uris = [
        "https://app.example/callback",
        "https://app.example/other",
        "https://app.example:8443/callback",
        "https://two.example/cb",
    ];
    metadata["redirect_uris"] = json!(uris);
    let client = McpClient::registered(&server, &metadata).await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    // The same origin needs no new consent.
    let redirected = |uri: &str| client.asking(|query| query.set("redirect_uri", uri));
    assert!(
        browser
            .pass(&redirected(uris[1]))
            .await
            .query
            .one("code")
            .is_some()
    );
    let twin = McpClient::registered(&server, &metadata).await;
    for other in [
        redirected(uris[2]),
        redirected(uris[3]),
        twin,
        client.asking(|query| query.set("resource", files)),
    ] {
        let page = browser.consent_page(&other).await;
        assert!(
            !page.words().contains("New "),
            "nothing was allowed there: {}",
            page.words()
        );
    }
    let mut bobs = Browser::new(&server);
    bobs.sign_in("bob@example.com", PASSWORD).await;
    assert_eq!(bobs.consent_page(&client).await.page(), "consent");
}

async fn without_a_session_the_login_page_is_shown(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    client.connect(&mut Browser::of_alice(&server).await).await;
    assert_eq!(
        Browser::new(&server).consent_page(&client).await.page(),
        "consent"
    );
}

async fn a_consent_expires_ninety_days_after_the_last_approval(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    client.connect(&mut Browser::of_alice(&server).await).await;
    server.pass(90 * DAY - 1);
    let mut browser = Browser::of_alice(&server).await;
    // A skipped page does not extend the consent.
    assert!(browser.pass(&client).await.query.one("code").is_some());
    server.pass(1);
    browser.decide(&client, "Allow").await;
    server.pass(20 * DAY);
    assert!(browser.pass(&client).await.query.one("code").is_some());
}

async fn with_no_lifetime_nothing_is_remembered(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| {
        settings.lifetimes.consent = std::time::Duration::ZERO;
    })
    .await;
    server.add_alice().await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    for _ in 0..2 {
        browser.decide(&client, "Allow").await;
    }
}

async fn r_o20_disconnecting_revokes_every_grant_and_removes_the_consent(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let kept = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    let one = client.connect(&mut browser).await;
    let others = kept.connect(&mut browser).await;
    server.pass(1);
    let two = client.connect(&mut browser).await;
    let on_its_way = browser
        .pass(&client)
        .await
        .query
        .one("code")
        .expect("a code")
        .to_owned();
    let page = browser.open("/account").await;
    assert!(
        page.words().contains("connected 2 times"),
        "{}",
        page.words()
    );
    // Both have the same name and host. The newest comes first.
    let answer = browser
        .submit(&page.form("Disconnect Notebook"), "Disconnect Notebook")
        .await;
    assert_eq!(answer.destination(), "/account");
    for tokens in [one, two] {
        client.assert_revoked(&tokens).await;
    }
    client
        .exchange(&on_its_way)
        .await
        .refused(400, "invalid_grant");
    assert_eq!(browser.consent_page(&client).await.page(), "consent");
    // The other application is not affected.
    kept.refresh(&others.refresh).await.granted();
    assert!(browser.pass(&kept).await.query.one("code").is_some());
}

async fn a_consent_without_a_grant_is_shown_and_can_be_removed(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for (redirect, says) in [
        (
            "https://app.example/callback",
            "app.example Notebook isn't connected now, but can use Notes again without asking you",
        ),
        (
            "http://127.0.0.1/cb",
            "On your computers Notebook isn't connected now, and has to ask you before using Notes again",
        ),
    ] {
        let client = at(&server, redirect).await;
        // The code is never redeemed.
        browser.decide(&client, "Allow").await;
        server.pass(61);
        let page = browser.open("/account").await;
        assert!(page.words().contains(says), "{}", page.words());
        browser
            .submit(&page.form("Forget Notebook"), "Forget Notebook")
            .await;
        let page = browser.open("/account").await;
        assert!(
            page.words().contains("No connected applications."),
            "{}",
            page.words()
        );
        assert_eq!(browser.consent_page(&client).await.page(), "consent");
    }
}

async fn a_user_cannot_end_the_consent_of_another(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob enrols");
    let client = at(&server, "https://app.example/callback").await;
    let mut alice = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut alice).await;
    let theirs = alice
        .open("/account")
        .await
        .form("Disconnect Notebook")
        .fields
        .one("connection")
        .expect("a name")
        .to_owned();
    let mut bob = Browser::new(&server);
    bob.sign_in("bob@example.com", PASSWORD).await;
    let own = McpClient::native(&server).await;
    own.connect(&mut bob).await;
    let form = bob.open("/account").await.form("Disconnect Notebook");
    for name in [
        theirs.as_str(),
        "",
        "x",
        "*",
        &format!("{theirs}:{theirs}"),
        &"A".repeat(5000),
    ] {
        let answer = bob
            .submit(
                &form.clone().fill("connection", name),
                "Disconnect Notebook",
            )
            .await;
        assert_eq!(answer.destination(), "/account");
    }
    client.refresh(&tokens.refresh).await.granted();
    assert!(alice.pass(&client).await.query.one("code").is_some());
    assert!(bob.open("/account").await.words().contains("can use"));
}

async fn t_c25_disabling_an_account_removes_its_consents(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ALICE)
        .await
        .expect("disabled");
    let quiet = client.asking(|query| query.set("prompt", "none"));
    assert_eq!(
        browser.pass(&quiet).await.query.one("error"),
        Some("login_required")
    );
    assert!(
        browser
            .get(&client.authorize_path())
            .await
            .destination()
            .starts_with("/login?request=")
    );
    // After enabling, the grants stay revoked.
    server
        .provider
        .terminal()
        .accounts()
        .enable_account(ALICE)
        .await
        .expect("enabled");
    let mut browser = Browser::of_alice(&server).await;
    assert_eq!(
        browser.pass(&quiet).await.query.one("error"),
        Some("consent_required")
    );
    // A password that an administrator sets withdraws all consents.
    client.connect(&mut browser).await;
    server
        .provider
        .terminal()
        .accounts()
        .set_account_password(ALICE, PASSWORD)
        .await
        .expect("a new password");
    assert_eq!(
        Browser::of_alice(&server)
            .await
            .pass(&quiet)
            .await
            .query
            .one("error"),
        Some("consent_required")
    );
}

async fn t_a2_e38_a_changed_or_removed_client_gets_no_code(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let client = at(&server, "https://app.example/callback").await;
    client.connect(&mut browser).await;
    server
        .tamper(
            &format!("client:{}", client.id),
            "https://app.example/callback",
            "https://app.example/moved",
        )
        .await;
    browser.get(&client.authorize_path()).await.problem(400);
    let client = at(&server, "https://app.example/callback").await;
    client.connect(&mut browser).await;
    server
        .provider
        .terminal()
        .clients()
        .remove_client(&client.id)
        .await
        .expect("removed");
    browser.get(&client.authorize_path()).await.problem(400);
}

async fn a_consent_to_a_removed_client_is_not_shown(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let client = at(&server, "https://app.example/callback").await;
    browser.decide(&client, "Allow").await;
    assert!(
        !browser
            .open("/account")
            .await
            .words()
            .contains("No connected applications.")
    );
    server
        .provider
        .terminal()
        .clients()
        .remove_client(&client.id)
        .await
        .expect("removed");
    assert!(
        browser
            .open("/account")
            .await
            .words()
            .contains("No connected applications.")
    );
}

async fn concurrent_consents_are_merged(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    let scopes = ["notes:read", "notes:write", "notes:read offline_access"];
    let mut forms = Vec::new();
    for scope in scopes {
        let asking = client.asking(|query| query.set("scope", scope));
        forms.push(browser.consent_page(&asking).await.form("Allow"));
    }
    race(scopes.len(), |number| {
        let mut window = browser.clone();
        let form = forms[number].clone();
        async move { window.submit(&form, "Allow").await }
    })
    .await;
    let all = client.asking(|query| query.set("scope", "notes:read notes:write offline_access"));
    let code = browser
        .pass(&all)
        .await
        .query
        .one("code")
        .expect("a code")
        .to_owned();
    assert_eq!(
        client.exchange(&code).await.granted()["scope"],
        "notes:read notes:write offline_access"
    );
    let words = browser.open("/account").await.words();
    assert_eq!(
        words.matches("can use").count(),
        1,
        "one application, one row: {words}"
    );
}

/// A withdrawal at every step of a skipped page, and a skipped page at every step of a withdrawal.
async fn a_consent_withdrawn_during_its_use_leaves_no_grant(engine: EngineKind) {
    let mut steps = [0, 0];
    for (order, steps) in steps.iter_mut().enumerate() {
        for answers in 0.. {
            let server = TestServer::of_alice(engine).await;
            let client = at(&server, "https://app.example/callback").await;
            let mut browser = Browser::of_alice(&server).await;
            client.connect(&mut browser).await;
            let form = browser.open("/account").await.form("Disconnect Notebook");
            let mut window = browser.clone();
            let mut passed = None;
            let mut ended = None;
            let pass = async { passed = Some(window.get(&client.authorize_path()).await) };
            let end = async { ended = Some(browser.submit(&form, "Disconnect Notebook").await) };
            let ((), interrupted) = match order {
                0 => server.between(answers, pass, end).await,
                _ => server.between(answers, end, pass).await,
            };
            if !interrupted {
                break;
            }
            *steps += 1;
            assert_eq!(ended.expect("an answer").destination(), "/account");
            expect_nothing_left(&server, &client, passed.expect("an answer").destination()).await;
        }
    }
    assert!(steps.iter().all(|steps| *steps > 2), "{steps:?}");
}

/// A new, narrower consent does not restore the withdrawn one.
async fn a_new_consent_does_not_restore_a_withdrawn_one(engine: EngineKind) {
    let mut steps = 0;
    for answers in 0.. {
        let server = TestServer::of_alice(engine).await;
        let client = at(&server, "https://app.example/callback").await;
        let wide = client.asking(|query| query.set("scope", "notes:read notes:write"));
        let mut browser = Browser::of_alice(&server).await;
        wide.connect(&mut browser).await;
        let form = browser.open("/account").await.form("Disconnect Notebook");
        let mut window = browser.clone();
        let passing = async {
            window
                .get(&wide.authorize_path())
                .await
                .destination()
                .to_owned()
        };
        let action = async {
            browser.submit(&form, "Disconnect Notebook").await;
            browser.decide(&client, "Allow").await;
        };
        let (passed, interrupted) = Box::pin(server.between(answers, passing, action)).await;
        if !interrupted {
            break;
        }
        steps += 1;
        if !passed.starts_with('/') {
            let code = Callback::read(&passed)
                .query
                .one("code")
                .expect("a code")
                .to_owned();
            wide.exchange(&code).await.refused(400, "invalid_grant");
        }
    }
    assert!(steps > 2, "{steps}");
}

/// The same for an approval on the page and a withdrawal in another window. The later one wins.
async fn a_consent_withdrawn_during_its_approval_leaves_no_grant(engine: EngineKind) {
    let mut steps = 0;
    for answers in 0.. {
        let server = TestServer::of_alice(engine).await;
        let client = at(&server, "https://app.example/callback").await;
        let asking = client.asking(|query| query.set("prompt", "consent"));
        let mut browser = Browser::of_alice(&server).await;
        client.connect(&mut browser).await;
        let end = browser.open("/account").await.form("Disconnect Notebook");
        let allow = browser.consent_page(&asking).await.form("Allow");
        let mut window = browser.clone();
        let allowing = async {
            window
                .submit(&allow, "Allow")
                .await
                .destination()
                .to_owned()
        };
        let (location, interrupted) = server
            .between(
                answers,
                allowing,
                browser.submit(&end, "Disconnect Notebook"),
            )
            .await;
        if !interrupted {
            break;
        }
        steps += 1;
        // Either the approval came last, and consent and grant exist, or neither exists.
        let remembered = browser
            .pass(&client.asking(|query| query.set("prompt", "none")))
            .await
            .query
            .one("code")
            .is_some();
        if location.starts_with('/') {
            assert!(!remembered, "after {answers} answers");
        } else {
            let callback = Callback::read(&location);
            let exchanged = client
                .exchange(callback.query.one("code").expect("a code"))
                .await;
            assert!(
                remembered || exchanged.status == 400,
                "a grant without its consent, after {answers} answers"
            );
        }
    }
    assert!(steps > 6, "{steps}");
}

/// A password reset withdraws everything, including a concurrent approval in an old session.
async fn t_c25_a_reset_password_withdraws_a_consent_at_every_step(engine: EngineKind) {
    let mut steps = 0;
    for answers in 0.. {
        let server = TestServer::of_alice(engine).await;
        let client = at(&server, "https://app.example/callback").await;
        let mut browser = Browser::of_alice(&server).await;
        let allow = browser.consent_page(&client).await.form("Allow");
        let allowing = async {
            browser
                .submit(&allow, "Allow")
                .await
                .destination()
                .to_owned()
        };
        let terminal = server.provider.terminal();
        let accounts = terminal.accounts();
        let renewing = accounts.set_account_password(ALICE, PASSWORD);
        let (location, interrupted) = Box::pin(server.between(answers, allowing, renewing)).await;
        if !interrupted {
            break;
        }
        steps += 1;
        expect_nothing_left(&server, &client, &location).await;
    }
    assert!(steps > 8, "{steps}");
}

async fn a_store_failure_gives_no_code(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    server.switch.break_writes();
    browser.get(&client.authorize_path()).await.problem(503);
    // A write with a lost answer is resolved.
    server.switch.lose_write_answers();
    let passed = Callback::read(browser.get(&client.authorize_path()).await.destination());
    assert!(passed.query.one("code").is_some());
    server.switch.break_all();
    browser.get(&client.authorize_path()).await.problem(503);
    let form = {
        server.switch.mend();
        browser.open("/account").await.form("Disconnect Notebook")
    };
    // A failed disconnection is reported, and can be repeated.
    server.switch.break_writes();
    let failed = browser.submit(&form, "Disconnect Notebook").await;
    server.switch.mend();
    let page = browser.follow(&failed).await.document();
    assert!(
        page.alert()
            .is_some_and(|alert| alert.contains("is temporarily unavailable")),
        "{:?}",
        page.alert()
    );
    browser
        .submit(&page.form("Disconnect Notebook"), "Disconnect Notebook")
        .await;
    assert_eq!(browser.consent_page(&client).await.page(), "consent");
}

/// A public client with this redirect URI.
async fn at(server: &TestServer, redirect: &str) -> McpClient {
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!([redirect]);
    McpClient::registered(server, &metadata).await
}

/// Expects no consent and no grant: the code is invalid.
async fn expect_nothing_left(server: &TestServer, client: &McpClient, passed: &str) {
    if !passed.starts_with('/') {
        let callback = Callback::read(passed);
        let code = callback.query.one("code").expect("a code");
        server
            .post("/token", &client.code_form(code).set("resource", MCP))
            .await
            .refused(400, "invalid_grant");
    }
    let mut browser = Browser::of_alice(server).await;
    let page = browser.open("/account").await.words();
    assert!(page.contains("No connected applications."), "{page}");
    let quiet = client.asking(|query| query.set("prompt", "none"));
    assert_eq!(
        browser.pass(&quiet).await.query.one("error"),
        Some("consent_required")
    );
}

//! Remembered consent: whom it spares the page, whom never, and that taking it back leaves nothing
//! (R-A14, R-O19, R-O20; T-D28, T-A2, T-C25, T-E38).

use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use serde_json::json;

use testkit::race;
use testkit::{
    EngineKind, native_metadata, on_both_engines,
    routed::{ALICE, Browser, Callback, MCP, McpClient, PASSWORD, TestServer, Tokens},
};

on_both_engines!(
    r_a14_what_was_allowed_passes_without_a_page,
    wider_scope_is_asked_for_and_narrower_is_not,
    what_was_denied_is_not_remembered,
    r_o19_an_application_on_the_persons_own_computer_always_asks,
    t_d28_another_origin_client_resource_or_person_is_asked,
    whoever_is_not_signed_in_sees_the_page,
    a_consent_lapses_ninety_days_after_the_last_yes,
    with_no_lifetime_nothing_is_remembered,
    r_o20_disconnecting_ends_every_grant_and_forgets,
    a_consent_without_a_connection_is_shown_and_forgotten,
    nobody_ends_what_another_allowed,
    t_c25_a_disabled_account_passes_nothing_and_forgets,
    t_a2_e38_a_client_that_changed_or_went_passes_nothing,
    a_consent_to_a_client_that_is_gone_is_not_shown,
    answers_at_the_same_moment_add_up,
    a_consent_taken_back_while_it_is_used_leaves_no_grant,
    a_consent_given_anew_meanwhile_is_another,
    a_consent_taken_back_while_it_is_given_leaves_no_grant,
    t_c25_a_new_password_meets_every_step_of_a_yes,
    a_store_that_fails_gives_no_code,
);

const DAY: u64 = 24 * 3600;

async fn r_a14_what_was_allowed_passes_without_a_page(engine: EngineKind) {
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
        // In another browser of hers, too: it is her consent, and not the browser's.
        let mut other = Browser::of_alice(&server).await;
        assert!(other.pass(&client).await.query.one("code").is_some());
    }
}

async fn wider_scope_is_asked_for_and_narrower_is_not(engine: EngineKind) {
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
    // Allowed one after the other, they are allowed together.
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

async fn what_was_denied_is_not_remembered(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    browser.decide(&client, "Deny").await;
    assert_eq!(browser.consent_page(&client).await.page(), "consent");
}

async fn r_o19_an_application_on_the_persons_own_computer_always_asks(engine: EngineKind) {
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

async fn t_d28_another_origin_client_resource_or_person_is_asked(engine: EngineKind) {
    let files = "https://files.example/mcp";
    let server = TestServer::with(engine, |settings| {
        let scopes = vec![ScopeDescription {
            name: "notes:read".to_owned(),
            sentence: "Read".to_owned(),
            default: true,
        }];
        let identifier = ResourceIdentifier::parse(files).expect("an identifier");
        settings.resources.push(Resource {
            identifier,
            name: "Files".to_owned(),
            scopes,
            introspection_secret: None,
        });
    })
    .await;
    server.add_alice().await;
    server
        .provider
        .terminal()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob moves in");
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
    // The same origin is the same place.
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

async fn whoever_is_not_signed_in_sees_the_page(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    client.connect(&mut Browser::of_alice(&server).await).await;
    assert_eq!(
        Browser::new(&server).consent_page(&client).await.page(),
        "consent"
    );
}

async fn a_consent_lapses_ninety_days_after_the_last_yes(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    client.connect(&mut Browser::of_alice(&server).await).await;
    server.pass(90 * DAY - 1);
    let mut browser = Browser::of_alice(&server).await;
    // Passing is no yes, and makes nothing longer.
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

async fn r_o20_disconnecting_ends_every_grant_and_forgets(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let (client, kept) = (
        at(&server, "https://app.example/callback").await,
        at(&server, "https://app.example/callback").await,
    );
    let mut browser = Browser::of_alice(&server).await;
    let (one, others) = (
        client.connect(&mut browser).await,
        kept.connect(&mut browser).await,
    );
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
    // Both have the same name and host; the newest comes first.
    let answer = browser
        .submit(&page.form("Disconnect Notebook"), "Disconnect Notebook")
        .await;
    assert_eq!(answer.destination(), "/account");
    for tokens in [one, two] {
        client
            .refresh(&tokens.refresh)
            .await
            .refused(400, "invalid_grant");
        client
            .me(&tokens.access)
            .await
            .refused(401, "invalid_token");
    }
    client
        .exchange(&on_its_way)
        .await
        .refused(400, "invalid_grant");
    assert_eq!(browser.consent_page(&client).await.page(), "consent");
    // The other application is another's business.
    kept.refresh(&others.refresh).await.granted();
    assert!(browser.pass(&kept).await.query.one("code").is_some());
}

async fn a_consent_without_a_connection_is_shown_and_forgotten(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for (redirect, says) in [
        (
            "https://app.example/callback",
            "app.example Notebook is not connected now, and may use Notes again without asking you",
        ),
        (
            "http://127.0.0.1/cb",
            "On your computers Notebook is not connected now, and has to ask you before it can use Notes again",
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
            page.words().contains("None yet. When an application asks"),
            "{}",
            page.words()
        );
        assert_eq!(browser.consent_page(&client).await.page(), "consent");
    }
}

async fn nobody_ends_what_another_allowed(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob moves in");
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
    assert!(bob.open("/account").await.words().contains("may use"));
}

async fn t_c25_a_disabled_account_passes_nothing_and_forgets(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    server
        .provider
        .terminal()
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
    // What was disabled stays ended.
    server
        .provider
        .terminal()
        .enable_account(ALICE)
        .await
        .expect("enabled");
    let mut browser = Browser::of_alice(&server).await;
    assert_eq!(
        browser.pass(&quiet).await.query.one("error"),
        Some("consent_required")
    );
    // A new password ends what the old one may have opened for somebody else.
    client.connect(&mut browser).await;
    server
        .provider
        .terminal()
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

async fn t_a2_e38_a_client_that_changed_or_went_passes_nothing(engine: EngineKind) {
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
        .remove_client(&client.id)
        .await
        .expect("removed");
    browser.get(&client.authorize_path()).await.problem(400);
}

async fn a_consent_to_a_client_that_is_gone_is_not_shown(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let client = at(&server, "https://app.example/callback").await;
    browser.decide(&client, "Allow").await;
    assert!(
        !browser
            .open("/account")
            .await
            .words()
            .contains("None yet. When an application asks")
    );
    server
        .provider
        .terminal()
        .remove_client(&client.id)
        .await
        .expect("removed");
    assert!(
        browser
            .open("/account")
            .await
            .words()
            .contains("None yet. When an application asks")
    );
}

async fn answers_at_the_same_moment_add_up(engine: EngineKind) {
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
        let (mut window, form) = (browser.clone(), forms[number].clone());
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
        words.matches("may use").count(),
        1,
        "one application, one row: {words}"
    );
}

/// Whatever step of a pass a withdrawal falls into, and whatever step of a withdrawal a pass falls
/// into.
async fn a_consent_taken_back_while_it_is_used_leaves_no_grant(engine: EngineKind) {
    let mut steps = [0, 0];
    for (order, steps) in steps.iter_mut().enumerate() {
        for answers in 0.. {
            let server = TestServer::of_alice(engine).await;
            let client = at(&server, "https://app.example/callback").await;
            let mut browser = Browser::of_alice(&server).await;
            client.connect(&mut browser).await;
            let form = browser.open("/account").await.form("Disconnect Notebook");
            let mut window = browser.clone();
            let (mut passed, mut ended) = (None, None);
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
            nothing_is_left(&server, &client, passed.expect("an answer").destination()).await;
        }
    }
    assert!(steps.iter().all(|steps| *steps > 4), "{steps:?}");
}

/// What was allowed anew, and less of it, does not carry what was taken back.
async fn a_consent_given_anew_meanwhile_is_another(engine: EngineKind) {
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
        let meanwhile = async {
            browser.submit(&form, "Disconnect Notebook").await;
            browser.decide(&client, "Allow").await;
        };
        let (passed, interrupted) = server.between(answers, passing, meanwhile).await;
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
    assert!(steps > 4, "{steps}");
}

/// The same, when it is the person's own yes that a withdrawal in another window meets. Whichever
/// comes last holds.
async fn a_consent_taken_back_while_it_is_given_leaves_no_grant(engine: EngineKind) {
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
        // Either the yes came after it all, and consent and grant are there; or neither is.
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

/// A new password takes everything back, the yes included that somebody is just giving in an old
/// session.
async fn t_c25_a_new_password_meets_every_step_of_a_yes(engine: EngineKind) {
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
        let renewing = terminal.set_account_password(ALICE, PASSWORD);
        let (location, interrupted) = Box::pin(server.between(answers, allowing, renewing)).await;
        if !interrupted {
            break;
        }
        steps += 1;
        nothing_is_left(&server, &client, &location).await;
    }
    assert!(steps > 8, "{steps}");
}

async fn a_store_that_fails_gives_no_code(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = at(&server, "https://app.example/callback").await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    server.switch.break_writes();
    browser.get(&client.authorize_path()).await.problem(503);
    // What was done although nobody heard so is found out.
    server.switch.lose_write_answers();
    let passed = Callback::read(browser.get(&client.authorize_path()).await.destination());
    assert!(passed.query.one("code").is_some());
    server.switch.break_all();
    browser.get(&client.authorize_path()).await.problem(503);
    let form = {
        server.switch.mend();
        browser.open("/account").await.form("Disconnect Notebook")
    };
    // Disconnecting that failed says so, and can be done again.
    server.switch.break_writes();
    let failed = browser.submit(&form, "Disconnect Notebook").await;
    server.switch.mend();
    let page = browser.follow(&failed).await.document();
    assert!(
        page.alert()
            .is_some_and(|alert| alert.contains("cannot reach its records")),
        "{:?}",
        page.alert()
    );
    browser
        .submit(&page.form("Disconnect Notebook"), "Disconnect Notebook")
        .await;
    assert_eq!(browser.consent_page(&client).await.page(), "consent");
}

/// A public client that answers at this address.
async fn at(server: &TestServer, redirect: &str) -> McpClient {
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!([redirect]);
    McpClient::registered(server, &metadata).await
}

/// No consent, no grant: a code that was given on the way opens nothing.
async fn nothing_is_left(server: &TestServer, client: &McpClient, passed: &str) {
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
    assert!(
        page.contains("None yet. When an application asks"),
        "{page}"
    );
    let quiet = client.asking(|query| query.set("prompt", "none"));
    assert_eq!(
        browser.pass(&quiet).await.query.one("error"),
        Some("consent_required")
    );
}

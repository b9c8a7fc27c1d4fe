//! Security headers of pages, and hostile names (R-O17, R-C9, R-C10, R-K10; T-A10, T-D29, T-D30).

use http::header;
use serde_json::json;

use testkit::{
    Document, EngineKind, native_metadata, on_both_engines,
    routed::{ALICE, Browser, McpClient, PASSWORD, TestResponse, TestServer},
};

on_both_engines!(
    r_o17_every_page_has_the_security_headers,
    t_a10_the_consent_policy_allows_the_redirects_of_the_callback,
    t_d29_r_c10_the_consent_page_names_everything_that_matters,
    t_d30_a_hostile_name_is_shown_as_text,
    t_d30_error_pages_repeat_nothing_as_markup,
    a_page_has_a_message_element_only_with_a_message,
    hsts_is_sent_over_https_only,
);

async fn r_o17_every_page_has_the_security_headers(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let mut stranger = Browser::new(&server);
    let link = server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", None)
        .await
        .expect("added")
        .enrolment_link
        .expect("a link");
    let begun = browser.get(&client.authorize_path()).await;
    let mut nonces = Vec::new();
    let foreign = {
        let mut window = browser.clone();
        window.origin = Some("https://evil.example".to_owned());
        window
            .post("/actions/consent", &testkit::Query::default())
            .await
    };
    for (what, answer) in [
        ("login", stranger.get("/login").await),
        ("login, again", stranger.get("/login").await),
        ("account", browser.get("/account").await),
        ("consent", browser.follow(&begun).await),
        (
            "enrolment",
            stranger
                .get(link.split_once("example").expect("a path").1)
                .await,
        ),
        ("setup that is gone", stranger.get("/setup/x").await),
        (
            "consent that is gone",
            browser.get("/consent?request=x").await,
        ),
        (
            "authorize without anything",
            browser.get("/authorize").await,
        ),
        ("nowhere", browser.get("/nowhere").await),
        ("a foreign form", foreign),
    ] {
        let page = answer.document();
        let policy = answer
            .header(header::CONTENT_SECURITY_POLICY)
            .expect("a policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "style-src 'self'",
            "form-action 'self'",
        ] {
            assert!(
                policy.split("; ").any(|own| own.starts_with(part)),
                "{what}: {part} in {policy}"
            );
        }
        assert!(
            !policy.contains("unsafe-inline")
                && !policy.contains("'unsafe-eval'")
                && !policy.contains('*'),
            "{what}: {policy}"
        );
        assert_eq!(
            answer.header(header::X_FRAME_OPTIONS),
            Some("DENY"),
            "{what}"
        );
        // Browser-based clients open these pages in a popup, and wait for a message to its opener.
        assert_eq!(answer.header("cross-origin-opener-policy"), None, "{what}");
        assert_eq!(
            answer.header(header::X_CONTENT_TYPE_OPTIONS),
            Some("nosniff"),
            "{what}"
        );
        assert!(
            ["same-origin", "no-referrer"]
                .contains(&answer.header(header::REFERRER_POLICY).expect("a policy")),
            "{what}"
        );
        assert_eq!(
            answer.header(header::CACHE_CONTROL),
            Some("no-store"),
            "{what}"
        );
        expect_clean(&page, what);
        nonces.extend(page.attributes("script", "nonce").map(str::to_owned));
        for nonce in page
            .attributes("script", "nonce")
            .chain(page.attributes("link", "nonce"))
        {
            assert!(
                policy.contains(&format!("'nonce-{nonce}'")),
                "{what}: {policy}"
            );
        }
        let scripts = page.tags().filter(|tag| *tag == "script").count();
        assert_eq!(
            page.attributes("script", "nonce").count(),
            scripts,
            "{what}: every script has a nonce"
        );
    }
    nonces.sort();
    let all = nonces.len();
    assert!(all > 1, "some pages have islands");
    nonces.dedup();
    assert!(nonces.len() > 1, "no page shares its nonce with another");
}

async fn t_a10_the_consent_policy_allows_the_redirects_of_the_callback(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for (redirect, source) in [
        ("https://app.example/cb", "https://app.example"),
        (
            "https://app.example:8443/cb?x=1",
            "https://app.example:8443",
        ),
        ("http://127.0.0.1:33418/callback", "http://127.0.0.1:33418"),
        ("http://localhost:7777/callback", "http://localhost:7777"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor:"),
    ] {
        let mut metadata = native_metadata();
        metadata["redirect_uris"] = json!([redirect]);
        let client = McpClient::registered(&server, &metadata).await;
        let begun = browser.get(&client.authorize_path()).await;
        let consent = browser.follow(&begun).await;
        // The rest is for callbacks that redirect again; http is allowed for the callback only.
        let rule = form_action(&consent);
        assert!(
            rule.starts_with(&format!("form-action 'self' {source} https: ")),
            "{rule}"
        );
        assert!(!rule.contains(" http: ") && rule.ends_with(':'), "{rule}");
    }
    assert_eq!(
        form_action(&browser.get("/account").await),
        "form-action 'self'"
    );
}

async fn t_d29_r_c10_the_consent_page_names_everything_that_matters(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let mut metadata = native_metadata();
    metadata["client_name"] = json!("Claude");
    metadata["redirect_uris"] = json!(["https://notclaude.example/cb"]);
    let web = McpClient::registered(&server, &metadata)
        .await
        .asking(|query| query.set("scope", "notes:read notes:write"));
    let words = browser.consent_page(&web).await.words();
    for said in [
        "Claude",
        "notclaude.example",
        "The application chose this name itself. It has not been verified.",
        "Notes",
        "vestibule.example",
        ALICE,
    ] {
        assert!(words.contains(said), "{said} in {words}");
    }
    for said in ["See who you are and read your notes", "Add notes for you"] {
        assert!(words.contains(said), "{said} in {words}");
    }
    assert!(!words.contains("on this computer"), "{words}");
    // R-C9: another program could receive a response on this computer.
    let native = McpClient::native(&server)
        .await
        .asking(|query| query.set("scope", "notes:read"));
    let words = browser.consent_page(&native).await.words();
    assert!(
        words.contains("127.0.0.1:33418") && words.contains("on this computer"),
        "{words}"
    );
    assert!(!words.contains("Add notes for you"), "{words}");
    // A client that an administrator added has no unverified name.
    let uris = ["https://app.example/cb".to_owned()];
    let added = server
        .provider
        .terminal()
        .clients()
        .add_client("Our own", &uris, false)
        .await
        .expect("added");
    let added = McpClient::known(&server, &added.client_id, None, &uris[0]);
    let words = browser.consent_page(&added).await.words();
    assert!(
        words.contains("Our own") && !words.contains("It has not been verified"),
        "{words}"
    );
    // Without a name, its id is shown.
    let nameless = McpClient::registered(
        &server,
        &json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none" }),
    )
    .await;
    let words = browser.consent_page(&nameless).await.words();
    assert!(words.contains(&nameless.id), "{words}");
}

async fn t_d30_a_hostile_name_is_shown_as_text(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'--></bdi></main><svg/onload=alert(1)>",
        "{{7*7}}${7*7}<!--",
        "</title><base href=//evil.example>",
        "Claude\u{202e}edualC\u{2066}",
        "C\u{200b}l\u{200d}au\u{feff}de",
        "Claude\r\nSet-Cookie: x=y",
        "Z\u{35c}\u{35c}\u{35c}\u{35c}\u{35c}\u{35c}\u{35c}algo",
    ] {
        let mut metadata = native_metadata();
        metadata["client_name"] = json!(name);
        let client = McpClient::registered(&server, &metadata).await;
        let mut stranger = Browser::new(&server);
        let begun = stranger.get(&client.authorize_path()).await;
        let login = stranger.follow(&begun).await;
        let begun = browser.get(&client.authorize_path()).await;
        let consent = browser.follow(&begun).await;
        for answer in [login, consent] {
            let page = answer.document();
            expect_clean(&page, name);
            for tag in ["img", "base", "iframe", "object"] {
                assert!(!page.tags().any(|own| own == tag), "{name}: {tag}");
            }
            let hidden = [
                '\u{202e}', '\u{2066}', '\u{200b}', '\u{200d}', '\u{feff}', '\r',
            ];
            assert!(
                !answer.body.contains(hidden),
                "{name:?}: {:?}",
                page.words()
            );
            assert!(
                answer
                    .headers
                    .get_all(header::SET_COOKIE)
                    .iter()
                    .all(|cookie| cookie.as_bytes().starts_with(b"__Host-"))
            );
        }
    }
    let mut metadata = native_metadata();
    metadata["client_name"] = json!("x".repeat(10_000));
    let answer = testkit::routed::register(&server, [192, 0, 2, 9].into(), metadata).await;
    assert_eq!(answer.json()["client_name"], "x".repeat(200), "cut");
}

async fn t_d30_error_pages_repeat_nothing_as_markup(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let mut browser = Browser::new(&server);
    for path in [
        client
            .asking(|query| query.set("client_id", hostile))
            .authorize_path(),
        client
            .asking(|query| query.set("redirect_uri", hostile))
            .authorize_path(),
        client
            .asking(|query| {
                query
                    .set("state", hostile)
                    .set("redirect_uri", "https://evil.example/")
            })
            .authorize_path(),
        format!(
            "/consent?request={}",
            "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
        ),
        format!(
            "/login?request={}",
            "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
        ),
        "/setup/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(),
        "/%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
    ] {
        let answer = browser.get(&path).await;
        let page = answer.problem(answer.status.as_u16());
        expect_clean(&page, &path);
        assert!(!answer.body.contains("alert(1)"), "{path}: {}", answer.body);
    }
    // The input is shown in its field again, as text.
    let typed = browser.sign_in(hostile, "x").await;
    let page = browser.follow(&typed).await.document();
    expect_clean(&page, "login");
    assert!(
        page.attributes("input", "value")
            .any(|value| value == hostile)
    );
}

async fn a_page_has_a_message_element_only_with_a_message(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::new(&server);
    assert_eq!(browser.open("/login").await.alert(), None);
    let refused = browser.sign_in(ALICE, "wrong").await;
    assert!(browser.follow(&refused).await.document().alert().is_some());
    assert_eq!(browser.open("/login").await.alert(), None);
    // A link cannot put a message into a page.
    for path in [
        "/login?error=Hello",
        "/login?message=Hello",
        "/login?alert=Hello",
    ] {
        let page = browser.open(path).await;
        assert!(page.alert().is_none() && !page.words().contains("Hello"));
    }
    assert_eq!(
        browser.sign_in(ALICE, PASSWORD).await.destination(),
        "/account"
    );
}

async fn hsts_is_sent_over_https_only(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    assert!(
        server
            .get("/login")
            .await
            .header(header::STRICT_TRANSPORT_SECURITY)
            .is_some()
    );
    let local = TestServer::with(engine, |settings| {
        *settings = testkit::direct::settings("http://localhost:3000");
    })
    .await;
    assert!(
        local
            .get("/login")
            .await
            .header(header::STRICT_TRANSPORT_SECURITY)
            .is_none()
    );
}

/// Expects no inline handler, no inline style, and no script URI.
fn expect_clean(page: &Document, what: &str) {
    for (name, value) in page.all_attributes() {
        assert!(
            !name.starts_with("on") && name != "style" && name != "srcdoc",
            "{what}: {name}={value}"
        );
        let address = ["href", "src", "action", "formaction"].contains(&name);
        assert!(
            !address || value.starts_with('/') && !value.starts_with("//"),
            "{what}: {name}={value}"
        );
    }
}

fn form_action(answer: &TestResponse) -> String {
    let policy = answer
        .header(header::CONTENT_SECURITY_POLICY)
        .expect("a policy");
    policy
        .split("; ")
        .find(|part| part.starts_with("form-action"))
        .expect("a rule for forms")
        .to_owned()
}

//! The authorization endpoint: errors and their recipients (R-O1, R-O2, R-O5, R-O6, R-O7, R-O18,
//! R-A6, R-A12; T-A1, T-A3, T-A4, T-A7, T-E38).

use axum::body::Body;
use http::{Method, header};
use serde_json::json;

use testkit::{
    EngineKind, Query, QueryChange, native_metadata, on_both_engines,
    routed::{Browser, Callback, ISSUER, McpClient, TestResponse, TestServer, request},
};

on_both_engines!(
    t_a1_r_o2_without_a_valid_client_and_redirect_uri_every_error_is_local,
    t_a3_a4_redirect_uris_match_byte_for_byte,
    r_o1_the_port_of_a_loopback_redirect_may_vary_and_nothing_else,
    t_a7_every_other_error_is_redirected_with_state_and_one_issuer,
    t_a7_the_first_error_decides_and_nothing_is_stored,
    the_state_is_returned_unchanged,
    r_o5_unknown_parameters_are_ignored_and_empty_ones_are_absent,
    r_o6_a_request_may_be_posted_and_the_redirect_keeps_its_query,
    r_o6_a_request_posted_by_another_site_keeps_its_browser,
    too_many_requests_from_one_network_are_429,
    requirement_7_1_a_request_without_cookies_can_be_repeated,
    requirement_7_2_an_unknown_client_that_accepts_json_gets_invalid_client,
    requirement_7_3_no_scope_and_unknown_scopes_work,
    r_o7_no_other_origin_may_read_a_response,
    r_o18_no_request_passes_without_a_sign_in,
);

async fn t_a1_r_o2_without_a_valid_client_and_redirect_uri_every_error_is_local(
    engine: EngineKind,
) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    let elsewhere = "https://evil.example/cb";
    let cases: [(&str, QueryChange); 14] = [
        ("no client", |query| query.without("client_id")),
        ("an empty client", |query| query.set("client_id", "")),
        ("an unknown client", |query| {
            query.set("client_id", "vc_AAAAAAAAAAAAAAAAAAAAAA")
        }),
        ("a client in another case", |query| {
            query.clone().set(
                "client_id",
                &query.one("client_id").expect("an id").to_uppercase(),
            )
        }),
        ("a client that is no id", |query| {
            query.set("client_id", "\u{0}\u{e9}<script>")
        }),
        ("a client too long", |query| {
            query.set("client_id", &"v".repeat(3000))
        }),
        ("the client twice", |query| {
            query
                .clone()
                .and("client_id", query.one("client_id").expect("an id"))
        }),
        ("no redirect", |query| query.without("redirect_uri")),
        ("an empty redirect", |query| query.set("redirect_uri", "")),
        ("an unregistered redirect", |query| {
            query.set("redirect_uri", "https://evil.example/cb")
        }),
        ("two redirects", |query| {
            query.and("redirect_uri", "https://evil.example/cb")
        }),
        ("the redirect twice", |query| {
            query
                .clone()
                .and("redirect_uri", query.one("redirect_uri").expect("a URI"))
        }),
        ("an unregistered redirect, and more faults", |query| {
            query
                .set("redirect_uri", "https://evil.example/cb")
                .without("code_challenge")
                .set("response_type", "token")
        }),
        ("a script for a redirect", |query| {
            query.set("redirect_uri", "javascript:alert(1)")
        }),
    ];
    for (what, change) in cases {
        let asking = client.asking(change);
        let (calls, by_query) = server.counting(server.get(&asking.authorize_path())).await;
        let by_form = server.post("/authorize", &asking.authorization).await;
        assert!(
            calls <= 4,
            "{what}: nothing but reading once, counting, and noting the fault"
        );
        for answer in [by_query, by_form] {
            let page = answer.problem(400);
            let links: Vec<_> = page
                .all_attributes()
                .filter(|(_, value)| value.contains(elsewhere))
                .collect();
            assert!(links.is_empty(), "{what}: {links:?}");
            assert_eq!(answer.header("refresh"), None, "{what}");
        }
    }
}

async fn t_a3_a4_redirect_uris_match_byte_for_byte(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let registered = "https://allowed.example.com/callback";
    let metadata = json!({ "redirect_uris": [registered], "token_endpoint_auth_method": "none" });
    let client = McpClient::registered(&server, &metadata).await;
    expect_pending(&server.get(&client.authorize_path()).await);
    for other in [
        "https://allowed.example.com.evil.com/callback",
        "https://fooallowed.example.com/callback",
        "https://allowedaexample.com/callback",
        "https://allowed.example.com/callback/",
        "https://allowed.example.com/callback/../evil",
        "https://allowed.example.com/callback/..%2F",
        "https://allowed.example.com/callback%252f..",
        "https://allowed.example.com/..;/evil",
        "https://allowed.example.com/callback#frag",
        "https://user@allowed.example.com/callback",
        "https://allowed.example.com@evil.com/callback",
        "https://allowed.example.com\\@evil.com/callback",
        "https://allowed.example.com:443/callback",
        "https://ALLOWED.example.com/callback",
        "https://allowed.example.com/Callback",
        "HTTPS://allowed.example.com/callback",
        "http://allowed.example.com/callback",
        "https://allowed.example.com/callback?",
        "https://allowed.example.com/callback?x=1",
        "https://\u{430}llowed.example.com/callback",
        " https://allowed.example.com/callback",
        "https://allowed.example.com/callback ",
        "https://allowed.example.com/callback\n",
        "/\thttps://evil.com",
        "\\/evil.com",
        "///evil.com",
        "//allowed.example.com/callback",
        "/callback",
    ] {
        server
            .get(
                &client
                    .asking(|query| query.set("redirect_uri", other))
                    .authorize_path(),
            )
            .await
            .problem(400);
    }
}

async fn r_o1_the_port_of_a_loopback_redirect_may_vary_and_nothing_else(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!([
        "http://localhost/callback",
        "http://127.0.0.1:8080/cb?x=1",
        "http://[::1]/cb"
    ]);
    let client = McpClient::registered(&server, &metadata).await;
    for good in [
        "http://localhost/callback",
        "http://localhost:3118/callback",
        "http://localhost:65535/callback",
        "http://127.0.0.1:1/cb?x=1",
        "http://127.0.0.1/cb?x=1",
        "http://[::1]:4000/cb",
    ] {
        expect_pending(
            &server
                .get(
                    &client
                        .asking(|query| query.set("redirect_uri", good))
                        .authorize_path(),
                )
                .await,
        );
    }
    for bad in [
        "http://localhost:0/callback",
        "http://localhost:99999/callback",
        "http://localhost:/callback",
        "http://localhost:1@evil.com/callback",
        "http://localhost:80x/callback",
        "http://localhost.evil.com/callback",
        "http://localhost:3118/callback/",
        "http://127.0.0.1:3118/callback",
        "http://LOCALHOST:3118/callback",
        "https://localhost:3118/callback",
        "http://127.0.0.1/cb",
        "http://127.0.0.1/cb?x=2",
        "http://127.0.0.2/cb?x=1",
        "http://2130706433/cb?x=1",
        "http://[::ffff:127.0.0.1]/cb",
        "http://[0:0:0:0:0:0:0:1]/cb",
    ] {
        server
            .get(
                &client
                    .asking(|query| query.set("redirect_uri", bad))
                    .authorize_path(),
            )
            .await
            .problem(400);
    }
}

async fn t_a7_every_other_error_is_redirected_with_state_and_one_issuer(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    let cases: [(&str, QueryChange, &str); 16] = [
        (
            "no response type",
            |query| query.without("response_type"),
            "invalid_request",
        ),
        (
            "an empty one",
            |query| query.set("response_type", ""),
            "invalid_request",
        ),
        (
            "token",
            |query| query.set("response_type", "token"),
            "unsupported_response_type",
        ),
        (
            "code token",
            |query| query.set("response_type", "code token"),
            "unsupported_response_type",
        ),
        (
            "none",
            |query| query.set("response_type", "none"),
            "unsupported_response_type",
        ),
        (
            "the type twice",
            |query| query.and("response_type", "code"),
            "invalid_request",
        ),
        (
            "fragment",
            |query| query.and("response_mode", "fragment"),
            "invalid_request",
        ),
        (
            "form_post",
            |query| query.and("response_mode", "form_post"),
            "invalid_request",
        ),
        (
            "another resource",
            |query| query.set("resource", "https://other.example/mcp"),
            "invalid_target",
        ),
        (
            "a resource that is none",
            |query| query.set("resource", "mcp"),
            "invalid_target",
        ),
        (
            "two resources",
            |query| query.and("resource", "https://other.example/mcp"),
            "invalid_target",
        ),
        (
            "unknown scopes alone",
            |query| query.and("scope", "openid profile"),
            "invalid_scope",
        ),
        (
            "scopes twice",
            |query| query.and("scope", "notes:read").and("scope", "notes:write"),
            "invalid_request",
        ),
        (
            "prompt=none",
            |query| query.and("prompt", "none"),
            "login_required",
        ),
        (
            "prompt twice",
            |query| query.and("prompt", "consent").and("prompt", "login"),
            "invalid_request",
        ),
        (
            "no challenge",
            |query| query.without("code_challenge"),
            "invalid_request",
        ),
    ];
    for (what, change, error) in cases {
        let asking = client.asking(change);
        for answer in [
            server.get(&asking.authorize_path()).await,
            server.post("/authorize", &asking.authorization).await,
        ] {
            let callback = Callback::read(answer.destination());
            assert_eq!(callback.base, client.redirect_uri, "{what}");
            assert_eq!(
                callback.query.names(),
                ["error", "error_description", "state", "iss"],
                "{what}"
            );
            assert_eq!(callback.query.one("error"), Some(error), "{what}");
            assert_eq!(
                callback.query.one("state"),
                client.authorization.one("state"),
                "{what}"
            );
            assert_eq!(callback.query.one("iss"), Some(ISSUER), "{what}");
            let description = callback
                .query
                .one("error_description")
                .expect("a description");
            // R-O22
            let fit = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(description.bytes().all(fit), "{what}: {description}");
        }
    }
}

async fn t_a7_the_first_error_decides_and_nothing_is_stored(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    // With two `state` parameters, none is returned.
    let twice = client.asking(|query| query.and("state", "other"));
    let callback = Callback::read(server.get(&twice.authorize_path()).await.destination());
    assert_eq!(
        (callback.query.one("error"), callback.query.one("state")),
        (Some("invalid_request"), None)
    );
    // A refused request reads client, blocked hosts and counters at once, is counted, and stores
    // only a failure record, which takes two calls.
    let refused = client.asking(|query| query.without("code_challenge"));
    let (calls, _) = server.counting(server.get(&refused.authorize_path())).await;
    assert_eq!(calls, 4);
    let (calls, answer) = server.counting(server.get(&client.authorize_path())).await;
    expect_pending(&answer);
    assert_eq!(calls, 2, "one read, one write");
}

async fn the_state_is_returned_unchanged(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let long = "s".repeat(8 * 1024);
    let foreign = "\u{e9}".repeat(4 * 1024);
    for state in [
        "x",
        " a b+c%20%2B&=#?/\\\"'<script>",
        "\u{e9}\u{202e}\u{1f511}",
        "line\r\nLocation: https://evil.example",
        &long,
        &foreign,
    ] {
        let asking = client.asking(|query| query.set("state", state));
        for button in ["Allow", "Deny"] {
            assert_eq!(
                browser.decide(&asking, button).await.query.one("state"),
                Some(state)
            );
        }
    }
    for change in [
        |query: Query| query.without("state"),
        |query: Query| query.set("state", ""),
    ] {
        let callback = browser.decide(&client.asking(change), "Allow").await;
        assert_eq!(callback.query.names(), ["code", "iss"]);
    }
    // A longer state is an error, redirected or local.
    let too_long = client.asking(|query| query.set("state", &"s".repeat(8 * 1024 + 1)));
    let callback = Callback::read(server.get(&too_long.authorize_path()).await.destination());
    assert_eq!(
        callback.query.names(),
        ["error", "error_description", "state", "iss"]
    );
    assert_eq!(callback.query.one("error"), Some("invalid_request"));
    assert_eq!(
        callback.query.one("state").map(str::len),
        Some(8 * 1024 + 1)
    );
    let endless = client.asking(|query| query.set("state", &"s".repeat(16 * 1024 + 1)));
    server.get(&endless.authorize_path()).await.problem(400);
    server
        .post("/authorize", &endless.authorization)
        .await
        .problem(400);
}

async fn r_o5_unknown_parameters_are_ignored_and_empty_ones_are_absent(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    expect_pending(
        &server
            .get(
                &client
                    .asking(|query| query.and("x", "1").and("x", "2").and("ui_locales", "de"))
                    .authorize_path(),
            )
            .await,
    );
    let empty = client.asking(|query| {
        query
            .set("resource", "")
            .and("scope", "")
            .and("response_mode", "")
            .and("prompt", "")
    });
    expect_pending(&server.get(&empty.authorize_path()).await);
    // Newer clients send prompt=consent with offline_access.
    let consent = client.asking(|query| {
        query
            .and("prompt", "consent")
            .and("scope", "notes:read offline_access")
    });
    expect_pending(&server.get(&consent.authorize_path()).await);
}

async fn r_o6_a_request_may_be_posted_and_the_redirect_keeps_its_query(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!(["https://app.example/cb?tenant=1&x=%20y"]);
    let client = McpClient::registered(&server, &metadata).await;
    let mut browser = Browser::of_alice(&server).await;
    // Another site may post a request. The user of the browser decides about it.
    browser.origin = Some("https://app.example".to_owned());
    let begun = browser
        .post(
            "/authorize?client_id=ignored&redirect_uri=ignored",
            &client.authorization,
        )
        .await;
    browser.origin = Some(ISSUER.to_owned());
    let consent = browser.follow(&begun).await.document();
    let denied = browser.submit(&consent.form("Deny"), "Deny").await;
    let location = denied.destination();
    assert!(
        location.starts_with("https://app.example/cb?tenant=1&x=%20y&error=access_denied&"),
        "{location}"
    );
}

async fn r_o6_a_request_posted_by_another_site_keeps_its_browser(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let waiting = browser.get(&client.authorize_path()).await;
    // As in a browser: SameSite=Lax omits the cookies from the post, and not from the redirect.
    let fields = client.authorization.encode();
    let post = |path: &str, site: &str| {
        let request = request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "https://app.example")
            .header("sec-fetch-site", site);
        server.send(request.body(fields.clone().into()).expect("a request"))
    };
    let posted = post("/authorize?client_id=ignored", "cross-site").await;
    assert_eq!(posted.header(header::SET_COOKIE), None);
    assert_eq!(posted.destination(), client.authorize_path());
    let begun = browser.follow(&posted).await;
    for begun in [waiting, begun] {
        assert_eq!(browser.follow(&begun).await.document().page(), "consent");
    }
    // The same post with a foreign origin to a page of the server is refused and sets no cookie.
    let refused = post("/actions/sign_in", "cross-site").await;
    assert_eq!(
        (refused.status.as_u16(), refused.header(header::SET_COOKIE)),
        (403, None)
    );
    // A post from the same site has cookies, so a browser without one is new.
    for site in ["same-site", "same-origin", "none"] {
        let begun = post("/authorize", site).await;
        expect_pending(&begun);
        assert!(begun.headers.contains_key(header::SET_COOKIE), "{site}");
    }
}

async fn too_many_requests_from_one_network_are_429(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    let ask = async |accept: &str| {
        let request = request(Method::GET, &client.authorize_path()).header(header::ACCEPT, accept);
        server
            .send(request.body(Body::empty()).expect("a request"))
            .await
    };
    for _ in 0..1000 {
        expect_pending(&ask("text/html").await);
    }
    let page = ask("text/html").await;
    assert!(page.problem(429).words().contains("Wait"), "{page:?}");
    let told = ask("application/json").await;
    told.refused(429, "temporarily_unavailable");
    for answer in [&page, &told] {
        let wait: u64 = answer
            .header(header::RETRY_AFTER)
            .and_then(|wait| wait.parse().ok())
            .expect("seconds");
        assert!((1..=900).contains(&wait), "{wait}");
    }
    server.pass(900);
    expect_pending(&ask("text/html").await);
}

async fn requirement_7_1_a_request_without_cookies_can_be_repeated(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let answer = server.get(&client.authorize_path()).await;
        expect_pending(&answer);
        seen.push(answer.destination().to_owned());
    }
    seen.dedup();
    assert_eq!(seen.len(), 3, "each request waits for itself");
}

async fn requirement_7_2_an_unknown_client_that_accepts_json_gets_invalid_client(
    engine: EngineKind,
) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    let ask = async |path: String| {
        let request = request(Method::GET, &path).header(header::ACCEPT, "application/json");
        server
            .send(request.body(Body::empty()).expect("a request"))
            .await
    };
    ask(client
        .asking(|query| query.set("client_id", "vc_gone"))
        .authorize_path())
    .await
    .refused(400, "invalid_client");
    let elsewhere = client.asking(|query| query.set("redirect_uri", "https://evil.example/"));
    let answer = ask(elsewhere.authorize_path()).await;
    answer.refused(400, "invalid_request");
    assert_eq!(answer.header(header::LOCATION), None);
}

async fn requirement_7_3_no_scope_and_unknown_scopes_work(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    for (asked, granted) in [
        (None, "notes:read"),
        (Some(""), "notes:read"),
        (Some("notes:read openid email profile"), "notes:read"),
        (
            Some("notes:write notes:read notes:write"),
            "notes:write notes:read",
        ),
        (Some("offline_access"), "notes:read offline_access"),
    ] {
        let asking = client.asking(|query| match asked {
            Some(scope) => query.set("scope", scope),
            None => query.without("scope"),
        });
        let code = browser.allow(&asking).await;
        assert_eq!(
            client.exchange(&code).await.granted()["scope"],
            granted,
            "{asked:?}"
        );
    }
}

async fn r_o7_no_other_origin_may_read_a_response(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    for path in [
        client.authorize_path(),
        "/authorize".to_owned(),
        "/login".to_owned(),
        "/account".to_owned(),
    ] {
        for method in [Method::GET, Method::OPTIONS, Method::POST] {
            let request = request(method.clone(), &path)
                .header(header::ORIGIN, "https://evil.example")
                .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET");
            let answer = server
                .send(request.body(Body::empty()).expect("a request"))
                .await;
            let open: Vec<_> = answer
                .headers
                .keys()
                .filter(|name| name.as_str().starts_with("access-control"))
                .collect();
            assert!(open.is_empty(), "{method} {path}: {open:?}");
        }
    }
}

async fn r_o18_no_request_passes_without_a_sign_in(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    browser.allow(&client).await;
    // R-O19: the page is shown again after a consent.
    let again = browser.get(&client.authorize_path()).await;
    expect_pending(&again);
    assert_eq!(browser.follow(&again).await.document().page(), "consent");
}

/// Expects that the request is pending.
fn expect_pending(answer: &TestResponse) {
    let path = answer.destination();
    assert!(
        path.starts_with("/login?request=") || path.starts_with("/consent?request="),
        "{path}"
    );
}

//! Random and malformed requests (T-F49, T-D34): no response is a 500, and no handler panics.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{HeaderValue, Method, header};
use leptos::server_fn::axum::server_fn_paths;
use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use serde_json::json;
use testkit::{
    EngineKind, Query, on_both_engines, percent_encoded,
    routed::{
        ALICE, Browser, ISSUER, McpClient, PASSWORD, Signer, TestServer, Tokens, request,
        with_assertion,
    },
};

on_both_engines!(
    t_f49_random_requests_cause_no_server_error,
    t_f49_almost_valid_forms_cause_no_server_error,
    t_f49_almost_valid_actions_cause_no_server_error,
    t_f49_almost_valid_registrations_cause_no_server_error,
    odd_methods_and_headers_cause_no_server_error,
);

const PATHS: [&str; 36] = [
    "/authorize",
    "/token",
    "/register",
    "/register/vc_x",
    "/revoke",
    "/introspect",
    "/mcp",
    "/api/me",
    "/login",
    "/consent",
    "/account",
    "/",
    "/setup/x",
    "/reset/x",
    "/sign-up",
    "/recover",
    "/confirm",
    "/passkey",
    "/admin/audit",
    "/admin/audit.jsonl",
    "/admin/resources/recipe",
    "/enroll/x",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource/x",
    "/.well-known/paseto-keys",
    "/health/ready",
    "/actions/sign_in",
    "/actions/sign_out",
    "/actions/consent",
    "/actions/disconnect",
    "/actions/accept_invitation",
    "/actions/start_passkey_sign_in",
    "/actions/finish_passkey_sign_in",
    "/actions/start_adding_passkey",
    "/actions/finish_adding_passkey",
    "/actions/finish_accept_with_passkey",
];

const CONTENT_TYPES: [&str; 6] = [
    "application/x-www-form-urlencoded",
    "application/json",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "",
];

/// Texts that are difficult for parsers.
const DIFFICULT_TEXTS: [&str; 22] = [
    "",
    " ",
    "\0",
    "\u{feff}",
    "\u{fffd}",
    "\u{202e}x",
    "\u{1f511}",
    "%",
    "%00",
    "%ff%fe",
    "'\"<>&;",
    "../../../etc/passwd",
    "//",
    "[]",
    "{}",
    "null",
    "-1",
    "18446744073709551616",
    "1e400",
    "\r\nX: y",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "xn--",
];

async fn t_f49_random_requests_cause_no_server_error(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| settings.rate_limits = false).await;
    let mut runner = TestRunner::deterministic();
    let bytes = vec(any::<u8>(), 0..400);
    let parts = (
        bytes.clone(),
        bytes.clone(),
        bytes.clone(),
        bytes,
        0..PATHS.len(),
        0..CONTENT_TYPES.len(),
        any::<bool>(),
    );
    for _ in 0..600 {
        let (query, body, cookie, authorization, path, content_type, post) =
            sample(&mut runner, &parts);
        let query = percent_encoded(&query);
        let path = format!("{}?request={query}&{query}={query}", PATHS[path]);
        let method = if post { Method::POST } else { Method::GET };
        let mut builder = request(method, &path)
            .header(header::CONTENT_TYPE, CONTENT_TYPES[content_type])
            .header(header::ORIGIN, ISSUER);
        for (name, value, prefix) in [
            (header::COOKIE, cookie, "__Host-vestibule-session="),
            (header::AUTHORIZATION, authorization, "Basic "),
        ] {
            let mut line = if post {
                prefix.as_bytes().to_vec()
            } else {
                Vec::new()
            };
            line.extend(
                value
                    .into_iter()
                    .filter(|byte| *byte >= 0x20 && *byte != 0x7f),
            );
            builder = builder.header(name, HeaderValue::from_bytes(&line).expect("a header"));
        }
        expect_no_server_error(
            &server,
            &path,
            builder.body(Body::from(body)).expect("a request"),
        )
        .await;
    }
}

async fn t_f49_almost_valid_forms_cause_no_server_error(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    let consent = browser.consent_page(&client).await.form("Allow");
    let sign_out = browser.open("/account").await.form("Sign out");
    let forms = [
        ("/token", client.code_form(&code)),
        (
            "/token",
            client
                .refresh_form(&tokens.refresh)
                .and("scope", "notes:read")
                .and("resource", "x"),
        ),
        (
            "/token",
            with_assertion(
                client.refresh_form(&tokens.refresh),
                &Signer::ed25519("x").assert(&server, &client.id, "j"),
            ),
        ),
        (
            "/revoke",
            client
                .refresh_form(&tokens.refresh)
                .and("token", "vrt_x")
                .and("token_type_hint", "refresh_token"),
        ),
        (
            "/introspect",
            Query::new([
                ("token", &tokens.access),
                ("client_id", ISSUER),
                ("client_secret", "x"),
            ]),
        ),
        (
            "/authorize",
            client
                .authorization
                .clone()
                .and("scope", "notes:read")
                .and("prompt", "login")
                .and("response_mode", "query"),
        ),
        (&consent.action, consent.press("Allow")),
        (&sign_out.action, sign_out.press("Sign out")),
        (
            "/actions/sign_in",
            sign_out
                .press("Sign out")
                .and("email", ALICE)
                .and("password", "x")
                .and("request", "x"),
        ),
        (
            "/actions/accept_invitation",
            sign_out
                .press("Sign out")
                .and("email", ALICE)
                .and("password", "x")
                .and("token", "x"),
        ),
    ];
    for (path, form) in &forms {
        let names: Vec<_> = form.names().into_iter().map(str::to_owned).collect();
        for name in &names {
            for nasty in DIFFICULT_TEXTS
                .iter()
                .map(|nasty| (*nasty).to_owned())
                .chain(["x".repeat(10_000), "\u{e9}".repeat(2_000)])
            {
                let bent = form.clone().set(name, &nasty);
                let answer = if path.starts_with("/actions") {
                    // An unchanged browser: signing out and deciding would affect the other
                    // requests.
                    browser.clone().post(path, &bent).await
                } else {
                    server.post(path, &bent).await
                };
                assert_ne!(answer.status, 500, "{path} {name}={nasty:?}");
            }
        }
    }
    client.me(&tokens.access).await.granted();
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

/// The server functions of the pages, each with its fields.
const ACTIONS: [(&str, &[&str]); 39] = [
    ("sign_in", &["email", "password", "request", "then"]),
    ("recover", &["email", "code", "request"]),
    ("start_passkey_sign_in", &["autofill"]),
    (
        "finish_passkey_sign_in",
        &["ceremony", "credential", "request", "then"],
    ),
    (
        "accept_invitation",
        &["email", "password", "token", "request"],
    ),
    ("start_accept_with_passkey", &["token", "email"]),
    (
        "finish_accept_with_passkey",
        &["token", "ceremony", "credential", "request"],
    ),
    ("consent", &["request", "decision"]),
    ("start_adding_passkey", &[]),
    (
        "finish_adding_passkey",
        &["ceremony", "credential", "request"],
    ),
    ("decline_passkey", &["request"]),
    ("rename_passkey", &["passkey", "name"]),
    ("remove_passkey", &["passkey"]),
    ("remove_password", &[]),
    ("change_email", &["email"]),
    ("change_name", &["name"]),
    ("make_recovery_codes", &[]),
    ("end_session", &["session"]),
    ("disconnect", &["connection"]),
    ("disconnect_all", &[]),
    ("invite", &["email", "role"]),
    ("disable_account", &["email"]),
    ("enable_account", &["email"]),
    ("remove_account", &["email"]),
    ("reset_account", &["email"]),
    ("withdraw_link", &["email"]),
    ("set_name", &["email", "name"]),
    ("set_role", &["email", "role"]),
    ("add_client", &["name", "redirect_uris", "confidential"]),
    ("add_redirect_uri", &["client_id", "redirect_uri"]),
    ("remove_client", &["client_id"]),
    ("disconnect_client", &["client_id"]),
    ("block_host", &["host"]),
    ("unblock_host", &["host"]),
    ("rotate_keys", &[]),
    ("revoke_key", &["kid"]),
    ("sign_out", &["request"]),
    ("end_other_sessions", &[]),
    ("change_password", &["password"]),
];

async fn t_f49_almost_valid_actions_cause_no_server_error(engine: EngineKind) {
    let known: BTreeSet<_> = ACTIONS
        .iter()
        .map(|(action, _)| format!("/actions/{action}"))
        .collect();
    let registered: BTreeSet<_> = server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    assert_eq!(known, registered, "every one that there is");
    let server = TestServer::with(engine, |settings| settings.rate_limits = false).await;
    server.add_alice().await;
    for (action, fields) in ACTIONS {
        let mut browser = Browser::of_alice(&server).await;
        let token = browser.form_token().await;
        let form = fields
            .iter()
            .fold(Query::new([("form_token", &token)]), |form, field| {
                form.and(field, ALICE)
            });
        for field in fields.iter().chain(&["form_token"]) {
            for nasty in DIFFICULT_TEXTS
                .iter()
                .map(|nasty| (*nasty).to_owned())
                .chain(["x".repeat(10_000), "\u{e9}".repeat(2_000)])
            {
                let bent = form.clone().set(field, &nasty);
                let path = format!("/actions/{action}");
                let answer = browser.clone().post(&path, &bent).await;
                assert!(
                    !answer.status.is_server_error(),
                    "{path} {field}={nasty:?}: {answer:?}"
                );
            }
        }
        server
            .provider
            .terminal()
            .accounts()
            .set_account_password(ALICE, PASSWORD)
            .await
            .expect("as before");
    }
    let mut browser = Browser::of_alice(&server).await;
    for page in [
        "accounts?q=",
        "accounts?after=",
        "applications?q=",
        "applications?after=",
        "audit?kind=",
        "audit?who=",
        "audit?before=",
        "audit.jsonl?who=",
        "resources?for=",
        "resources/recipe?for=",
        "resources/recipe?for=ts&resource=",
    ] {
        for nasty in DIFFICULT_TEXTS {
            let path = format!("/admin/{page}{}", percent_encoded(nasty.as_bytes()));
            let answer = browser.get(&path).await;
            assert!(!answer.status.is_server_error(), "{path}: {answer:?}");
        }
    }
}

async fn t_f49_almost_valid_registrations_cause_no_server_error(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| settings.rate_limits = false).await;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let member = vec((0..DIFFICULT_TEXTS.len(), 0..8_usize), 0..12);
    let names = [
        "redirect_uris",
        "client_name",
        "client_uri",
        "logo_uri",
        "grant_types",
        "response_types",
        "token_endpoint_auth_method",
        "scope",
        "application_type",
        "software_id",
        "policy_uri",
        "contacts",
    ];
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let mut metadata = json!({ "redirect_uris": ["https://app.example/cb"] });
        for (name, (nasty, kind)) in names.iter().zip(sample(&mut runner, &member)) {
            metadata[*name] = match kind {
                0 => json!(DIFFICULT_TEXTS[nasty]),
                1 => json!([DIFFICULT_TEXTS[nasty], "https://app.example/cb"]),
                2 => json!(null),
                3 => json!(-1.5e300),
                4 => json!({ DIFFICULT_TEXTS[nasty]: [true] }),
                5 => json!([[["x"]]]),
                6 => json!(true),
                _ => continue,
            };
        }
        let answer = testkit::routed::register(&server, [192, 0, 2, 3].into(), &metadata).await;
        assert!(
            [201, 400].contains(&answer.status.as_u16()),
            "{metadata}: {answer:?}"
        );
        assert!(!answer.body.contains("null"), "{metadata}: {answer:?}");
    }
    for body in [
        deep.as_str(),
        "{\"redirect_uris\":",
        "\u{feff}{",
        "{\"a\":1}{\"b\":2}",
        "1e999",
        "\"\\ud800\"",
    ] {
        testkit::routed::register(&server, [192, 0, 2, 3].into(), body)
            .await
            .refused(400, "invalid_client_metadata");
    }
}

async fn odd_methods_and_headers_cause_no_server_error(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for path in PATHS {
        for method in [
            "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "X",
        ] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            expect_no_server_error(
                &server,
                path,
                request(method, path)
                    .body(Body::from("x"))
                    .expect("a request"),
            )
            .await;
        }
        for (name, value) in [
            ("accept", "application/json;q=x,,;;text/html;q=2"),
            ("accept-encoding", "gzip;q=, br, \u{7e}"),
            ("x-forwarded-for", "unknown, \"[::1\", 1.2.3.4.5"),
            ("forwarded", "for=;;;"),
            ("content-length", "18446744073709551616"),
            (
                "cookie",
                "__Host-vestibule-session; __Host-vestibule-browser==; =; ;",
            ),
            (
                "cookie",
                "__Host-vestibule-notice=e30; __Host-vestibule-notice=x",
            ),
            ("mcp-protocol-version", "tomorrow"),
            ("range", "bytes=9-1"),
            ("if-none-match", "\"\""),
            ("referer", "://"),
            ("user-agent", ""),
        ] {
            expect_no_server_error(
                &server,
                path,
                request(Method::GET, path)
                    .header(name, value)
                    .body(Body::empty())
                    .expect("a request"),
            )
            .await;
        }
    }
}

async fn expect_no_server_error(server: &TestServer, path: &str, request: http::Request<Body>) {
    let answer = server.send(request).await;
    assert_ne!(answer.status, 500, "{path}: {answer:?}");
}

fn sample<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    strategy.new_tree(runner).expect("a value").current()
}

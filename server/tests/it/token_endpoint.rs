//! The interface of the token endpoint: accepted requests and errors (R-O5, R-O8, R-O11, R-O12;
//! requirements 7.4, 7.8, 7.9).

use axum::body::Body;
use http::{Method, header};
use serde_json::json;

use testkit::{
    EngineKind, Query, basic, on_both_engines, percent_encoded,
    routed::{Browser, MCP, McpClient, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    r_o8_only_form_posts_are_accepted,
    r_o5_missing_and_repeated_parameters_are_named,
    unsupported_grant_types_are_refused,
    requirement_7_8_client_credentials_is_unauthorized_client,
    r_o11_a_client_authenticates_in_one_way,
    r_o12_a_client_that_fails_by_header_is_challenged,
    requirement_7_4_basic_is_accepted_in_the_forms_that_clients_send,
    a_public_client_has_no_secret,
    r_o8_every_response_is_uncached_json_with_cors,
    parameters_in_the_query_are_ignored,
    r_o5_unknown_parameters_are_ignored,
    t_e43_errors_repeat_no_input,
);

async fn r_o8_only_form_posts_are_accepted(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = server
            .send(
                request(method.clone(), "/token")
                    .body(Body::empty())
                    .expect("a request"),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.header(header::ALLOW)),
            (405, Some("POST")),
            "{method}"
        );
    }
    let body = json!({ "grant_type": "authorization_code", "code": "x" }).to_string();
    for content_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencodedx",
        "",
    ] {
        let request = request(Method::POST, "/token").header(header::CONTENT_TYPE, content_type);
        server
            .send(request.body(body.clone().into()).expect("a request"))
            .await
            .refused(400, "invalid_request");
    }
    server
        .send(
            request(Method::POST, "/token")
                .body(body.into())
                .expect("a request"),
        )
        .await
        .refused(400, "invalid_request");
    let large = Query::new([
        ("grant_type", "refresh_token"),
        ("refresh_token", &"x".repeat(65 * 1024)),
    ]);
    server
        .post("/token", &large)
        .await
        .refused(413, "invalid_request");
}

async fn r_o5_missing_and_repeated_parameters_are_named(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = client.code_form(&code);
    for name in ["grant_type", "code", "code_verifier"] {
        for form in [
            form.clone().without(name),
            form.clone().set(name, ""),
            form.clone().and(name, "x"),
        ] {
            let body = server
                .post("/token", &form)
                .await
                .refused(400, "invalid_request");
            assert!(
                body["error_description"]
                    .as_str()
                    .is_some_and(|text| text.contains(name)),
                "{body}"
            );
        }
    }
    for name in ["redirect_uri", "scope"] {
        let form = form.clone().and(name, "x").and(name, "x");
        server
            .post("/token", &form)
            .await
            .refused(400, "invalid_request");
    }
    for form in [
        form.clone().without("client_id"),
        form.clone().and("client_id", &client.id),
    ] {
        server
            .post("/token", &form)
            .await
            .refused(400, "invalid_request");
    }
    let tokens = Tokens::read(&server.post("/token", &form).await);
    let form = client.refresh_form(&tokens.refresh);
    for form in [
        form.clone().without("refresh_token"),
        form.clone().and("refresh_token", &tokens.refresh),
    ] {
        server
            .post("/token", &form)
            .await
            .refused(400, "invalid_request");
    }
    Tokens::read(&server.post("/token", &form).await);
}

async fn unsupported_grant_types_are_refused(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    for grant in [
        "password",
        "implicit",
        "AUTHORIZATION_CODE",
        "authorization_code ",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "x",
    ] {
        let form = client.code_form("x").set("grant_type", grant);
        server
            .post("/token", &form)
            .await
            .refused(400, "unsupported_grant_type");
    }
    // For an unknown client, `invalid_client` comes first.
    let stranger = client
        .code_form("x")
        .set("grant_type", "x")
        .set("client_id", "vc_unknown");
    server
        .post("/token", &stranger)
        .await
        .refused(401, "invalid_client");
}

async fn requirement_7_8_client_credentials_is_unauthorized_client(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for client in [
        McpClient::native(&server).await,
        McpClient::confidential(&server).await,
    ] {
        let form = client
            .refresh_form("x")
            .without("refresh_token")
            .set("grant_type", "client_credentials");
        server
            .post("/token", &form)
            .await
            .refused(400, "unauthorized_client");
    }
}

async fn r_o11_a_client_authenticates_in_one_way(engine: EngineKind) {
    let (server, client, tokens) = web_client(engine).await;
    let secret = client.secret.clone().expect("a secret");
    let form = client.refresh_form(&tokens.refresh);
    let own = basic(&client.id, &secret);
    by_header(&server, &own, &form)
        .await
        .refused(400, "invalid_request");
    let bare = form.clone().without("client_secret");
    by_header(&server, &own, &bare.clone().set("client_id", "vc_other"))
        .await
        .refused(400, "invalid_request");
    for unreadable in [
        "Basic",
        "Basic !!!",
        "Bearer x",
        "Basic YWJj",
        "Digest username=x",
        "",
    ] {
        by_header(&server, unreadable, &bare)
            .await
            .refused(401, "invalid_client");
    }
    let two = request(Method::POST, "/token")
        .header(header::AUTHORIZATION, own.as_str())
        .header(header::AUTHORIZATION, own.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    server
        .send(two.body(bare.encode().into()).expect("a request"))
        .await
        .refused(401, "invalid_client");
    Tokens::read(&server.post("/token", &form).await);
}

async fn r_o12_a_client_that_fails_by_header_is_challenged(engine: EngineKind) {
    let (server, client, tokens) = web_client(engine).await;
    let secret = client.secret.clone().expect("a secret");
    let bare = client
        .refresh_form(&tokens.refresh)
        .without("client_secret")
        .without("client_id");
    for (id, secret) in [
        (client.id.as_str(), "vcs_wrong"),
        (&client.id, ""),
        ("vc_unknown", &secret),
        ("", &secret),
    ] {
        let answer = by_header(&server, &basic(id, secret), &bare).await;
        if !id.is_empty() {
            answer.refused(401, "invalid_client");
        }
        assert!(
            answer
                .header(header::WWW_AUTHENTICATE)
                .is_some_and(|value| value.starts_with("Basic realm=")),
            "{answer:?}"
        );
    }
    let in_body = server
        .post(
            "/token",
            &client
                .refresh_form(&tokens.refresh)
                .set("client_secret", "x"),
        )
        .await;
    in_body.refused(401, "invalid_client");
    assert_eq!(in_body.header(header::WWW_AUTHENTICATE), None);
    Tokens::read(&by_header(&server, &basic(&client.id, &secret), &bare).await);
}

async fn requirement_7_4_basic_is_accepted_in_the_forms_that_clients_send(engine: EngineKind) {
    let (server, client, mut tokens) = web_client(engine).await;
    let secret = client.secret.clone().expect("a secret");
    let encoded = |text: &str| percent_encoded(text.as_bytes());
    let percent = basic(&encoded(&client.id), &encoded(&secret));
    let lower = basic(&client.id, &secret).replace("Basic", "basic");
    for (header, with_id) in [
        (basic(&client.id, &secret), false),
        (percent, true),
        (lower, true),
    ] {
        let form = client
            .refresh_form(&tokens.refresh)
            .without("client_secret");
        let form = if with_id {
            form
        } else {
            form.without("client_id")
        };
        tokens = Tokens::read(&by_header(&server, &header, &form).await);
    }
}

async fn a_public_client_has_no_secret(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let form = client.refresh_form(&tokens.refresh);
    server
        .post("/token", &form.clone().and("client_secret", "x"))
        .await
        .refused(401, "invalid_client");
    by_header(&server, &basic(&client.id, "x"), &form)
        .await
        .refused(401, "invalid_client");
    // An empty secret means none, as some clients send it.
    Tokens::read(&server.post("/token", &form.and("client_secret", "")).await);
}

async fn r_o8_every_response_is_uncached_json_with_cors(engine: EngineKind) {
    let (server, client, tokens) = web_client(engine).await;
    let good = client.refresh_form(&tokens.refresh);
    let wrong = good.clone().set("client_secret", "x");
    let answers = [
        server.post("/token", &Query::default()).await,
        server.post("/token", &wrong).await,
        server
            .post("/token", &good.clone().set("refresh_token", "x"))
            .await,
        server
            .post("/token", &good.clone().set("grant_type", "x"))
            .await,
        server.get("/token").await,
        server.post("/token", &good).await,
    ];
    assert_eq!(
        answers.each_ref().map(|answer| answer.status.as_u16()),
        [400, 401, 400, 400, 405, 200]
    );
    for answer in answers {
        answer.json();
        assert_eq!(
            answer.header(header::CACHE_CONTROL),
            Some("no-store"),
            "{answer:?}"
        );
        assert_eq!(
            answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            Some("*"),
            "{answer:?}"
        );
        assert_eq!(
            answer.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS),
            None,
            "{answer:?}"
        );
        assert_eq!(answer.header(header::SET_COOKIE), None, "{answer:?}");
        assert_eq!(
            answer.header(header::X_CONTENT_TYPE_OPTIONS),
            Some("nosniff"),
            "{answer:?}"
        );
    }
}

async fn parameters_in_the_query_are_ignored(engine: EngineKind) {
    let (server, client, tokens) = web_client(engine).await;
    let query = client.refresh_form(&tokens.refresh).encode();
    server
        .post(&format!("/token?{query}"), &Query::default())
        .await
        .refused(400, "invalid_request");
    Tokens::read(
        &server
            .post(
                &format!("/token?{query}&client_id=x"),
                &client.refresh_form(&tokens.refresh),
            )
            .await,
    );
}

async fn r_o5_unknown_parameters_are_ignored(engine: EngineKind) {
    let (server, client, tokens) = web_client(engine).await;
    let form = client
        .refresh_form(&tokens.refresh)
        .and("audience", "x")
        .and("audience", "y")
        .and("resource", MCP)
        .and("scope", "");
    Tokens::read(&server.post("/token", &form).await);
}

async fn t_e43_errors_repeat_no_input(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    let marked = "<marked>";
    for name in [
        "grant_type",
        "code",
        "code_verifier",
        "client_id",
        "redirect_uri",
        "resource",
        "scope",
    ] {
        let answer = server
            .post("/token", &client.code_form("x").set(name, marked))
            .await;
        assert!(answer.status.is_client_error(), "{name}: {answer:?}");
        assert!(!answer.body.contains("marked"), "{name}: {answer:?}");
    }
}

async fn web_client(engine: EngineKind) -> (TestServer, McpClient, Tokens) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::confidential(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    (server, client, tokens)
}

async fn by_header(server: &TestServer, authorization: &str, form: &Query) -> TestResponse {
    let request = request(Method::POST, "/token")
        .header(header::AUTHORIZATION, authorization)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    server
        .send(request.body(form.encode().into()).expect("a request"))
        .await
}

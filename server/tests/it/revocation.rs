//! Revocation (RFC 7009): a client revokes its grant at once (T-C24).

use http::{Method, header};
use testkit::{
    EngineKind, FaultSwitch, Query, RACERS, Reply, Site, basic, on_both_engines, race,
    routed::{Browser, McpClient, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    revoking_either_token_revokes_the_grant_on_every_server,
    any_refresh_token_of_the_family_revokes_the_grant,
    other_grants_of_the_same_client_stay_valid,
    revoking_an_invalid_token_succeeds_without_effect,
    rfc_7009_2_1_a_token_of_another_client_is_refused,
    a_client_authenticates_as_at_the_token_endpoint,
    a_document_client_can_revoke_and_others_cause_no_fetch,
    a_document_client_without_a_stored_document_can_revoke,
    a_token_is_needed_and_comes_once,
    t_c24_a_store_failure_is_503_and_changes_nothing,
    of_64_concurrent_revocations_all_succeed,
    requirement_7_9_every_response_is_uncached_json_with_cors,
);

async fn revoking_either_token_revokes_the_grant_on_every_server(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let twin = server.twin().await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    for hint in [
        None,
        Some("refresh_token"),
        Some("access_token"),
        Some("pat"),
        Some(""),
    ] {
        for by_refresh_token in [true, false] {
            let tokens = client.connect(&mut browser).await;
            let form = form(
                &client,
                if by_refresh_token {
                    &tokens.refresh
                } else {
                    &tokens.access
                },
            );
            let form = hint.map_or(form.clone(), |hint| form.and("token_type_hint", hint));
            done(&server.post("/revoke", &form).await);
            for server in [&server, &twin] {
                expect_revoked(&client.at(server), &tokens).await;
            }
        }
    }
}

async fn any_refresh_token_of_the_family_revokes_the_grant(engine: EngineKind) {
    let (server, client, first) = McpClient::connected(engine).await;
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    server.pass(3600);
    // It was rotated long ago. Its client revokes it, so this is no replay.
    done(&revoke(&server, &client, &first.refresh).await);
    client
        .refresh(&second.refresh)
        .await
        .refused(400, "invalid_grant");
}

async fn other_grants_of_the_same_client_stay_valid(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let (one, other) = (
        client.connect(&mut browser).await,
        client.connect(&mut browser).await,
    );
    done(&revoke(&server, &client, &one.refresh).await);
    expect_revoked(&client, &one).await;
    client.me(&other.access).await.granted();
    Tokens::read(&client.refresh(&other.refresh).await);
}

async fn revoking_an_invalid_token_succeeds_without_effect(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    let family = tokens.refresh.len() - 86;
    let guess = format!("{}{}", &tokens.refresh[..family], "A".repeat(86));
    let forged = format!("{}A", &tokens.access[..tokens.access.len() - 1]);
    for worthless in [
        "x",
        "vrt_",
        "vrt_x",
        "v4.public.AAAA",
        &guess,
        &forged,
        &code,
        &"x".repeat(10_000),
    ] {
        done(&revoke(&server, &client, worthless).await);
    }
    // Valid tokens are not affected.
    client.me(&tokens.access).await.granted();
    let next = Tokens::read(&client.refresh(&tokens.refresh).await);
    Tokens::read(&client.exchange(&code).await);
    done(&revoke(&server, &client, &next.refresh).await);
    done(&revoke(&server, &client, &next.refresh).await);
    // An expired token revokes nothing.
    let later = client.connect(&mut browser).await;
    server.pass(3600);
    done(&revoke(&server, &client, &later.access).await);
    let last = Tokens::read(&client.refresh(&later.refresh).await);
    server.pass(90 * 24 * 3600);
    done(&revoke(&server, &client, &last.refresh).await);
}

async fn rfc_7009_2_1_a_token_of_another_client_is_refused(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    for other_client in [
        McpClient::native(&server).await,
        McpClient::confidential(&server).await,
    ] {
        for token in [&tokens.refresh, &tokens.access] {
            revoke(&server, &other_client, token)
                .await
                .refused(400, "invalid_grant");
        }
    }
    client.me(&tokens.access).await.granted();
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn a_client_authenticates_as_at_the_token_endpoint(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::confidential(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    let secret = client.secret.clone().expect("a secret");
    let bare = Query::new([("token", &tokens.refresh)]);
    let named = bare.clone().and("client_id", &client.id);
    server
        .post("/revoke", &bare)
        .await
        .refused(400, "invalid_request");
    for form in [
        named.clone(),
        named.clone().and("client_secret", "vcs_wrong"),
        bare.clone().and("client_id", "vc_unknown"),
    ] {
        let answer = server.post("/revoke", &form).await;
        answer.refused(401, "invalid_client");
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), None);
    }
    let refused = by_header(&server, &basic(&client.id, "vcs_wrong"), &bare).await;
    refused.refused(401, "invalid_client");
    assert!(
        refused
            .header(header::WWW_AUTHENTICATE)
            .is_some_and(|value| value.starts_with("Basic "))
    );
    let twice = by_header(
        &server,
        &basic(&client.id, &secret),
        &named.and("client_secret", &secret),
    )
    .await;
    twice.refused(400, "invalid_request");
    client.me(&tokens.access).await.granted();
    done(&by_header(&server, &basic(&client.id, &secret), &bare).await);
    expect_revoked(&client, &tokens).await;
}

async fn a_document_client_can_revoke_and_others_cause_no_fetch(engine: EngineKind) {
    let (server, site, client) = published(engine).await;
    for worthless in ["x", "vrt_x"] {
        done(&revoke(&server, &client, worthless).await);
    }
    assert_eq!(site.requests(&client.id), 0);
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    revoke(&server, &McpClient::native(&server).await, &tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    client.me(&tokens.access).await.granted();
    done(&revoke(&server, &client, &tokens.access).await);
    expect_revoked(&client, &tokens).await;
}

/// The stored document is missing, which is not the client's fault.
async fn a_document_client_without_a_stored_document_can_revoke(engine: EngineKind) {
    let (server, site, client) = published(engine).await;
    let key = format!(
        "document:{}",
        oauth::Digest::of(client.id.as_bytes()).as_str()
    );
    let mut browser = Browser::of_alice(&server).await;
    for by_refresh_token in [true, false] {
        let tokens = client.connect(&mut browser).await;
        let token = if by_refresh_token {
            &tokens.refresh
        } else {
            &tokens.access
        };
        server.lose(&key).await;
        // Its host does not answer: never invalid_client, and no partial change.
        site.set_up(false);
        let answer = revoke(&server, &client, token).await;
        answer.refused(503, "temporarily_unavailable");
        assert!(answer.header(header::RETRY_AFTER).is_some(), "{answer:?}");
        client.me(&tokens.access).await.granted();
        site.set_up(true);
        // Another client with a document causes no fetch, and revokes nothing.
        let asked = site.requests(&client.id);
        let other_client = "https://app.example/other.json";
        done(
            &revoke(
                &server,
                &McpClient::known(&server, other_client, None, &client.redirect_uri),
                token,
            )
            .await,
        );
        client.me(&tokens.access).await.granted();
        // An invalid token causes no fetch.
        done(&revoke(&server, &client, "vrt_x").await);
        server
            .post("/revoke", &Query::new([("client_id", client.id.as_str())]))
            .await
            .refused(400, "invalid_request");
        assert_eq!(
            (site.requests(&client.id), site.requests(other_client)),
            (asked, 0)
        );
        done(&revoke(&server, &client, token).await);
        assert_eq!(site.requests(&client.id), asked + 1);
        expect_revoked(&client, &tokens).await;
    }
}

async fn a_token_is_needed_and_comes_once(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let bare = Query::new([("client_id", client.id.as_str())]);
    for form in [
        bare.clone(),
        bare.clone().and("token", ""),
        form(&client, &tokens.refresh).and("token", &tokens.refresh),
    ] {
        server
            .post("/revoke", &form)
            .await
            .refused(400, "invalid_request");
    }
    let query = form(&client, &tokens.refresh).encode();
    server
        .post(&format!("/revoke?{query}"), &bare)
        .await
        .refused(400, "invalid_request");
    client.me(&tokens.access).await.granted();
}

async fn t_c24_a_store_failure_is_503_and_changes_nothing(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    for fault in [FaultSwitch::break_all, FaultSwitch::break_writes] {
        for token in [&tokens.refresh, &tokens.access] {
            fault(&server.switch);
            let answer = revoke(&server, &client, token).await;
            answer.refused(503, "temporarily_unavailable");
            assert!(answer.header(header::RETRY_AFTER).is_some());
            server.switch.mend();
            client.me(&tokens.access).await.granted();
        }
    }
    done(&revoke(&server, &client, &tokens.refresh).await);
    expect_revoked(&client, &tokens).await;
}

async fn of_64_concurrent_revocations_all_succeed(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let servers = [server.clone(), server.twin().await];
    let answers = race(RACERS, |number| {
        let server = servers[number % 2].clone();
        let form = form(&client, &tokens.refresh);
        async move { server.post("/revoke", &form).await }
    })
    .await;
    answers.iter().for_each(done);
    expect_revoked(&client, &tokens).await;
}

async fn requirement_7_9_every_response_is_uncached_json_with_cors(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let wrong = form(&client, &tokens.refresh).set("client_id", "vc_unknown");
    let answers = [
        server.post("/revoke", &Query::default()).await,
        server.post("/revoke", &wrong).await,
        server.get("/revoke").await,
        revoke(&server, &client, &tokens.refresh).await,
    ];
    assert_eq!(
        answers.each_ref().map(|answer| answer.status.as_u16()),
        [400, 401, 405, 200]
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
        assert_eq!(answer.header(header::SET_COOKIE), None, "{answer:?}");
    }
}

/// A server, a web server, and a client with a published document.
async fn published(engine: EngineKind) -> (TestServer, Site, McpClient) {
    const ID: &str = "https://app.example/client.json";
    const CALLBACK: &str = "https://app.example/callback";
    let site = Site::open(&["app.example"]).await;
    let document =
        serde_json::json!({ "client_id": ID, "client_name": "App", "redirect_uris": [CALLBACK] });
    site.put(ID, Reply::json(&document.to_string()));
    let server = TestServer::on_this_computer(engine, site.web(), |_| {}).await;
    let client = McpClient::known(&server, ID, None, CALLBACK);
    (server, site, client)
}

fn form(client: &McpClient, token: &str) -> Query {
    let form = Query::new([("token", token), ("client_id", &client.id)]);
    client
        .secret
        .iter()
        .fold(form, |form, secret| form.and("client_secret", secret))
}

async fn revoke(server: &TestServer, client: &McpClient, token: &str) -> TestResponse {
    server.post("/revoke", &form(client, token)).await
}

async fn by_header(server: &TestServer, authorization: &str, form: &Query) -> TestResponse {
    let request = request(Method::POST, "/revoke")
        .header(header::AUTHORIZATION, authorization)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    server
        .send(request.body(form.encode().into()).expect("a request"))
        .await
}

fn done(answer: &TestResponse) {
    assert_eq!(answer.granted(), serde_json::json!({}));
}

/// Expects that neither token is accepted anywhere.
async fn expect_revoked(client: &McpClient, tokens: &Tokens) {
    client.assert_revoked(tokens).await;
    client
        .call(&tokens.access, "whoami", serde_json::json!({}))
        .await
        .refused(401, "invalid_token");
}

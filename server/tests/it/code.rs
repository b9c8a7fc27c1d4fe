//! Authorization codes: short-lived, single-use, bound to their request (R-O9, R-O10; T-B13, T-B15,
//! T-A1).

use testkit::{
    EngineKind, Query, RACERS, native_metadata, on_both_engines, race,
    routed::{Browser, McpClient, TestServer, Tokens},
};

on_both_engines!(
    r_o9_a_code_lives_for_sixty_seconds,
    r_o9_a_second_valid_use_is_refused_and_revokes_the_grant,
    r_o9_an_invalid_replay_changes_nothing,
    t_b15_r_o10_a_code_is_bound_to_its_request_and_a_failed_attempt_changes_nothing,
    t_b15_an_unknown_code_gets_the_same_error,
    r_a19_another_resource_is_an_invalid_target_and_consumes_nothing,
    r_o13_an_exchange_may_narrow_the_scope_but_not_widen_it,
    r_o10_the_redirect_uri_is_optional_at_the_token_endpoint,
    t_b13_of_64_concurrent_redemptions_one_succeeds_and_the_grant_is_revoked,
    t_b13_two_servers_over_one_store_accept_one_redemption,
    a_client_without_the_refresh_grant_gets_no_refresh_token,
);

async fn r_o9_a_code_lives_for_sixty_seconds(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let (first, second) = (browser.allow(&client).await, browser.allow(&client).await);
    server.pass(59);
    Tokens::read(&client.exchange(&first).await);
    server.pass(1);
    client.exchange(&second).await.refused(400, "invalid_grant");
}

async fn r_o9_a_second_valid_use_is_refused_and_revokes_the_grant(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let other = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    let tokens = Tokens::read(&client.exchange(&code).await);
    // Also after the code has expired, since an attacker may have been first.
    server.pass(600);
    client.me(&tokens.access).await.granted();
    client.exchange(&code).await.refused(400, "invalid_grant");
    client.assert_revoked(&tokens).await;
    // Another grant of the same client stays valid.
    client.me(&other.access).await.granted();
    Tokens::read(&client.refresh(&other.refresh).await);
}

async fn r_o9_an_invalid_replay_changes_nothing(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let other_client = McpClient::native(&server).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let tokens = Tokens::read(&client.exchange(&code).await);
    let form = client.code_form(&code);
    for form in [
        other_client.code_form(&code),
        form.clone().set("code_verifier", &"x".repeat(43)),
        form.clone()
            .set("redirect_uri", "http://127.0.0.1:33419/callback"),
        form.clone().set("code", &altered(&code)),
    ] {
        server
            .post("/token", &form)
            .await
            .refused(400, "invalid_grant");
    }
    server
        .post("/token", &form.set("resource", "https://other.example/mcp"))
        .await
        .refused(400, "invalid_target");
    client.me(&tokens.access).await.granted();
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn t_b15_r_o10_a_code_is_bound_to_its_request_and_a_failed_attempt_changes_nothing(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let other_client = McpClient::native(&server).await;
    let secretive = McpClient::confidential(&server).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = client.code_form(&code);
    let expected = server
        .post("/token", &form.clone().set("code", &altered(&code)))
        .await;
    for (what, form) in [
        ("another client", other_client.code_form(&code)),
        ("a confidential client", secretive.code_form(&code)),
        (
            "another path",
            form.clone()
                .set("redirect_uri", "http://127.0.0.1:33418/callback/"),
        ),
        (
            "another port than asked with",
            form.clone()
                .set("redirect_uri", "http://127.0.0.1:33419/callback"),
        ),
        (
            "another host",
            form.clone()
                .set("redirect_uri", "http://localhost:33418/callback"),
        ),
        (
            "another verifier",
            form.clone().set("code_verifier", &"x".repeat(43)),
        ),
        (
            "a verifier too short",
            form.clone().set("code_verifier", "x"),
        ),
    ] {
        let answer = server.post("/token", &form).await;
        answer.refused(400, "invalid_grant");
        assert_eq!(answer.body, expected.body, "{what}");
        assert_eq!(
            answer.headers_without_id(),
            expected.headers_without_id(),
            "{what}"
        );
    }
    Tokens::read(&server.post("/token", &form).await);
}

async fn t_b15_an_unknown_code_gets_the_same_error(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let expected = client.exchange(&altered(&code)).await.body;
    let shortened = &code[..code.len() - 1];
    for nobodys in [
        "x",
        "vac_",
        shortened,
        &code.replace("vac_", "vrt_"),
        &format!("{code}x"),
        &"a".repeat(5000),
        "\0",
        "\u{fffd}",
    ] {
        let answer = client.exchange(nobodys).await;
        answer.refused(400, "invalid_grant");
        assert_eq!(answer.body, expected, "{nobodys}");
    }
    Tokens::read(&client.exchange(&code).await);
}

async fn r_a19_another_resource_is_an_invalid_target_and_consumes_nothing(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = client.code_form(&code);
    for other in [
        "https://vestibule.example/mcp/",
        "https://vestibule.example",
        "http://vestibule.example/mcp",
        "mcp",
        "*",
    ] {
        server
            .post("/token", &form.clone().set("resource", other))
            .await
            .refused(400, "invalid_target");
    }
    let other = form
        .clone()
        .and("resource", "https://vestibule.example/other");
    let body = server
        .post("/token", &other)
        .await
        .refused(400, "invalid_target");
    assert!(
        body["error_description"]
            .as_str()
            .is_some_and(|text| text.contains("several resources")),
        "{body}"
    );
    // R-A17: scheme and host in another case are the same resource, and a missing one is the one of
    // the consent. A repeated resource counts once.
    let again = form
        .set("resource", "HTTPS://Vestibule.EXAMPLE:443/mcp")
        .and("resource", "https://vestibule.example/mcp");
    Tokens::read(&server.post("/token", &again).await);
}

async fn r_o13_an_exchange_may_narrow_the_scope_but_not_widen_it(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server)
        .await
        .asking(|query| query.set("scope", "notes:read"));
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = client.code_form(&code);
    let wider = form.set("scope", "openid notes:read notes:write");
    assert_eq!(
        server.post("/token", &wider).await.granted()["scope"],
        "notes:read"
    );
    let client = McpClient::native(&server).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let narrower = client.code_form(&code).set("scope", "openid notes:read");
    assert_eq!(
        server.post("/token", &narrower).await.granted()["scope"],
        "notes:read"
    );
}

async fn r_o10_the_redirect_uri_is_optional_at_the_token_endpoint(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let code = browser.allow(&client).await;
    Tokens::read(
        &server
            .post(
                "/token",
                &client
                    .code_form(&code)
                    .without("redirect_uri")
                    .without("resource"),
            )
            .await,
    );
    // RFC 8252 section 7.3: any loopback port, if it is the same in both requests.
    let client =
        client.asking(|query| query.set("redirect_uri", "http://127.0.0.1:51234/callback"));
    let code = browser.allow(&client).await;
    let form = client
        .code_form(&code)
        .set("redirect_uri", "http://127.0.0.1:51234/callback");
    Tokens::read(&server.post("/token", &form).await);
}

async fn t_b13_of_64_concurrent_redemptions_one_succeeds_and_the_grant_is_revoked(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    one_of_many(&server, [server.clone(), server.clone()]).await;
}

async fn t_b13_two_servers_over_one_store_accept_one_redemption(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let twin = server.twin().await;
    one_of_many(&server, [server.clone(), twin]).await;
}

async fn one_of_many(server: &TestServer, servers: [TestServer; 2]) {
    let client = McpClient::native(server).await;
    let code = Browser::of_alice(server).await.allow(&client).await;
    let answers = race(RACERS, |number| {
        let client = client.at(&servers[number % 2]);
        let code = code.clone();
        async move { client.exchange(&code).await }
    })
    .await;
    let (granted, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((granted.len(), refused.len()), (1, RACERS - 1));
    for answer in refused {
        answer.refused(400, "invalid_grant");
    }
    let tokens = Tokens::read(&granted[0]);
    for server in servers {
        client
            .at(&server)
            .refresh(&tokens.refresh)
            .await
            .refused(400, "invalid_grant");
        client
            .at(&server)
            .me(&tokens.access)
            .await
            .refused(401, "invalid_token");
    }
}

async fn a_client_without_the_refresh_grant_gets_no_refresh_token(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut metadata = native_metadata();
    metadata["grant_types"] = serde_json::json!(["authorization_code"]);
    let client = McpClient::registered(&server, &metadata).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let body = client.exchange(&code).await.granted();
    let mut names: Vec<_> = body.as_object().expect("an object").keys().collect();
    names.sort();
    assert_eq!(names, ["access_token", "expires_in", "scope", "token_type"]);
    client
        .me(body["access_token"].as_str().expect("a token"))
        .await
        .granted();
    // A second use revokes it, too.
    client.exchange(&code).await.refused(400, "invalid_grant");
    client
        .me(body["access_token"].as_str().expect("a token"))
        .await
        .refused(401, "invalid_token");
    let form = Query::new([
        ("grant_type", "refresh_token"),
        ("refresh_token", &code),
        ("client_id", &client.id),
    ]);
    server
        .post("/token", &form)
        .await
        .refused(400, "invalid_grant");
}

/// The same code with another secret, but of the same grant.
fn altered(code: &str) -> String {
    let (rest, last) = code.split_at(code.len() - 8);
    format!(
        "{rest}{}",
        if last.starts_with('A') {
            "BAAAAAAA"
        } else {
            "AAAAAAAA"
        }
    )
}

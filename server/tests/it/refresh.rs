//! Refresh tokens: rotation, the same successor within the replay window, revocation of the grant
//! outside of it (R-O14, R-A9; T-C17, T-C18, T-C19, T-C25).

use std::time::Duration;

use http::{Method, header};
use testkit::{
    EngineKind, Query, RACERS, basic, on_both_engines, race,
    routed::{ALICE, Browser, MCP, McpClient, TestResponse, TestServer, Tokens, from, request},
};

on_both_engines!(
    r_a9_each_use_rotates_the_refresh_token,
    r_o14_a_replay_within_the_window_gets_the_same_successor,
    r_o14_a_replay_outside_the_window_revokes_the_grant,
    r_o14_any_older_token_of_the_family_revokes_the_grant,
    r_o14_a_window_of_zero_is_strict,
    r_o14_a_guess_with_the_grant_id_changes_nothing,
    t_c18_64_concurrent_refreshes_get_the_same_successor,
    t_c18_concurrent_refreshes_on_two_servers_get_the_same_successor,
    two_processes_that_share_a_token_both_keep_working,
    a_client_that_lost_a_response_can_repeat_the_refresh,
    one_client_can_refresh_from_two_addresses,
    refresh_tokens_expire_ninety_days_after_their_own_issue,
    r_o14_the_scope_may_be_narrowed_for_one_access_token_and_never_widened,
    t_c19_a_resource_without_consent_is_an_invalid_target_and_consumes_nothing,
    t_c17_a_confidential_client_needs_its_secret_to_refresh,
    t_c17_a_refresh_token_of_another_client_is_refused_and_unchanged,
    t_c25_a_disabled_account_is_refused_at_once,
    t_c25_a_removed_account_is_refused_at_once,
    t_c25_a_removed_client_is_an_unknown_client,
);

async fn r_a9_each_use_rotates_the_refresh_token(engine: EngineKind) {
    let (server, client, mut tokens) = McpClient::connected(engine).await;
    let mut seen = vec![tokens.clone()];
    for _ in 0..12 {
        server.pass(600);
        tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
        assert!(
            seen.iter()
                .all(|old| old.refresh != tokens.refresh && old.access != tokens.access)
        );
        seen.push(tokens.clone());
    }
    client.me(&tokens.access).await.granted();
}

async fn r_o14_a_replay_within_the_window_gets_the_same_successor(engine: EngineKind) {
    let (server, client, first) = McpClient::connected(engine).await;
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    for _ in 0..3 {
        server.pass(9);
        assert_eq!(
            Tokens::read(&client.refresh(&first.refresh).await).refresh,
            second.refresh
        );
    }
    // Nothing was consumed: the successor works, and its predecessor is still inside the window.
    let third = Tokens::read(&client.refresh(&second.refresh).await);
    assert_ne!(third.refresh, second.refresh);
    assert_eq!(
        Tokens::read(&client.refresh(&first.refresh).await).refresh,
        second.refresh
    );
    assert_eq!(
        Tokens::read(&client.refresh(&second.refresh).await).refresh,
        third.refresh
    );
    client.me(&third.access).await.granted();
}

async fn r_o14_a_replay_outside_the_window_revokes_the_grant(engine: EngineKind) {
    let (server, client, first) = McpClient::connected(engine).await;
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    server.pass(30);
    expect_revoked(&client, &first.refresh, &second).await;
}

async fn r_o14_any_older_token_of_the_family_revokes_the_grant(engine: EngineKind) {
    let (server, client, first) = McpClient::connected(engine).await;
    let mut last = first.clone();
    for _ in 0..20 {
        server.pass(40);
        last = Tokens::read(&client.refresh(&last.refresh).await);
    }
    expect_revoked(&client, &first.refresh, &last).await;
}

async fn r_o14_a_window_of_zero_is_strict(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| {
        settings.lifetimes.refresh_replay_window = Duration::ZERO;
    })
    .await;
    server.add_alice().await;
    let client = McpClient::native(&server).await;
    let first = client.connect(&mut Browser::of_alice(&server).await).await;
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    expect_revoked(&client, &first.refresh, &second).await;
}

async fn r_o14_a_guess_with_the_grant_id_changes_nothing(engine: EngineKind) {
    let (_, client, tokens) = McpClient::connected(engine).await;
    let secret = tokens.refresh.len() - 43;
    let family = secret - 43;
    // The ids of grant and account are in access tokens; the family secret and the token secret are
    // not.
    for guess in [
        format!("{}{}", &tokens.refresh[..family], "A".repeat(86)),
        format!(
            "{}{}{}",
            &tokens.refresh[..family],
            "A".repeat(43),
            &tokens.refresh[secret..]
        ),
        tokens.refresh[..secret].to_owned(),
        tokens.refresh.replace("vrt_", "vac_"),
        tokens.access.clone(),
        "x".to_owned(),
        "vrt_".to_owned(),
    ] {
        client.refresh(&guess).await.refused(400, "invalid_grant");
    }
    client.me(&tokens.access).await.granted();
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn t_c18_64_concurrent_refreshes_get_the_same_successor(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    one_successor(&server, &client, &tokens, [server.clone(), server.clone()]).await;
}

async fn t_c18_concurrent_refreshes_on_two_servers_get_the_same_successor(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let twin = server.twin().await;
    one_successor(&server, &client, &tokens, [server.clone(), twin]).await;
}

async fn one_successor(
    server: &TestServer,
    client: &McpClient,
    tokens: &Tokens,
    servers: [TestServer; 2],
) {
    let answers = race(RACERS, |number| {
        let client = client.at(&servers[number % 2]);
        let token = tokens.refresh.clone();
        async move { client.refresh(&token).await }
    })
    .await;
    let answers: Vec<_> = answers.iter().map(Tokens::read).collect();
    let successor = &answers[0];
    assert!(
        answers
            .iter()
            .all(|tokens| tokens.refresh == successor.refresh)
    );
    assert_ne!(successor.refresh, tokens.refresh);
    // One current token: it works, and after the window its predecessor revokes the grant.
    let next = Tokens::read(&client.refresh(&successor.refresh).await);
    server.pass(30);
    expect_revoked(client, &tokens.refresh, &next).await;
}

/// Two windows of one program read the same file. Each refreshes with the token that it read last,
/// the second one some seconds late.
async fn two_processes_that_share_a_token_both_keep_working(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let processes = [client.clone(), client.at(&server.twin().await)];
    let mut shared = tokens.refresh;
    for round in 0..8 {
        server.pass(3300);
        let (first, second) = (&processes[round % 2], &processes[(round + 1) % 2]);
        let at_first = Tokens::read(&first.refresh(&shared).await);
        server.pass(20);
        let late = Tokens::read(&second.refresh(&shared).await);
        assert_eq!(late.refresh, at_first.refresh);
        for tokens in [&at_first, &late] {
            client.me(&tokens.access).await.granted();
        }
        shared = late.refresh;
    }
}

async fn a_client_that_lost_a_response_can_repeat_the_refresh(engine: EngineKind) {
    let (server, client, first) = McpClient::connected(engine).await;
    server.pass(3300);
    // The response was created, but never arrived.
    let lost = Tokens::read(&client.refresh(&first.refresh).await);
    server.pass(29);
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    assert_eq!(second.refresh, lost.refresh);
    server.pass(3300);
    let third = Tokens::read(&client.refresh(&second.refresh).await);
    client.me(&third.access).await.granted();
}

/// Like a client that runs on several machines with one client id (requirements 5.1, Claude.ai).
async fn one_client_can_refresh_from_two_addresses(engine: EngineKind) {
    let (server, client, mut tokens) = McpClient::connected(engine).await;
    for _ in 0..4 {
        server.pass(3300);
        let answers = race(2, |number| {
            let server = server.clone();
            let form = client.refresh_form(&tokens.refresh);
            let address = [160, 79, 104, if number == 0 { 10 } else { 77 }];
            let request = from(address.into(), Method::POST, "/token");
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            async move {
                server
                    .send(request.body(form.encode().into()).expect("a request"))
                    .await
            }
        })
        .await;
        let next: Vec<_> = answers.iter().map(Tokens::read).collect();
        assert_eq!(next[0].refresh, next[1].refresh);
        tokens = next[0].clone();
    }
    client.me(&tokens.access).await.granted();
}

async fn refresh_tokens_expire_ninety_days_after_their_own_issue(engine: EngineKind) {
    const DAY: u64 = 24 * 3600;
    let (server, client, first) = McpClient::connected(engine).await;
    server.pass(90 * DAY - 1);
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    server.pass(90 * DAY - 1);
    let third = Tokens::read(&client.refresh(&second.refresh).await);
    server.pass(90 * DAY);
    client
        .refresh(&third.refresh)
        .await
        .refused(400, "invalid_grant");
}

async fn r_o14_the_scope_may_be_narrowed_for_one_access_token_and_never_widened(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server)
        .await
        .asking(|query| query.set("scope", "notes:read offline_access"));
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    let refresh = async |token: &str, scope: &str| {
        let form = client.refresh_form(token).and("scope", scope);
        server.post("/token", &form).await
    };
    for wider in [
        "notes:read notes:write",
        "notes:write",
        "openid notes:write",
    ] {
        refresh(&tokens.refresh, wider)
            .await
            .refused(400, "invalid_scope");
    }
    // Scopes that the authorization request drops widen nothing.
    let forgiven = refresh(&tokens.refresh, "openid notes:read profile").await;
    assert_eq!(forgiven.granted()["scope"], "notes:read");
    let forgiven = refresh(&Tokens::read(&forgiven).refresh, "openid").await;
    assert_eq!(forgiven.granted()["scope"], "notes:read offline_access");
    let narrowed = refresh(&Tokens::read(&forgiven).refresh, "notes:read").await;
    assert_eq!(narrowed.granted()["scope"], "notes:read");
    // The grant is unchanged, and a repeated scope is accepted (K: rmcp before 3.11).
    let whole = client.refresh(&Tokens::read(&narrowed).refresh).await;
    assert_eq!(whole.granted()["scope"], "notes:read offline_access");
    let repeated = refresh(&Tokens::read(&whole).refresh, "notes:read offline_access").await;
    assert_eq!(repeated.granted()["scope"], "notes:read offline_access");
}

async fn t_c19_a_resource_without_consent_is_an_invalid_target_and_consumes_nothing(
    engine: EngineKind,
) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let form = client.refresh_form(&tokens.refresh);
    for other in [
        "https://other.example/mcp",
        "https://vestibule.example/",
        "mcp",
    ] {
        server
            .post("/token", &form.clone().and("resource", other))
            .await
            .refused(400, "invalid_target");
    }
    let both = form
        .clone()
        .and("resource", MCP)
        .and("resource", "https://other.example/mcp");
    server
        .post("/token", &both)
        .await
        .refused(400, "invalid_target");
    // The same one again counts once.
    Tokens::read(
        &server
            .post("/token", &form.and("resource", MCP).and("resource", MCP))
            .await,
    );
}

async fn t_c17_a_confidential_client_needs_its_secret_to_refresh(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::confidential(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    let bare = client
        .refresh_form(&tokens.refresh)
        .without("client_secret");
    let without_challenge =
        |answer: &TestResponse| assert_eq!(answer.header(header::WWW_AUTHENTICATE), None);
    for form in [
        bare.clone(),
        bare.clone().and("client_secret", "vcs_wrong"),
        bare.clone().and("client_secret", ""),
    ] {
        let refused = server.post("/token", &form).await;
        refused.refused(401, "invalid_client");
        without_challenge(&refused);
    }
    let secret = client.secret.as_deref().expect("a secret");
    let by_header = async |secret: &str, form: Query| {
        let request = request(Method::POST, "/token")
            .header(header::AUTHORIZATION, basic(&client.id, secret))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        server
            .send(request.body(form.encode().into()).expect("a request"))
            .await
    };
    let refused = by_header("vcs_wrong", bare.clone()).await;
    refused.refused(401, "invalid_client");
    assert!(
        refused
            .header(header::WWW_AUTHENTICATE)
            .is_some_and(|value| value.starts_with("Basic "))
    );
    // Nothing was consumed, and both places for the secret are accepted, whichever the client
    // registered.
    let next = Tokens::read(&by_header(secret, bare.without("client_id")).await);
    Tokens::read(&client.refresh(&next.refresh).await);
}

async fn t_c17_a_refresh_token_of_another_client_is_refused_and_unchanged(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let other_client = McpClient::native(&server).await;
    let secretive = McpClient::confidential(&server).await;
    let own = client.refresh("vrt_nonsense").await.body;
    for other in [other_client, secretive] {
        let answer = other.refresh(&tokens.refresh).await;
        answer.refused(400, "invalid_grant");
        assert_eq!(answer.body, own);
    }
    let form = client
        .refresh_form(&tokens.refresh)
        .set("client_id", "vc_unknown");
    server
        .post("/token", &form)
        .await
        .refused(401, "invalid_client");
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn t_c25_a_disabled_account_is_refused_at_once(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .disable_account(ALICE)
        .await
        .expect("disabled");
    client.assert_revoked(&tokens).await;
    // Enabling the account does not restore revoked grants.
    server
        .provider
        .terminal()
        .accounts()
        .enable_account(ALICE)
        .await
        .expect("enabled");
    client.assert_revoked(&tokens).await;
}

async fn t_c25_a_removed_account_is_refused_at_once(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    let pending = Browser::of_alice(&server).await.allow(&client).await;
    server
        .provider
        .terminal()
        .accounts()
        .remove_account(ALICE)
        .await
        .expect("removed");
    client.assert_revoked(&tokens).await;
    client
        .exchange(&pending)
        .await
        .refused(400, "invalid_grant");
    // A new account with the same address is another account.
    server.add_alice().await;
    client.assert_revoked(&tokens).await;
}

async fn t_c25_a_removed_client_is_an_unknown_client(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server
        .provider
        .terminal()
        .clients()
        .remove_client(&client.id)
        .await
        .expect("removed");
    client
        .refresh(&tokens.refresh)
        .await
        .refused(401, "invalid_client");
}

/// Expects that a replay revoked the grant: its current refresh token and its access tokens are
/// invalid.
async fn expect_revoked(client: &McpClient, replayed: &str, live: &Tokens) {
    client.me(&live.access).await.granted();
    client.refresh(replayed).await.refused(400, "invalid_grant");
    client.assert_revoked(live).await;
}

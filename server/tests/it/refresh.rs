//! Refresh tokens: rotated at each use, the same successor within the window, the end of the grant
//! outside it (R-O14, R-A9; T-C17, T-C18, T-C19, T-C25).

use std::time::Duration;

use http::{Method, header};

use testkit::race;
use testkit::{
    EngineKind, Query, RACERS, basic, on_both_engines,
    routed::{ALICE, Browser, MCP, McpClient, TestResponse, TestServer, Tokens, from, request},
};

on_both_engines!(
    r_a9_each_use_brings_another_refresh_token_and_the_last_one_works,
    r_o14_within_the_window_a_replay_gets_the_same_successor_byte_for_byte,
    r_o14_outside_the_window_a_replay_ends_the_grant,
    r_o14_any_older_ancestor_ends_the_grant,
    r_o14_a_window_of_zero_is_strict,
    r_o14_a_guess_by_somebody_who_knows_the_grant_ends_nothing,
    t_c18_of_64_refreshes_at_once_all_get_the_same_successor,
    t_c18_with_two_servers_over_one_store_too,
    two_processes_of_one_person_that_share_a_token_race_for_hours_and_both_go_on,
    a_client_that_lost_the_answer_asks_again_and_goes_on,
    one_client_refreshes_from_two_addresses_and_goes_on,
    refresh_tokens_expire_ninety_days_after_their_own_issue,
    r_o14_the_scope_may_be_narrowed_for_one_access_token_and_never_widened,
    t_c19_a_resource_never_consented_to_is_an_invalid_target_and_uses_nothing_up,
    t_c17_a_confidential_client_refreshes_with_its_secret_only,
    t_c17_a_refresh_token_under_another_client_id_is_refused_and_uses_nothing_up,
    t_c25_a_disabled_account_is_refused_at_once,
    t_c25_a_removed_account_is_refused_at_once,
    t_c25_a_removed_client_is_refused_as_an_unknown_client,
);

async fn r_a9_each_use_brings_another_refresh_token_and_the_last_one_works(engine: EngineKind) {
    let (server, client, mut tokens) = connected(engine).await;
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

async fn r_o14_within_the_window_a_replay_gets_the_same_successor_byte_for_byte(
    engine: EngineKind,
) {
    let (server, client, first) = connected(engine).await;
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    for _ in 0..3 {
        server.pass(9);
        assert_eq!(
            Tokens::read(&client.refresh(&first.refresh).await).refresh,
            second.refresh
        );
    }
    // Nothing was used up by it: the one successor goes on, and its own predecessor is still inside
    // the window.
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

async fn r_o14_outside_the_window_a_replay_ends_the_grant(engine: EngineKind) {
    let (server, client, first) = connected(engine).await;
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    server.pass(30);
    ended(&client, &first.refresh, &second).await;
}

async fn r_o14_any_older_ancestor_ends_the_grant(engine: EngineKind) {
    let (server, client, first) = connected(engine).await;
    let mut last = first.clone();
    for _ in 0..20 {
        server.pass(40);
        last = Tokens::read(&client.refresh(&last.refresh).await);
    }
    ended(&client, &first.refresh, &last).await;
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
    ended(&client, &first.refresh, &second).await;
}

async fn r_o14_a_guess_by_somebody_who_knows_the_grant_ends_nothing(engine: EngineKind) {
    let (_, client, tokens) = connected(engine).await;
    let secret = tokens.refresh.len() - 43;
    let family = secret - 43;
    // Grant and account are in logs and access tokens; family and secret are not.
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

async fn t_c18_of_64_refreshes_at_once_all_get_the_same_successor(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    one_successor(&server, &client, &tokens, [server.clone(), server.clone()]).await;
}

async fn t_c18_with_two_servers_over_one_store_too(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
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
        let (client, token) = (client.at(&servers[number % 2]), tokens.refresh.clone());
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
    // One live leaf: it goes on, and after the window its predecessor ends everything.
    let next = Tokens::read(&client.refresh(&successor.refresh).await);
    server.pass(30);
    ended(client, &tokens.refresh, &next).await;
}

/// Two windows of one program read the same file: each refreshes with what it read last, the second
/// one some seconds late.
async fn two_processes_of_one_person_that_share_a_token_race_for_hours_and_both_go_on(
    engine: EngineKind,
) {
    let (server, client, tokens) = connected(engine).await;
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

async fn a_client_that_lost_the_answer_asks_again_and_goes_on(engine: EngineKind) {
    let (server, client, first) = connected(engine).await;
    server.pass(3300);
    // The answer was made, and never arrived.
    let lost = Tokens::read(&client.refresh(&first.refresh).await);
    server.pass(29);
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    assert_eq!(second.refresh, lost.refresh);
    server.pass(3300);
    let third = Tokens::read(&client.refresh(&second.refresh).await);
    client.me(&third.access).await.granted();
}

/// As a client does that runs on several machines behind one name (requirements 5.1,
/// Claude.ai).
async fn one_client_refreshes_from_two_addresses_and_goes_on(engine: EngineKind) {
    let (server, client, mut tokens) = connected(engine).await;
    for _ in 0..4 {
        server.pass(3300);
        let answers = race(2, |number| {
            let (server, form) = (server.clone(), client.refresh_form(&tokens.refresh));
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
    let (server, client, first) = connected(engine).await;
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
    // Words that the authorization request drops, too, widen nothing.
    let forgiven = refresh(&tokens.refresh, "openid notes:read profile").await;
    assert_eq!(forgiven.granted()["scope"], "notes:read");
    let forgiven = refresh(&Tokens::read(&forgiven).refresh, "openid").await;
    assert_eq!(forgiven.granted()["scope"], "notes:read offline_access");
    let narrowed = refresh(&Tokens::read(&forgiven).refresh, "notes:read").await;
    assert_eq!(narrowed.granted()["scope"], "notes:read");
    // The grant itself is what it was, and what a client repeats of it is accepted (K: rmcp before
    // 3.11).
    let whole = client.refresh(&Tokens::read(&narrowed).refresh).await;
    assert_eq!(whole.granted()["scope"], "notes:read offline_access");
    let repeated = refresh(&Tokens::read(&whole).refresh, "notes:read offline_access").await;
    assert_eq!(repeated.granted()["scope"], "notes:read offline_access");
}

async fn t_c19_a_resource_never_consented_to_is_an_invalid_target_and_uses_nothing_up(
    engine: EngineKind,
) {
    let (server, client, tokens) = connected(engine).await;
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

async fn t_c17_a_confidential_client_refreshes_with_its_secret_only(engine: EngineKind) {
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
    // Nothing was used up, and both places for the secret are good, whichever the client
    // registered.
    let next = Tokens::read(&by_header(secret, bare.without("client_id")).await);
    Tokens::read(&client.refresh(&next.refresh).await);
}

async fn t_c17_a_refresh_token_under_another_client_id_is_refused_and_uses_nothing_up(
    engine: EngineKind,
) {
    let (server, client, tokens) = connected(engine).await;
    let stranger = McpClient::native(&server).await;
    let secretive = McpClient::confidential(&server).await;
    let own = client.refresh("vrt_nonsense").await.body;
    for other in [stranger, secretive] {
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
    let (server, client, tokens) = connected(engine).await;
    server
        .provider
        .terminal()
        .disable_account(ALICE)
        .await
        .expect("disabled");
    refused_at_once(&client, &tokens).await;
    // Being let in again does not bring back what was ended.
    server
        .provider
        .terminal()
        .enable_account(ALICE)
        .await
        .expect("enabled");
    refused_at_once(&client, &tokens).await;
}

async fn t_c25_a_removed_account_is_refused_at_once(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    let pending = Browser::of_alice(&server).await.allow(&client).await;
    server
        .provider
        .terminal()
        .remove_account(ALICE)
        .await
        .expect("removed");
    refused_at_once(&client, &tokens).await;
    client
        .exchange(&pending)
        .await
        .refused(400, "invalid_grant");
    // Somebody else with the same address is somebody else.
    server.add_alice().await;
    refused_at_once(&client, &tokens).await;
}

async fn t_c25_a_removed_client_is_refused_as_an_unknown_client(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    server
        .provider
        .terminal()
        .remove_client(&client.id)
        .await
        .expect("removed");
    client
        .refresh(&tokens.refresh)
        .await
        .refused(401, "invalid_client");
}

async fn connected(engine: EngineKind) -> (TestServer, McpClient, Tokens) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    (server, client, tokens)
}

/// A replayed token ends the grant: its live refresh token and its access tokens are dead.
async fn ended(client: &McpClient, replayed: &str, live: &Tokens) {
    client.me(&live.access).await.granted();
    client.refresh(replayed).await.refused(400, "invalid_grant");
    refused_at_once(client, live).await;
}

async fn refused_at_once(client: &McpClient, tokens: &Tokens) {
    client
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    client
        .me(&tokens.access)
        .await
        .refused(401, "invalid_token");
}

//! Signing keys on several servers of one store: keys are published before they sign, unknown keys
//! are read again, and revoked keys are refused.

use oauth::Digest;
use serde_json::{Value, json};

use testkit::{
    EngineKind, Query, on_both_engines,
    routed::{Browser, MCP, McpClient, TestServer, Tokens},
};

on_both_engines!(
    a_key_of_another_server_is_read_before_a_token_is_refused,
    invented_key_ids_cause_one_read_per_second,
    a_revoked_key_is_replaced_at_once,
    an_unknown_key_cannot_be_revoked,
);

const SECRET: &str = "vis_the-secret-of-the-notes";
const MADE_UP: &str = "k4.pid.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn a_key_of_another_server_is_read_before_a_token_is_refused(engine: EngineKind) {
    let (server, client, tokens) = connected(engine).await;
    let twins = [
        server.twin().await,
        server.twin().await,
        server.twin().await,
        server.twin().await,
    ];
    // Twice, so that the active key was not published when the others last read the keys.
    let terminal = server.provider.terminal();
    terminal.rotate_keys(false).await.expect("rotated");
    terminal.rotate_keys(false).await.expect("rotated");
    let tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    assert_eq!(introspect(&twins[0], &tokens.access).await["active"], true);
    client.at(&twins[1]).me(&tokens.access).await.granted();
    client
        .at(&twins[2])
        .call(&tokens.access, "whoami", json!({}))
        .await
        .granted();
    // A revocation that has no effect is never answered with 200.
    let form = Query::new([("token", tokens.access.as_str()), ("client_id", &client.id)]);
    twins[3].post("/revoke", &form).await.granted();
    client.assert_revoked(&tokens).await;
}

async fn invented_key_ids_cause_one_read_per_second(engine: EngineKind) {
    let (server, _, tokens) = connected(engine).await;
    let parts: Vec<_> = tokens.access.split('.').collect();
    let footer = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        format!("{{\"kid\":\"{MADE_UP}\"}}"),
    );
    let forged = format!("v4.public.{}.{footer}", parts[2]);
    let (calls, answers) = server
        .counting(async { testkit::race(16, |_| ask(server.clone(), forged.clone())).await })
        .await;
    assert!(
        answers
            .iter()
            .all(|answer| *answer == json!({ "active": false })),
        "{answers:?}"
    );
    assert!(calls <= 3, "{calls} readings");
}

async fn a_revoked_key_is_replaced_at_once(engine: EngineKind) {
    let (server, client, old) = connected(engine).await;
    let terminal = server.provider.terminal();
    let keys = terminal.rotate_keys(false).await.expect("rotated");
    let new = Tokens::read(&client.refresh(&old.refresh).await);
    let kid = |state: &str, keys: &[provider::KeySummary]| {
        keys.iter()
            .find(|key| key.state.as_str() == state)
            .expect("a key in this state")
            .kid
            .clone()
    };
    let retiring = kid("retiring", &keys);
    let active = kid("active", &keys);
    let standby = kid("standby", &keys);
    let keys = terminal.revoke_key(&retiring).await.expect("revoked");
    assert_eq!(keys.len(), 2);
    client.me(&old.access).await.refused(401, "invalid_token");
    client.me(&new.access).await.granted();
    let keys = terminal.revoke_key(&active).await.expect("revoked");
    assert_eq!(
        (kid("active", &keys), keys.len()),
        (standby, 2),
        "the one that was published before signs at once"
    );
    client.me(&new.access).await.refused(401, "invalid_token");
    assert_eq!(
        introspect(&server, &new.access).await,
        json!({ "active": false })
    );
    let next = Tokens::read(&client.refresh(&new.refresh).await);
    client.me(&next.access).await.granted();
    let twin = server.twin().await;
    client.at(&twin).me(&next.access).await.granted();
    client
        .at(&twin)
        .me(&new.access)
        .await
        .refused(401, "invalid_token");
}

async fn an_unknown_key_cannot_be_revoked(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let terminal = server.provider.terminal();
    let before = terminal.keys().await.expect("keys");
    for kid in ["", "x", MADE_UP] {
        assert!(terminal.revoke_key(kid).await.is_err(), "{kid}");
    }
    assert_eq!(terminal.keys().await.expect("keys"), before);
    server.switch.break_writes();
    assert!(terminal.revoke_key(&before[0].kid).await.is_err());
    server.switch.mend();
    assert_eq!(terminal.keys().await.expect("keys"), before);
}

async fn connected(engine: EngineKind) -> (TestServer, McpClient, Tokens) {
    let server = TestServer::with(engine, |settings| {
        settings.resources[0].introspection_secret = Some(Digest::of(SECRET.as_bytes()));
    })
    .await;
    server.add_alice().await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    (server, client, tokens)
}

async fn ask(server: TestServer, token: String) -> Value {
    introspect(&server, &token).await
}

async fn introspect(server: &TestServer, token: &str) -> Value {
    server
        .post(
            "/introspect",
            &Query::new([
                ("token", token),
                ("client_id", MCP),
                ("client_secret", SECRET),
            ]),
        )
        .await
        .granted()
}

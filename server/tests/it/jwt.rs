//! JWT access tokens (RFC 9068) of resources that ask for them: how they are issued, published,
//! introspected and rotated.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use jose::{Jwks, UnverifiedJwt};
use oauth::Digest;
use primitives::{JwtType, SigningAlgorithm, TokenFormat};
use provider::Settings;
use serde_json::{Value, json};
use testkit::{
    EngineKind, Query, TestClock, basic, on_both_engines,
    routed::{ALICE, Browser, ISSUER, MCP, McpClient, TestServer, Tokens, request},
};

on_both_engines!(
    a_resource_gets_jwts_of_its_algorithm_and_type,
    metadata_names_the_keys_only_while_a_resource_gets_jwts,
    openid_configuration_promises_no_id_tokens,
    a_resource_may_ask_under_its_id_however_it_is_spelled,
    a_token_of_another_format_is_inactive,
    every_server_of_a_store_signs_with_the_same_keys,
    new_keys_are_published_two_hours_before_they_sign,
    a_revoked_jwt_key_is_replaced_at_once,
    an_access_token_that_is_a_jwt_ends_its_grant,
    a_rotation_under_load_loses_no_request,
    the_address_is_told_only_after_consent,
    a_resource_that_changes_to_jwts_gets_keys_at_a_reload,
);

const SECRET: &str = "vis_the-secret-of-the-notes";
const SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
const JWKS: &str = "/.well-known/jwks.json";
const TWO_HOURS: u64 = 7200;

fn jwt(algorithm: SigningAlgorithm) -> TokenFormat {
    TokenFormat::Jwt {
        algorithm,
        jwt_type: JwtType::AccessToken,
    }
}

fn notes(settings: &mut Settings, format: TokenFormat) {
    let notes = &mut settings.resources[0];
    notes.id = Some("notes".to_owned());
    notes.token_format = format;
    notes.introspection_secret = Some(Digest::of(SECRET.as_bytes()));
}

async fn serving(engine: EngineKind, format: TokenFormat) -> TestServer {
    let server = TestServer::with(engine, |settings| notes(settings, format)).await;
    server.add_alice().await;
    server
}

async fn connected(engine: EngineKind, format: TokenFormat) -> (TestServer, McpClient, Tokens) {
    let server = serving(engine, format).await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    (server, client, tokens)
}

fn parts(token: &str) -> [Value; 2] {
    let mut parts = token.split('.');
    [(); 2].map(|()| {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next().expect("a part"));
        serde_json::from_slice(&bytes.expect("base64url")).expect("JSON")
    })
}

/// Whether the published keys verify a token.
async fn is_verified(server: &TestServer, token: &str) -> bool {
    let keys = Jwks::parse(&server.get(JWKS).await.granted()).expect("the published keys");
    let jwt = UnverifiedJwt::<Value>::parse(token, &["at+jwt", "jwt"]).expect("a JWT");
    jwt.verify(&keys).is_ok()
}

async fn ask(server: &TestServer, token: &str) -> Value {
    ask_as(server, &basic("notes", SECRET), token).await
}

async fn ask_as(server: &TestServer, authorization: &str, token: &str) -> Value {
    let form = Query::new([("token", token)]).encode();
    let request = request(Method::POST, "/introspect")
        .header("authorization", authorization)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.into())
        .expect("a request");
    server.send(request).await.json()
}

async fn a_resource_gets_jwts_of_its_algorithm_and_type(engine: EngineKind) {
    for algorithm in SigningAlgorithm::ALL {
        for jwt_type in JwtType::ALL {
            let format = TokenFormat::Jwt {
                algorithm,
                jwt_type,
            };
            let (server, client, tokens) = connected(engine, format).await;
            let [header, mut claims] = parts(&tokens.access);
            let kid = header["kid"].as_str().expect("a key id");
            assert_eq!(
                header,
                json!({"alg": algorithm.as_str(), "kid": kid, "typ": jwt_type.as_str()})
            );
            let [sub, jti, grant] = ["sub", "jti", "grant"].map(|name| claims[name].take());
            assert!(sub.as_str().is_some_and(|sub| sub.starts_with("acct_")));
            assert!(jti.is_string() && grant.is_string());
            assert_eq!(
                claims,
                json!({
                    "iss": ISSUER, "sub": null, "aud": MCP, "client_id": client.id,
                    "device_id": client.id, "scope": "notes:read", "iat": TestClock::START,
                    "exp": TestClock::START + 3600, "jti": null, "grant": null,
                })
            );
            assert!(is_verified(&server, &tokens.access).await);
            let refreshed = Tokens::read(&client.refresh(&tokens.refresh).await);
            assert_eq!(parts(&refreshed.access)[0], header);
            client.me(&refreshed.access).await.granted();
            let tools = client.call(&refreshed.access, "whoami", json!({})).await;
            tools.granted();
            let answer = ask(&server, &refreshed.access).await;
            assert_eq!([&answer["active"], &answer["sub"]], [&json!(true), &sub]);
        }
    }
}

async fn metadata_names_the_keys_only_while_a_resource_gets_jwts(engine: EngineKind) {
    let without = TestServer::empty(engine).await;
    assert_eq!(without.get(SERVER).await.granted().get("jwks_uri"), None);
    for path in [JWKS, OPENID] {
        assert_eq!(without.get(path).await.status, 404, "{path}");
    }
    let with = serving(engine, jwt(SigningAlgorithm::Es256)).await;
    assert_eq!(
        with.get(SERVER).await.granted()["jwks_uri"],
        format!("{ISSUER}{JWKS}")
    );
    let keys = with.get(JWKS).await.granted();
    let keys = keys["keys"].as_array().expect("keys");
    // The active and the standby key of the tokens, and those of assertions, since the resource has
    // an id. Gateways drop a set for one key without these members, or of another kind.
    assert_eq!(keys.len(), 4);
    for key in keys {
        assert_eq!(key["use"], "sig");
        assert!(key["kid"].as_str().is_some_and(|kid| kid.len() == 43));
        let members = key.as_object().map(serde_json::Map::len);
        match key["alg"].as_str() {
            Some("ES256") => assert_eq!(
                ([&key["kty"], &key["crv"]], members),
                ([&json!("EC"), &json!("P-256")], Some(7))
            ),
            _ => assert_eq!(
                ([&key["alg"], &key["kty"], &key["crv"]], members),
                ([&json!("EdDSA"), &json!("OKP"), &json!("Ed25519")], Some(6))
            ),
        }
    }
    let of_tokens = keys.iter().filter(|key| key["alg"] == "ES256");
    assert_eq!(of_tokens.count(), 2);
    let paseto = with.get("/.well-known/paseto-keys").await.granted();
    assert_eq!(paseto["keys"].as_array().map(Vec::len), Some(2));
}

async fn openid_configuration_promises_no_id_tokens(engine: EngineKind) {
    let server = serving(engine, jwt(SigningAlgorithm::Rs256)).await;
    let document = server.get(OPENID).await;
    assert_eq!(document.body, server.get(SERVER).await.body);
    let document = document.granted();
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(document["response_types_supported"], json!(["code"]));
    let members = document.as_object().expect("an object");
    assert!(
        !members
            .keys()
            .any(|name| name.contains("id_token") || name.contains("userinfo"))
    );
    let scopes = document["scopes_supported"].as_array().expect("scopes");
    assert!(!scopes.contains(&json!("openid")));
    let client = McpClient::native(&server).await;
    let client = client.asking(|form| form.and("scope", "openid notes:read"));
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    assert_eq!(parts(&tokens.access)[1]["scope"], "notes:read");
}

async fn a_resource_may_ask_under_its_id_however_it_is_spelled(engine: EngineKind) {
    let (server, _, tokens) = connected(engine, jwt(SigningAlgorithm::EdDsa)).await;
    for authorization in [
        basic("notes", SECRET),
        basic("n%6ftes", SECRET),
        basic(&testkit::percent_encoded(MCP.as_bytes()), SECRET),
    ] {
        let answer = ask_as(&server, &authorization, &tokens.access).await;
        assert_eq!(answer["active"], true);
    }
    for id in ["notes", MCP] {
        let form = Query::new([
            ("token", tokens.access.as_str()),
            ("client_id", id),
            ("client_secret", SECRET),
        ]);
        assert_eq!(
            server.post("/introspect", &form).await.granted()["active"],
            true
        );
    }
    for id in ["Notes", "note", "notes ", ""] {
        let answer = ask_as(&server, &basic(id, SECRET), &tokens.access).await;
        assert_eq!(answer["error"], "invalid_client", "{id}");
    }
}

async fn a_token_of_another_format_is_inactive(engine: EngineKind) {
    let (server, client, paseto) = connected(engine, TokenFormat::Paseto).await;
    let es256 = jwt(SigningAlgorithm::Es256);
    let twin = server.twin_with(|settings| notes(settings, es256)).await;
    let refreshed = client.at(&twin).refresh(&paseto.refresh).await;
    let refreshed = Tokens::read(&refreshed);
    for (server, good, bad) in [
        (&server, &paseto.access, &refreshed.access),
        (&twin, &refreshed.access, &paseto.access),
    ] {
        assert_eq!(ask(server, good).await["active"], true);
        assert_eq!(ask(server, bad).await, json!({"active": false}));
        let client = client.at(server);
        client.call(good, "whoami", json!({})).await.granted();
        let refused = client.call(bad, "whoami", json!({})).await;
        refused.refused(401, "invalid_token");
    }
}

async fn every_server_of_a_store_signs_with_the_same_keys(engine: EngineKind) {
    let (server, client, tokens) = connected(engine, jwt(SigningAlgorithm::Rs256)).await;
    let twin = server.twin().await;
    assert_eq!(
        twin.get(JWKS).await.granted(),
        server.get(JWKS).await.granted()
    );
    let there = Tokens::read(&client.at(&twin).refresh(&tokens.refresh).await);
    assert_eq!(parts(&there.access)[0], parts(&tokens.access)[0]);
    assert_eq!(ask(&server, &there.access).await["active"], true);
}

async fn new_keys_are_published_two_hours_before_they_sign(engine: EngineKind) {
    let (server, client, old) = connected(engine, jwt(SigningAlgorithm::Es256)).await;
    let terminal = server.provider.terminal();
    let before = server.get(JWKS).await.granted();
    server.pass(TWO_HOURS - 1);
    assert!(terminal.rotate_keys(false).await.is_err(), "too early");
    assert_eq!(server.get(JWKS).await.granted(), before);
    server.pass(1);
    terminal.rotate_keys(false).await.expect("rotated");
    let new = Tokens::read(&client.refresh(&old.refresh).await);
    let kid = |token: &str| parts(token)[0]["kid"].clone();
    assert_eq!(kid(&new.access), before["keys"][1]["kid"]);
    assert!(is_verified(&server, &old.access).await);
    // The next one is as young again.
    assert!(terminal.rotate_keys(false).await.is_err());
    terminal.rotate_keys(true).await.expect("it is urgent");
    let urgent = Tokens::read(&client.refresh(&new.refresh).await);
    assert_ne!(kid(&urgent.access), kid(&new.access));
    assert!(is_verified(&server, &new.access).await);
    // A day of overlap, and two hours for verifiers that cache.
    server.pass(24 * 3600 + TWO_HOURS - 1);
    assert!(is_verified(&server, &old.access).await);
    server.pass(1);
    assert!(!is_verified(&server, &old.access).await);
    assert!(is_verified(&server, &urgent.access).await);
}

async fn a_revoked_jwt_key_is_replaced_at_once(engine: EngineKind) {
    let (server, client, old) = connected(engine, jwt(SigningAlgorithm::Es256)).await;
    let terminal = server.provider.terminal();
    let kid = parts(&old.access)[0]["kid"].as_str().map(str::to_owned);
    let kid = kid.expect("a key id");
    let keys = terminal.revoke_key(&kid).await.expect("revoked");
    // PASETO, ES256, and EdDSA for assertions.
    assert_eq!(keys.len(), 6);
    assert!(keys.iter().all(|key| key.kid != kid));
    assert!(!is_verified(&server, &old.access).await);
    assert_eq!(ask(&server, &old.access).await, json!({"active": false}));
    let new = Tokens::read(&client.refresh(&old.refresh).await);
    assert!(is_verified(&server, &new.access).await);
    assert_eq!(ask(&server, &new.access).await["active"], true);
    assert!(terminal.revoke_key(&kid).await.is_err(), "it is gone");
}

async fn an_access_token_that_is_a_jwt_ends_its_grant(engine: EngineKind) {
    let (server, client, tokens) = connected(engine, jwt(SigningAlgorithm::EdDsa)).await;
    let form = Query::new([("token", tokens.access.as_str()), ("client_id", &client.id)]);
    server.post("/revoke", &form).await.granted();
    assert_eq!(ask(&server, &tokens.access).await, json!({"active": false}));
    client.assert_revoked(&tokens).await;
}

async fn the_address_is_told_only_after_consent(engine: EngineKind) {
    let (server, client, before) = connected(engine, jwt(SigningAlgorithm::Es256)).await;
    let disclosing = |settings: &mut Settings| {
        notes(settings, jwt(SigningAlgorithm::Es256));
        settings.resources[0].disclosed.email = true;
    };
    let twin = server.twin_with(disclosing).await;
    // What was allowed before does not tell the address.
    let refreshed = Tokens::read(&client.at(&twin).refresh(&before.refresh).await);
    assert_eq!(parts(&refreshed.access)[1].get("email"), None);
    assert_eq!(ask(&twin, &refreshed.access).await.get("username"), None);
    let mut browser = Browser::of_alice(&twin).await;
    let client = client.at(&twin);
    let page = browser.consent_page(&client).await;
    assert!(page.words().contains("See your email address"));
    let after = client.connect(&mut browser).await;
    let [_, claims] = parts(&after.access);
    assert_eq!(claims["email"], ALICE);
    assert_eq!(claims["scope"], "notes:read email");
    let answer = ask(&twin, &after.access).await;
    assert_eq!([&answer["username"], &answer["email"]], [ALICE, ALICE]);
    // The setting is gone again.
    let answer = ask(&server, &after.access).await;
    assert_eq!(
        [&answer["active"], &answer["scope"]],
        [&json!(true), &json!("notes:read")]
    );
    assert_eq!(answer.get("email"), None);
}

async fn a_resource_that_changes_to_jwts_gets_keys_at_a_reload(engine: EngineKind) {
    let (server, client, tokens) = connected(engine, TokenFormat::Paseto).await;
    let provider = &server.provider;
    let format = jwt(SigningAlgorithm::EdDsa);
    let mut settings = provider.settings().clone();
    notes(&mut settings, format);
    let algorithms = settings.jwt_algorithms();
    assert_eq!(algorithms, [SigningAlgorithm::EdDsa]);
    let prepared = provider.signing_keys().prepare_keys(&algorithms).await;
    prepared.expect("keys");
    let reloaded = server.twin_with(|settings| notes(settings, format)).await;
    let next = Tokens::read(&client.at(&reloaded).refresh(&tokens.refresh).await);
    assert_eq!(parts(&next.access)[0]["alg"], "EdDSA");
    assert_eq!(
        provider.tokens().ring().jwt().len(),
        1,
        "the server that prepares them has them too"
    );
}

async fn a_rotation_under_load_loses_no_request(engine: EngineKind) {
    let (server, _, _) = connected(engine, jwt(SigningAlgorithm::Es256)).await;
    let twin = server.twin().await;
    let rotating = async {
        let terminal = server.provider.terminal();
        for _ in 0..6 {
            terminal.rotate_keys(true).await.expect("rotated");
            tokio::time::sleep(Duration::from_millis(80)).await;
        }
    };
    let refreshing = testkit::race(8, |number| {
        let server = server.clone();
        let twin = twin.clone();
        async move {
            let client = McpClient::native(&server).await;
            let mut tokens = client.connect(&mut Browser::of_alice(&server).await).await;
            for round in 0..10 {
                // Signed by one server, looked at by the other.
                let [signer, reader] = if (number + round) % 2 == 0 {
                    [&server, &twin]
                } else {
                    [&twin, &server]
                };
                tokens = Tokens::read(&client.at(signer).refresh(&tokens.refresh).await);
                assert_eq!(ask(reader, &tokens.access).await["active"], true);
            }
            tokens.access
        }
    });
    let ((), last) = tokio::join!(rotating, refreshing);
    for token in last {
        assert!(is_verified(&server, &token).await);
    }
}

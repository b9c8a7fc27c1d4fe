//! Clients that authenticate by `private_key_jwt` (RFC 7523, R-O23, R-K15; T-C21 and T-C26).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, header};
use ring::hmac;
use serde_json::{Value, json};
use testkit::{
    EngineKind, Query, RACERS, TestClock, basic, on_both_engines, race,
    routed::{
        Browser, ISSUER, McpClient, Signer, TestResponse, TestServer, Tokens, claims, key_set,
        register, request, unsigned, with_assertion,
    },
};

on_both_engines!(
    r_k15_keys_of_each_kind_authenticate_at_exchange_refresh_and_revocation,
    r_o23_issuer_and_token_endpoint_are_the_audience,
    t_c26_an_assertion_counts_once,
    t_c26_of_64_concurrent_uses_one_succeeds,
    t_c26_two_servers_over_one_store_accept_one_use,
    t_c26_an_invalid_assertion_is_refused_and_consumes_nothing,
    t_c21_algorithms_are_not_confused,
    r_o11_an_assertion_excludes_other_methods,
    a_client_authenticates_only_by_its_registered_method,
    a_store_failure_is_503_and_consumes_nothing,
    an_assertion_takes_one_more_write,
    t_e37_expensive_keys_are_refused,
    t_e37_stored_expensive_keys_of_earlier_releases_do_not_verify,
    t_e37_invalid_assertions_are_rate_limited,
    t_e37_invalid_assertions_of_others_do_not_lock_a_client_out,
);

const TOKEN_ENDPOINT: &str = "https://vestibule.example/token";

async fn r_k15_keys_of_each_kind_authenticate_at_exchange_refresh_and_revocation(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    for signer in [Signer::rsa("r"), Signer::p256("e"), Signer::ed25519("o")] {
        let client = with_keys(&server, &[&signer]).await;
        let code = browser.allow(&client).await;
        let tokens = Tokens::read(
            &exchange(
                &server,
                &client,
                &code,
                &signer.assert(&server, &client.id, "1"),
            )
            .await,
        );
        client.me(&tokens.access).await.granted();
        let form = client.refresh_form(&tokens.refresh).without("client_id");
        let tokens =
            Tokens::read(&post(&server, form, &signer.assert(&server, &client.id, "2")).await);
        let form = Query::new([("token", &tokens.refresh)]);
        let revoked = server
            .post(
                "/revoke",
                &with_assertion(form, &signer.assert(&server, &client.id, "3")),
            )
            .await;
        assert_eq!(revoked.status, 200, "{revoked:?}");
        client
            .me(&tokens.access)
            .await
            .refused(401, "invalid_token");
    }
}

async fn r_o23_issuer_and_token_endpoint_are_the_audience(engine: EngineKind) {
    let (server, client, signer, mut tokens) = connected(engine).await;
    for (number, aud) in [
        json!(ISSUER),
        json!(TOKEN_ENDPOINT),
        json!([ISSUER]),
        json!([TOKEN_ENDPOINT]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = claims(&server, &client.id, &format!("aud {number}"));
        claims["aud"] = aud;
        tokens = Tokens::read(
            &post(
                &server,
                client.refresh_form(&tokens.refresh),
                &signer.sign(&signer.header(), &claims),
            )
            .await,
        );
    }
}

async fn t_c26_an_assertion_counts_once(engine: EngineKind) {
    let (server, client, signer, tokens) = connected(engine).await;
    let assertion = signer.assert(&server, &client.id, "j");
    let second =
        Tokens::read(&post(&server, client.refresh_form(&tokens.refresh), &assertion).await);
    // The same assertion, and another one with the same `jti`, before and after its expiry.
    for seconds in [0, 60, 59, 1, 7200] {
        server.pass(seconds);
        denied(&post(&server, client.refresh_form(&second.refresh), &assertion).await);
    }
    let another = with_keys(&server, &[&signer]).await;
    let mut browser = Browser::of_alice(&server).await;
    let fresh = signer.assert(&server, &client.id, "k");
    let code = browser.allow(&another).await;
    Tokens::read(
        &exchange(
            &server,
            &another,
            &code,
            &signer.assert(&server, &another.id, "k"),
        )
        .await,
    );
    // Each client has its own `jti` values, and the replays consumed nothing.
    let third = Tokens::read(&post(&server, client.refresh_form(&second.refresh), &fresh).await);
    let same_name = signer.sign(&signer.header(), &{
        let mut claims = claims(&server, &client.id, "k");
        claims["exp"] = json!(server.provider.now().seconds() + 600);
        claims
    });
    denied(&post(&server, client.refresh_form(&third.refresh), &same_name).await);
    client.me(&third.access).await.granted();
}

async fn t_c26_of_64_concurrent_uses_one_succeeds(engine: EngineKind) {
    let (server, client, signer, tokens) = connected(engine).await;
    one_of_many([server.clone(), server], &client, &signer, &tokens).await;
}

async fn t_c26_two_servers_over_one_store_accept_one_use(engine: EngineKind) {
    let (server, client, signer, tokens) = connected(engine).await;
    let twin = server.twin().await;
    one_of_many([server, twin], &client, &signer, &tokens).await;
}

async fn one_of_many(
    servers: [TestServer; 2],
    client: &McpClient,
    signer: &Signer,
    tokens: &Tokens,
) {
    let form = with_assertion(
        client.refresh_form(&tokens.refresh),
        &signer.assert(&servers[0], &client.id, "race"),
    );
    let answers = race(RACERS, |number| {
        let server = servers[number % 2].clone();
        let form = form.clone();
        async move { server.post("/token", &form).await }
    })
    .await;
    let (granted, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((granted.len(), refused.len()), (1, RACERS - 1));
    for answer in refused {
        denied(&answer);
    }
    let next = client.refresh_form(&Tokens::read(&granted[0]).refresh);
    Tokens::read(
        &post(
            &servers[1],
            next,
            &signer.assert(&servers[1], &client.id, "after"),
        )
        .await,
    );
}

async fn t_c26_an_invalid_assertion_is_refused_and_consumes_nothing(engine: EngineKind) {
    let (server, client, signer, tokens) = connected(engine).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let usual = || claims(&server, &client.id, "j");
    let with = |member: &str, value: Value| {
        let mut claims = usual();
        claims[member] = value;
        claims
    };
    for (why, claims) in [
        ("it has no jti of 1 to 256 bytes", with("jti", json!(""))),
        ("it has no jti of 1 to 256 bytes", with("jti", Value::Null)),
        (
            "its aud is neither the issuer nor the token endpoint",
            with("aud", json!("https://vestibule.example//token")),
        ),
        (
            "its aud is neither the issuer nor the token endpoint",
            with("aud", json!("https://vestibule.example/")),
        ),
        (
            "its aud is neither the issuer nor the token endpoint",
            with("aud", json!("https://other.example")),
        ),
        (
            "its aud is not exactly one value",
            with("aud", json!([ISSUER, "https://other.example"])),
        ),
        ("its aud is not exactly one value", with("aud", Value::Null)),
        ("it has expired", with("exp", json!(TestClock::START - 60))),
        (
            "its exp is more than an hour ahead",
            with("exp", json!(TestClock::START + 3661)),
        ),
        ("it has no exp", with("exp", Value::Null)),
        (
            "its nbf or iat is in the future",
            with("nbf", json!(TestClock::START + 61)),
        ),
        (
            "its nbf or iat is in the future",
            with("iat", json!(TestClock::START + 61)),
        ),
        (
            "its iss and its sub are not both the client_id",
            with("iss", json!("https://other.example")),
        ),
        ("its sub is not the client_id of the request", {
            let mut claims = with("iss", json!("vc_another"));
            claims["sub"] = json!("vc_another");
            claims
        }),
    ] {
        let assertion = signer.sign(&signer.header(), &claims);
        for form in [
            client.code_form(&code),
            client.refresh_form(&tokens.refresh),
        ] {
            let body = denied(&post(&server, form, &assertion).await);
            assert_eq!(
                body["error_description"],
                format!("Invalid client assertion: {why}."),
                "{claims}"
            );
        }
    }
    // Neither the code nor the refresh token nor the `jti` was consumed.
    Tokens::read(
        &exchange(
            &server,
            &client,
            &code,
            &signer.assert(&server, &client.id, "j"),
        )
        .await,
    );
    Tokens::read(
        &post(
            &server,
            client.refresh_form(&tokens.refresh),
            &signer.assert(&server, &client.id, "k"),
        )
        .await,
    );
}

async fn t_c21_algorithms_are_not_confused(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let rsa = Signer::rsa("r");
    let p256 = Signer::p256("e");
    let other_key = Signer::ed25519("x");
    let client = with_keys(&server, &[&rsa, &p256]).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let claims = claims(&server, &client.id, "j");
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid });
    let none = format!("{}.", unsigned(&header("none", "r"), &claims));
    let mut attempts = vec![
        ("none", none.clone()),
        ("none with a signature", none + "AAAA"),
    ];
    // The public key as a shared secret: its modulus, and the whole key as it was registered.
    let modulus = URL_SAFE_NO_PAD
        .decode(rsa.jwk()["n"].as_str().expect("a modulus"))
        .expect("base64url");
    for secret in [modulus, rsa.jwk().to_string().into_bytes()] {
        for alg in ["HS256", "RS256"] {
            let signed = unsigned(&header(alg, "r"), &claims);
            let tag = hmac::sign(
                &hmac::Key::new(hmac::HMAC_SHA256, &secret),
                signed.as_bytes(),
            );
            attempts.push((
                "the public key as a secret",
                format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)),
            ));
        }
    }
    attempts.extend([
        (
            "a key of another kind",
            rsa.sign(&header("ES256", "e"), &claims),
        ),
        (
            "another kind's algorithm",
            p256.sign(&header("RS256", "e"), &claims),
        ),
        ("an unknown kid", rsa.sign(&header("RS256", "x"), &claims)),
        (
            "another key",
            other_key.sign(&header("EdDSA", "r"), &claims),
        ),
        (
            "another key under a known name",
            Signer::p256("e").sign(&header("ES256", "e"), &claims),
        ),
        (
            "a key that comes along",
            other_key.sign(&json!({ "alg": "EdDSA", "jwk": other_key.jwk() }), &claims),
        ),
        (
            "something critical",
            rsa.sign(
                &json!({ "alg": "RS256", "kid": "r", "crit": ["exp"] }),
                &claims,
            ),
        ),
        (
            "another type",
            rsa.sign(
                &json!({ "alg": "RS256", "kid": "r", "typ": "at+jwt" }),
                &claims,
            ),
        ),
        ("no JWT", "x".to_owned()),
    ]);
    for (what, assertion) in attempts {
        let answer = exchange(&server, &client, &code, &assertion).await;
        assert_eq!(answer.status, 401, "{what}");
        denied(&answer);
    }
    let key_of_another = with_keys(&server, &[&other_key]).await;
    denied(
        &exchange(
            &server,
            &client,
            &code,
            &other_key.assert(&server, &client.id, "j"),
        )
        .await,
    );
    denied(
        &exchange(
            &server,
            &key_of_another,
            &code,
            &rsa.assert(&server, &key_of_another.id, "j"),
        )
        .await,
    );
    Tokens::read(
        &exchange(
            &server,
            &client,
            &code,
            &rsa.assert(&server, &client.id, "j"),
        )
        .await,
    );
}

async fn r_o11_an_assertion_excludes_other_methods(engine: EngineKind) {
    let (server, client, signer, tokens) = connected(engine).await;
    let form = client.refresh_form(&tokens.refresh);
    let assertion = signer.assert(&server, &client.id, "j");
    let whole = with_assertion(form.clone(), &assertion);
    server
        .post("/token", &whole.clone().and("client_secret", "s"))
        .await
        .refused(400, "invalid_request");
    let headed = request(Method::POST, "/token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::AUTHORIZATION, basic(&client.id, "s"));
    server
        .send(headed.body(whole.encode().into()).expect("a request"))
        .await
        .refused(400, "invalid_request");
    server
        .post("/token", &whole.clone().and("client_assertion", &assertion))
        .await
        .refused(400, "invalid_request");
    server
        .post("/token", &whole.clone().without("client_assertion_type"))
        .await
        .refused(400, "invalid_request");
    server
        .post("/token", &whole.clone().without("client_assertion"))
        .await
        .refused(400, "invalid_request");
    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    denied(
        &server
            .post("/token", &whole.clone().set("client_assertion_type", saml))
            .await,
    );
    denied(
        &server
            .post("/token", &whole.clone().set("client_id", "vc_another"))
            .await,
    );
    Tokens::read(&server.post("/token", &whole).await);
}

async fn a_client_authenticates_only_by_its_registered_method(engine: EngineKind) {
    let (server, client, signer, tokens) = connected(engine).await;
    let form = client.refresh_form(&tokens.refresh);
    denied(&server.post("/token", &form).await);
    denied(
        &server
            .post("/token", &form.clone().and("client_secret", "s"))
            .await,
    );
    let mut browser = Browser::of_alice(&server).await;
    for other in [
        McpClient::native(&server).await,
        McpClient::confidential(&server).await,
    ] {
        let tokens = other.connect(&mut browser).await;
        let form = other.refresh_form(&tokens.refresh).without("client_secret");
        denied(&post(&server, form, &signer.assert(&server, &other.id, "j")).await);
        Tokens::read(&other.refresh(&tokens.refresh).await);
    }
    let unknown = client
        .refresh_form(&tokens.refresh)
        .set("client_id", "vc_unknown");
    denied(&post(&server, unknown, &signer.assert(&server, "vc_unknown", "j")).await);
    Tokens::read(&post(&server, form, &signer.assert(&server, &client.id, "j")).await);
}

async fn a_store_failure_is_503_and_consumes_nothing(engine: EngineKind) {
    let (server, client, signer, tokens) = connected(engine).await;
    let assertion = signer.assert(&server, &client.id, "j");
    for fault in [
        testkit::FaultSwitch::break_all,
        testkit::FaultSwitch::break_writes,
    ] {
        fault(&server.switch);
        let answer = post(&server, client.refresh_form(&tokens.refresh), &assertion).await;
        answer.refused(503, "temporarily_unavailable");
        assert!(answer.header(header::RETRY_AFTER).is_some());
        server.switch.mend();
    }
    Tokens::read(&post(&server, client.refresh_form(&tokens.refresh), &assertion).await);
    // A lost answer of the store is resolved: the assertion counts once, and is not treated as a
    // replay.
    let assertion = signer.assert(&server, &client.id, "lost");
    server.switch.lose_write_answers();
    Tokens::read(&post(&server, client.refresh_form(&tokens.refresh), &assertion).await);
    denied(&post(&server, client.refresh_form(&tokens.refresh), &assertion).await);
    server.switch.mend();
    denied(&post(&server, client.refresh_form(&tokens.refresh), &assertion).await);
    Tokens::read(
        &post(
            &server,
            client.refresh_form(&tokens.refresh),
            &signer.assert(&server, &client.id, "again"),
        )
        .await,
    );
}

async fn an_assertion_takes_one_more_write(engine: EngineKind) {
    let (server, client, signer, tokens) = connected(engine).await;
    let assertion = signer.assert(&server, &client.id, "a");
    let (calls, answer) = server
        .counting(post(
            &server,
            client.refresh_form(&tokens.refresh),
            &assertion,
        ))
        .await;
    assert_eq!(calls, 3, "a read, the assertion, the grant");
    let tokens = Tokens::read(&answer);
    let assertion = signer.assert(&server, &client.id, "b");
    let (waits, answer) = server
        .waits(post(
            &server,
            client.refresh_form(&tokens.refresh),
            &assertion,
        ))
        .await;
    Tokens::read(&answer);
    assert_eq!(waits, 3);
}

/// A client with these registered keys.
async fn with_keys(server: &TestServer, signers: &[&Signer]) -> McpClient {
    let metadata = json!({
        "client_name": "Keyed notes",
        "redirect_uris": ["https://keyed.example/callback"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": key_set(signers),
    });
    let client = McpClient::registered(server, &metadata).await;
    assert_eq!(client.secret, None, "a key is its secret");
    client
}

/// A client with an Ed25519 key and tokens.
async fn connected(engine: EngineKind) -> (TestServer, McpClient, Signer, Tokens) {
    let server = TestServer::of_alice(engine).await;
    let signer = Signer::ed25519("o");
    let client = with_keys(&server, &[&signer]).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let tokens = Tokens::read(
        &exchange(
            &server,
            &client,
            &code,
            &signer.assert(&server, &client.id, "first"),
        )
        .await,
    );
    (server, client, signer, tokens)
}

async fn exchange(
    server: &TestServer,
    client: &McpClient,
    code: &str,
    assertion: &str,
) -> TestResponse {
    post(server, client.code_form(code), assertion).await
}

async fn post(server: &TestServer, form: Query, assertion: &str) -> TestResponse {
    server
        .post("/token", &with_assertion(form, assertion))
        .await
}

/// Expects `invalid_client` without a challenge, since no header was used (R-O12).
fn denied(answer: &TestResponse) -> Value {
    let body = answer.refused(401, "invalid_client");
    assert_eq!(answer.header(header::WWW_AUTHENTICATE), None, "{answer:?}");
    body
}

async fn t_e37_expensive_keys_are_refused(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| settings.rate_limits = false).await;
    let rsa = |bytes: usize, e: &[u8]| {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "RSA", "n": encode(&vec![0xFF; bytes]), "e": encode(e) })
    };
    let expensive = [
        rsa(1024, &[0xFF; 4]),
        rsa(1024, &[1, 0, 1]),
        rsa(513, &[3]),
        rsa(256, &[0xFF; 4]),
        rsa(256, &[17]),
    ];
    for key in &expensive {
        let answer = register(
            &server,
            [203, 0, 113, 7].into(),
            with_jwks(std::slice::from_ref(key)),
        )
        .await;
        answer.refused(400, "invalid_client_metadata");
    }
    // Together with a valid key, they are ignored.
    let keys: Vec<Value> = expensive
        .iter()
        .cloned()
        .chain([Signer::ed25519("o").jwk()])
        .collect();
    let answer = register(&server, [203, 0, 113, 7].into(), with_jwks(&keys)).await;
    assert_eq!(
        answer.json()["jwks"],
        json!({ "keys": [Signer::ed25519("o").jwk()] }),
        "{answer:?}"
    );
}

async fn t_e37_stored_expensive_keys_of_earlier_releases_do_not_verify(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let signer = Signer::rsa("r");
    let client = with_keys(&server, &[&signer]).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    server
        .tamper(
            &format!("client:{}", client.id),
            "\"e\":\"AQAB\"",
            "\"e\":\"_____w\"",
        )
        .await;
    denied(
        &exchange(
            &server,
            &client,
            &code,
            &signer.assert(&server, &client.id, "old"),
        )
        .await,
    );
    assert_eq!(
        server
            .provider
            .terminal()
            .clients()
            .list()
            .await
            .expect("the store answers")
            .len(),
        1
    );
}

async fn t_e37_invalid_assertions_are_rate_limited(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let signer = Signer::rsa("r");
    let client = with_keys(&server, &[&signer]).await;
    let ask = async |assertion: String| {
        post(&server, client.refresh_form("vrt_nonsense"), &assertion).await
    };
    let forged = |number: usize| {
        let (one, other) = (
            signer.assert(&server, &client.id, &number.to_string()),
            signer.assert(&server, &client.id, "other"),
        );
        let claims = one.rsplit_once('.').expect("a JWT").0;
        let signature = other.rsplit_once('.').expect("a JWT").1;
        format!("{claims}.{signature}")
    };
    for number in 0..10 {
        // A valid signature without a grant also counts: every client can register a key.
        let answer = ask(if number % 2 == 0 {
            signer.assert(&server, &client.id, &number.to_string())
        } else {
            forged(number)
        })
        .await;
        assert!([400, 401].contains(&answer.status.as_u16()), "{answer:?}");
    }
    let (calls, answer) = server
        .counting(ask(signer.assert(&server, &client.id, "11")))
        .await;
    answer.refused(429, "temporarily_unavailable");
    assert_eq!(answer.header(header::RETRY_AFTER), Some("60"));
    assert!(
        calls <= 3,
        "one read of the client, and the failure record: {calls}"
    );
    server.pass(60);
    assert!(
        [400, 401].contains(
            &ask(signer.assert(&server, &client.id, "12"))
                .await
                .status
                .as_u16()
        )
    );
}

async fn t_e37_invalid_assertions_of_others_do_not_lock_a_client_out(engine: EngineKind) {
    let (server, client, signer, tokens) = connected(engine).await;
    let other_key = Signer::p256("r");
    for number in 0..20 {
        let assertion = other_key.assert(&server, &client.id, &number.to_string());
        post(&server, client.refresh_form("vrt_nonsense"), &assertion).await;
    }
    let answer = post(
        &server,
        client.refresh_form("vrt_nonsense"),
        &other_key.assert(&server, &client.id, "x"),
    )
    .await;
    answer.refused(429, "temporarily_unavailable");
    Tokens::read(
        &post(
            &server,
            client.refresh_form(&tokens.refresh),
            &signer.assert(&server, &client.id, "own"),
        )
        .await,
    );
}

fn with_jwks(keys: &[Value]) -> Value {
    json!({
        "redirect_uris": ["https://app.example/callback"], "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": keys },
    })
}

//! The keys of clients with a `jwks_uri`: rotation, outages, and invalid key sets (R-K15; T-C21,
//! T-C26, T-E37).

use std::{sync::Arc, time::Duration};

use http::header;
use serde_json::{Value, json};
use testkit::{
    EngineKind, Reply, Site, on_both_engines, race,
    routed::{
        Browser, McpClient, Signer, TestResponse, TestServer, Tokens, claims, key_set,
        with_assertion,
    },
};
use tokio::{sync::Semaphore, time::sleep};

on_both_engines!(
    r_k15_keys_are_fetched_once_while_they_are_fresh,
    r_k15_an_unknown_key_is_fetched_once_a_minute,
    r_k15_a_withdrawn_key_is_valid_until_its_key_set_is_stale,
    while_the_host_does_not_answer_known_keys_work_and_unknown_ones_are_503,
    keys_without_a_successful_fetch_expire_after_a_day,
    an_outage_is_never_invalid_client_and_consumes_nothing,
    t_e37_an_invalid_key_set_is_an_error_of_the_client,
    t_e37_keys_are_never_fetched_from_a_private_address,
    concurrent_requests_cause_one_fetch,
    r_k15_a_client_whose_document_lists_both_methods_may_use_either,
    t_e37_no_key_is_fetched_for_an_invalid_assertion,
    t_e37_requests_without_a_grant_cause_limited_fetches,
    r_k15_keys_in_a_document_may_change_while_it_is_fresh,
);

/// The number of concurrent requests: few enough that all have started before a fetch times out.
const MANY: usize = 16;
const KEYS: &str = "https://keyed.example/keys.json";
const DOCUMENT: &str = "https://keyed.example/client.json";
const CALLBACK: &str = "https://keyed.example/callback";
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A server, a web server with one key that is fresh for ten minutes, and a client with its URL.
struct KeyClient {
    server: TestServer,
    site: Site,
    client: McpClient,
    signer: Signer,
    tokens: Tokens,
}

impl KeyClient {
    async fn begin(engine: EngineKind) -> Self {
        let signer = Signer::ed25519("first");
        let (server, site) = server_and_site(engine, &signer).await;
        let client = McpClient::registered(&server, &metadata(KEYS)).await;
        let code = Browser::of_alice(&server).await.allow(&client).await;
        let form = with_assertion(
            client.code_form(&code),
            &signer.assert(&server, &client.id, "begin"),
        );
        let tokens = Tokens::read(&server.post("/token", &form).await);
        Self {
            server,
            site,
            client,
            signer,
            tokens,
        }
    }

    /// Refreshes with an assertion of this key, and stores the new refresh token.
    async fn refresh(&mut self, signer: &Signer, jti: &str) -> TestResponse {
        let assertion = signer.assert(&self.server, &self.client.id, jti);
        let answer = self
            .server
            .post(
                "/token",
                &with_assertion(self.client.refresh_form(&self.tokens.refresh), &assertion),
            )
            .await;
        if answer.status == 200 {
            self.tokens = Tokens::read(&answer);
        }
        answer
    }

    fn fetches(&self) -> usize {
        self.site.requests(KEYS)
    }
}

async fn r_k15_keys_are_fetched_once_while_they_are_fresh(engine: EngineKind) {
    let mut story = KeyClient::begin(engine).await;
    let signer = story.signer.clone();
    for (number, seconds) in [0, MINUTE, 9 * MINUTE - 1].into_iter().enumerate() {
        story.server.pass(seconds);
        story
            .refresh(&signer, &format!("fresh {number}"))
            .await
            .granted();
    }
    assert_eq!(story.fetches(), 1);
    story.server.pass(1);
    story.refresh(&signer, "stale").await.granted();
    assert_eq!(story.fetches(), 2);
    // Another server of the store uses the same copy.
    let twin = story.server.twin().await;
    let form = story.client.refresh_form(&story.tokens.refresh);
    Tokens::read(
        &twin
            .post(
                "/token",
                &with_assertion(form, &signer.assert(&twin, &story.client.id, "twin")),
            )
            .await,
    );
    assert_eq!(story.fetches(), 2);
}

async fn r_k15_an_unknown_key_is_fetched_once_a_minute(engine: EngineKind) {
    let mut story = KeyClient::begin(engine).await;
    let (first, second) = (story.signer.clone(), Signer::p256("second"));
    story.site.put(KEYS, set(&[&first, &second]));
    story.server.pass(MINUTE - 1);
    for number in 0..3 {
        denied(&story.refresh(&second, &format!("too soon {number}")).await);
    }
    assert_eq!(story.fetches(), 1);
    story.server.pass(1);
    story.refresh(&second, "new").await.granted();
    story.refresh(&first, "old").await.granted();
    assert_eq!(story.fetches(), 2);
    // An unpublished key does not cause more fetches.
    let other_key = Signer::ed25519("other");
    for (seconds, fetches) in [(0, 2), (MINUTE, 3), (0, 3), (MINUTE - 1, 3), (1, 4)] {
        story.server.pass(seconds);
        denied(&story.refresh(&other_key, "x").await);
        assert_eq!(story.fetches(), fetches);
    }
    // A known key id with a wrong signature causes no fetch.
    story.server.pass(MINUTE);
    denied(&story.refresh(&Signer::p256("second"), "x").await);
    assert_eq!(story.fetches(), 4);
}

async fn r_k15_a_withdrawn_key_is_valid_until_its_key_set_is_stale(engine: EngineKind) {
    let mut story = KeyClient::begin(engine).await;
    let (first, second) = (story.signer.clone(), Signer::rsa("second"));
    story.site.put(KEYS, set(&[&second]));
    story.server.pass(10 * MINUTE - 1);
    story.refresh(&first, "still fresh").await.granted();
    story.server.pass(1);
    denied(&story.refresh(&first, "withdrawn").await);
    story.refresh(&second, "in its place").await.granted();
}

async fn while_the_host_does_not_answer_known_keys_work_and_unknown_ones_are_503(
    engine: EngineKind,
) {
    let mut story = KeyClient::begin(engine).await;
    let (first, second) = (story.signer.clone(), Signer::p256("second"));
    for (number, fault) in [
        Reply::new("503 Service Unavailable", ""),
        Reply::new("404 Not Found", ""),
    ]
    .into_iter()
    .enumerate()
    {
        story.site.put(KEYS, fault);
        story.server.pass(HOUR);
        let fetches = story.fetches();
        for jti in ["a", "b", "c"] {
            story
                .refresh(&first, &format!("{jti}{number}"))
                .await
                .granted();
        }
        assert_eq!(story.fetches(), fetches + 1, "one failure a minute");
    }
    story.site.set_up(false);
    story.server.pass(MINUTE);
    story.refresh(&first, "down").await.granted();
    for jti in ["new", "and again"] {
        unavailable(&story.refresh(&second, jti).await);
    }
    story.site.set_up(true);
    story.site.put(KEYS, set(&[&second]));
    story.server.pass(MINUTE);
    story.refresh(&second, "new").await.granted();
    denied(&story.refresh(&first, "withdrawn").await);
}

async fn keys_without_a_successful_fetch_expire_after_a_day(engine: EngineKind) {
    let mut story = KeyClient::begin(engine).await;
    let signer = story.signer.clone();
    story.site.set_up(false);
    story.server.pass(10 * MINUTE + DAY - 1);
    story.refresh(&signer, "on the eve").await.granted();
    story.server.pass(1);
    unavailable(&story.refresh(&signer, "on the day").await);
    story.site.set_up(true);
    story.refresh(&signer, "back").await.granted();
}

async fn an_outage_is_never_invalid_client_and_consumes_nothing(engine: EngineKind) {
    let signer = Signer::ed25519("first");
    let (server, site) = server_and_site(engine, &signer).await;
    let client = McpClient::registered(&server, &metadata(KEYS)).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = with_assertion(
        client.code_form(&code),
        &signer.assert(&server, &client.id, "j"),
    );
    site.set_up(false);
    unavailable(&server.post("/token", &form).await);
    site.set_up(true);
    for status in ["500 Internal Server Error", "429 Too Many Requests"] {
        site.put(KEYS, Reply::new(status, ""));
        unavailable(&server.post("/token", &form).await);
    }
    site.put(KEYS, set(&[&signer]));
    server.switch.break_writes();
    unavailable(&server.post("/token", &form).await);
    server.switch.mend();
    Tokens::read(&server.post("/token", &form).await);
}

async fn t_e37_an_invalid_key_set_is_an_error_of_the_client(engine: EngineKind) {
    let signer = Signer::ed25519("first");
    let (server, site) = server_and_site(engine, &signer).await;
    let client = McpClient::registered(&server, &metadata(KEYS)).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let form = with_assertion(
        client.code_form(&code),
        &signer.assert(&server, &client.id, "j"),
    );
    let mut private = signer.jwk();
    private["d"] = json!("AAAA");
    let none = "it has no RSA key of 2048 to 4096 bits with the exponent 3 or 65537, no P-256 key and no Ed25519 key for signatures";
    for (reply, why) in [
        (Reply::new("404 Not Found", ""), "HTTP 404"),
        (
            Reply::new("302 Found", "").with("location", "https://keyed.example/other.json"),
            "HTTP 302",
        ),
        (
            Reply::new("200 OK", "{}").with("content-type", "text/html"),
            "the content type is not application/json",
        ),
        (Reply::json("{"), "the response is not JSON"),
        (Reply::json("[]"), "it is not an object with a list of keys"),
        (Reply::json(r#"{"keys":[]}"#), none),
        (
            Reply::json(&json!({ "keys": vec![signer.jwk(); 21] }).to_string()),
            "it has more than 20 keys",
        ),
        (
            Reply::json(&format!("{}{}", key_set(&[&signer]), " ".repeat(64 * 1024))),
            "the response is too large",
        ),
        (
            Reply::json(&json!({ "keys": [signer.jwk(), private] }).to_string()),
            "it contains a private or shared key; create a new key and publish only its public part",
        ),
    ] {
        site.put(KEYS, reply);
        let refused = denied(&server.post("/token", &form).await);
        assert_eq!(
            refused["error_description"],
            format!("The client's key set cannot be used: {why}.")
        );
    }
    assert_eq!(site.requests("https://keyed.example/other.json"), 0);
    // None of these was stored, and the content type may be that of a key set (RFC 7517 section
    // 8.5).
    site.put(
        KEYS,
        Reply::new("200 OK", key_set(&[&signer]).to_string())
            .with("content-type", "application/jwk-set+json"),
    );
    Tokens::read(&server.post("/token", &form).await);
}

async fn t_e37_keys_are_never_fetched_from_a_private_address(engine: EngineKind) {
    let signer = Signer::ed25519("first");
    // A public server: no loopback address, by any name and in any spelling.
    let (_, site) = server_and_site(engine, &signer).await;
    let (store, _redis) = engine.open().await;
    let settings = TestServer::empty(EngineKind::Memory)
        .await
        .provider
        .settings()
        .clone();
    let server = TestServer::in_the_web(store, settings, Some(site.web())).await;
    server.add_alice().await;
    let mut browser = Browser::of_alice(&server).await;
    let port = site.address().port();
    for address in [
        KEYS.to_owned(),
        format!("https://127.0.0.1:{port}/keys.json"),
        format!("https://[::ffff:127.0.0.1]:{port}/keys.json"),
    ] {
        let client = McpClient::registered(&server, &metadata(&address)).await;
        let code = browser.allow(&client).await;
        let form = with_assertion(
            client.code_form(&code),
            &signer.assert(&server, &client.id, "j"),
        );
        let refused = denied(&server.post("/token", &form).await);
        assert_eq!(
            refused["error_description"],
            "The client's key set cannot be used: its host has no public address.",
            "{address}"
        );
    }
    assert_eq!(site.requests(KEYS), 0);
    assert_eq!(site.most_at_once(), 0);
}

async fn concurrent_requests_cause_one_fetch(engine: EngineKind) {
    let signer = Signer::ed25519("first");
    let (server, site) = server_and_site(engine, &signer).await;
    let gate = Arc::new(Semaphore::new(0));
    site.put(KEYS, set(&[&signer]).behind(&gate));
    let client = McpClient::registered(&server, &metadata(KEYS)).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    server.provider.finish_background_tasks().await;
    let before = server.switch.calls();
    let racing = race(MANY, |number| {
        let form = with_assertion(
            client.code_form(&code),
            &signer.assert(&server, &client.id, &format!("{number}")),
        );
        let server = server.clone();
        async move { server.post("/token", &form).await }
    });
    // All requests have read client, grant and account at once, and the key set, and wait for the
    // one fetch, which was counted.
    let opening = async {
        while server.switch.calls() < before + u64::try_from(2 * MANY + 1).expect("a small number")
        {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_millis(200)).await;
        gate.add_permits(MANY);
    };
    let (waiting, ()) = tokio::join!(racing, opening);
    assert!(
        waiting
            .iter()
            .all(|answer| [200, 400].contains(&answer.status.as_u16())),
        "all were authenticated"
    );
    assert_eq!(site.requests(KEYS), 1);
}

async fn t_e37_no_key_is_fetched_for_an_invalid_assertion(engine: EngineKind) {
    let signer = Signer::ed25519("first");
    let (server, site) = server_and_site(engine, &signer).await;
    let client = McpClient::registered(&server, &metadata(KEYS)).await;
    for (member, value) in [
        ("aud", json!("https://other.example")),
        ("exp", json!(1)),
        ("jti", json!("")),
    ] {
        let mut claims = claims(&server, &client.id, "j");
        claims[member] = value;
        let form = with_assertion(
            client.refresh_form("vrt_nonsense"),
            &signer.sign(&signer.header(), &claims),
        );
        denied(&server.post("/token", &form).await);
    }
    assert_eq!(site.requests(KEYS), 0);
}

async fn t_e37_requests_without_a_grant_cause_limited_fetches(engine: EngineKind) {
    let signer = Signer::ed25519("first");
    let (server, site) = server_and_site(engine, &signer).await;
    // Nothing is stored that would prevent the next fetch.
    site.put(KEYS, Reply::new("404 Not Found", ""));
    let client = McpClient::registered(&server, &metadata(KEYS)).await;
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let assertion = signer.assert(&server, &client.id, "j");
    for number in 0..5 {
        denied(
            &server
                .post(
                    "/token",
                    &with_assertion(client.refresh_form("vrt_nonsense"), &assertion),
                )
                .await,
        );
        let form = with_assertion(client.refresh_form("x").set("token", "x"), &assertion);
        denied(&server.post("/revoke", &form).await);
        assert_eq!(site.requests(KEYS), 2 * (number + 1));
    }
    for path in ["/token", "/revoke"] {
        let form = with_assertion(
            client.refresh_form("vrt_nonsense").set("token", "x"),
            &assertion,
        );
        let answer = server.post(path, &form).await;
        answer.refused(429, "temporarily_unavailable");
        assert!(answer.header(header::RETRY_AFTER).is_some());
    }
    assert_eq!(site.requests(KEYS), 10);
    // Requests with a grant are not affected.
    site.put(KEYS, set(&[&signer]));
    Tokens::read(
        &server
            .post(
                "/token",
                &with_assertion(client.code_form(&code), &assertion),
            )
            .await,
    );
}

async fn r_k15_a_client_whose_document_lists_both_methods_may_use_either(engine: EngineKind) {
    let signer = Signer::rsa("chat");
    let (server, site) = server_and_site(engine, &signer).await;
    // Like ChatGPT's document.
    let document = json!({
        "client_id": DOCUMENT, "client_name": "Chat", "redirect_uris": [CALLBACK], "jwks_uri": KEYS,
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
    });
    site.put(DOCUMENT, Reply::json(&document.to_string()));
    let client = McpClient::known(&server, DOCUMENT, None, CALLBACK);
    let mut browser = Browser::of_alice(&server).await;
    let code = browser.allow(&client).await;
    let forged = Signer::p256("chat").assert(&server, DOCUMENT, "j");
    denied(
        &server
            .post("/token", &with_assertion(client.code_form(&code), &forged))
            .await,
    );
    denied(
        &server
            .post("/token", &client.code_form(&code).and("client_secret", "s"))
            .await,
    );
    let form = with_assertion(
        client.code_form(&code),
        &signer.assert(&server, DOCUMENT, "j"),
    );
    let tokens = Tokens::read(&server.post("/token", &form).await);
    let tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    denied(
        &server
            .post(
                "/token",
                &with_assertion(
                    client.refresh_form(&tokens.refresh),
                    &signer.assert(&server, DOCUMENT, "j"),
                ),
            )
            .await,
    );
    // A document that lists only `private_key_jwt` requires it.
    let mut strict = document.clone();
    strict["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]);
    site.put(DOCUMENT, Reply::json(&strict.to_string()));
    server.pass(2 * HOUR);
    let code = browser.allow(&client).await;
    denied(&server.post("/token", &client.code_form(&code)).await);
    let form = with_assertion(
        client.code_form(&code),
        &signer.assert(&server, DOCUMENT, "strict"),
    );
    Tokens::read(&server.post("/token", &form).await);
}

async fn r_k15_keys_in_a_document_may_change_while_it_is_fresh(engine: EngineKind) {
    let (first, second) = (Signer::ed25519("first"), Signer::ed25519("second"));
    let (server, site) = server_and_site(engine, &first).await;
    let document = |signer: &Signer| {
        let document = json!({
            "client_id": DOCUMENT, "client_name": "Chat", "redirect_uris": [CALLBACK], "jwks": key_set(&[signer]),
            "token_endpoint_auth_method": "private_key_jwt",
        });
        Reply::json(&document.to_string())
    };
    site.put(DOCUMENT, document(&first));
    let client = McpClient::known(&server, DOCUMENT, None, CALLBACK);
    let mut browser = Browser::of_alice(&server).await;
    let form = |code: &str| {
        with_assertion(
            client.code_form(code),
            &second.assert(&server, DOCUMENT, "j"),
        )
    };
    let code = browser.allow(&client).await;
    site.put(DOCUMENT, document(&second));
    // Not on every request, and a host that does not answer is a temporary error.
    server.pass(MINUTE - 1);
    denied(&server.post("/token", &form(&code)).await);
    assert_eq!(site.requests(DOCUMENT), 1);
    server.pass(1);
    let code = browser.allow(&client).await;
    site.set_up(false);
    unavailable(&server.post("/token", &form(&code)).await);
    site.set_up(true);
    Tokens::read(&server.post("/token", &form(&code)).await);
    assert_eq!(site.requests(DOCUMENT), 2);
}

async fn server_and_site(engine: EngineKind, signer: &Signer) -> (TestServer, Site) {
    let site = Site::open(&["keyed.example"]).await;
    site.put(KEYS, set(&[signer]));
    (
        TestServer::on_this_computer(engine, site.web(), |_| {}).await,
        site,
    )
}

fn metadata(address: &str) -> Value {
    json!({
        "client_name": "Keyed notes",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": address,
    })
}

fn set(signers: &[&Signer]) -> Reply {
    Reply::json(&key_set(signers).to_string()).with("cache-control", "max-age=600")
}

fn denied(answer: &TestResponse) -> Value {
    answer.refused(401, "invalid_client")
}

/// Expects 503 with `Retry-After`, and no error about the client's tokens.
fn unavailable(answer: &TestResponse) {
    answer.refused(503, "temporarily_unavailable");
    assert!(answer.header(header::RETRY_AFTER).is_some());
}

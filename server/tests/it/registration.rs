//! Dynamic client registration (RFC 7591, R-A3; T-A3, T-A6, T-E38).

use std::net::IpAddr;

use http::{Method, header};
use serde_json::{Value, json};
use testkit::{
    CALLBACK, EngineKind, Reply, Site, TestClock, native_metadata, on_both_engines,
    routed::{ISSUER, TestResponse, TestServer, from, register, request},
};

on_both_engines!(
    a_registration_returns_the_effective_metadata_without_null,
    a_confidential_client_gets_a_secret_once,
    absent_members_get_the_defaults_of_rfc_7591,
    what_real_clients_send_is_accepted,
    unsupported_grant_types_are_dropped,
    t_a3_a6_unsafe_redirect_uris_are_refused,
    t_a6_script_uris_are_never_stored,
    invalid_metadata_is_refused_with_the_member,
    twenty_an_hour_from_one_address,
    t_e38_the_limit_counts_64_concurrent_requests_and_ipv6_by_prefix,
    a_limit_of_zero_disables_it,
    rate_limits_can_be_switched_off,
    a_closed_registration_is_not_advertised_and_refuses,
    ids_and_secrets_are_unique_and_need_no_escaping,
    a_registration_takes_8_kb_at_most_and_is_stored_once,
    a_registration_of_an_earlier_release_is_read_and_managed,
    the_bytes_stored_for_one_address_are_limited,
    concurrent_registrations_are_counted_by_size,
    documents_count_once_against_the_limit_of_bytes,
);

const ADDRESS: [u8; 4] = [203, 0, 113, 9];

async fn a_registration_returns_the_effective_metadata_without_null(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let mut metadata = native_metadata();
    metadata["client_uri"] = json!("https://notebook.example/");
    metadata["logo_uri"] = Value::Null;
    metadata["tos_uri"] = json!("");
    metadata["scope"] = json!("");
    metadata["software_id"] = json!("4NRB1-0XZABZI9E6-5SM3R");
    metadata["software_statement"] = json!("x");
    metadata["something_new"] = json!({ "deep": [1, 2, null] });
    let answer = post(&server, &metadata).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(
        answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
        Some("*")
    );
    let mut body = answer.json();
    let id = body["client_id"].take();
    let token = body["registration_access_token"].take();
    let address = body["registration_client_uri"].take();
    assert!(
        token
            .as_str()
            .is_some_and(|token| token.starts_with("vrat_")),
        "{token}"
    );
    assert_eq!(
        address,
        format!("{ISSUER}/register/{}", id.as_str().unwrap_or_default())
    );
    assert!(
        id.as_str()
            .is_some_and(|id| !id.starts_with("http") && !id.is_empty()),
        "{id}"
    );
    assert_eq!(
        body,
        json!({
            "client_id": null,
            "registration_access_token": null,
            "registration_client_uri": null,
            "client_id_issued_at": TestClock::START,
            "client_name": "Notebook",
            "client_uri": "https://notebook.example/",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        })
    );
    assert!(!answer.body.contains("null"), "{}", answer.body);
}

async fn a_confidential_client_gets_a_secret_once(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for method in ["client_secret_basic", "client_secret_post"] {
        let metadata = json!({ "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": method });
        let body = registered(&server, &metadata).await;
        assert_eq!(body["token_endpoint_auth_method"], method);
        assert_eq!(body["client_secret_expires_at"], 0);
        assert!(
            body["client_secret"]
                .as_str()
                .is_some_and(|secret| secret.len() >= 43),
            "{body}"
        );
    }
}

async fn absent_members_get_the_defaults_of_rfc_7591(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let body = registered(
        &server,
        &json!({ "redirect_uris": ["https://app.example/cb"] }),
    )
    .await;
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(body["response_types"], json!(["code"]));
    assert!(
        body["grant_types"]
            .as_array()
            .is_some_and(|types| types.contains(&json!("authorization_code")))
    );
    assert!(body.get("client_name").is_none() && body.get("application_type").is_none());
    // requirements 7.5: without application_type, http loopback URIs are accepted.
    let native = json!({ "redirect_uris": ["http://localhost/callback"], "token_endpoint_auth_method": "none" });
    registered(&server, &native).await;
}

async fn what_real_clients_send_is_accepted(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for uris in [
        json!([
            "https://claude.ai/api/mcp/auth_callback",
            "https://claude.com/api/mcp/auth_callback"
        ]),
        json!(["http://localhost/callback", "http://127.0.0.1/callback"]),
        json!([
            "https://insiders.vscode.dev/redirect",
            "https://vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/"
        ]),
        json!([
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ]),
        json!(["http://[::1]:6274/oauth/callback"]),
        json!(["com.example.app:/oauth"]),
    ] {
        let body = registered(
            &server,
            &json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none" }),
        )
        .await;
        assert_eq!(body["redirect_uris"], uris);
    }
}

async fn unsupported_grant_types_are_dropped(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let mut metadata = native_metadata();
    metadata["grant_types"] = json!([
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
        "implicit"
    ]);
    assert_eq!(
        registered(&server, &metadata).await["grant_types"],
        json!(["authorization_code", "refresh_token"])
    );
    metadata["grant_types"] = json!(["urn:ietf:params:oauth:grant-type:device_code"]);
    post(&server, &metadata)
        .await
        .refused(400, "invalid_client_metadata");
}

async fn t_a3_a6_unsafe_redirect_uris_are_refused(engine: EngineKind) {
    let server = unlimited(engine).await;
    for bad in [
        "http://app.example/cb",
        "http://localhost.evil.example/cb",
        "http://localhost@evil.example/cb",
        "http://127.0.0.2/cb",
        "http://127.1/cb",
        "http://2130706433/cb",
        "http://0x7f000001/cb",
        "http://0177.0.0.1/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "https://app.example/cb#fragment",
        "https://app.example/cb#",
        "https://user@app.example/cb",
        "https://u:p@app.example/cb",
        "https://app.example/callback/../evil",
        "https://app.example/callback/..%2Fevil",
        "https://app.example/callback%252f..",
        "https://app.example/..;/evil",
        "https://app.example/%2e%2e/evil",
        "https://app.example\\@evil.example/",
        "https:app.example",
        "https:///evil.example",
        "//evil.example/cb",
        "///evil.example",
        "/\t/evil.example",
        "\\/evil.example",
        "/callback",
        "callback",
        "",
        "https://*.app.example/cb",
        "https://app.example/cb?code=mine",
        "https://app.example/cb?state=x",
        "https://app.example/cb?iss=x",
        "https://APP.example/cb",
        "https://\u{430}pp.example/cb",
        "https://app.example/ cb",
        "https://app.example/\ncb",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "\u{1}javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "about:blank",
        "blob:https://app.example/x",
        "ws://app.example",
        "unknown:/x",
    ] {
        let mut metadata = native_metadata();
        metadata["redirect_uris"] = json!([bad]);
        let answer = post(&server, &metadata).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (400, &json!("invalid_redirect_uri")),
            "{bad:?}"
        );
        // Together with a safe one it is dropped, and the response lists the rest.
        metadata["redirect_uris"] = json!([bad, CALLBACK]);
        let kept = post(&server, &metadata).await;
        assert_eq!(
            (kept.status.as_u16(), &kept.json()["redirect_uris"]),
            (201, &json!([CALLBACK])),
            "{bad:?}"
        );
    }
    for none in [json!([]), Value::Null, json!(vec![CALLBACK; 21])] {
        let mut metadata = native_metadata();
        metadata["redirect_uris"] = none;
        post(&server, &metadata)
            .await
            .refused(400, "invalid_redirect_uri");
    }
}

async fn t_a6_script_uris_are_never_stored(engine: EngineKind) {
    let server = unlimited(engine).await;
    for member in ["client_uri", "logo_uri", "policy_uri", "tos_uri"] {
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            "\u{1}javascript:x",
            "data:text/html,x",
            "vbscript:x",
            "x",
            "file:///x",
        ] {
            let mut metadata = native_metadata();
            metadata[member] = json!(bad);
            let answer = post(&server, &metadata).await;
            assert_eq!(
                (answer.status.as_u16(), answer.json().get(member)),
                (201, None),
                "{member} {bad:?}"
            );
            let id = answer.json()["client_id"]
                .as_str()
                .expect("an id")
                .to_owned();
            let record = server.record(&format!("client:{id}")).await;
            assert!(
                !record.contains(member) && !record.to_lowercase().contains("script"),
                "{record}"
            );
        }
    }
}

async fn invalid_metadata_is_refused_with_the_member(engine: EngineKind) {
    let server = unlimited(engine).await;
    for body in [
        "",
        "null",
        "[]",
        "\"x\"",
        "{",
        "{\"redirect_uris\": \"https://app.example/cb\"}",
        "{\"client_name\": 1}",
        "\u{0}",
    ] {
        let answer = register(&server, ADDRESS.into(), body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            ["invalid_client_metadata", "invalid_redirect_uri"]
                .contains(&answer.json()["error"].as_str().expect("a code"))
        );
    }
    let mut metadata = native_metadata();
    metadata["token_endpoint_auth_method"] = json!("client_secret_jwt");
    post(&server, &metadata)
        .await
        .refused(400, "invalid_client_metadata");
    let form = request(Method::POST, "/register")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = server
        .send(form.body("redirect_uris=x".into()).expect("a request"))
        .await;
    answer.refused(400, "invalid_client_metadata");
    let large = json!({ "redirect_uris": [CALLBACK], "x": "x".repeat(65 * 1024) });
    assert_eq!(post(&server, &large).await.status, 413);
    let get = server.get("/register").await;
    assert_eq!(
        (get.status.as_u16(), get.header(header::ALLOW)),
        (405, Some("POST"))
    );
}

async fn twenty_an_hour_from_one_address(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    server.pass(600);
    for _ in 0..20 {
        registered(&server, &native_metadata()).await;
    }
    let answer = post(&server, &native_metadata()).await;
    answer.refused(429, "temporarily_unavailable");
    assert_eq!(answer.header(header::RETRY_AFTER), Some("3000"));
    assert_eq!(
        answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
        Some("*")
    );
    // Other addresses are not affected, and the limit ends after an hour.
    assert_eq!(
        register(&server, [203, 0, 113, 10].into(), native_metadata())
            .await
            .status,
        201
    );
    server.pass(2999);
    assert_eq!(
        post(&server, &native_metadata())
            .await
            .header(header::RETRY_AFTER),
        Some("1")
    );
    server.pass(1);
    registered(&server, &native_metadata()).await;
}

async fn t_e38_the_limit_counts_64_concurrent_requests_and_ipv6_by_prefix(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let register_from = async |address: String| {
        let address: IpAddr = address.parse().expect("an address");
        let request = from(address, Method::POST, "/register")
            .header(header::CONTENT_TYPE, "application/json");
        server
            .send(
                request
                    .body(native_metadata().to_string().into())
                    .expect("a request"),
            )
            .await
            .status
            .as_u16()
    };
    let all = futures_util::future::join_all(
        (0..64).map(|number| register_from(format!("2001:db8:1:2::{number:x}"))),
    )
    .await;
    assert_eq!(
        all.iter().filter(|status| **status == 201).count(),
        20,
        "{all:?}"
    );
    assert_eq!(
        all.iter().filter(|status| **status == 429).count(),
        44,
        "{all:?}"
    );
    assert_eq!(register_from("2001:db8:1:2:ffff::1".to_owned()).await, 429);
    assert_eq!(register_from("2001:db8:1:3::1".to_owned()).await, 201);
}

async fn a_limit_of_zero_disables_it(engine: EngineKind) {
    let server =
        TestServer::with(engine, |settings| settings.registration.limit_per_hour = 0).await;
    for _ in 0..30 {
        registered(&server, &native_metadata()).await;
    }
}

async fn rate_limits_can_be_switched_off(engine: EngineKind) {
    let server = unlimited(engine).await;
    for _ in 0..30 {
        registered(&server, &native_metadata()).await;
    }
}

async fn a_closed_registration_is_not_advertised_and_refuses(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| settings.registration.open = false).await;
    let metadata = server
        .get("/.well-known/oauth-authorization-server")
        .await
        .granted();
    assert_eq!(metadata["issuer"], ISSUER);
    assert!(
        metadata.get("registration_endpoint").is_none(),
        "{metadata}"
    );
    let answer = post(&server, &native_metadata()).await;
    assert!([403, 404].contains(&answer.status.as_u16()), "{answer:?}");
    assert!(
        server
            .provider
            .terminal()
            .clients()
            .list()
            .await
            .expect("the store answers")
            .is_empty()
    );
}

async fn ids_and_secrets_are_unique_and_need_no_escaping(engine: EngineKind) {
    let server = unlimited(engine).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let body = registered(
            &server,
            &json!({ "redirect_uris": ["https://app.example/cb"] }),
        )
        .await;
        for name in ["client_id", "client_secret"] {
            let text = body[name].as_str().expect("text").to_owned();
            assert!(
                text.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte)),
                "{text}"
            );
            assert!(seen.insert(text));
        }
    }
}

async fn unlimited(engine: EngineKind) -> TestServer {
    TestServer::with(engine, |settings| settings.rate_limits = false).await
}

async fn post(server: &TestServer, metadata: &Value) -> TestResponse {
    register(server, ADDRESS.into(), metadata).await
}

async fn registered(server: &TestServer, metadata: &Value) -> Value {
    let answer = post(server, metadata).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// A registration with a redirect URI of this many bytes; the rest of the record has some hundred.
fn of_size(bytes: usize) -> Value {
    let mut metadata = native_metadata();
    let uris =
        (0..bytes / 1000).map(|number| format!("https://app.example/{number}{}", "x".repeat(970)));
    metadata["redirect_uris"] = uris.collect();
    metadata
}

async fn a_registration_takes_8_kb_at_most_and_is_stored_once(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let mut metadata = of_size(7000);
    metadata["client_uri"] = json!("https://app.example/about");
    let body = registered(&server, &metadata).await;
    let record = server
        .record(&format!(
            "client:{}",
            body["client_id"].as_str().expect("an id")
        ))
        .await;
    assert!(record.len() <= 8192, "{}", record.len());
    for once in [
        "https://app.example/0",
        "https://app.example/about",
        "Notebook",
    ] {
        assert_eq!(record.matches(once).count(), 1, "{once} in {record}");
    }
    let answer = post(&server, &of_size(9000)).await;
    let refused = answer.refused(400, "invalid_client_metadata");
    assert!(
        refused["error_description"]
            .as_str()
            .is_some_and(|text| text.contains("8 KB")),
        "{refused}"
    );
    // An update has the same limit, and changes nothing when it exceeds it.
    let id = body["client_id"].as_str().expect("an id");
    let token = body["registration_access_token"].as_str().expect("a token");
    let mut large = of_size(9000);
    large["client_id"] = json!(id);
    managed(&server, Method::PUT, id, token, &large)
        .await
        .refused(400, "invalid_client_metadata");
    assert_eq!(server.record(&format!("client:{id}")).await, record);
    assert_eq!(
        managed(&server, Method::GET, id, token, &Value::Null)
            .await
            .json()["redirect_uris"],
        metadata["redirect_uris"]
    );
}

async fn a_registration_of_an_earlier_release_is_read_and_managed(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let mut metadata = native_metadata();
    metadata["client_uri"] = json!("https://notebook.example/");
    let body = registered(&server, &metadata).await;
    let id = body["client_id"].as_str().expect("an id");
    let token = body["registration_access_token"].as_str().expect("a token");
    // The earlier release repeated the client's members there.
    let before = format!(
        "\"metadata\":{{\"redirect_uris\":[\"{CALLBACK}\"],\"grant_types\":[\"authorization_code\",\"refresh_token\"],\
         \"response_types\":[\"code\"],\"client_name\":\"Notebook\","
    );
    server
        .tamper(&format!("client:{id}"), "\"metadata\":{", &before)
        .await;
    let read = managed(&server, Method::GET, id, token, &Value::Null).await;
    let mut expected = body.clone();
    expected["registration_access_token"] = json!(token);
    assert_eq!(read.json(), expected);
    metadata["client_id"] = json!(id);
    metadata["client_name"] = json!("Another");
    assert_eq!(
        managed(&server, Method::PUT, id, token, &metadata)
            .await
            .json()["client_name"],
        "Another"
    );
}

async fn managed(
    server: &TestServer,
    method: Method,
    id: &str,
    token: &str,
    body: &Value,
) -> TestResponse {
    let request = request(method, &format!("/register/{id}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json");
    server
        .send(request.body(body.to_string().into()).expect("a request"))
        .await
}

async fn the_bytes_stored_for_one_address_are_limited(engine: EngineKind) {
    // Two an hour are 96 KB a day, of which sixteen hours are left.
    let server =
        TestServer::with(engine, |settings| settings.registration.limit_per_hour = 2).await;
    let mut stored = 0;
    let mut others = 0;
    for _ in 0..16 {
        for _ in 0..2 {
            let answer = post(&server, &of_size(7000)).await;
            if answer.status != 201 {
                assert_eq!(
                    register(&server, [203, 0, 113, 10].into(), native_metadata())
                        .await
                        .status,
                    201,
                    "other addresses are not affected"
                );
                others += 1;
                answer.refused(429, "temporarily_unavailable");
                assert!(
                    answer
                        .header(header::RETRY_AFTER)
                        .is_some_and(|wait| wait.parse::<u64>().is_ok_and(|wait| wait > 0))
                );
                continue;
            }
            stored += 1;
        }
        server.pass(3600);
    }
    assert!((12..=14).contains(&stored), "{stored}");
    assert_eq!(
        server
            .provider
            .terminal()
            .clients()
            .list()
            .await
            .expect("the store answers")
            .len(),
        stored + others
    );
    assert_eq!(
        post(&server, &of_size(7000)).await.status,
        201,
        "the limit ends after a day"
    );
}

async fn concurrent_registrations_are_counted_by_size(engine: EngineKind) {
    let server =
        TestServer::with(engine, |settings| settings.registration.limit_per_hour = 20).await;
    let metadata = of_size(7000);
    for _ in 0..6 {
        futures_util::future::join_all((0..20).map(|_| post(&server, &metadata))).await;
        server.pass(3600);
    }
    let answers = futures_util::future::join_all((0..20).map(|_| post(&server, &metadata))).await;
    let stored = 6 * 20 + answers.iter().filter(|answer| answer.status == 201).count();
    assert!((120..=140).contains(&stored), "{stored}");
    let twin = server.twin().await;
    server.pass(3600);
    assert_eq!(
        post(&twin, &of_size(7000)).await.status,
        429,
        "on all servers together"
    );
}

async fn documents_count_once_against_the_limit_of_bytes(engine: EngineKind) {
    let site = Site::open(&["app.example"]).await;
    let server = TestServer::on_this_computer(engine, site.web(), |_| {}).await;
    let id = |number: usize| format!("https://app.example/{number}.json");
    let asks = async |number: usize| {
        let uri = format!("https://app.example/{}", "x".repeat(1900));
        let document = json!({ "client_id": id(number), "client_name": "App", "redirect_uris": [uri, format!("{uri}y")] });
        site.put(
            &id(number),
            Reply::json(&document.to_string()).with("cache-control", "max-age=60"),
        );
        let query = format!(
            "client_id={}&redirect_uri={uri}&response_type=code",
            id(number)
        );
        server.get(&format!("/authorize?{query}")).await
    };
    // Repeated fetches of the same document store nothing more.
    for _ in 0..300 {
        assert_ne!(asks(0).await.status, 429);
        server.pass(60);
    }
    let mut stored = 0;
    for number in 1..400 {
        match asks(number).await.status.as_u16() {
            429 => break,
            _ => stored += 1,
        }
        server.pass(60);
    }
    assert!(
        (230..=270).contains(&stored),
        "a megabyte of 4 KB each: {stored}"
    );
    assert_ne!(asks(0).await.status, 429, "what is stored goes on");
}

//! A client manages its own registration (RFC 7592, T-E41).

use http::{Method, header};
use serde_json::{Value, json};
use testkit::{
    EngineKind, FaultSwitch, native_metadata, on_both_engines,
    routed::{Browser, ISSUER, McpClient, TestResponse, TestServer, Tokens, register, request},
};

on_both_engines!(
    a_client_reads_what_it_registered,
    an_update_replaces_everything_but_the_identity,
    an_update_obeys_the_rules_of_a_registration,
    a_client_secret_follows_the_authentication_method,
    deleting_a_registration_revokes_its_grants,
    t_e41_only_its_own_token_manages_a_registration,
    t_e41_the_token_is_stored_as_a_digest_and_shown_to_its_client_only,
    an_added_client_is_managed_by_administrators_only,
    a_removed_redirect_uri_is_no_longer_valid,
    a_store_failure_is_503_and_changes_nothing,
    requirement_7_9_scripts_of_any_origin_may_manage_too,
    t_e37_an_update_counts_as_a_registration,
);

async fn a_client_reads_what_it_registered(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let registered = register(&server, [203, 0, 113, 9].into(), native_metadata()).await;
    let answer = manage(&server, Method::GET, &registered.json(), None).await;
    assert_eq!(answer.granted(), registered.json());
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    // The secret was shown once.
    let mut registered = register(
        &server,
        [203, 0, 113, 9].into(),
        json!({ "redirect_uris": ["https://app.example/cb"] }),
    )
    .await
    .json();
    let read = manage(&server, Method::GET, &registered, None)
        .await
        .granted();
    let members = registered.as_object_mut().expect("an object");
    assert!(
        members.remove("client_secret").is_some()
            && members.remove("client_secret_expires_at").is_some()
    );
    assert_eq!(read, registered);
}

async fn an_update_replaces_everything_but_the_identity(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let registered = registered(&server, &native_metadata()).await;
    let client = client(&server, &registered);
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    let update = json!({
        "client_id": registered["client_id"], "redirect_uris": ["https://new.example/cb"], "token_endpoint_auth_method": "none",
        "client_uri": "https://new.example"
    });
    let answer = manage(&server, Method::PUT, &registered, Some(&update))
        .await
        .granted();
    let expected = json!({
        "client_id": registered["client_id"], "client_id_issued_at": registered["client_id_issued_at"],
        "registration_access_token": registered["registration_access_token"],
        "registration_client_uri": registered["registration_client_uri"],
        "redirect_uris": ["https://new.example/cb"], "token_endpoint_auth_method": "none", "client_uri": "https://new.example",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    assert_eq!(answer, expected, "the name is gone, and the token stays");
    // The response can be sent back as an update.
    assert_eq!(
        manage(&server, Method::GET, &registered, None)
            .await
            .granted(),
        expected
    );
    assert_eq!(
        manage(&server, Method::PUT, &registered, Some(&answer))
            .await
            .granted(),
        expected
    );
    Tokens::read(&client.refresh(&tokens.refresh).await);
    let listed = server
        .provider
        .terminal()
        .clients()
        .list()
        .await
        .expect("the store answers");
    assert_eq!(
        (listed.len(), listed[0].redirect_uris.as_slice()),
        (1, &["https://new.example/cb".to_owned()][..])
    );
}

async fn an_update_obeys_the_rules_of_a_registration(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let registered = registered(&server, &native_metadata()).await;
    let other = self::registered(&server, &native_metadata()).await;
    let with = |member: &str, value: Value| {
        let mut update = native_metadata();
        update["client_id"] = registered["client_id"].clone();
        update[member] = value;
        update
    };
    for (update, code) in [
        (native_metadata(), "invalid_client_metadata"),
        (
            with("client_id", other["client_id"].clone()),
            "invalid_client_metadata",
        ),
        (with("client_id", json!("")), "invalid_client_metadata"),
        (
            with("redirect_uris", json!(["http://evil.example/cb"])),
            "invalid_redirect_uri",
        ),
        (with("redirect_uris", Value::Null), "invalid_redirect_uri"),
        (
            with("grant_types", json!(["client_credentials"])),
            "invalid_client_metadata",
        ),
        (
            with("client_secret", json!("vcs_mine")),
            "invalid_client_metadata",
        ),
        (json!([]), "invalid_client_metadata"),
    ] {
        manage(&server, Method::PUT, &registered, Some(&update))
            .await
            .refused(400, code);
    }
    let form = authorized(Method::PUT, &registered)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    server
        .send(form.body("client_id=x".into()).expect("a request"))
        .await
        .refused(400, "invalid_client_metadata");
    assert_eq!(
        manage(&server, Method::GET, &registered, None)
            .await
            .granted(),
        registered
    );
}

async fn a_client_secret_follows_the_authentication_method(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let metadata = json!({ "redirect_uris": ["https://app.example/cb"] });
    let registered = registered(&server, &metadata).await;
    let other = self::registered(&server, &metadata).await;
    let client = client(&server, &registered);
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    let update = async |change: Value| {
        let mut update = metadata.clone();
        update["client_id"] = registered["client_id"].clone();
        update
            .as_object_mut()
            .expect("an object")
            .extend(change.as_object().expect("an object").clone());
        manage(&server, Method::PUT, &registered, Some(&update)).await
    };
    // Another secret is refused; its own may be repeated.
    for secret in [&other["client_secret"], &json!("mine")] {
        update(json!({ "client_secret": secret }))
            .await
            .refused(400, "invalid_client_metadata");
    }
    let repeated =
        update(json!({ "client_secret": registered["client_secret"], "client_name": "Same" }))
            .await
            .granted();
    assert!(repeated.get("client_secret").is_none(), "{repeated}");
    let tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    // A public client loses its secret, and gets a new one when it needs one again.
    let public = update(json!({ "token_endpoint_auth_method": "none" }))
        .await
        .granted();
    assert!(public.get("client_secret").is_none(), "{public}");
    let bare = client
        .refresh_form(&tokens.refresh)
        .without("client_secret");
    let tokens = Tokens::read(&server.post("/token", &bare).await);
    client
        .refresh(&tokens.refresh)
        .await
        .refused(401, "invalid_client");
    let secret = update(json!({})).await.granted()["client_secret"].clone();
    assert!(
        secret.is_string() && secret != registered["client_secret"],
        "{secret}"
    );
    let form = client
        .refresh_form(&tokens.refresh)
        .set("client_secret", secret.as_str().expect("text"));
    Tokens::read(&server.post("/token", &form).await);
}

async fn deleting_a_registration_revokes_its_grants(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let twin = server.twin().await;
    let registered = registered(&server, &native_metadata()).await;
    let client = client(&server, &registered);
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    let consent = browser.consent_page(&client).await.form("Allow");
    let answer = manage(&server, Method::DELETE, &registered, None).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
    for server in [&server, &twin] {
        let client = client.at(server);
        client
            .refresh(&tokens.refresh)
            .await
            .refused(401, "invalid_client");
        client.exchange(&code).await.refused(401, "invalid_client");
        client
            .me(&tokens.access)
            .await
            .refused(401, "invalid_token");
        browser.get(&client.authorize_path()).await.problem(400);
        refused(&manage(server, Method::GET, &registered, None).await);
        refused(&manage(server, Method::DELETE, &registered, None).await);
    }
    assert_ne!(browser.submit(&consent, "Allow").await.status, 500);
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

async fn t_e41_only_its_own_token_manages_a_registration(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let registered = registered(&server, &native_metadata()).await;
    let other = self::registered(&server, &native_metadata()).await;
    let secretive = self::registered(
        &server,
        &json!({ "redirect_uris": ["https://app.example/cb"] }),
    )
    .await;
    let tokens = client(&server, &registered)
        .connect(&mut Browser::of_alice(&server).await)
        .await;
    let path = path(&registered);
    let own = registered["registration_access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let mut update = native_metadata();
    update["client_id"] = registered["client_id"].clone();
    for authorization in [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Basic {own}")),
        Some(own.clone()),
        Some(format!("Bearer {}", &own[..own.len() - 1])),
        Some(format!(
            "Bearer {}",
            other["registration_access_token"]
                .as_str()
                .expect("a token")
        )),
        Some(format!(
            "Bearer {}",
            secretive["client_secret"].as_str().expect("a secret")
        )),
        Some(format!("Bearer {}", tokens.access)),
        Some(format!("Bearer {}", tokens.refresh)),
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let mut request =
                request(method, &path).header(header::CONTENT_TYPE, "application/json");
            if let Some(authorization) = &authorization {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            refused(
                &server
                    .send(request.body(update.to_string().into()).expect("a request"))
                    .await,
            );
        }
    }
    // Its own token gives access to no other client, existing or not.
    for id in [
        other["client_id"].as_str().expect("an id"),
        "vc_unknown",
        "%ff",
        "..%2f",
        "https%3A%2F%2Fapp.example%2Fclient.json",
    ] {
        let request = request(Method::DELETE, &format!("/register/{id}"))
            .header(header::AUTHORIZATION, format!("Bearer {own}"));
        refused(
            &server
                .send(request.body("".into()).expect("a request"))
                .await,
        );
    }
    assert_eq!(
        server
            .provider
            .terminal()
            .clients()
            .list()
            .await
            .expect("the store answers")
            .len(),
        3
    );
    let token_in_query = server.get(&format!("{path}?access_token={own}")).await;
    refused(&token_in_query);
}

async fn t_e41_the_token_is_stored_as_a_digest_and_shown_to_its_client_only(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let registered = registered(&server, &native_metadata()).await;
    let token = registered["registration_access_token"]
        .as_str()
        .expect("a token");
    assert!(
        token.len() > 43
            && token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte)),
        "{token}"
    );
    assert_eq!(
        registered["registration_client_uri"],
        format!("{ISSUER}{}", path(&registered))
    );
    let record = server
        .record(&format!(
            "client:{}",
            registered["client_id"].as_str().expect("an id")
        ))
        .await;
    assert!(
        !record.contains(token) && !record.contains(&token["vrat_".len()..]),
        "{record}"
    );
    let listed = format!(
        "{:?}",
        server
            .provider
            .terminal()
            .clients()
            .list()
            .await
            .expect("the store answers")
    );
    assert!(!listed.contains(token), "{listed}");
}

async fn an_added_client_is_managed_by_administrators_only(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let added = server
        .provider
        .terminal()
        .clients()
        .add_client("Agent", &["https://agent.example/cb".to_owned()], true)
        .await
        .expect("added");
    for token in [added.client_secret.as_deref().expect("a secret"), "x"] {
        let as_if = json!({ "client_id": added.client_id, "registration_access_token": token });
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            refused(&manage(&server, method, &as_if, Some(&native_metadata())).await);
        }
    }
}

async fn a_removed_redirect_uri_is_no_longer_valid(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut metadata = native_metadata();
    metadata["redirect_uris"] = json!(["https://one.example/cb", "https://two.example/cb"]);
    let registered = registered(&server, &metadata).await;
    let client = client(&server, &registered);
    let mut browser = Browser::of_alice(&server).await;
    let consent = browser.consent_page(&client).await.form("Allow");
    metadata["client_id"] = registered["client_id"].clone();
    metadata["redirect_uris"] = json!(["https://two.example/cb"]);
    manage(&server, Method::PUT, &registered, Some(&metadata))
        .await
        .granted();
    browser.get(&client.authorize_path()).await.problem(400);
    // A pending request for that URI cannot be completed.
    let answer = browser.submit(&consent, "Allow").await;
    let leads_there = answer
        .header(header::LOCATION)
        .is_some_and(|to| to.starts_with("https://one.example"));
    assert!(!leads_there, "{answer:?}");
}

async fn a_store_failure_is_503_and_changes_nothing(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let registered = registered(&server, &native_metadata()).await;
    let mut update = native_metadata();
    update["client_id"] = registered["client_id"].clone();
    update["client_name"] = json!("Another");
    for (fault, methods) in [
        (
            FaultSwitch::break_all as fn(&FaultSwitch),
            &[Method::GET, Method::PUT, Method::DELETE][..],
        ),
        (FaultSwitch::break_writes, &[Method::PUT, Method::DELETE]),
    ] {
        for method in methods {
            fault(&server.switch);
            manage(&server, method.clone(), &registered, Some(&update))
                .await
                .refused(503, "temporarily_unavailable");
            server.switch.mend();
            assert_eq!(
                manage(&server, Method::GET, &registered, None)
                    .await
                    .granted(),
                registered
            );
        }
    }
}

/// Each update may name another URL from which this server fetches keys.
async fn t_e37_an_update_counts_as_a_registration(engine: EngineKind) {
    let server =
        TestServer::with(engine, |settings| settings.registration.limit_per_hour = 3).await;
    let registered = registered(&server, &native_metadata()).await;
    let mut update = native_metadata();
    update["client_id"] = registered["client_id"].clone();
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(
            manage(&server, Method::PUT, &registered, Some(&update))
                .await
                .status
                .as_u16(),
        );
    }
    assert_eq!(answers, [200, 200, 200, 429]);
    // Reading and deleting do not count, and the limit ends after an hour.
    manage(&server, Method::GET, &registered, None)
        .await
        .granted();
    server.pass(3600);
    manage(&server, Method::PUT, &registered, Some(&update))
        .await
        .granted();
}

async fn requirement_7_9_scripts_of_any_origin_may_manage_too(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let registered = registered(&server, &native_metadata()).await;
    let preflight = request(Method::OPTIONS, &path(&registered))
        .header(header::ORIGIN, "https://inspector.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "DELETE")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
    let answer = server
        .send(preflight.body("".into()).expect("a request"))
        .await;
    assert_eq!(answer.status, 204);
    let methods = answer
        .header(header::ACCESS_CONTROL_ALLOW_METHODS)
        .unwrap_or_default();
    assert!(
        methods.contains("PUT") && methods.contains("DELETE"),
        "{methods}"
    );
    for answer in [
        server.get(&path(&registered)).await,
        manage(&server, Method::DELETE, &registered, None).await,
    ] {
        assert_eq!(
            answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            Some("*"),
            "{answer:?}"
        );
        assert_eq!(
            answer.header(header::CACHE_CONTROL),
            Some("no-store"),
            "{answer:?}"
        );
    }
    let post = server
        .post(&path(&registered), &testkit::Query::default())
        .await;
    assert_eq!(post.status, 405);
    let allowed = post.header(header::ALLOW).unwrap_or_default();
    assert!(
        ["GET", "PUT", "DELETE"]
            .iter()
            .all(|method| allowed.contains(method)),
        "{allowed}"
    );
}

async fn registered(server: &TestServer, metadata: &Value) -> Value {
    let answer = register(server, [203, 0, 113, 9].into(), metadata).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn client(server: &TestServer, registered: &Value) -> McpClient {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let secret = registered["client_secret"].as_str().map(str::to_owned);
    McpClient::known(
        server,
        &text(&registered["client_id"]),
        secret,
        &text(&registered["redirect_uris"][0]),
    )
}

fn path(registered: &Value) -> String {
    format!(
        "/register/{}",
        registered["client_id"].as_str().expect("an id")
    )
}

fn authorized(method: Method, registered: &Value) -> http::request::Builder {
    let token = registered["registration_access_token"]
        .as_str()
        .expect("a token");
    request(method, &path(registered)).header(header::AUTHORIZATION, format!("Bearer {token}"))
}

async fn manage(
    server: &TestServer,
    method: Method,
    registered: &Value,
    body: Option<&Value>,
) -> TestResponse {
    let request = authorized(method, registered).header(header::CONTENT_TYPE, "application/json");
    let body = body.map(Value::to_string).unwrap_or_default();
    server
        .send(request.body(body.into()).expect("a request"))
        .await
}

fn refused(answer: &TestResponse) {
    answer.refused(401, "invalid_token");
    let challenge = answer.header(header::WWW_AUTHENTICATE).unwrap_or_default();
    assert!(
        challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""),
        "{challenge}"
    );
}

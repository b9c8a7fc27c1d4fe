//! The page of failed requests: requested and registered values, the fix, and the request id.

use std::net::Ipv4Addr;

use http::{Method, header};
use serde_json::json;
use testkit::{
    EngineKind, Reply, Site, native_metadata, on_both_engines,
    routed::{ALICE, Browser, McpClient, PASSWORD, TestServer, from, register},
};

const ELSEWHERE: &str = "https://agent.example/Callback";
const REGISTERED: &str = "https://agent.example/callback";

on_both_engines!(
    a_wrong_redirect_uri_is_shown_and_can_be_added,
    only_a_recently_signed_in_administrator_can_add_a_redirect_uri,
    the_request_id_of_an_error_page_finds_the_failure,
    requested_values_are_shown_beside_configured_ones,
    recent_failures_come_first_and_unknown_clients_last,
    kinds_of_failures_are_distinguished,
    an_unavailable_document_is_shown_with_its_status,
    records_of_the_previous_release_are_shown,
);

/// A client that an administrator added, with an unregistered redirect URI.
async fn agent(server: &TestServer) -> McpClient {
    let added = server
        .provider
        .terminal()
        .clients()
        .add_client("Agent", &[REGISTERED.to_owned()], false)
        .await
        .expect("added");
    McpClient::known(server, &added.client_id, None, REGISTERED)
}

async fn a_wrong_redirect_uri_is_shown_and_can_be_added(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let client = agent(&server)
        .await
        .asking(|query| query.set("redirect_uri", ELSEWHERE));
    assert_eq!(alice.get(&client.authorize_path()).await.status, 400);
    let page = alice.open("/admin/failures").await;
    for told in [
        "Agent requested a redirect URI that is not registered for it.",
        ELSEWHERE,
        REGISTERED,
        "Add this redirect URI",
    ] {
        assert!(page.words().contains(told), "{told}: {}", page.words());
    }
    assert!(
        page.tags().any(|tag| tag == "mark"),
        "the difference is marked"
    );

    let button = format!("Add {ELSEWHERE}");
    let added = alice.submit(&page.form(&button), &button).await;
    let page = alice.follow(&added).await.document();
    assert!(
        page.words()
            .contains(&format!("Redirect URI {ELSEWHERE} added")),
        "{}",
        page.words()
    );
    assert!(
        !page.words().contains("Add this redirect URI"),
        "it is registered"
    );
    assert_eq!(alice.get(&client.authorize_path()).await.status, 303);
    let trail = alice.open("/admin/audit").await.words();
    assert!(
        trail.contains(&format!(
            "{ALICE} added the redirect URI {ELSEWHERE} to Agent"
        )),
        "{trail}"
    );

    // A client that registered itself manages its own redirect URIs.
    let own = McpClient::native(&server)
        .await
        .asking(|query| query.set("redirect_uri", ELSEWHERE));
    alice.get(&own.authorize_path()).await;
    assert!(
        !alice
            .open("/admin/failures")
            .await
            .words()
            .contains("Add this redirect URI")
    );
}

async fn only_a_recently_signed_in_administrator_can_add_a_redirect_uri(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    server
        .provider
        .terminal()
        .accounts()
        .add_account("bob@example.com", Some(PASSWORD))
        .await
        .expect("Bob");
    let mut alice = Browser::of_alice(&server).await;
    let client = agent(&server)
        .await
        .asking(|query| query.set("redirect_uri", ELSEWHERE));
    alice.get(&client.authorize_path()).await;
    let button = format!("Add {ELSEWHERE}");
    let form = alice.open("/admin/failures").await.form(&button);
    let is_refused = async || {
        Browser::new(&server)
            .get(&client.authorize_path())
            .await
            .status
            == 400
    };

    let mut bob = Browser::new(&server);
    bob.sign_in("bob@example.com", PASSWORD).await;
    let token = bob.form_token().await;
    bob.submit(&form, &button).await;
    bob.submit(&form.clone().fill("form_token", &token), &button)
        .await;
    Browser::new(&server).submit(&form, &button).await;
    assert!(
        is_refused().await,
        "neither another user, nor with another user's form"
    );
    alice
        .submit(&form.clone().fill("form_token", ""), &button)
        .await;
    assert!(is_refused().await, "a form token is needed");
    for unsafe_uri in [
        "http://evil.example/",
        "javascript:alert(1)",
        "https://evil.example/#x",
        "",
    ] {
        alice
            .submit(&form.clone().fill("redirect_uri", unsafe_uri), &button)
            .await;
    }
    assert!(is_refused().await);
    server.pass(301);
    let answer = alice.submit(&form, &button).await;
    assert_eq!(answer.destination(), "/confirm?then=admin-failures");
    assert!(
        is_refused().await,
        "a sign-in of the last five minutes is needed"
    );
}

async fn the_request_id_of_an_error_page_finds_the_failure(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let client = agent(&server)
        .await
        .asking(|query| query.set("redirect_uri", ELSEWHERE));
    let problem = alice.get(&client.authorize_path()).await;
    let number = problem.header("x-request-id").expect("a number").to_owned();
    assert!(
        problem.problem(400).words().contains(&number),
        "the page shows it"
    );
    let refused = McpClient::known(&server, "vc_nobody", None, REGISTERED)
        .refresh("x")
        .await;
    let other = refused
        .header("x-request-id")
        .expect("a request id")
        .to_owned();
    assert_ne!(number, other);
    for (sought, found, missed) in [
        (&number, "Agent requested", "vc_nobody"),
        (&other, "vc_nobody", "Agent requested"),
    ] {
        let words = alice
            .open(&format!("/admin/failures?q={sought}"))
            .await
            .words();
        assert!(
            words.contains(found) && !words.contains(missed) && words.contains(sought.as_str()),
            "{words}"
        );
    }
    for part in [
        "agent.example/Call",
        "AGENT",
        "198.51.100.1",
        "redirect+URI",
    ] {
        assert!(
            alice
                .open(&format!("/admin/failures?q={part}"))
                .await
                .words()
                .contains("Agent requested"),
            "{part}"
        );
    }
    assert!(
        alice
            .open("/admin/failures?q=nothing-like-it")
            .await
            .words()
            .contains("No failures match “ nothing-like-it ”")
    );
}

async fn requested_values_are_shown_beside_configured_ones(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let client = McpClient::native(&server).await;
    alice
        .get(
            &client
                .asking(|query| query.set("scope", "notes:burn notes:read2"))
                .authorize_path(),
        )
        .await;
    let client = McpClient::native(&server).await;
    alice
        .get(
            &client
                .asking(|query| query.set("resource", "https://vestibule.example/mpc"))
                .authorize_path(),
        )
        .await;
    let mut odd = native_metadata();
    odd["redirect_uris"] = json!(["trams:/cb"]);
    odd["client_name"] = json!("Tram\u{202e}s");
    register(&server, Ipv4Addr::new(192, 0, 2, 9).into(), odd).await;
    let page = alice.open("/admin/failures").await;
    for told in [
        "notes:burn notes:read2",
        "notes:read",
        "notes:write",
        "https://vestibule.example/mpc",
        "https://vestibule.example/mcp",
        "trams:/cb",
        "Trams uses a redirect URI with a scheme that the configuration does not allow.",
        "cursor",
    ] {
        assert!(page.words().contains(told), "{told}: {}", page.words());
    }
}

async fn recent_failures_come_first_and_unknown_clients_last(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let client = agent(&server).await;
    client
        .exchange("of-last-week")
        .await
        .refused(400, "invalid_grant");
    server.pass(3 * 24 * 3600);
    let mut alice_later = Browser::of_alice(&server).await;
    alice
        .get(
            &client
                .asking(|query| query.set("scope", "of-today"))
                .authorize_path(),
        )
        .await;
    server.pass(60);
    for number in 0..70 {
        McpClient::known(&server, &format!("vc_made_up_{number}"), None, REGISTERED)
            .refresh("x")
            .await;
    }
    let words = alice_later.open("/admin/failures").await.words();
    let place = |text: &str| {
        words
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {words}"))
    };
    assert!(
        place("Agent requested scopes") < place("Agent sent an authorization code"),
        "{words}"
    );
    assert!(
        place("Agent sent an authorization code") < place("vc_made_up_69"),
        "{words}"
    );
    assert!(
        words.matches("vc_made_up_").count() <= 2 * 3 * 20,
        "bounded"
    );
}

async fn kinds_of_failures_are_distinguished(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| settings.registration.open = false).await;
    server.add_alice().await;
    let mut alice = Browser::of_alice(&server).await;
    let address = Ipv4Addr::new(192, 0, 2, 9).into();
    register(&server, address, native_metadata())
        .await
        .refused(403, "access_denied");
    let client = agent(&server).await;
    let send = async |path: &str, authorization: &str, body: String| {
        let request = from(address, Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        server
            .send(
                request
                    .header(header::AUTHORIZATION, authorization)
                    .body(body.into())
                    .expect("a request"),
            )
            .await
    };
    let form = format!(
        "grant_type=refresh_token&refresh_token=x&token=x&client_id={}",
        client.id
    );
    send("/token", "Bearer x", form.clone())
        .await
        .refused(401, "invalid_client");
    let told = send("/token", "", format!("{form}&client_secret=s")).await;
    assert!(told.status.is_client_error());
    let secret = server
        .post(
            "/token",
            &testkit::Query::parse(&format!("{form}&client_secret=s")),
        )
        .await;
    let told = secret.refused(401, "invalid_client");
    assert!(
        told["error_description"]
            .as_str()
            .is_some_and(|text| text.contains("public") && text.contains("secret")),
        "{told}"
    );
    send(
        "/introspect",
        "Basic aHR0cHM6Ly9hLmV4YW1wbGU6cw==",
        "token=x".to_owned(),
    )
    .await
    .refused(401, "invalid_client");
    alice.get("/consent?request=long-gone").await;
    let words = alice.open("/admin/failures").await.words();
    for told in [
        "tried to register, but registration is turned off.",
        "Agent sent malformed credentials, or credentials in more than one place.",
        "Agent is a public client, but sent a client secret.",
        "failed to authenticate for token introspection.",
        "The page to allow",
    ] {
        assert!(words.contains(told), "{told}: {words}");
    }
}

async fn an_unavailable_document_is_shown_with_its_status(engine: EngineKind) {
    let id = "https://app.example/client.json";
    let site = Site::open(&["app.example"]).await;
    site.put(id, Reply::new("503 Busy", ""));
    let server = TestServer::on_this_computer(engine, site.web(), |_| {}).await;
    let mut alice = Browser::of_alice(&server).await;
    let client = McpClient::known(&server, id, None, REGISTERED);
    alice.get(&client.authorize_path()).await;
    site.put(id, Reply::new("404 Not Found", ""));
    alice.get(&client.authorize_path()).await;
    let words = alice.open("/admin/failures").await.words();
    for told in [
        "The client metadata document or keys of",
        "HTTP 503",
        "The client metadata document of",
        "HTTP 404",
    ] {
        assert!(words.contains(told), "{told}: {words}");
    }
}

async fn records_of_the_previous_release_are_shown(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut alice = Browser::of_alice(&server).await;
    let now = server.provider.now().seconds();
    let record = format!(
        r#"[{{"client_id": "vc_old", "client_name": "Old Client", "step": "authorize", "kind": "wrong_redirect", "code": "invalid_request",
            "description": "the redirect URI is not registered", "times": 2, "first_at": {now}, "last_at": {now},
            "last_from": "192.0.2.1"}}]"#
    );
    server
        .put_back(&format!("failures:{}", now / 86400), &record)
        .await;
    let words = alice.open("/admin/failures").await.words();
    assert!(
        words.contains("Old Client requested a redirect URI") && words.contains("twice"),
        "{words}"
    );
}

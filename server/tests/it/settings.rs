//! A stricter setting applies to stored data: it is checked at each use, and not only at the first
//! request. One test for each such setting:
//!
//! | setting | what is stored under it | shown by |
//! |---|---|---|
//! | `[[resource]]` removed | grants, tokens, pending requests | `a_removed_resource_gets_and_accepts_no_tokens` |
//! | `[[resource.scope]]` removed | grants, tokens, codes, pending requests | `a_removed_scope_is_not_issued`, `a_pending_request_loses_a_removed_scope` |
//! | `introspection_secret_hash` | nothing | `introspection::introspection_requires_the_secret_of_a_resource` |
//! | `default` of a resource | nothing: a pending request names its resource | `resources::r_k6_a_missing_resource_is_chosen_by_scope_or_configuration` |
//! | `consent_lifetime` | consents | `a_shorter_consent_lifetime_applies_to_existing_consents` |
//! | `refresh_token_lifetime` | grants | `a_shorter_refresh_token_lifetime_applies_to_existing_tokens` |
//! | `refresh_replay_window` | rotated tokens | `a_shorter_replay_window_applies_to_existing_tokens` |
//! | `code_lifetime` | issued grants | `a_shorter_code_lifetime_applies_to_existing_codes` |
//! | `access_token_lifetime` | tokens that clients hold | `a_shorter_access_token_lifetime_applies_to_existing_tokens` |
//! | session lifetime (no configuration sets it) | sessions | `a_shorter_session_lifetime_applies_to_existing_sessions` |
//! | request, invitation and key lifetimes | | fixed: no configuration changes them |
//! | `registration` | clients that registered | `closed_registration_accepts_no_new_clients`; registered clients stay until an administrator removes them |
//! | `registration_limit`, `rate_limits` | counters, which do not contain a limit | `registration::a_limit_of_zero_disables_it`, `authorize::too_many_requests_from_one_network_are_429` |
//! | `client_documents` | documents and grants | `documents::t_e38_a_stricter_document_policy_applies_to_known_clients` |
//! | `private_schemes` | clients and grants | `client_expiry::t_e38_a_stricter_policy_ends_clients_that_registered_before_it`, `client_expiry::t_e38_a_stricter_policy_ends_pending_requests_and_grants` |
//! | `sign_up` | passkey ceremonies of sign-ups | `a_sign_up_that_has_begun_ends_where_the_settings_close_it` in provider/tests/it/sign_up.rs |
//! | `audit_retention` | events | `audit` in provider/tests/it |
//! | `issuer`, `server_name`, `listen`, `store`, `[redis]`, `sealing_key`, `trusted_proxies`, `site`, branding | | no effect on stored data |

use std::time::Duration;

use http::{Method, header};
use oauth::{
    Digest,
    resource::{Resource, ScopeDescription},
};
use serde_json::{Value, json};
use testkit::{
    CALLBACK, EngineKind, HtmlForm, Query, native_metadata, on_both_engines,
    routed::{Browser, MCP, McpClient, TestResponse, TestServer, Tokens, request},
};

on_both_engines!(
    a_removed_resource_gets_and_accepts_no_tokens,
    a_removed_scope_is_not_issued,
    a_pending_request_loses_a_removed_scope,
    a_shorter_consent_lifetime_applies_to_existing_consents,
    a_shorter_refresh_token_lifetime_applies_to_existing_tokens,
    a_shorter_replay_window_applies_to_existing_tokens,
    a_shorter_code_lifetime_applies_to_existing_codes,
    a_shorter_access_token_lifetime_applies_to_existing_tokens,
    a_shorter_session_lifetime_applies_to_existing_sessions,
    closed_registration_accepts_no_new_clients,
);

const SECRET: &str = "vis_the-secret-of-the-notes";
const WEB: &str = "https://app.example/callback";
const DAY: u64 = 24 * 3600;

async fn a_removed_resource_gets_and_accepts_no_tokens(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    let form = browser.consent_page(&client).await.form("Allow");
    let without = server
        .twin_with(|settings| settings.resources.clear())
        .await;
    let there = client.at(&without);
    there
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    there.exchange(&code).await.refused(400, "invalid_grant");
    there.me(&tokens.access).await.refused(401, "invalid_token");
    expect_gone(&mut browser.at(&without), &form).await;
    // Nothing is lost when the resource is configured again.
    client.me(&tokens.access).await.granted();
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn a_removed_scope_is_not_issued(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| {
        settings.resources[0].introspection_secret = Some(Digest::of(SECRET.as_bytes()));
    })
    .await;
    server.add_alice().await;
    let client = McpClient::native(&server)
        .await
        .asking(|query| query.set("scope", "notes:read notes:write offline_access"));
    let mut browser = Browser::of_alice(&server).await;
    let tokens = client.connect(&mut browser).await;
    let code = browser.allow(&client).await;
    let narrow = server
        .twin_with(|settings| without_scope(settings.resources.first_mut(), "notes:write"))
        .await;
    let there = client.at(&narrow);
    // An existing token is introspected without the scope, and refused by the resource.
    assert_eq!(
        introspect(&narrow, &tokens.access).await["scope"],
        "notes:read offline_access"
    );
    there.me(&tokens.access).await.refused(401, "invalid_token");
    assert_eq!(
        there.exchange(&code).await.granted()["scope"],
        "notes:read offline_access"
    );
    let refreshed = there.refresh(&tokens.refresh).await;
    assert_eq!(refreshed.granted()["scope"], "notes:read offline_access");
    let tokens = Tokens::read(&refreshed);
    there.me(&tokens.access).await.granted();
    let repeated = post_to(
        &narrow,
        &client
            .refresh_form(&tokens.refresh)
            .and("scope", "notes:read notes:write"),
    )
    .await;
    assert_eq!(
        repeated.granted()["scope"],
        "notes:read",
        "an unknown scope widens nothing"
    );
    let tokens = Tokens::read(&repeated);
    // The grant is unchanged: a scope that is configured again is issued again.
    let refreshed = client.refresh(&tokens.refresh).await;
    assert_eq!(
        refreshed.granted()["scope"],
        "notes:read notes:write offline_access"
    );
    let tokens = Tokens::read(&refreshed);
    // Without any remaining scope, the client needs a new consent.
    let other = server
        .twin_with(|settings| {
            settings.resources[0].scopes = vec![ScopeDescription {
                name: "notes:list".to_owned(),
                sentence: "List".to_owned(),
                default: true,
            }];
        })
        .await;
    let there = client.at(&other);
    there
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    there
        .exchange(&browser.allow(&client).await)
        .await
        .refused(400, "invalid_grant");
    assert_eq!(
        introspect(&other, &tokens.access).await,
        json!({ "active": false })
    );
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn a_pending_request_loses_a_removed_scope(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let both = McpClient::native(&server)
        .await
        .asking(|query| query.set("scope", "notes:read notes:write"));
    let mut browser = Browser::of_alice(&server).await;
    let form = browser.consent_page(&both).await.form("Allow");
    let narrow = server
        .twin_with(|settings| without_scope(settings.resources.first_mut(), "notes:write"))
        .await;
    let mut there = browser.at(&narrow);
    let answer = there.submit(&form, "Allow").await;
    let code = testkit::routed::Callback::read(answer.destination())
        .query
        .one("code")
        .expect("a code")
        .to_owned();
    assert_eq!(
        both.exchange(&code).await.granted()["scope"],
        "notes:read",
        "the person allowed no more"
    );
    let one = both.asking(|query| query.set("scope", "notes:write"));
    let form = browser.consent_page(&one).await.form("Allow");
    expect_gone(&mut there, &form).await;
}

/// Expects a redirect to a page that says that there is nothing to decide.
async fn expect_gone(browser: &mut Browser, form: &HtmlForm) {
    let answer = browser.submit(form, "Allow").await;
    browser.follow(&answer).await.problem(400);
}

async fn a_shorter_consent_lifetime_applies_to_existing_consents(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let metadata = json!({ "redirect_uris": [WEB], "token_endpoint_auth_method": "none" });
    let client = McpClient::registered(&server, &metadata).await;
    let mut browser = Browser::of_alice(&server).await;
    client.connect(&mut browser).await;
    let silent = client.asking(|query| query.set("prompt", "none"));
    assert!(browser.pass(&silent).await.query.one("code").is_some());
    for (days, pass, asks) in [(0, 0, true), (7, 7 * DAY - 1, false), (7, 1, true)] {
        server.pass(pass);
        let strict = server
            .twin_with(|settings| settings.lifetimes.consent = Duration::from_secs(days * DAY))
            .await;
        let callback = browser.at(&strict).pass(&silent).await;
        let expected = asks.then_some("consent_required");
        assert_eq!(callback.query.one("error"), expected, "{days} days");
    }
    assert!(
        browser.pass(&silent).await.query.one("code").is_some(),
        "by the setting of before it stands"
    );
}

async fn a_shorter_refresh_token_lifetime_applies_to_existing_tokens(engine: EngineKind) {
    let (server, client, tokens) = McpClient::connected(engine).await;
    server.pass(DAY);
    let tokens = Tokens::read(&client.refresh(&tokens.refresh).await);
    let strict = server
        .twin_with(|settings| settings.lifetimes.refresh_token = Duration::from_secs(7 * DAY))
        .await;
    server.pass(7 * DAY);
    client
        .at(&strict)
        .refresh(&tokens.refresh)
        .await
        .refused(400, "invalid_grant");
    let mut browser = Browser::of_alice(&strict).await;
    server.pass(3600);
    assert!(
        !browser
            .open("/account")
            .await
            .words()
            .contains("Notebook on"),
        "it is no longer connected"
    );
    Tokens::read(&client.refresh(&tokens.refresh).await);
}

async fn a_shorter_replay_window_applies_to_existing_tokens(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let first = client.connect(&mut Browser::of_alice(&server).await).await;
    let second = Tokens::read(&client.refresh(&first.refresh).await);
    assert_eq!(
        Tokens::read(&client.refresh(&first.refresh).await).refresh,
        second.refresh
    );
    let strict = server
        .twin_with(|settings| settings.lifetimes.refresh_replay_window = Duration::ZERO)
        .await;
    client
        .at(&strict)
        .refresh(&first.refresh)
        .await
        .refused(400, "invalid_grant");
    client
        .refresh(&second.refresh)
        .await
        .refused(400, "invalid_grant");
}

async fn a_shorter_code_lifetime_applies_to_existing_codes(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let codes = [browser.allow(&client).await, browser.allow(&client).await];
    let strict = server
        .twin_with(|settings| settings.lifetimes.code = Duration::from_secs(10))
        .await;
    server.pass(9);
    Tokens::read(&client.at(&strict).exchange(&codes[0]).await);
    server.pass(1);
    client
        .at(&strict)
        .exchange(&codes[1])
        .await
        .refused(400, "invalid_grant");
    Tokens::read(&client.exchange(&codes[1]).await);
}

async fn a_shorter_access_token_lifetime_applies_to_existing_tokens(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| {
        settings.resources[0].introspection_secret = Some(Digest::of(SECRET.as_bytes()));
    })
    .await;
    server.add_alice().await;
    let client = McpClient::native(&server).await;
    let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
    let strict = server
        .twin_with(|settings| settings.lifetimes.access_token = Duration::from_mins(5))
        .await;
    let there = client.at(&strict);
    server.pass(299);
    there.me(&tokens.access).await.granted();
    let told = introspect(&strict, &tokens.access).await;
    assert_eq!(
        told["exp"].as_u64(),
        told["iat"].as_u64().map(|iat| iat + 300)
    );
    server.pass(1);
    there.me(&tokens.access).await.refused(401, "invalid_token");
    assert_eq!(
        there.call(&tokens.access, "whoami", json!({})).await.status,
        401
    );
    assert_eq!(
        introspect(&strict, &tokens.access).await,
        json!({ "active": false })
    );
    client.me(&tokens.access).await.granted();
}

async fn a_shorter_session_lifetime_applies_to_existing_sessions(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let mut browser = Browser::of_alice(&server).await;
    let strict = server
        .twin_with(|settings| settings.lifetimes.session = Duration::from_hours(1))
        .await;
    server.pass(3599);
    browser.at(&strict).open("/account").await;
    server.pass(1);
    assert!(
        browser
            .at(&strict)
            .get("/account")
            .await
            .destination()
            .starts_with("/login")
    );
    browser.open("/account").await;
}

async fn closed_registration_accepts_no_new_clients(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let registered = testkit::routed::register(&server, [192, 0, 2, 1].into(), native_metadata())
        .await
        .json();
    let client = McpClient::known(
        &server,
        registered["client_id"].as_str().expect("an id"),
        None,
        CALLBACK,
    );
    let closed = server
        .twin_with(|settings| settings.registration.open = false)
        .await;
    testkit::routed::register(&closed, [192, 0, 2, 1].into(), native_metadata())
        .await
        .refused(403, "access_denied");
    let mut update = native_metadata();
    update["client_id"] = registered["client_id"].clone();
    manage(&closed, Method::PUT, &registered, &update.to_string())
        .await
        .refused(403, "access_denied");
    // A registered client stays, and may read and delete its registration.
    client
        .at(&closed)
        .connect(&mut Browser::of_alice(&closed).await)
        .await;
    manage(&closed, Method::GET, &registered, "")
        .await
        .granted();
    assert_eq!(
        manage(&closed, Method::DELETE, &registered, "")
            .await
            .status,
        204
    );
}

fn without_scope(resource: Option<&mut Resource>, name: &str) {
    resource
        .expect("a resource")
        .scopes
        .retain(|scope| scope.name != name);
}

async fn post_to(server: &TestServer, form: &Query) -> TestResponse {
    server.post("/token", form).await
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

async fn manage(
    server: &TestServer,
    method: Method,
    registered: &Value,
    body: &str,
) -> TestResponse {
    let token = registered["registration_access_token"]
        .as_str()
        .expect("a token");
    let path = format!(
        "/register/{}",
        registered["client_id"].as_str().expect("an id")
    );
    let request = request(method, &path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json");
    server
        .send(request.body(body.to_owned().into()).expect("a request"))
        .await
}

//! Step-up: the challenge, the second request, and the consent page (R-K8, R-P7, R-P8).

use http::header;
use serde_json::{Value, json};

use testkit::{
    EngineKind, on_both_engines,
    routed::{Browser, Callback, ISSUER, McpClient, TestServer, Tokens},
};

on_both_engines!(
    r_k8_p8_a_step_up_marks_new_scopes_on_the_page,
    a_denied_step_up_keeps_the_earlier_grant,
    a_first_request_marks_no_scope_as_new,
);

const MARKED: &str = "New Add notes for you";
const BEFORE: &str = "You already allowed the rest.";

async fn r_k8_p8_a_step_up_marks_new_scopes_on_the_page(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let narrow = client.connect(&mut browser).await;
    client
        .call(&narrow.access, "whoami", json!({}))
        .await
        .granted();

    // The tool is not called: the refusal is an HTTP response, on which clients act.
    let refused = client.call(&narrow.access, "add_note", note()).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"], "insufficient_scope");
    let challenge = refused
        .header(header::WWW_AUTHENTICATE)
        .expect("a challenge");
    let document =
        format!("resource_metadata=\"{ISSUER}/.well-known/oauth-protected-resource/mcp\"");
    assert!(
        challenge.starts_with("Bearer error=\"insufficient_scope\"")
            && challenge.contains(&document),
        "{challenge}"
    );
    let needed = challenge
        .split("scope=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a scope");
    assert_eq!(needed, "notes:read notes:write");

    // The client requests the union, and the page marks the new scope.
    let wider = client.asking(|query| query.set("scope", needed));
    let page = browser.consent_page(&wider).await;
    let words = page.words();
    assert!(words.contains(MARKED) && words.contains(BEFORE), "{words}");
    assert!(
        words.contains("See who you are and read your notes") && !words.contains("New See who"),
        "{words}"
    );
    let allowed = browser.submit(&page.form("Allow"), "Allow").await;
    let callback = Callback::read(allowed.destination());
    let answer = client
        .exchange(callback.query.one("code").expect("a code"))
        .await;
    assert_eq!(answer.granted()["scope"], "notes:read notes:write");
    let wide = Tokens::read(&answer);
    assert_eq!(
        client
            .call(&wide.access, "add_note", note())
            .await
            .granted()["result"]["structuredContent"],
        json!({ "notes": 1 })
    );

    // The earlier grant stays valid: another installation may use it with the same client id.
    assert_eq!(
        client.refresh(&narrow.refresh).await.granted()["scope"],
        "notes:read"
    );
    let account = browser.open("/account").await.words();
    assert!(
        account.contains("connected 2 times") && account.contains("Add notes for you"),
        "{account}"
    );
    // At the next request nothing is new. The page is still shown, since it is a loopback client.
    let words = browser.consent_page(&wider).await.words();
    assert!(
        !words.contains("New ") && !words.contains(BEFORE),
        "{words}"
    );
}

async fn a_denied_step_up_keeps_the_earlier_grant(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let narrow = client.connect(&mut browser).await;
    let wider = client.asking(|query| query.set("scope", "notes:read notes:write"));
    assert_eq!(
        browser.decide(&wider, "Deny").await.query.one("error"),
        Some("access_denied")
    );
    client.refresh(&narrow.refresh).await.granted();
    let words = browser.consent_page(&wider).await.words();
    assert!(
        words.contains(MARKED),
        "what was denied was not allowed: {words}"
    );
}

async fn a_first_request_marks_no_scope_as_new(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let ask_for_all =
        |client: &McpClient| client.asking(|query| query.set("scope", "notes:read notes:write"));
    let client = McpClient::native(&server).await;
    let other = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let words = browser.consent_page(&ask_for_all(&client)).await.words();
    assert!(
        words.contains("Add notes for you") && !words.contains("New ") && !words.contains(BEFORE),
        "{words}"
    );
    // The consent for another client is ignored.
    client.connect(&mut browser).await;
    let words = browser.consent_page(&ask_for_all(&other)).await.words();
    assert!(
        !words.contains("New ") && !words.contains(BEFORE),
        "{words}"
    );
}

fn note() -> Value {
    json!({ "text": "remember" })
}

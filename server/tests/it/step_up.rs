//! When an operation needs more than was allowed: the challenge, the second request, and what the
//! person sees of it (R-K8, R-P7, R-P8).

use http::header;
use serde_json::{Value, json};

use testkit::{
    EngineKind, on_both_engines,
    routed::{Browser, Callback, ISSUER, McpClient, TestServer, Tokens},
};

on_both_engines!(
    r_k8_p8_a_challenge_leads_to_a_wider_grant_and_the_page_marks_what_is_new,
    a_refused_step_up_leaves_what_there_was,
    nothing_is_new_to_whoever_is_asked_for_the_first_time,
);

const MARKED: &str = "New Add notes for you";
const BEFORE: &str = "You have allowed this application before.";

async fn r_k8_p8_a_challenge_leads_to_a_wider_grant_and_the_page_marks_what_is_new(
    engine: EngineKind,
) {
    let server = TestServer::of_alice(engine).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let narrow = client.connect(&mut browser).await;
    client
        .call(&narrow.access, "whoami", json!({}))
        .await
        .granted();

    // The tool is not reached: the refusal is one of HTTP, which clients act upon.
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

    // The client asks for the union, and Alice sees what is added.
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

    // The earlier grant goes on: another installation may hold it under the same client id.
    assert_eq!(
        client.refresh(&narrow.refresh).await.granted()["scope"],
        "notes:read"
    );
    let account = browser.open("/account").await.words();
    assert!(
        account.contains("connected 2 times") && account.contains("Add notes for you"),
        "{account}"
    );
    // Asked again, nothing is new; and it is asked again, for this application is on her own
    // computer.
    let words = browser.consent_page(&wider).await.words();
    assert!(
        !words.contains("New ") && !words.contains(BEFORE),
        "{words}"
    );
}

async fn a_refused_step_up_leaves_what_there_was(engine: EngineKind) {
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

async fn nothing_is_new_to_whoever_is_asked_for_the_first_time(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let ask_for_all =
        |client: &McpClient| client.asking(|query| query.set("scope", "notes:read notes:write"));
    let (client, other) = (
        McpClient::native(&server).await,
        McpClient::native(&server).await,
    );
    let mut browser = Browser::of_alice(&server).await;
    let words = browser.consent_page(&ask_for_all(&client)).await.words();
    assert!(
        words.contains("Add notes for you") && !words.contains("New ") && !words.contains(BEFORE),
        "{words}"
    );
    // What another application was allowed counts for nothing.
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

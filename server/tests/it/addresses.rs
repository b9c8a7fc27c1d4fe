//! A server whose issuer is an IP address, where passkeys are impossible and no page offers them.

use serde_json::json;

use testkit::{
    EngineKind, on_both_engines,
    routed::{ALICE, Browser, McpClient, PASSWORD, TestServer},
};

const ISSUER: &str = "http://127.0.0.1:3000";

const WHY: &str = "Passkeys aren't available, because the address of this server is an IP address and not a domain name.";

on_both_engines!(
    a_server_without_passkeys_offers_none,
    passkey_actions_explain_why_there_are_none
);

async fn at_an_address(engine: EngineKind) -> TestServer {
    TestServer::with(engine, |settings| {
        let mut other = testkit::direct::settings(ISSUER);
        other.sign_up = provider::SignUpPolicy::Open;
        *settings = other;
    })
    .await
}

async fn a_server_without_passkeys_offers_none(engine: EngineKind) {
    let server = at_an_address(engine).await;
    let link = server
        .provider
        .enrolment()
        .first_account_link()
        .await
        .expect("the store answers")
        .expect("a link");
    let mut alice = Browser::new(&server);
    alice.origin = Some(ISSUER.to_owned());
    let setup = alice
        .open(link.strip_prefix(ISSUER).expect("a page of the server"))
        .await;
    let offers = |words: &str| words.to_lowercase().contains("passkey");
    assert!(!offers(&setup.words()), "{}", setup.words());
    let form = setup
        .form("Create account")
        .fill("email", ALICE)
        .fill("password", PASSWORD);
    let moved_in = alice.submit(&form, "Create account").await;
    assert_eq!(alice.follow(&moved_in).await.document().page(), "account");

    let account = alice.open("/account").await;
    assert!(account.words().contains(WHY), "{}", account.words());
    assert!(
        !account.words().contains("Create a passkey")
            && !account.words().contains("A passkey lets you"),
        "{}",
        account.words()
    );

    let mut browser = Browser::new(&server);
    browser.origin.clone_from(&alice.origin);
    let client = McpClient::native(&server).await;
    let client = client.asking(|query| query.set("resource", "http://127.0.0.1:3000/mcp"));
    let begun = browser.get(&client.authorize_path()).await;
    let login = browser.follow(&begun).await.document();
    assert_eq!(login.page(), "login");
    for page in [
        &login,
        &browser.open("/sign-up").await,
        &browser.open("/recover").await,
    ] {
        assert!(!offers(&page.words()), "{}", page.words());
        assert!(
            !page
                .attributes("input", "autocomplete")
                .any(|value| value.contains("webauthn"))
        );
        assert_eq!(
            page.attributes("leptos-island", "data-component").count(),
            0
        );
    }
    // After a password, no passkey is offered.
    let signed_in = browser
        .submit(
            &login
                .form("Sign in")
                .fill("email", ALICE)
                .fill("password", PASSWORD),
            "Sign in",
        )
        .await;
    assert!(
        signed_in.destination().starts_with("/consent?request="),
        "{}",
        signed_in.destination()
    );
    let offer = browser.get("/passkey").await;
    assert_eq!(offer.destination(), "/account");
    assert!(!offers(
        &browser.open("/confirm?then=account").await.words()
    ));
}

async fn passkey_actions_explain_why_there_are_none(engine: EngineKind) {
    let server = at_an_address(engine).await;
    server.add_alice().await;
    let mut alice = Browser::new(&server);
    alice.origin = Some(ISSUER.to_owned());
    alice.sign_in(ALICE, PASSWORD).await;
    let token = alice.form_token().await;
    for (action, arguments) in [
        ("start_passkey_sign_in", json!({ "form_token": token })),
        ("start_adding_passkey", json!({ "form_token": token })),
        (
            "start_accept_with_passkey",
            json!({ "form_token": token, "token": "", "email": "bob@example.com" }),
        ),
        (
            "finish_passkey_sign_in",
            json!({ "form_token": token, "ceremony": "x", "credential": "{}", "request": "" }),
        ),
    ] {
        let answer = alice.call_action(action, &arguments).await;
        assert_eq!(answer.status, 422, "{action}: {}", answer.body);
        assert!(
            answer.body.contains("no_passkeys_here"),
            "{action}: {}",
            answer.body
        );
    }
    // The last usable credential cannot be removed.
    let account = alice.open("/account").await;
    assert!(
        !account.words().contains("Remove password"),
        "{}",
        account.words()
    );
}

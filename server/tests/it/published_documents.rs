//! The metadata documents of real clients in the whole flow: fetched, shown, allowed, exchanged,
//! refreshed (R-C1 to R-C13, R-K11, requirements 5.1). Their URLs lead to a web server of the test.

use serde_json::{Value, json};
use testkit::{
    EngineKind, Reply, Site, on_both_engines,
    routed::{Browser, McpClient, Signer, TestServer, Tokens, key_set, with_assertion},
};

on_both_engines!(r_c2_every_published_document_works_in_the_whole_flow);

/// A published client.
struct Published {
    document: Value,
    content_type: &'static str,
    /// The redirect URI in its request.
    redirect_uri: &'static str,
    /// The redirect host on the consent page.
    goes_to: &'static str,
}

fn published() -> Vec<Published> {
    let published = |document, redirect_uri, goes_to| Published {
        document,
        content_type: "application/json",
        redirect_uri,
        goes_to,
    };
    let claude = json!({
        "client_id": "https://claude.ai/oauth/mcp-oauth-client-metadata",
        "client_name": "Claude",
        "client_uri": "https://claude.ai",
        "logo_uri": "https://claude.ai/images/claude_app_icon.png",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let claude_code = json!({
        "client_id": "https://claude.ai/oauth/claude-code-client-metadata",
        "client_name": "Claude Code",
        "client_uri": "https://claude.ai",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let chatgpt = json!({
        "client_id": "https://chatgpt.com/oauth/4bf9/client.json",
        "client_name": "ChatGPT",
        "client_uri": "https://chatgpt.com",
        "redirect_uris": ["https://chatgpt.com/connector/oauth/4bf9"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg": "RS256",
        "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
    });
    let code = json!({
        "client_id": "https://vscode.dev/oauth/client-metadata.json",
        "client_name": "Visual Studio Code",
        "client_uri": "https://vscode.dev",
        "redirect_uris": [
            "http://127.0.0.1:33418/", "http://127.0.0.1/", "https://vscode.dev/redirect", "https://insiders.vscode.dev/redirect",
        ],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    });
    let copilot = json!({
        "client_id": "https://github.com/copilot/cli/client-metadata.json",
        "client_name": "GitHub Copilot CLI",
        "redirect_uris": ["http://127.0.0.1/"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    });
    let goose = json!({
        "client_id": "https://goose-docs.ai/oauth/client-metadata.json",
        "client_name": "Goose",
        "redirect_uris": ["http://127.0.0.1/oauth_callback", "http://localhost/oauth_callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    vec![
        published(
            claude,
            "https://claude.ai/api/mcp/auth_callback",
            "claude.ai",
        ),
        published(
            claude_code,
            "http://localhost:3118/callback",
            "localhost:3118",
        ),
        Published {
            content_type: "application/json; charset=utf-8",
            ..published(
                chatgpt,
                "https://chatgpt.com/connector/oauth/4bf9",
                "chatgpt.com",
            )
        },
        published(code, "http://127.0.0.1:33418/", "127.0.0.1:33418"),
        published(copilot, "http://127.0.0.1:51000/", "127.0.0.1:51000"),
        published(
            goose,
            "http://127.0.0.1:40123/oauth_callback",
            "127.0.0.1:40123",
        ),
    ]
}

async fn r_c2_every_published_document_works_in_the_whole_flow(engine: EngineKind) {
    let site = Site::open(&[
        "claude.ai",
        "chatgpt.com",
        "vscode.dev",
        "github.com",
        "goose-docs.ai",
    ])
    .await;
    let server = TestServer::on_this_computer(engine, site.web(), |_| {}).await;
    let mut browser = Browser::of_alice(&server).await;
    for Published {
        document,
        content_type,
        redirect_uri,
        goes_to,
    } in published()
    {
        let text = |member: &str| document[member].as_str().expect("a text").to_owned();
        let id = text("client_id");
        let name = text("client_name");
        site.put(
            &id,
            Reply::new("200 OK", document.to_string()).with("content-type", content_type),
        );
        let client = McpClient::known(&server, &id, None, redirect_uri);

        // The page names the host of the document and the redirect host (R-C10, R-C11, R-C9).
        let page = browser.consent_page(&client).await;
        let host = id.split('/').nth(2).expect("a host").to_owned();
        for said in [&name, &host, "Verified by its web address", goes_to] {
            assert!(page.words().contains(said), "{said} in {}", page.words());
        }
        let local = redirect_uri.starts_with("http:");
        for said in [
            "Allow this only if you just started",
            "but other applications on this computer could claim the same address",
        ] {
            assert_eq!(page.words().contains(said), local, "{name}: {said}");
        }

        // It works like any other client, and refreshes without fetching the document.
        let tokens = client.connect(&mut browser).await;
        assert_eq!(client.me(&tokens.access).await.granted()["client_id"], id);
        server.pass(30);
        let renewed = Tokens::read(&client.refresh(&tokens.refresh).await);
        assert_eq!(client.me(&renewed.access).await.granted()["client_id"], id);
        // A client that may use assertions and sends none needs no keys; one that sends one must
        // send a valid one (R-K15).
        if let Some(keys) = document["jwks_uri"].as_str() {
            assert_eq!(site.requests(keys), 0);
            let signer = Signer::rsa("chatgpt-1");
            site.put(keys, Reply::json(&key_set(&[&signer]).to_string()));
            let assertion = signer.assert(&server, &id, "one");
            let form = with_assertion(client.refresh_form(&renewed.refresh), &assertion);
            Tokens::read(&server.post("/token", &form).await);
            server
                .post("/token", &form)
                .await
                .refused(401, "invalid_client");
            assert_eq!(site.requests(keys), 1);
        }
        assert_eq!(site.requests(&id), 1, "{name}");

        // The account page names it.
        let account = browser.open("/account").await.words();
        assert!(account.contains(&name), "{name} in {account}");
    }
    assert_eq!(
        site.requests("https://claude.ai/images/claude_app_icon.png"),
        0,
        "no logo is ever fetched"
    );
}

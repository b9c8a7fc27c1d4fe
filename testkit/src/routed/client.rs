//! An MCP client.

use std::{
    net::IpAddr,
    ops::{Deref, DerefMut},
};

use http::{Method, header};
use serde_json::{Value, json};

use super::{Browser, TestResponse, TestServer, test_server};
use crate::{EngineKind, OAuthClient, Query, oauth_client::native_metadata};

/// A client with its registration, its verifier and its state.
#[derive(Clone)]
pub struct McpClient {
    server: TestServer,
    oauth: OAuthClient,
    /// The parameters of its authorization requests.
    pub authorization: Query,
}

/// The response at the redirect URI.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The redirect URI.
    pub base: String,
    /// The parameters of the response.
    pub query: Query,
}

/// The tokens of a token response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// An access token.
    pub access: String,
    /// A refresh token.
    pub refresh: String,
}

impl Callback {
    /// Parses a `Location` header.
    pub fn read(location: &str) -> Self {
        let (base, query) = location.split_once('?').expect("an answer has a query");
        Self {
            base: base.to_owned(),
            query: Query::parse(query),
        }
    }
}

impl Tokens {
    /// Parses a token response.
    pub fn read(answer: &TestResponse) -> Self {
        let body = answer.granted();
        let text = |name: &str| {
            body[name]
                .as_str()
                .unwrap_or_else(|| panic!("{name} in {body}"))
                .to_owned()
        };
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

/// Sends a registration with this body.
pub async fn register(server: &TestServer, address: IpAddr, body: impl ToString) -> TestResponse {
    let request = test_server::from(address, Method::POST, "/register")
        .header(header::CONTENT_TYPE, "application/json");
    server
        .send(request.body(body.to_string().into()).expect("a request"))
        .await
}

fn resource(server: &TestServer) -> String {
    server.provider.settings().issuer.url("/mcp")
}

impl Deref for McpClient {
    type Target = OAuthClient;

    fn deref(&self) -> &OAuthClient {
        &self.oauth
    }
}

impl DerefMut for McpClient {
    fn deref_mut(&mut self) -> &mut OAuthClient {
        &mut self.oauth
    }
}

impl McpClient {
    /// A public client with a loopback redirect URI.
    pub async fn native(server: &TestServer) -> Self {
        Self::registered(server, &native_metadata()).await
    }

    /// A confidential web client.
    pub async fn confidential(server: &TestServer) -> Self {
        let metadata = json!({ "client_name": "Web notes", "redirect_uris": ["https://app.example/callback"] });
        Self::registered(server, &metadata).await
    }

    /// A client that registers itself with this metadata.
    pub async fn registered(server: &TestServer, metadata: &Value) -> Self {
        let answer = register(server, IpAddr::from([203, 0, 113, 7]), metadata).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let body = answer.json();
        let id = body["client_id"].as_str().expect("a client_id").to_owned();
        let secret = body["client_secret"].as_str().map(str::to_owned);
        let redirect_uri = body["redirect_uris"][0]
            .as_str()
            .expect("a redirect URI")
            .to_owned();
        Self::known(server, &id, secret, &redirect_uri)
    }

    /// A client that an administrator added.
    pub fn known(
        server: &TestServer,
        id: &str,
        secret: Option<String>,
        redirect_uri: &str,
    ) -> Self {
        let oauth = OAuthClient::new(id, secret, redirect_uri);
        let authorization = oauth.authorization(&resource(server), "s t/a+t&e=%");
        Self {
            server: server.clone(),
            oauth,
            authorization,
        }
    }

    /// A server with Alice's account, and a public client that she has allowed.
    pub async fn connected(engine: EngineKind) -> (TestServer, Self, Tokens) {
        let server = TestServer::of_alice(engine).await;
        let client = Self::native(&server).await;
        let tokens = client.connect(&mut Browser::of_alice(&server).await).await;
        (server, client, tokens)
    }

    /// The same client with other authorization parameters.
    #[must_use]
    pub fn asking(&self, change: impl FnOnce(Query) -> Query) -> Self {
        Self {
            authorization: change(self.authorization.clone()),
            ..self.clone()
        }
    }

    /// The same client with another server of the same name.
    #[must_use]
    pub fn at(&self, server: &TestServer) -> Self {
        Self {
            server: server.clone(),
            ..self.clone()
        }
    }

    /// The path of its authorization request.
    pub fn authorize_path(&self) -> String {
        format!("/authorize?{}", self.authorization.encode())
    }

    /// The token request for a code.
    pub fn code_form(&self, code: &str) -> Query {
        self.oauth.code_form(code, &resource(&self.server))
    }

    /// Exchanges a code.
    pub async fn exchange(&self, code: &str) -> TestResponse {
        self.server.post("/token", &self.code_form(code)).await
    }

    /// Refreshes.
    pub async fn refresh(&self, token: &str) -> TestResponse {
        self.server.post("/token", &self.refresh_form(token)).await
    }

    /// Runs the whole flow: Alice allows the client, which gets tokens.
    pub async fn connect(&self, browser: &mut Browser) -> Tokens {
        let code = browser.allow(self).await;
        Tokens::read(&self.exchange(&code).await)
    }

    /// Expects that the grant of these tokens is revoked: both are refused.
    pub async fn assert_revoked(&self, tokens: &Tokens) {
        let refreshed = self.refresh(&tokens.refresh).await;
        refreshed.refused(400, "invalid_grant");
        self.me(&tokens.access).await.refused(401, "invalid_token");
    }

    /// Calls `/api/me`.
    pub async fn me(&self, access: &str) -> TestResponse {
        let request = test_server::request(Method::GET, "/api/me")
            .header(header::AUTHORIZATION, format!("Bearer {access}"));
        self.server
            .send(request.body(axum::body::Body::empty()).expect("a request"))
            .await
    }

    /// Sends a message to the demonstration MCP server.
    pub async fn mcp(&self, access: &str, message: &Value) -> TestResponse {
        let request = test_server::request(Method::POST, "/mcp")
            .header(header::AUTHORIZATION, format!("Bearer {access}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-06-18");
        self.server
            .send(request.body(message.to_string().into()).expect("a request"))
            .await
    }

    /// Calls a tool of the demonstration MCP server.
    pub async fn call(&self, access: &str, tool: &str, arguments: Value) -> TestResponse {
        let params = json!({ "name": tool, "arguments": arguments });
        self.mcp(
            access,
            &json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params }),
        )
        .await
    }
}

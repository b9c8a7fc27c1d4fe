//! An MCP client.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{Method, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::test_server;
use super::{Answer, Browser, Query, TestServer};

/// Where most clients here wait for the answer.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:33418/callback";

/// A client with its registration, its verifier and its state.
#[derive(Clone)]
pub(crate) struct McpClient {
    server: TestServer,
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) redirect_uri: String,
    pub(crate) verifier: String,
    pub(crate) authorization: Query,
}

/// What came back to the redirect URI.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) base: String,
    pub(crate) query: Query,
}

/// What a token endpoint gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Callback {
    pub(crate) fn read(location: &str) -> Self {
        let (base, query) = location.split_once('?').expect("an answer has a query");
        Self {
            base: base.to_owned(),
            query: Query::parse(query),
        }
    }
}

impl Tokens {
    pub(crate) fn read(answer: &Answer) -> Self {
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

/// What a usual client says of itself.
pub(crate) fn native_metadata() -> Value {
    json!({
        "client_name": "Notebook",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    })
}

/// Sends a registration as it is.
pub(crate) async fn register(server: &TestServer, address: IpAddr, body: impl ToString) -> Answer {
    let request = test_server::from(address, Method::POST, "/register")
        .header(header::CONTENT_TYPE, "application/json");
    server
        .send(request.body(body.to_string().into()).expect("a request"))
        .await
}

impl McpClient {
    /// A public client on the person's own computer.
    pub(crate) async fn native(server: &TestServer) -> Self {
        Self::registered(server, &native_metadata()).await
    }

    /// A confidential client on the web.
    pub(crate) async fn confidential(server: &TestServer) -> Self {
        let metadata = json!({ "client_name": "Web notes", "redirect_uris": ["https://app.example/callback"] });
        Self::registered(server, &metadata).await
    }

    pub(crate) async fn registered(server: &TestServer, metadata: &Value) -> Self {
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
    pub(crate) fn known(
        server: &TestServer,
        id: &str,
        secret: Option<String>,
        redirect_uri: &str,
    ) -> Self {
        let verifier = "the-verifier-of-a-client-that-needs-no-chance".to_owned();
        let authorization = Query::new([
            ("response_type", "code"),
            ("client_id", id),
            ("redirect_uri", redirect_uri),
            ("state", "s t/a+t&e=%"),
            ("code_challenge", &challenge(&verifier)),
            ("code_challenge_method", "S256"),
            ("resource", &server.provider.settings().issuer.url("/mcp")),
        ]);
        Self {
            server: server.clone(),
            id: id.to_owned(),
            secret,
            redirect_uri: redirect_uri.to_owned(),
            verifier,
            authorization,
        }
    }

    /// The same client, asking with other parameters.
    pub(crate) fn asking(&self, change: impl FnOnce(Query) -> Query) -> Self {
        Self {
            authorization: change(self.authorization.clone()),
            ..self.clone()
        }
    }

    /// The same client, talking to another server of the same name.
    pub(crate) fn at(&self, server: &TestServer) -> Self {
        Self {
            server: server.clone(),
            ..self.clone()
        }
    }

    /// Where it sends the browser.
    pub(crate) fn authorize_path(&self) -> String {
        format!("/authorize?{}", self.authorization.encode())
    }

    /// What it sends to exchange a code.
    pub(crate) fn code_form(&self, code: &str) -> Query {
        let form = Query::new([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", &self.verifier),
            ("redirect_uri", &self.redirect_uri),
            ("client_id", &self.id),
            (
                "resource",
                &self.server.provider.settings().issuer.url("/mcp"),
            ),
        ]);
        self.with_secret(form)
    }

    /// What it sends to refresh.
    pub(crate) fn refresh_form(&self, token: &str) -> Query {
        let form = Query::new([
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &self.id),
        ]);
        self.with_secret(form)
    }

    fn with_secret(&self, form: Query) -> Query {
        match &self.secret {
            Some(secret) => form.and("client_secret", secret),
            None => form,
        }
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        self.server.post("/token", &self.code_form(code)).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.server.post("/token", &self.refresh_form(token)).await
    }

    /// The whole of it: Alice allows the client, and it has tokens.
    pub(crate) async fn connect(&self, browser: &mut Browser) -> Tokens {
        let code = browser.allow(self).await;
        Tokens::read(&self.exchange(&code).await)
    }

    /// Asks who it is.
    pub(crate) async fn me(&self, access: &str) -> Answer {
        let request = test_server::request(Method::GET, "/api/me")
            .header(header::AUTHORIZATION, format!("Bearer {access}"));
        self.server
            .send(request.body(axum::body::Body::empty()).expect("a request"))
            .await
    }

    /// Speaks to the demonstration MCP server.
    pub(crate) async fn mcp(&self, access: &str, message: &Value) -> Answer {
        let request = test_server::request(Method::POST, "/mcp")
            .header(header::AUTHORIZATION, format!("Bearer {access}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-06-18");
        self.server
            .send(request.body(message.to_string().into()).expect("a request"))
            .await
    }

    /// Calls a tool there.
    pub(crate) async fn call(&self, access: &str, tool: &str, arguments: Value) -> Answer {
        let params = json!({ "name": tool, "arguments": arguments });
        self.mcp(
            access,
            &json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params }),
        )
        .await
    }
}

/// The S256 challenge of a verifier (RFC 7636 section 4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// A Basic header (RFC 7617).
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

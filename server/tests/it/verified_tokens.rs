//! A token whose signature was checked before: whatever ends it counts for the next request, in
//! front of a server behind the proxy, for a proxy that asks, and for a resource that introspects.

use std::net::Ipv4Addr;

use axum::{Router, body::Body, routing::any};
use http::Method;
use oauth::{
    Digest,
    resource::{Resource, ResourceIdentifier},
};
use primitives::{JwtType, SigningAlgorithm, TokenFormat};
use provider::{KeySummary, Settings};
use server::{Options, Upstream, proxies::Proxies, router, site::PageFiles};
use testkit::{
    EngineKind, Query, on_both_engines,
    routed::{ALICE, Browser, McpClient, TestServer, Tokens, request},
};
use tokio::net::TcpListener;

on_both_engines!(
    a_used_token_ends_with_its_grant,
    a_used_token_ends_with_its_account,
    a_used_token_ends_with_its_key,
    a_used_token_expires,
    a_used_token_stays_one_of_its_resource,
);

const NOTES: &str = "https://vestibule.example/notes";
const OTHER: &str = "https://vestibule.example/other";
const SECRET: &str = "vis_the-secret-of-the-notes";
const FORMATS: [TokenFormat; 2] = [
    TokenFormat::Paseto,
    TokenFormat::Jwt {
        algorithm: SigningAlgorithm::EdDsa,
        jwt_type: JwtType::AccessToken,
    },
];

/// A server with two resources behind its proxy, and a token for the first that every door has let
/// through.
struct Used {
    server: TestServer,
    client: McpClient,
    tokens: Tokens,
}

impl Used {
    async fn token(engine: EngineKind, format: TokenFormat) -> Self {
        let change = |settings: &mut Settings| {
            let resource = |identifier: &str, id: &str| Resource {
                identifier: identified(identifier),
                id: Some(id.to_owned()),
                introspection_secret: Some(Digest::of(SECRET.as_bytes())),
                token_format: format,
                ..settings.resources[0].clone()
            };
            settings.resources = vec![resource(NOTES, "notes"), resource(OTHER, "other")];
        };
        let mut server = TestServer::with(engine, change).await;
        server.add_alice().await;
        behind_the_proxy(&mut server).await;
        let client = McpClient::native(&server).await;
        let client = client.asking(|form| form.set("resource", NOTES));
        let code = Browser::of_alice(&server).await.allow(&client).await;
        let form = client.code_form(&code).set("resource", NOTES);
        let tokens = Tokens::read(&server.post("/token", &form).await);
        let used = Self {
            server,
            client,
            tokens,
        };
        used.counts(true).await;
        used.counts(true).await;
        used
    }

    /// Whether the token counts, at every door.
    async fn counts(&self, wanted: bool) {
        for (door, status) in self.doors("notes", NOTES).await {
            assert_eq!(status == 200, wanted, "{door}: {status}");
        }
    }

    /// What each door of a resource answers. A refusal of introspection has no status, and is 401
    /// here.
    async fn doors(&self, id: &str, identifier: &str) -> [(&'static str, u16); 3] {
        let bearer = format!("Bearer {}", self.tokens.access);
        let send = async |request: http::request::Builder, body: Body| {
            let request = request.header("authorization", &bearer).body(body);
            let answer = self.server.send(request.expect("a request")).await;
            answer.status.as_u16()
        };
        let message = Body::from(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let call = request(Method::POST, &format!("/{id}"));
        let call = call.header("content-type", "application/json");
        let question = request(Method::GET, &format!("/forward-auth/{id}"));
        let question = question.header("x-forwarded-method", "GET");
        let form = Query::new([
            ("token", self.tokens.access.as_str()),
            ("client_id", identifier),
            ("client_secret", SECRET),
        ]);
        let told = self.server.post("/introspect", &form).await.granted();
        [
            ("protect", send(call, message).await),
            ("forward auth", send(question, Body::empty()).await),
            (
                "introspection",
                if told["active"] == true { 200 } else { 401 },
            ),
        ]
    }
}

fn identified(identifier: &str) -> ResourceIdentifier {
    ResourceIdentifier::parse(identifier).expect("an identifier")
}

/// Puts a server that answers everything behind both resources.
async fn behind_the_proxy(server: &mut TestServer) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    let anything = Router::new().fallback(any(async || "{}"));
    tokio::spawn(async move { axum::serve(listener, anything).await });
    let upstream = |identifier: &str| {
        Upstream::parse(identified(identifier), &format!("http://{address}/mcp"))
            .expect("an address")
    };
    let site = PageFiles::new(None, None, "TestServer");
    let options = Options {
        upstreams: vec![upstream(NOTES), upstream(OTHER)],
        ..Options::new(Proxies::default(), site)
    };
    server.router = router(server.provider.clone(), options);
}

async fn a_used_token_ends_with_its_grant(engine: EngineKind) {
    for format in FORMATS {
        let used = Used::token(engine, format).await;
        let form = Query::new([
            ("token", used.tokens.refresh.as_str()),
            ("client_id", &used.client.id),
        ]);
        used.server.post("/revoke", &form).await.granted();
        used.counts(false).await;
    }
}

async fn a_used_token_ends_with_its_account(engine: EngineKind) {
    for format in FORMATS {
        let used = Used::token(engine, format).await;
        let accounts = used.server.provider.terminal();
        let disabled = accounts.accounts().disable_account(ALICE).await;
        disabled.expect("disabled");
        used.counts(false).await;
    }
}

async fn a_used_token_ends_with_its_key(engine: EngineKind) {
    for format in FORMATS {
        let used = Used::token(engine, format).await;
        let terminal = used.server.provider.terminal();
        let algorithm = format.algorithm().map(SigningAlgorithm::as_str);
        let of_format = |key: &&KeySummary| key.algorithm.as_deref() == algorithm;
        // While it retires, its key still verifies.
        let keys = terminal.rotate_keys(true).await.expect("rotated");
        used.counts(true).await;
        let mut keys = keys.iter().filter(of_format);
        let retiring = keys.find(|key| key.state.as_str() == "retiring");
        let kid = retiring.expect("the key of the token").kid.clone();
        terminal.revoke_key(&kid).await.expect("revoked");
        used.counts(false).await;
    }
}

async fn a_used_token_expires(engine: EngineKind) {
    for format in FORMATS {
        let used = Used::token(engine, format).await;
        used.server.pass(3599);
        used.counts(true).await;
        used.server.pass(1);
        used.counts(false).await;
    }
}

async fn a_used_token_stays_one_of_its_resource(engine: EngineKind) {
    for format in FORMATS {
        let used = Used::token(engine, format).await;
        for (door, status) in used.doors("other", OTHER).await {
            assert_eq!(status, 401, "{door}");
        }
        used.counts(true).await;
    }
}

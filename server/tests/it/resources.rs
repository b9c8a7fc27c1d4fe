//! The `resource` parameter (RFC 8707, R-K6, R-A19): repeated and missing ones, and four different
//! errors.

use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use provider::FailureKind;

use testkit::{
    EngineKind, Query, on_both_engines,
    routed::{Browser, Callback, MCP, McpClient, TestServer, Tokens},
};

on_both_engines!(
    a_repeated_resource_counts_once,
    r_k6_a_missing_resource_is_chosen_by_scope_or_configuration,
    four_errors_have_four_descriptions,
    an_at_sign_in_the_path_of_a_resource_is_allowed,
);

const FILES: &str = "https://files.example/mcp";

async fn a_repeated_resource_counts_once(engine: EngineKind) {
    let server = server(engine, false).await;
    let client = McpClient::native(&server)
        .await
        .asking(|query| query.and("resource", "HTTPS://vestibule.example:443/mcp"));
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let twice = |form: Query| form.and("resource", MCP);
    let tokens = Tokens::read(&server.post("/token", &twice(client.code_form(&code))).await);
    let tokens = Tokens::read(
        &server
            .post(
                "/token",
                &twice(twice(client.refresh_form(&tokens.refresh))),
            )
            .await,
    );
    client.me(&tokens.access).await.granted();
}

async fn r_k6_a_missing_resource_is_chosen_by_scope_or_configuration(engine: EngineKind) {
    for (has_default, scope, granted) in [
        (false, Some("files:write"), Ok("files:write")),
        (false, Some("read files:write"), Ok("read files:write")),
        (false, Some("notes:read"), Ok("notes:read")),
        (false, Some("read"), Err("invalid_target")),
        (false, Some("notes:read files:write"), Err("invalid_target")),
        (false, None, Err("invalid_target")),
        (true, Some("notes:read"), Ok("notes:read")),
        (true, Some("read"), Ok("read")),
        (true, None, Ok("read files:write")),
    ] {
        let server = server(engine, has_default).await;
        let client = McpClient::native(&server).await.asking(|query| {
            let query = query.without("resource");
            scope.map_or(query.clone(), |scope| query.set("scope", scope))
        });
        let mut browser = Browser::of_alice(&server).await;
        match granted {
            Err(error) => {
                let callback =
                    Callback::read(browser.get(&client.authorize_path()).await.destination());
                assert_eq!(callback.query.one("error"), Some(error), "{scope:?}");
            }
            Ok(scopes) => {
                let code = browser.allow(&client).await;
                let answer = server
                    .post("/token", &client.code_form(&code).without("resource"))
                    .await;
                assert_eq!(answer.granted()["scope"], scopes, "{scope:?}");
            }
        }
    }
}

async fn four_errors_have_four_descriptions(engine: EngineKind) {
    let server = server(engine, false).await;
    let client = McpClient::native(&server).await;
    let mut browser = Browser::of_alice(&server).await;
    let code = browser.allow(&client).await;
    let asked = async |change: fn(Query) -> Query| {
        let answer = server.get(&client.asking(change).authorize_path()).await;
        let callback = Callback::read(answer.destination());
        assert_eq!(callback.query.one("error"), Some("invalid_target"));
        callback
            .query
            .one("error_description")
            .expect("a description")
            .to_owned()
    };
    let missing = asked(|query| query.without("resource")).await;
    let unknown = asked(|query| query.set("resource", "https://unknown.example")).await;
    let several = asked(|query| query.and("resource", FILES)).await;
    let other = server
        .post("/token", &client.code_form(&code).set("resource", FILES))
        .await
        .refused(400, "invalid_target");
    let other = other["error_description"]
        .as_str()
        .expect("a description")
        .to_owned();
    assert!(
        missing.contains("names no resource") && unknown.contains("The resource is unknown"),
        "{missing} {unknown}"
    );
    assert!(
        several.contains("several resources") && other.contains("not the one that was granted"),
        "{several} {other}"
    );
    let failures = server
        .provider
        .terminal()
        .failures()
        .await
        .expect("failures");
    let kinds: Vec<_> = failures
        .iter()
        .map(|failure| failure.failure.kind)
        .collect();
    for kind in [
        FailureKind::MissingResource,
        FailureKind::UnknownResource,
        FailureKind::SeveralResources,
        FailureKind::ResourceNotGranted,
    ] {
        assert_eq!(
            kinds.iter().filter(|own| **own == kind).count(),
            1,
            "{kind:?} in {kinds:?}"
        );
    }
}

async fn an_at_sign_in_the_path_of_a_resource_is_allowed(engine: EngineKind) {
    let identifier = "https://vestibule.example/@notes/mcp";
    let server = TestServer::with(engine, |settings| {
        settings.resources = vec![resource(identifier, &["read"])];
    })
    .await;
    server.add_alice().await;
    let document = server
        .get("/.well-known/oauth-protected-resource/@notes/mcp")
        .await
        .granted();
    assert_eq!(document["resource"], identifier);
    let client = McpClient::native(&server)
        .await
        .asking(|query| query.set("resource", identifier));
    let code = Browser::of_alice(&server).await.allow(&client).await;
    let tokens = Tokens::read(
        &server
            .post(
                "/token",
                &client.code_form(&code).set("resource", identifier),
            )
            .await,
    );
    client.me(&tokens.access).await.granted();
}

/// A server with a second resource, perhaps as the default.
async fn server(engine: EngineKind, has_default: bool) -> TestServer {
    let server = TestServer::with(engine, |settings| {
        settings.resources[0].scopes.push(scope("read"));
        settings
            .resources
            .push(resource(FILES, &["read", "files:write"]));
        settings.default_resource = ResourceIdentifier::parse(FILES).filter(|_| has_default);
        settings.rate_limits = false;
    })
    .await;
    server.add_alice().await;
    server
}

fn resource(identifier: &str, scopes: &[&str]) -> Resource {
    Resource::new(
        ResourceIdentifier::parse(identifier).expect("an identifier"),
        "Files".to_owned(),
        scopes.iter().map(|name| scope(name)).collect(),
    )
}

fn scope(name: &str) -> ScopeDescription {
    ScopeDescription {
        name: name.to_owned(),
        sentence: "Use it".to_owned(),
        default: true,
    }
}

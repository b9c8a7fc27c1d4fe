//! What protects a resource on a stack, as administrators see it.

use http::header;
use testkit::{
    EngineKind, on_both_engines,
    routed::{Browser, MCP, TestServer},
};

on_both_engines!(a_recipe_is_shown_on_the_page_and_as_plain_text);

async fn a_recipe_is_shown_on_the_page_and_as_plain_text(engine: EngineKind) {
    let server = TestServer::with(engine, |settings| {
        settings.resources[0].id = Some("notes".to_owned());
    })
    .await;
    server.add_alice().await;
    let mut alice = Browser::of_alice(&server).await;
    let first = alice.get("/admin/resources").await;
    assert!(
        first
            .body
            .contains("href=\"/admin/resources?for=fastmcp#resource-0\"")
    );
    assert!(
        first
            .body
            .contains("href=\"/admin/resources/recipe?resource=notes")
    );
    let page = alice.get("/admin/resources?for=fastmcp").await;
    assert!(page.body.contains("verifier = JWTVerifier("));
    assert!(page.body.contains(MCP), "{}", page.body);

    let at = |resource, stack| format!("/admin/resources/recipe?resource={resource}&for={stack}");
    let plain = alice.get(&at("notes", "fastmcp")).await;
    assert_eq!(
        plain.header(header::CONTENT_TYPE),
        Some("text/plain; charset=utf-8")
    );
    assert!(
        plain
            .body
            .starts_with("# First add these lines to the [[resource]]")
    );
    assert!(plain.body.contains("#     token = \"jwt\"\n"));
    for unknown in [
        at("other", "fastmcp"),
        at("notes", "FastMCP"),
        at("", ""),
        "/admin/resources/recipe".to_owned(),
    ] {
        alice.get(&unknown).await.problem(404);
    }
}

//! Keys over HTTP, from a server on this machine.

use std::net::SocketAddr;

use access_token::{KeySetSource, RemoteKeys};
use axum::{Json, Router, http::StatusCode, response::Redirect, routing::get};
use tokio::net::TcpListener;

use crate::support::{NOON, service};

const PATH: &str = "/.well-known/paseto-keys";

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    // Ends with the test's runtime.
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn fetched(router: Router) -> Result<access_token::KeySet, String> {
    let address = serve(router).await;
    let keys = RemoteKeys::new(&format!("http://{address}")).expect("loopback");
    keys.fetch().await.map_err(|fault| fault.to_string())
}

#[tokio::test]
async fn the_published_document_is_fetched() {
    let document = service().key_set(NOON);
    let router = Router::new().route(
        PATH,
        get({
            let document = document.clone();
            async || Json(document)
        }),
    );
    assert_eq!(fetched(router).await, Ok(document));
}

#[tokio::test]
async fn redirects_errors_and_large_answers_are_refused() {
    let document = service().key_set(NOON);
    let moved = Router::new()
        .route(PATH, get(async || Redirect::temporary("/there")))
        .route("/there", get(async || Json(document)));
    assert!(fetched(moved).await.expect_err("moved").contains("307"));
    assert!(
        fetched(Router::new())
            .await
            .expect_err("absent")
            .contains("404")
    );
    let broken = Router::new().route(PATH, get(async || (StatusCode::OK, "<html>")));
    assert!(
        fetched(broken)
            .await
            .expect_err("no JSON")
            .contains("not a key document")
    );
    let flood = Router::new().route(PATH, get(async || " ".repeat(100_000)));
    assert!(
        fetched(flood)
            .await
            .expect_err("too large")
            .contains("larger than")
    );
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_an_error() {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let keys = RemoteKeys::new(&format!("http://{address}/")).expect("loopback");
    assert!(keys.fetch().await.is_err());
}

#[test]
fn keys_are_fetched_over_https_or_from_this_machine_only() {
    for good in [
        "https://id.example",
        "http://localhost:3000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
    ] {
        assert!(RemoteKeys::new(good).is_ok(), "{good}");
    }
    for bad in [
        "http://id.example",
        "http://localhost.example",
        "ftp://localhost",
        "id.example",
        "",
    ] {
        assert!(RemoteKeys::new(bad).is_err(), "{bad}");
    }
}

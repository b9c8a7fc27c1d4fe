//! Checks the table of endpoints against the router: each is routed, and open to its declared
//! callers.

use http::{Method, header};
use server::endpoints::{Caller, Endpoint};

use testkit::{
    EngineKind,
    routed::{TestServer, request},
};

/// A path of the endpoint, with values for its parameters.
fn path(endpoint: Endpoint) -> String {
    endpoint
        .path()
        .replace("{client_id}", "vc_x")
        .replace("{id}", "x")
        .replace("{*path}", "x")
}

/// Whether a script of another origin may read the response to this method.
async fn is_open(server: &TestServer, endpoint: Endpoint, method: Method) -> bool {
    let request = request(method, &path(endpoint))
        .header(header::ORIGIN, "https://elsewhere.example")
        .body(axum::body::Body::empty())
        .expect("a request");
    let answer = server.send(request).await;
    answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN) == Some("*")
}

#[tokio::test]
async fn each_endpoint_is_routed() {
    let server = TestServer::empty(EngineKind::Memory).await;
    // No endpoint accepts PATCH, but those that take every method: an existing path answers 405.
    for endpoint in Endpoint::ALL {
        let request = request(Method::PATCH, &path(endpoint))
            .body(axum::body::Body::empty())
            .expect("a request");
        let expected = match endpoint {
            Endpoint::OtherDocument
            | Endpoint::ForwardAuth
            | Endpoint::ExtAuthz
            | Endpoint::ExtAuthzRoot
            | Endpoint::ExtAuthzAt => 404,
            _ => 405,
        };
        let answer = server.send(request).await;
        assert_eq!(answer.status.as_u16(), expected, "{endpoint:?}");
    }
}

#[tokio::test]
async fn only_client_and_reader_endpoints_allow_scripts() {
    let server = TestServer::empty(EngineKind::Memory).await;
    for endpoint in Endpoint::ALL {
        let expected = match endpoint.caller() {
            Caller::Client | Caller::Reader => true,
            Caller::Browser | Caller::Program | Caller::Proxy | Caller::Probe => false,
        };
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let open = is_open(&server, endpoint, method.clone()).await;
            assert_eq!(open, expected, "{method} {endpoint:?}");
        }
    }
}

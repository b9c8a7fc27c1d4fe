//! The host name of requests, and their address behind proxies.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo};
use http::{Method, Request, Version, header};
use oauth::Issuer;
use server::{Options, proxies::Proxies, router, site::PageFiles};
use testkit::{
    EngineKind, Query, native_metadata, on_both_engines,
    routed::{McpClient, TestResponse, TestServer},
};

on_both_engines!(
    clients_behind_a_local_proxy_are_counted_separately,
    a_forged_forwarded_header_does_not_avoid_the_limit,
    a_form_under_another_host_name_changes_nothing,
    the_whole_flow_works_behind_a_proxy_with_an_internal_host_name,
);

const MARK: &str = "canonical_host=1";
const PAGES: [&str; 6] = [
    "/",
    "/login",
    "/login?request=x",
    "/account",
    "/authorize?client_id=x",
    "/admin/audit.jsonl",
];
const OUTSIDE: &str = "192.0.2.1:50000";
const LOOPBACK: &str = "127.0.0.1:50000";

/// A request from a peer, with exactly these headers.
fn request(method: Method, path: &str, peer: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let peer: SocketAddr = peer.parse().expect("a socket");
    let request = Request::builder()
        .method(method)
        .uri(path)
        .extension(ConnectInfo(peer));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(Body::empty()).expect("a request")
}

async fn get(
    server: &TestServer,
    path: &str,
    peer: &str,
    headers: &[(&str, &str)],
) -> TestResponse {
    server.send(request(Method::GET, path, peer, headers)).await
}

async fn with_issuer(issuer: &str) -> TestServer {
    TestServer::with(EngineKind::Memory, |settings| {
        settings.issuer = Issuer::parse(issuer).expect("an issuer");
    })
    .await
}

/// The same server, listening at these addresses.
fn listening(server: &TestServer, trusted: &[&str], at: &[&str]) -> TestServer {
    let trusted: Vec<_> = trusted
        .iter()
        .map(|network| network.parse().expect("a network"))
        .collect();
    let at: Vec<_> = at
        .iter()
        .map(|socket| socket.parse().expect("a socket"))
        .collect();
    let proxies = Proxies::of_listeners(&trusted, &at);
    let router = router(
        server.provider.clone(),
        Options::new(proxies, PageFiles::new(None, None, "TestServer")),
    );
    let mut server = server.clone();
    server.router = router;
    server
}

fn expect_redirect_to_issuer(answer: &TestResponse, issuer: &str, path: &str) {
    let separator = if path.contains('?') { '&' } else { '?' };
    assert_eq!(answer.status, 307, "{path}: {answer:?}");
    assert_eq!(
        answer.header(header::LOCATION),
        Some(format!("{issuer}{path}{separator}{MARK}").as_str())
    );
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(answer.header(header::SET_COOKIE), None);
}

#[tokio::test]
async fn a_page_under_another_host_name_redirects_to_the_issuer_once() {
    for (issuer, own, peer, names) in [
        (
            "http://localhost:3000",
            "localhost:3000",
            LOOPBACK,
            ["127.0.0.1:3000", "[::1]:3000", "id.localhost:3000"],
        ),
        (
            "https://id.example",
            "id.example",
            OUTSIDE,
            ["www.id.example", "192.0.2.7:3000", "id.example.evil"],
        ),
        (
            "https://id.example",
            "id.example",
            LOOPBACK,
            ["www.id.example", "id.example.", "other.example"],
        ),
    ] {
        let server = with_issuer(issuer).await;
        for name in names {
            for path in PAGES {
                expect_redirect_to_issuer(
                    &get(&server, path, peer, &[("host", name)]).await,
                    issuer,
                    path,
                );
                let separator = if path.contains('?') { '&' } else { '?' };
                for host in [name, own] {
                    let arrived = get(
                        &server,
                        &format!("{path}{separator}{MARK}"),
                        peer,
                        &[("host", host)],
                    )
                    .await;
                    assert_ne!(arrived.status, 307, "{host} {path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn requests_from_other_computers_are_not_redirected_to_localhost() {
    let server = with_issuer("http://localhost:3000").await;
    for name in ["192.168.1.5:3000", "laptop.local:3000", "laptop:3000"] {
        let answer = get(
            &server,
            "/login",
            OUTSIDE,
            &[("host", name), ("accept", "text/html")],
        )
        .await;
        assert_eq!(answer.status, 421, "{name}");
        assert!(
            answer.body.contains("http://localhost:3000")
                && answer.body.contains("This server has a different address"),
            "{answer:?}"
        );
        assert!(
            answer
                .body
                .contains(&format!("href=\"http://localhost:3000/login?{MARK}\"")),
            "{answer:?}"
        );
        assert!(
            !answer.body.contains("laptop") && !answer.body.contains("192.168"),
            "nothing is repeated"
        );
    }
}

#[tokio::test]
async fn a_proxy_with_an_internal_host_name_causes_no_redirect() {
    let server = with_issuer("https://id.example").await;
    for name in [
        "127.0.0.1:3000",
        "localhost:3000",
        "vestibule:3000",
        "10.0.0.7",
    ] {
        assert_eq!(
            get(&server, "/login", LOOPBACK, &[("host", name)])
                .await
                .status,
            200,
            "{name}"
        );
    }
    // From another computer, a browser that names the issuer is served, and others are redirected
    // once.
    let says = [
        vec![("x-forwarded-host", "id.example")],
        vec![("x-forwarded-host", "ID.example:443, inner")],
        vec![("origin", "https://id.example")],
        vec![
            ("referer", "https://id.example/account"),
            ("sec-fetch-site", "same-origin"),
        ],
    ];
    for mut headers in says {
        headers.push(("host", "vestibule:3000"));
        assert_eq!(
            get(&server, "/login", OUTSIDE, &headers).await.status,
            200,
            "{headers:?}"
        );
    }
    for headers in [
        vec![("x-forwarded-host", "other.example")],
        vec![("origin", "https://id.example.evil")],
        vec![
            ("referer", "https://id.example/account"),
            ("sec-fetch-site", "cross-site"),
        ],
        vec![
            ("referer", "https://id.example.evil/"),
            ("sec-fetch-site", "same-origin"),
        ],
        vec![],
    ] {
        let headers: Vec<_> = headers
            .into_iter()
            .chain([("host", "vestibule:3000")])
            .collect();
        expect_redirect_to_issuer(
            &get(&server, "/login", OUTSIDE, &headers).await,
            "https://id.example",
            "/login",
        );
    }
    let inner = get(
        &server,
        "/login",
        LOOPBACK,
        &[
            ("host", "127.0.0.1:3000"),
            ("x-forwarded-host", "other.example"),
        ],
    )
    .await;
    expect_redirect_to_issuer(&inner, "https://id.example", "/login");
}

#[tokio::test]
async fn endpoints_for_programs_answer_under_any_host_name() {
    let server = with_issuer("https://id.example").await;
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/paseto-keys",
        "/health/live",
        "/health/ready",
    ] {
        for name in ["www.id.example", "10.0.0.7:3000", "inner"] {
            assert_eq!(
                get(&server, path, OUTSIDE, &[("host", name)]).await.status,
                200,
                "{path} {name}"
            );
        }
    }
    for (method, path) in [
        (Method::POST, "/token"),
        (Method::POST, "/register"),
        (Method::POST, "/revoke"),
        (Method::GET, "/api/me"),
    ] {
        let answer = server
            .send(request(method, path, OUTSIDE, &[("host", "inner")]))
            .await;
        assert!(
            [400, 401].contains(&answer.status.as_u16()),
            "{path}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_request_without_one_valid_host_is_400() {
    let server = with_issuer("https://id.example").await;
    let hosts: [&[(&str, &str)]; 8] = [
        &[],
        &[("host", "")],
        &[("host", "id.example"), ("host", "id.example")],
        &[("host", "id.example"), ("host", "evil.example")],
        &[("host", "id.example/x")],
        &[("host", "user@id.example")],
        &[("host", "id example")],
        &[("host", "id.example:port")],
    ];
    for path in [
        "/",
        "/login",
        "/health/live",
        "/nowhere",
        "/.well-known/oauth-authorization-server",
        "/.well-known/x",
        "/mcp",
    ] {
        for headers in hosts {
            let answer = get(&server, path, LOOPBACK, headers).await;
            assert_eq!(answer.status, 400, "{path} {headers:?}");
        }
        let mut older = request(Method::GET, path, LOOPBACK, &[]);
        *older.version_mut() = Version::HTTP_10;
        assert_ne!(
            server.send(older).await.status,
            400,
            "{path}: HTTP/1.0 knows no Host"
        );
    }
}

async fn clients_behind_a_local_proxy_are_counted_separately(engine: EngineKind) {
    let server = listening(
        &TestServer::empty(engine).await,
        &[],
        &["127.0.0.1:3000", "[::1]:3000"],
    );
    for person in 1..=25 {
        let answer = register_as(&server, LOOPBACK, &format!("203.0.113.{person}")).await;
        assert_eq!(answer.status, 201, "{person}: {answer:?}");
    }
    // Without a trusted proxy they share one limit.
    let server = listening(&TestServer::empty(engine).await, &[], &["0.0.0.0:3000"]);
    let mut registered = 0;
    for person in 1..=25 {
        registered += u32::from(
            register_as(&server, LOOPBACK, &format!("203.0.113.{person}"))
                .await
                .status
                == 201,
        );
    }
    assert_eq!(registered, 20);
}

async fn a_forged_forwarded_header_does_not_avoid_the_limit(engine: EngineKind) {
    let server = listening(
        &TestServer::empty(engine).await,
        &["10.0.0.0/8"],
        &["0.0.0.0:3000"],
    );
    let mut registered = 0;
    for number in 1..=25 {
        let written = [
            format!("198.51.100.{number}"),
            "garbage".to_owned(),
            format!("10.0.0.{number}"),
            String::new(),
        ];
        let forwarded = format!("{}, 203.0.113.9, 10.1.1.1", written[number % 4]);
        registered += u32::from(register_as(&server, "10.0.0.1:1", &forwarded).await.status == 201);
    }
    assert_eq!(registered, 20);
    assert_eq!(
        register_as(&server, "10.0.0.1:1", "203.0.113.10")
            .await
            .status,
        201
    );
}

async fn register_as(server: &TestServer, peer: &str, forwarded: &str) -> TestResponse {
    let headers = [
        ("host", "127.0.0.1:3000"),
        ("content-type", "application/json"),
        ("x-forwarded-for", forwarded),
    ];
    let request = request(Method::POST, "/register", peer, &headers);
    server
        .send(request.map(|_| native_metadata().to_string().into()))
        .await
}

async fn a_form_under_another_host_name_changes_nothing(engine: EngineKind) {
    let server = TestServer::of_alice(engine).await;
    let post = async |origin: Option<&str>| {
        let mut headers = vec![("host", "www.vestibule.example"), ("accept", "text/html")];
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        headers.extend(origin.map(|origin| ("origin", origin)));
        let form = Query::new([
            ("email", "alice@example.com"),
            ("password", "wrong"),
            ("form_token", "x"),
        ]);
        server
            .send(
                request(Method::POST, "/actions/sign_in", OUTSIDE, &headers)
                    .map(|_| form.encode().into()),
            )
            .await
    };
    for origin in [
        Some("https://www.vestibule.example"),
        Some("https://evil.example"),
        Some("null"),
        None,
    ] {
        let (calls, answer) = server.counting(post(origin)).await;
        assert_eq!(
            (answer.status.as_u16(), calls),
            (421, 0),
            "{origin:?}: {answer:?}"
        );
        assert!(
            answer.body.contains("https://vestibule.example")
                && answer.body.contains("nothing was changed here"),
            "{answer:?}"
        );
    }
    // A proxy changed the name; the browser's headers name the issuer.
    assert_ne!(post(Some("https://vestibule.example")).await.status, 421);
    // A form for the authorization endpoint continues at the issuer, as a query.
    let client = McpClient::native(&server).await;
    let headers = [
        ("host", "www.vestibule.example"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let form = client.authorization.encode();
    let answer = server
        .send(request(Method::POST, "/authorize", OUTSIDE, &headers).map(|_| form.into()))
        .await;
    let place = answer.destination();
    assert!(
        place.starts_with("https://vestibule.example/authorize?") && place.ends_with(MARK),
        "{place}"
    );
    assert!(place.contains(&client.id), "{place}");
}

async fn the_whole_flow_works_behind_a_proxy_with_an_internal_host_name(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let client = McpClient::native(&server).await;
    let path = client.authorize_path();
    let inner = [("host", "vestibule:3000"), ("accept", "text/html")];
    let first = get(&server, &path, OUTSIDE, &inner).await;
    expect_redirect_to_issuer(&first, "https://vestibule.example", &path);
    let second = get(
        &server,
        first
            .header(header::LOCATION)
            .expect("a place")
            .trim_start_matches("https://vestibule.example"),
        OUTSIDE,
        &inner,
    )
    .await;
    let login = second.destination().to_owned();
    assert!(
        login.starts_with("/login?request="),
        "the mark is no part of the request: {login}"
    );
    let cookies = second
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    let cookie = cookies.collect::<Vec<_>>().join("; ");
    let third = get(
        &server,
        &format!("{login}&{MARK}"),
        OUTSIDE,
        &[inner[0], inner[1], ("cookie", &cookie)],
    )
    .await;
    assert_eq!(third.document().page(), "login");
}

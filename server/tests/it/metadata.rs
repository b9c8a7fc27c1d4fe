//! The discovery documents (RFC 8414, RFC 9728, R-A4, R-A7, R-A18, R-K2, requirements 7.6, 7.9,
//! 7.10; T-E43).

use axum::body::Body;
use http::{Method, header};
use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use serde_json::json;

use testkit::{
    EngineKind, on_both_engines,
    routed::{ISSUER, MCP, TestResponse, TestServer, request},
};

on_both_engines!(
    the_metadata_lists_exactly_the_supported_features,
    the_protected_resource_is_found_by_its_path_and_at_the_root,
    each_resource_has_its_own_document,
    r_a18_t_e43_the_issuer_depends_on_the_configuration_only,
    unknown_addresses_are_404_and_nothing_is_redirected,
    documents_answer_get_and_head_only,
    r_k2_openid_addresses_are_404_for_programs_and_scripts,
    requirement_7_10_endpoints_for_programs_never_redirect,
    requirement_7_9_preflight_requests_are_answered_for_cors_endpoints_only,
    requirement_7_9_scripts_of_any_origin_may_read_documents_keys_registration_and_tokens,
    published_keys_change_with_a_rotation,
);

const SERVER: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const KEYS: &str = "/.well-known/paseto-keys";

async fn the_metadata_lists_exactly_the_supported_features(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    assert_eq!(
        server.get(SERVER).await.granted(),
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
            "registration_endpoint": format!("{ISSUER}/register"),
            "revocation_endpoint": format!("{ISSUER}/revoke"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt", "client_secret_basic", "client_secret_post"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
            // 7.6: without this member, RFC 8414 means client_secret_basic, which public clients
            // cannot use.
            "revocation_endpoint_auth_methods_supported": ["none", "private_key_jwt", "client_secret_basic", "client_secret_post"],
            "revocation_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
            "scopes_supported": ["notes:read", "notes:write", "offline_access"],
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": true,
            "protected_resources": [MCP],
        })
    );
}

async fn the_protected_resource_is_found_by_its_path_and_at_the_root(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let expected = json!({
        "resource": MCP,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["notes:read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Notes",
    });
    for path in [RESOURCE.to_owned(), format!("{RESOURCE}/mcp")] {
        assert_eq!(server.get(&path).await.granted(), expected, "{path}");
    }
}

async fn each_resource_has_its_own_document(engine: EngineKind) {
    let resource = |identifier: &str, name: &str| {
        Resource::new(
            ResourceIdentifier::parse(identifier).expect("an identifier"),
            name.to_owned(),
            vec![ScopeDescription {
                name: format!("{name}:use"),
                sentence: String::new(),
                default: true,
            }],
        )
    };
    let server = TestServer::with(engine, |settings| {
        settings
            .resources
            .push(resource("https://vestibule.example/deep/mcp", "deep"));
        settings
            .resources
            .push(resource("https://elsewhere.example/mcp", "elsewhere"));
    })
    .await;
    let of = async |path: &str| server.get(&format!("{RESOURCE}{path}")).await;
    assert_eq!(of("/mcp").await.granted()["resource"], MCP);
    assert_eq!(
        of("/deep/mcp").await.granted()["resource"],
        "https://vestibule.example/deep/mcp"
    );
    assert_eq!(
        of("").await.status,
        404,
        "with several, the root path is none of them"
    );
    let metadata = server.get(SERVER).await.granted();
    assert_eq!(
        metadata["protected_resources"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(
        metadata["scopes_supported"],
        json!([
            "notes:read",
            "notes:write",
            "deep:use",
            "elsewhere:use",
            "offline_access"
        ])
    );
}

async fn r_a18_t_e43_the_issuer_depends_on_the_configuration_only(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for path in [
        SERVER.to_owned(),
        RESOURCE.to_owned(),
        format!("{RESOURCE}/mcp"),
    ] {
        let plain = server.get(&path).await;
        for (name, value) in [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "http"),
            ("forwarded", "host=evil.example;proto=http"),
            ("x-forwarded-prefix", "/evil"),
            ("x-original-url", "/evil"),
        ] {
            let mut request = request(Method::GET, &path)
                .body(Body::empty())
                .expect("a request");
            request
                .headers_mut()
                .insert(name, value.parse().expect("a header"));
            assert_eq!(server.send(request).await.body, plain.body, "{name}");
        }
        let absolute = request(
            Method::GET,
            &format!("http://evil.example{path}?issuer=https://evil.example"),
        );
        assert_eq!(
            server
                .send(absolute.body(Body::empty()).expect("a request"))
                .await
                .body,
            plain.body
        );
    }
}

async fn unknown_addresses_are_404_and_nothing_is_redirected(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/",
        "/.well-known/openid-configuration/mcp",
        "/mcp/.well-known/openid-configuration",
        "/mcp/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server/",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known//oauth-authorization-server",
        "//.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-serverx",
        "/.well-known/OAUTH-authorization-server",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/mcp/",
        "/.well-known/oauth-protected-resource//mcp",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/oauth-protected-resource/mcp%2f",
        "/.well-known/oauth-protected-resource/..%2fmcp",
        "/.well-known/oauth-protected-resource/%ff",
        "/.well-known/jwks.json",
        "/.well-known/",
        "/.well-known",
        "/mcp/.well-known/oauth-authorization-server",
        "/api/other",
        "/token/",
        "/token//",
        "//token",
        "/token/x",
        "/revoke/",
        "//revoke",
        "/introspect/",
        "/register/",
        "//register",
        "/register/vc_x/",
        "/register//vc_x",
        "/authorize/",
        "//authorize",
        "/mcp/",
        "//mcp",
        "/api/me/",
        "/health/other",
        "/nowhere",
        "/pkg/../../Cargo.toml",
        "/pkg/%2e%2e/%2e%2e/Cargo.toml",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.header(header::LOCATION), None, "{path}");
    }
}

async fn documents_answer_get_and_head_only(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for path in [SERVER, RESOURCE, KEYS] {
        let send = async |method: Method| {
            server
                .send(
                    request(method, path)
                        .body(Body::empty())
                        .expect("a request"),
                )
                .await
        };
        let get = send(Method::GET).await;
        let head = send(Method::HEAD).await;
        assert_eq!(
            (head.status.as_u16(), head.body.as_str()),
            (200, ""),
            "{path}"
        );
        assert_eq!(
            head.header(header::CONTENT_TYPE),
            get.header(header::CONTENT_TYPE),
            "{path}"
        );
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = send(method).await;
            assert_eq!(answer.status, 405, "{path}");
            assert!(
                answer
                    .header(header::ALLOW)
                    .is_some_and(|allow| allow.contains("GET")),
                "{path}"
            );
        }
        assert_eq!(get.header(header::SET_COOKIE), None, "{path}");
        assert_eq!(
            get.header(header::X_CONTENT_TYPE_OPTIONS),
            Some("nosniff"),
            "{path}"
        );
    }
}

/// A client stops at a server error and continues after 404 (requirements 5.2). A script must be
/// able to read the response.
async fn r_k2_openid_addresses_are_404_for_programs_and_scripts(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/jwks.json",
        "/mcp/.well-known/openid-configuration",
        "/mcp/.well-known/oauth-authorization-server",
        "/mcp/.well-known/oauth-protected-resource",
    ] {
        for accept in ["application/json", "*/*", "text/html"] {
            let request = request(Method::GET, path)
                .header(header::ACCEPT, accept)
                .header(header::ORIGIN, "https://a.example");
            let answer = server
                .send(request.body(Body::empty()).expect("a request"))
                .await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["error"]),
                (404, &json!("not_found")),
                "{path}"
            );
            assert_eq!(
                answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
                Some("*"),
                "{path}"
            );
            assert_eq!(
                answer.header(header::CACHE_CONTROL),
                Some("no-store"),
                "{path}"
            );
        }
    }
}

/// Clients do not follow redirects of these endpoints (requirements 7.10).
async fn requirement_7_10_endpoints_for_programs_never_redirect(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for (path, allowed) in [
        (SERVER, &["GET", "HEAD"][..]),
        (RESOURCE, &["GET", "HEAD"]),
        (KEYS, &["GET", "HEAD"]),
        ("/token", &["POST"]),
        ("/revoke", &["POST"]),
        ("/introspect", &["POST"]),
        ("/register", &["POST"]),
        ("/register/vc_x", &["GET", "HEAD", "PUT", "DELETE"]),
        ("/api/me", &["GET", "HEAD"]),
    ] {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::TRACE,
        ] {
            let answer = server
                .send(
                    request(method.clone(), path)
                        .body(Body::empty())
                        .expect("a request"),
                )
                .await;
            assert!(
                !answer.status.is_redirection() && !answer.status.is_server_error(),
                "{method} {path}: {answer:?}"
            );
            assert_eq!(
                answer.status == 405,
                !allowed.contains(&method.as_str()),
                "{method} {path}: {answer:?}"
            );
            if answer.status == 405 {
                let named = answer.header(header::ALLOW).unwrap_or_default();
                assert_eq!(named.split(',').collect::<Vec<_>>(), allowed, "{path}");
            }
        }
    }
}

async fn requirement_7_9_preflight_requests_are_answered_for_cors_endpoints_only(
    engine: EngineKind,
) {
    let server = TestServer::empty(engine).await;
    let ask = async |path: &str| {
        server
            .send(
                request(Method::OPTIONS, path)
                    .body(Body::empty())
                    .expect("a request"),
            )
            .await
    };
    for path in [
        SERVER,
        RESOURCE,
        KEYS,
        "/token",
        "/revoke",
        "/register",
        "/register/vc_x",
        "/.well-known/x",
    ] {
        let answer = ask(path).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN)
            ),
            (204, Some("*")),
            "{path}"
        );
    }
    // R-O7: not at the authorization endpoint, nor at endpoints for servers.
    for path in ["/authorize", "/login", "/introspect", "/api/me"] {
        let answer = ask(path).await;
        assert!(answer.status.is_client_error(), "{path}: {answer:?}");
        assert_eq!(
            answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            None,
            "{path}"
        );
    }
}

async fn requirement_7_9_scripts_of_any_origin_may_read_documents_keys_registration_and_tokens(
    engine: EngineKind,
) {
    let server = TestServer::empty(engine).await;
    let open = |answer: &TestResponse, what: &str| {
        assert_eq!(
            answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            Some("*"),
            "{what}"
        );
        assert_eq!(
            answer.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS),
            None,
            "{what}"
        );
        let exposed = answer
            .header(header::ACCESS_CONTROL_EXPOSE_HEADERS)
            .unwrap_or_default()
            .to_ascii_lowercase();
        assert!(exposed.contains("www-authenticate"), "{what}: {exposed}");
    };
    for path in [
        SERVER,
        RESOURCE,
        "/.well-known/oauth-protected-resource/mcp",
        KEYS,
        "/token",
        "/revoke",
        "/register",
        "/register/vc_x",
        "/mcp",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp",
        "/.well-known/x",
    ] {
        let preflight = request(Method::OPTIONS, path)
            .header(header::ORIGIN, "https://inspector.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(
                header::ACCESS_CONTROL_REQUEST_HEADERS,
                "mcp-protocol-version,authorization,content-type",
            );
        let answer = server
            .send(preflight.body(Body::empty()).expect("a request"))
            .await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        open(&answer, path);
        let allowed = answer
            .header(header::ACCESS_CONTROL_ALLOW_HEADERS)
            .unwrap_or_default()
            .to_ascii_lowercase();
        for name in ["mcp-protocol-version", "authorization", "content-type"] {
            assert!(allowed.contains(name), "{path}: {allowed}");
        }
        let methods = answer
            .header(header::ACCESS_CONTROL_ALLOW_METHODS)
            .unwrap_or_default();
        assert!(
            methods.contains("POST") && methods.contains("GET"),
            "{path}: {methods}"
        );
        open(&server.get(path).await, path);
    }
}

async fn published_keys_change_with_a_rotation(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    let before = server.get(KEYS).await.granted();
    let first = before["keys"][0].clone();
    assert_eq!(
        before["keys"].as_array().map(Vec::len),
        Some(2),
        "the active key and the standby key"
    );
    assert!(
        first["kid"]
            .as_str()
            .is_some_and(|kid| kid.starts_with("k4.pid.")),
        "{first}"
    );
    assert!(
        first["key"]
            .as_str()
            .is_some_and(|key| key.starts_with("k4.public.")),
        "{first}"
    );
    assert_eq!(first["state"], "active");
    assert!(
        !before.to_string().contains("secret") && !before.to_string().contains("k4.local"),
        "{before}"
    );
    let twin = server.twin().await;
    server
        .provider
        .terminal()
        .rotate_keys(false)
        .await
        .expect("rotated");
    twin.provider
        .signing_keys()
        .refresh_keys()
        .await
        .expect("read again");
    for server in [&server, &twin] {
        let after = server.get(KEYS).await.granted();
        let states: Vec<_> = after["keys"]
            .as_array()
            .expect("keys")
            .iter()
            .map(|key| (key["kid"].clone(), key["state"].clone()))
            .collect();
        assert_eq!(states.len(), 3, "{after}");
        assert_eq!(
            states[0].0, before["keys"][1]["kid"],
            "the active key was published before"
        );
        assert!(
            states.contains(&(first["kid"].clone(), json!("retiring"))),
            "{after}"
        );
        assert!(
            states
                .iter()
                .any(|(kid, state)| *kid != first["kid"] && *state == "active"),
            "{after}"
        );
    }
    // The old key is removed when all its tokens have expired.
    server.pass(24 * 3600 + 1);
    assert_eq!(
        server.get(KEYS).await.granted()["keys"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

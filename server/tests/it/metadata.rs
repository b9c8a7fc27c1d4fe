//! The documents by which clients find everything (RFC 8414, RFC 9728, A4, A7, A18, K9; case E43).

use axum::body::Body;
use http::{Method, header};
use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};
use serde_json::json;

use crate::support::{Answer, Engine, House, ISSUER, MCP, on_both_engines, request};

on_both_engines!(
    the_authorization_server_says_what_works_and_nothing_else,
    the_protected_resource_is_found_by_its_path_and_at_the_root,
    several_resources_have_a_document_each,
    a18_e43_the_issuer_follows_from_the_configuration_alone,
    unknown_addresses_are_404_and_nothing_is_redirected,
    documents_answer_to_get_and_head_alone,
    k9_scripts_of_any_origin_may_read_documents_keys_registration_and_tokens,
    keys_are_public_and_change_when_they_are_rotated,
);

const SERVER: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const KEYS: &str = "/.well-known/paseto-keys";

async fn the_authorization_server_says_what_works_and_nothing_else(engine: Engine) {
    let house = House::empty(engine).await;
    assert_eq!(
        house.get(SERVER).await.granted(),
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
            "registration_endpoint": format!("{ISSUER}/register"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "scopes_supported": ["notes:read", "notes:write", "offline_access"],
            "authorization_response_iss_parameter_supported": true,
            "protected_resources": [MCP],
        })
    );
}

async fn the_protected_resource_is_found_by_its_path_and_at_the_root(engine: Engine) {
    let house = House::empty(engine).await;
    let expected = json!({
        "resource": MCP,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["notes:read", "notes:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Notes",
    });
    for path in [RESOURCE.to_owned(), format!("{RESOURCE}/mcp")] {
        assert_eq!(house.get(&path).await.granted(), expected, "{path}");
    }
}

async fn several_resources_have_a_document_each(engine: Engine) {
    let resource = |identifier: &str, name: &str| Resource {
        identifier: ResourceIdentifier::parse(identifier).expect("an identifier"),
        name: name.to_owned(),
        scopes: vec![ScopeDescription { name: format!("{name}:use"), sentence: String::new() }],
    };
    let house = House::with(engine, |settings| {
        settings.resources.push(resource("https://vestibule.example/deep/mcp", "deep"));
        settings.resources.push(resource("https://elsewhere.example/mcp", "elsewhere"));
    })
    .await;
    let of = async |path: &str| house.get(&format!("{RESOURCE}{path}")).await;
    assert_eq!(of("/mcp").await.granted()["resource"], MCP);
    assert_eq!(of("/deep/mcp").await.granted()["resource"], "https://vestibule.example/deep/mcp");
    assert_eq!(of("").await.status, 404, "with several, the root stands for none of them");
    let server = house.get(SERVER).await.granted();
    assert_eq!(server["protected_resources"].as_array().map(Vec::len), Some(3));
    assert_eq!(server["scopes_supported"], json!(["notes:read", "notes:write", "deep:use", "elsewhere:use", "offline_access"]));
}

async fn a18_e43_the_issuer_follows_from_the_configuration_alone(engine: Engine) {
    let house = House::empty(engine).await;
    for path in [SERVER.to_owned(), RESOURCE.to_owned(), format!("{RESOURCE}/mcp")] {
        let plain = house.get(&path).await;
        for (name, value) in [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "http"),
            ("forwarded", "host=evil.example;proto=http"),
            ("x-forwarded-prefix", "/evil"),
            ("x-original-url", "/evil"),
        ] {
            let mut request = request(Method::GET, &path).body(Body::empty()).expect("a request");
            request.headers_mut().insert(name, value.parse().expect("a header"));
            assert_eq!(house.send(request).await.body, plain.body, "{name}");
        }
        let absolute = request(Method::GET, &format!("http://evil.example{path}?issuer=https://evil.example"));
        assert_eq!(house.send(absolute.body(Body::empty()).expect("a request")).await.body, plain.body);
    }
}

async fn unknown_addresses_are_404_and_nothing_is_redirected(engine: Engine) {
    let house = House::empty(engine).await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp",
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
        "/register/",
        "/health/other",
        "/nowhere",
        "/pkg/../../Cargo.toml",
        "/pkg/%2e%2e/%2e%2e/Cargo.toml",
    ] {
        let answer = house.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.header(header::LOCATION), None, "{path}");
    }
}

async fn documents_answer_to_get_and_head_alone(engine: Engine) {
    let house = House::empty(engine).await;
    for path in [SERVER, RESOURCE, KEYS] {
        let send = async |method: Method| house.send(request(method, path).body(Body::empty()).expect("a request")).await;
        let (get, head) = (send(Method::GET).await, send(Method::HEAD).await);
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header(header::CONTENT_TYPE), get.header(header::CONTENT_TYPE), "{path}");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = send(method).await;
            assert_eq!(answer.status, 405, "{path}");
            assert!(answer.header(header::ALLOW).is_some_and(|allow| allow.contains("GET")), "{path}");
        }
        assert_eq!(get.header(header::SET_COOKIE), None, "{path}");
        assert_eq!(get.header(header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"), "{path}");
    }
}

async fn k9_scripts_of_any_origin_may_read_documents_keys_registration_and_tokens(engine: Engine) {
    let house = House::empty(engine).await;
    let open = |answer: &Answer, what: &str| {
        assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), Some("*"), "{what}");
        assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), None, "{what}");
        let exposed = answer.header(header::ACCESS_CONTROL_EXPOSE_HEADERS).unwrap_or_default().to_ascii_lowercase();
        assert!(exposed.contains("www-authenticate"), "{what}: {exposed}");
    };
    for path in
        [SERVER, RESOURCE, "/.well-known/oauth-protected-resource/mcp", KEYS, "/token", "/register", "/mcp", "/.well-known/x"]
    {
        let preflight = request(Method::OPTIONS, path)
            .header(header::ORIGIN, "https://inspector.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "mcp-protocol-version,authorization,content-type");
        let answer = house.send(preflight.body(Body::empty()).expect("a request")).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        open(&answer, path);
        let allowed = answer.header(header::ACCESS_CONTROL_ALLOW_HEADERS).unwrap_or_default().to_ascii_lowercase();
        for name in ["mcp-protocol-version", "authorization", "content-type"] {
            assert!(allowed.contains(name), "{path}: {allowed}");
        }
        let methods = answer.header(header::ACCESS_CONTROL_ALLOW_METHODS).unwrap_or_default();
        assert!(methods.contains("POST") && methods.contains("GET"), "{path}: {methods}");
        open(&house.get(path).await, path);
    }
}

async fn keys_are_public_and_change_when_they_are_rotated(engine: Engine) {
    let house = House::empty(engine).await;
    let before = house.get(KEYS).await.granted();
    let first = before["keys"][0].clone();
    assert_eq!(before["keys"].as_array().map(Vec::len), Some(1));
    assert!(first["kid"].as_str().is_some_and(|kid| kid.starts_with("k4.pid.")), "{first}");
    assert!(first["key"].as_str().is_some_and(|key| key.starts_with("k4.public.")), "{first}");
    assert_eq!(first["state"], "active");
    assert!(!before.to_string().contains("secret") && !before.to_string().contains("k4.local"), "{before}");
    let twin = house.twin().await;
    house.provider.rotate_keys().await.expect("rotated");
    twin.provider.refresh_keys().await.expect("read again");
    for server in [&house, &twin] {
        let after = server.get(KEYS).await.granted();
        let states: Vec<_> =
            after["keys"].as_array().expect("keys").iter().map(|key| (key["kid"].clone(), key["state"].clone())).collect();
        assert_eq!(states.len(), 2, "{after}");
        assert!(states.contains(&(first["kid"].clone(), json!("retiring"))), "{after}");
        assert!(states.iter().any(|(kid, state)| *kid != first["kid"] && *state == "active"), "{after}");
    }
    // The old one goes when nothing that it signed can be alive.
    house.pass(24 * 3600 + 1);
    assert_eq!(house.get(KEYS).await.granted()["keys"].as_array().map(Vec::len), Some(1));
}

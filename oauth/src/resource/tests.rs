use super::*;

fn canonical(text: &str) -> Option<String> {
    ResourceIdentifier::parse(text).map(|identifier| identifier.0)
}

#[test]
fn scheme_host_default_port_and_root_slash_are_forgiven_and_nothing_else() {
    assert_eq!(
        canonical("HTTPS://MCP.Example.com:443/"),
        Some("https://mcp.example.com".to_owned())
    );
    assert_eq!(
        canonical("https://mcp.example.com"),
        Some("https://mcp.example.com".to_owned())
    );
    assert_eq!(
        canonical("http://localhost:3000/mcp"),
        Some("http://localhost:3000/mcp".to_owned())
    );
    let mcp = canonical("https://mcp.example.com/mcp");
    for other in [
        "https://mcp.example.com/mcp/",
        "https://mcp.example.com/MCP",
        "https://mcp.example.com/mcp?x",
        "https://mcp.example.com/a/../mcp",
        "https://mcp.example.com/%6dcp",
        "http://mcp.example.com/mcp",
    ] {
        assert_ne!(canonical(other), mcp, "{other}");
    }
}

#[test]
fn what_is_no_absolute_web_uri_is_no_resource() {
    for bad in [
        "",
        "mcp",
        "/mcp",
        "https://",
        "https://a/#f",
        "https://u@a/",
        "https://u:p@a/",
        "https://u@a?x",
        "https://@a/",
        "https:\\\\a",
        "https://a/ b",
        "ftp://a/",
        "javascript:alert(1)",
        "urn:x:y",
        "https:/a/mcp",
        "https:a/mcp",
        "https:///a/mcp",
        "https:/a://b/mcp",
        "https://é.example/",
    ] {
        assert_eq!(canonical(bad), None, "{bad}");
    }
}

#[test]
fn every_character_of_a_path_that_rfc_3986_allows_may_stand_in_one() {
    for path in [
        "/@scope/mcp",
        "/a@b",
        "/u:p@x/y",
        "/-._~!$&'()*+,;=:@",
        "/a%40b",
        "?owner=@me",
        "/mcp?a=b@c/d?e",
    ] {
        let text = format!("https://mcp.example.com{path}");
        assert_eq!(canonical(&text).as_deref(), Some(text.as_str()));
        let identifier = ResourceIdentifier::parse(&text).expect("a valid identifier");
        assert_eq!(identifier.host(), "mcp.example.com", "{path}");
    }
}

fn resources() -> [Resource; 3] {
    [
        ("https://a.example/mcp", ["read", "a:write"]),
        ("https://b.example", ["read", "b:write"]),
        ("https://c.example", ["c", "d"]),
    ]
    .map(|(identifier, scopes)| Resource {
        identifier: ResourceIdentifier::parse(identifier).expect("a valid identifier"),
        name: "Notes".to_owned(),
        scopes: scopes
            .map(|name| ScopeDescription {
                name: name.to_owned(),
                sentence: String::new(),
                default: true,
            })
            .into(),
        introspection_secret: None,
    })
}

#[test]
fn the_same_resource_named_again_counts_once() {
    let named = |query: &str| {
        requested(&Parameters::parse(query.as_bytes())).map(|named| named.map(str::to_owned))
    };
    let a = Ok(Some("https://a.example/mcp".to_owned()));
    for query in [
        "resource=https://a.example/mcp",
        "resource=https://a.example/mcp&resource=https://a.example/mcp",
        "resource=https://a.example/mcp&resource=https://A.example:443/mcp&resource=",
        "resource=&resource=https://a.example/mcp&resource=https://a.example/mcp",
    ] {
        assert_eq!(named(query), a, "{query}");
    }
    assert_eq!(named("resource=&resource="), Ok(None));
    assert_eq!(
        named("resource=nonsense&resource=nonsense"),
        Ok(Some("nonsense".to_owned()))
    );
    for query in [
        "resource=https://a.example/mcp&resource=https://b.example",
        "resource=https://a.example/mcp&resource=https://a.example/MCP",
        "resource=nonsense&resource=other",
    ] {
        assert_eq!(named(query), Err(ResourceError::Several), "{query}");
    }
}

#[test]
fn r_k6_without_a_name_a_scope_decides_then_the_default_then_nothing() {
    let resources = resources();
    let default = Some(&resources[1].identifier);
    let chosen = |default, scope: &str| {
        select(&resources, default, None, Some(scope)).map(|chosen| chosen.identifier.as_str())
    };
    for (scope, without_default, with_default) in [
        (
            "a:write",
            Ok("https://a.example/mcp"),
            Ok("https://a.example/mcp"),
        ),
        (
            "read a:write offline_access",
            Ok("https://a.example/mcp"),
            Ok("https://a.example/mcp"),
        ),
        (
            "c d openid",
            Ok("https://c.example"),
            Ok("https://c.example"),
        ),
        ("read", Err(ResourceError::Missing), Ok("https://b.example")),
        (
            "a:write b:write",
            Err(ResourceError::Missing),
            Ok("https://b.example"),
        ),
        (
            "openid offline_access",
            Err(ResourceError::Missing),
            Ok("https://b.example"),
        ),
        ("", Err(ResourceError::Missing), Ok("https://b.example")),
    ] {
        assert_eq!(chosen(None, scope), without_default, "{scope}");
        assert_eq!(chosen(default, scope), with_default, "{scope}");
    }
    let named = |text| {
        select(&resources, default, Some(text), Some("a:write"))
            .map(|chosen| chosen.identifier.as_str())
    };
    assert_eq!(
        named("https://c.example/"),
        Ok("https://c.example"),
        "a name wins"
    );
    assert_eq!(named("https://d.example"), Err(ResourceError::Unknown));
    assert_eq!(
        select(&[], None, None, Some("read")).err(),
        Some(ResourceError::Missing)
    );
    assert_eq!(
        select(&resources[2..], None, None, None).map(|only| only.identifier.as_str()),
        Ok("https://c.example")
    );
}

#[test]
fn host_and_path_are_parts_of_the_identifier() {
    let identifier =
        ResourceIdentifier::parse("http://localhost:3000/mcp?x=/y").expect("a valid identifier");
    assert_eq!(
        (identifier.host(), identifier.path()),
        ("localhost:3000", "/mcp")
    );
    assert_eq!(identifier.to_string(), "http://localhost:3000/mcp?x=/y");
    let identifier =
        ResourceIdentifier::parse("http://localhost:3000?x=/y").expect("a valid identifier");
    assert_eq!(
        (identifier.host(), identifier.path()),
        ("localhost:3000", "")
    );
}

#[test]
fn r_p2_the_metadata_belongs_between_host_and_path() {
    for (identifier, address) in [
        (
            "https://mcp.example.com",
            "https://mcp.example.com/.well-known/oauth-protected-resource",
        ),
        (
            "https://mcp.example.com/mcp",
            "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
        ),
        (
            "http://localhost:3000/a/b?x=/y",
            "http://localhost:3000/.well-known/oauth-protected-resource/a/b?x=/y",
        ),
        (
            "http://localhost:3000?x=/y",
            "http://localhost:3000/.well-known/oauth-protected-resource?x=/y",
        ),
    ] {
        let identifier = ResourceIdentifier::parse(identifier).expect("a valid identifier");
        assert_eq!(identifier.metadata_address(), address);
    }
}

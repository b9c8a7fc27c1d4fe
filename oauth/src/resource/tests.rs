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

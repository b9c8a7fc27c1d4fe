use super::*;
use crate::resource::ScopeDescription;

fn resources() -> [Resource; 3] {
    [
        ("https://a.example/mcp", ["read", "a:write"]),
        ("https://b.example", ["read", "b:write"]),
        ("https://c.example", ["c", "d"]),
    ]
    .map(|(identifier, scopes)| {
        Resource::new(
            ResourceIdentifier::parse(identifier).expect("a valid identifier"),
            "Notes".to_owned(),
            scopes
                .map(|name| ScopeDescription {
                    name: name.to_owned(),
                    sentence: String::new(),
                    default: true,
                })
                .into(),
        )
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

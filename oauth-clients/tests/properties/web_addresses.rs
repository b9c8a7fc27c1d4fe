//! All readers of addresses agree on user parts, fragments, ports, IPv6 and dot segments.

use oauth::{
    Issuer,
    redirect::{PrivateSchemes, RedirectUri},
    resource::ResourceIdentifier,
};
use oauth_clients::{
    client::KeySource,
    document::{DocumentPolicy, DocumentUrl},
};

/// Who takes an address: redirect URI, resource, metadata document, key set.
fn readers(text: &str) -> [bool; 4] {
    [
        RedirectUri::register(text, &PrivateSchemes::default()).is_ok(),
        ResourceIdentifier::parse(text).is_some(),
        DocumentUrl::parse(text).is_ok(),
        KeySource::at(text.to_owned()).is_ok(),
    ]
}

#[test]
fn ordinary_addresses_are_taken_by_all() {
    for text in [
        "https://a.example/x",
        "https://a.example:8443/x?y=z",
        "https://a.example/@x/a:b",
        "https://a.example/x?u@v",
        "https://[2001:db8::1]/x",
        "https://[2001:db8::1]:8443/x",
        "https://127.0.0.1/x",
    ] {
        assert_eq!(readers(text), [true; 4], "{text}");
    }
}

#[test]
fn a_user_part_or_a_fragment_is_refused_by_all() {
    for text in [
        "https://u@a.example/x",
        "https://@a.example/x",
        "https://u:p@a.example/x",
        "https://a.example@evil.example/x",
        "https://a.example/x#",
        "https://a.example/x#f",
        "https://a.example:99999/x",
        "https://[::1/x",
        "https:///x y",
        "nonsense",
    ] {
        assert_eq!(readers(text), [false; 4], "{text}");
    }
    assert!(Issuer::parse("https://u@a.example").is_err());
    assert!(Issuer::parse("https://a.example#f").is_err());
}

/// Redirect URIs and documents are shown and fetched as they are written, so only the canonical
/// spelling passes. A resource is compared in its canonical spelling (RFC 8707 section 2), and a
/// key set is fetched wherever its address leads.
#[test]
fn another_spelling_of_host_or_port_is_forgiven_where_it_is_compared_and_nowhere_else() {
    for text in [
        "https://A.example/x",
        "https://a.example:08443/x",
        "https://a.example:/x",
        "https://[0:0::1]/x",
        "https://0x7f.1/x",
    ] {
        let [redirect, resource, document, keys] = readers(text);
        assert!(!redirect && !document, "{text}");
        assert!(resource && keys, "{text}");
    }
}

#[test]
fn dot_segments_are_refused_in_every_spelling_where_a_path_decides() {
    for dots in ["/./x", "/../x", "/x/..", "/%2e/x", "/%2E%2e/x", "/.%2e/x"] {
        let text = format!("https://a.example{dots}");
        let [redirect, _, document, _] = readers(&text);
        assert!(!redirect && !document, "{text}");
    }
    // No segment of dots, and not encoded.
    for plain in ["/...", "/.well-known/x", "/a.b", "/x?/../y"] {
        let text = format!("https://a.example{plain}");
        assert_eq!(readers(&text), [true; 4], "{text}");
    }
}

#[test]
fn hosts_are_read_alike_by_policies() {
    for host in ["a.example", "a_b.example", "[2001:db8::1]", "127.0.0.1"] {
        let text = format!("https://{host}/x");
        let url = DocumentUrl::parse(&text).expect("an address");
        let policy = DocumentPolicy::parse(host).expect("a host");
        assert!(policy.allows(&url), "{host}");
    }
    for host in ["a..example", "u@a.example", "a.example/x", "::1"] {
        assert!(DocumentPolicy::parse(host).is_err(), "{host}");
    }
}

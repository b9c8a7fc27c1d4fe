use super::*;
use crate::error::RedirectUriFault;

fn register(text: &str) -> Result<RedirectUri, RedirectUriError> {
    RedirectUri::register(text, &PrivateSchemes::default())
}

fn registered(uris: &[&str]) -> Vec<RedirectUri> {
    uris.iter()
        .map(|uri| register(uri).expect("a safe redirect URI"))
        .collect()
}

#[test]
fn what_real_clients_register_is_accepted() {
    registered(&[
        "https://claude.ai/api/mcp/auth_callback",
        "https://example.com",
        "https://example.com:8443/cb?x=1",
        "http://localhost/callback",
        "http://127.0.0.1:33418/",
        "http://[::1]:1/cb",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "com.example.app:/oauth",
    ]);
}

#[test]
fn unsafe_redirect_uris_are_refused() {
    for bad in [
        "",
        "/callback",
        "callback",
        "//evil.com",
        "///evil.com",
        "/\t/evil.com",
        "\\/evil.com",
        "https:evil.com",
        "https:/evil.com",
        "https:///evil.com",
        "https://",
        "https://good.com/cb#",
        "https://good.com/#x",
        "https://user@good.com/",
        "https://u:p@good.com/",
        "https://@good.com/",
        "http://localhost@evil.com/cb",
        "http://good.com/cb",
        "http://localhost.evil.com/cb",
        "http://127.0.0.2/cb",
        "http://127.1/cb",
        "http://2130706433/cb",
        "http://0x7f000001/cb",
        "http://0177.0.0.1/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "https://[::ffff:127.0.0.1]/cb",
        "https://0x7f.1/",
        "https://good.com/callback/../evil",
        "https://good.com/callback/..%2Fevil",
        "https://good.com/callback%252f..",
        "https://good.com/..;/evil",
        "https://good.com/%2e%2e/evil",
        "https://good.com/./cb",
        "https://good.com\\evil",
        "https://GOOD.com/cb",
        "HTTPS://good.com/cb",
        "https://gооd.com/cb",
        "https://good.com/ cb",
        "https://good.com/\ncb",
        "https://*.good.com/cb",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "\u{1}javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "about:blank",
        "blob:https://good.com/x",
        "http://localhost:0/cb\u{0}",
        "http:/evil.example://localhost/cb",
        "http:evil.example://127.0.0.1/cb",
        "https://good.com:/cb",
        "https://good.com:0443/cb",
        "http://localhost:/cb",
        "http://localhost:080/cb",
        "https://good.com/cb?iss=https%3A%2F%2Fevil.com",
        "https://good.com/cb?a=1&c%6fde=x",
        "com.example.app:../cb",
        "cursor://x/..",
        "http://localhost:99999/cb",
        "ftp://localhost/cb",
    ] {
        assert!(
            matches!(register(bad), Err(RedirectUriError::Unsafe(_))),
            "{bad:?}"
        );
    }
    let of_length = |length: usize| format!("https://good.com/{}", "a".repeat(length - 17));
    assert_eq!(
        register(&of_length(2048)).map(|uri| uri.as_str().len()),
        Ok(2048)
    );
    assert_eq!(
        register(&of_length(2049)),
        Err(RedirectUriError::Unsafe(RedirectUriFault::TooLong))
    );
}

#[test]
fn r_o24_t_e38_a_private_scheme_needs_a_dot_or_a_place_on_the_list() {
    let cursor = register("cursor://anysphere.cursor-mcp/cb").expect("known by default");
    let dotted = register("com.example.app:/cb").expect("a domain name in reverse");
    let none = PrivateSchemes::read([]).expect("no names");
    let own = PrivateSchemes::read(["my-agent", "a1+b"]).expect("names of schemes");
    for schemes in [&none, &own] {
        assert!(
            cursor.disallowed_scheme(schemes) == Some("cursor")
                && dotted.disallowed_scheme(schemes).is_none(),
            "{schemes:?}"
        );
    }
    assert!(
        cursor
            .disallowed_scheme(&PrivateSchemes::default())
            .is_none()
    );
    for uri in registered(&["https://a.example/cb", "http://localhost/cb"]) {
        assert!(uri.disallowed_scheme(&none).is_none());
    }
    assert!(
        RedirectUri::register("my-agent:/cb", &own).is_ok()
            && RedirectUri::register("a1+b:/cb", &own).is_ok()
    );
    assert_eq!(
        RedirectUri::register("my-agent:/cb", &none),
        Err(RedirectUriError::SchemeNotAllowed("my-agent".to_owned()))
    );
    assert_eq!(
        register("unknown://x"),
        Err(RedirectUriError::SchemeNotAllowed("unknown".to_owned()))
    );
    let endless = format!("{}:/cb", "a".repeat(2000));
    assert_eq!(
        register(&endless),
        Err(RedirectUriError::SchemeNotAllowed("a".repeat(64)))
    );
    // No setting would let these in.
    assert_eq!(
        register("javascript://x/cb"),
        Err(RedirectUriError::Unsafe(RedirectUriFault::ForbiddenScheme))
    );
    for bad in [
        "",
        "javascript",
        "data",
        "https",
        "Cursor",
        "cursor:",
        "cursor://",
        "1a",
        ".a",
        "a b",
        "a,b",
        "é",
    ] {
        assert_eq!(PrivateSchemes::read(["zed", bad, "?"]), Err(bad), "{bad:?}");
    }
}

#[test]
fn matching_is_exact_except_for_the_port_of_a_loopback_uri() {
    let uris = registered(&[
        "https://allowed.com/callback",
        "http://localhost/callback",
        "http://127.0.0.1:8080/cb?x=1",
        "http://[::1]/cb",
    ]);
    for good in [
        "https://allowed.com/callback",
        "http://localhost/callback",
        "http://localhost:3118/callback",
        "http://127.0.0.1:65535/cb?x=1",
        "http://127.0.0.1/cb?x=1",
        "http://[::1]:4000/cb",
    ] {
        assert!(
            ValidatedRedirectUri::validate(&uris, good).is_ok(),
            "{good}"
        );
    }
    for bad in [
        "https://allowed.com/callback/",
        "https://allowed.com/Callback",
        "https://allowed.com:443/callback",
        "https://allowed.com:444/callback",
        "https://allowed.com/callback?x",
        "https://allowed.com.evil.com/callback",
        "https://fooallowed.com/callback",
        "http://allowed.com/callback",
        "http://localhost@evil.com/callback",
        "http://localhost:1@evil.com/callback",
        "http://localhost:/callback",
        "http://localhost:0/callback",
        "http://localhost:08080/callback",
        "http://localhost:99999/callback",
        "http://localhost:+80/callback",
        "http://localhost:80x/callback",
        "http://localhost.evil.com/callback",
        "http://localhost/callback/../x",
        "http://127.0.0.1/callback",
        "http://[::1]/callback",
        "http://LOCALHOST/callback",
        "https://localhost/callback",
        "http://127.0.0.1:8080/cb",
        "http://127.0.0.1:8080/cb?x=2",
        "http://127.0.0.1:8080/cb?x=1#f",
        "http://[::1]:4000/cb/",
        "",
    ] {
        assert_eq!(
            ValidatedRedirectUri::validate(&uris, bad),
            Err(LocalError::UnregisteredRedirectUri),
            "{bad}"
        );
    }
}

#[test]
fn an_answer_keeps_the_query_and_carries_state_and_issuer_once() {
    let issuer = Issuer::parse("https://auth.example.com").expect("a valid issuer");
    let uris = registered(&["https://a.example/cb", "https://a.example/cb?x=1"]);
    let destination = |uri| ValidatedRedirectUri::validate(&uris, uri).expect("registered");
    assert_eq!(
        destination("https://a.example/cb")
            .with_code("c&d", Some("s t"), &issuer)
            .as_str(),
        "https://a.example/cb?code=c%26d&state=s+t&iss=https%3A%2F%2Fauth.example.com"
    );
    assert_eq!(
        destination("https://a.example/cb?x=1")
            .with_error(&RedirectError::Denied, None, &issuer)
            .as_str(),
        "https://a.example/cb?x=1&error=access_denied&error_description=The+user+denied+the+request.&iss=https%3A%2F%2Fauth.example.com"
    );
}

#[test]
fn the_query_of_an_answer_has_no_gaps_and_debug_output_no_code() {
    let issuer = Issuer::parse("https://auth.example.com").expect("a valid issuer");
    for (uri, answer) in [
        ("https://a.example/cb?", "https://a.example/cb?code=c&iss="),
        (
            "https://a.example/cb?x&",
            "https://a.example/cb?x&code=c&iss=",
        ),
        (
            "https://a.example/cb?x",
            "https://a.example/cb?x&code=c&iss=",
        ),
        ("https://a.example", "https://a.example?code=c&iss="),
        ("com.example.app:/cb", "com.example.app:/cb?code=c&iss="),
    ] {
        let destination =
            ValidatedRedirectUri::validate(&registered(&[uri]), uri).expect("registered");
        let location = destination.with_code("c", None, &issuer);
        assert_eq!(
            location.as_str(),
            format!("{answer}https%3A%2F%2Fauth.example.com")
        );
        let before_query = uri.split('?').next().unwrap_or_default();
        assert_eq!(
            format!("{location:?}"),
            format!("Location({before_query}?…)")
        );
    }
}

#[test]
fn a_destination_tells_people_where_the_answer_goes() {
    let uris = registered(&[
        "https://a.example:8443/cb",
        "http://localhost/cb",
        "https://localhost:1/cb",
        "https://127.0.0.9/cb",
        "cursor://anysphere.cursor-mcp/cb",
    ]);
    let facts = |uri| {
        let destination = ValidatedRedirectUri::validate(&uris, uri).expect("registered");
        (
            destination.host().to_owned(),
            destination.targets_native_app(),
            destination.policy_source(),
        )
    };
    assert_eq!(
        facts("https://a.example:8443/cb"),
        (
            "a.example:8443".to_owned(),
            false,
            "https://a.example:8443".to_owned()
        )
    );
    assert_eq!(
        facts("http://localhost:5/cb"),
        (
            "localhost:5".to_owned(),
            true,
            "http://localhost:5".to_owned()
        )
    );
    assert_eq!(
        facts("https://localhost:1/cb"),
        (
            "localhost:1".to_owned(),
            true,
            "https://localhost:1".to_owned()
        )
    );
    assert_eq!(
        facts("https://127.0.0.9/cb"),
        ("127.0.0.9".to_owned(), true, "https://127.0.0.9".to_owned())
    );
    assert_eq!(
        facts("cursor://anysphere.cursor-mcp/cb"),
        ("cursor".to_owned(), true, "cursor:".to_owned())
    );
}

#[test]
fn the_names_of_private_schemes_are_those_that_were_given() {
    let schemes = PrivateSchemes::read(["cursor", "zed"]).expect("names");
    assert!(schemes.names().eq(["cursor", "zed"]));
    assert_eq!(PrivateSchemes::read(["cursor", "http"]).err(), Some("http"));
}

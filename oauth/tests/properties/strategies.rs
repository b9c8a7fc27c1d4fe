//! Hostile and ordinary input, and what must be true of what is accepted; shared by the properties
//! of both crates.

use oauth::redirect::KNOWN_PRIVATE_SCHEMES;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use url::{Url, form_urlencoded};

pub(crate) const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// As often as usual (`PROPTEST_CASES` says how often that is), times a number: where hostile input
/// is rare among random input.
pub(crate) fn more_often(times: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases * times,
        ..usual
    }
}

/// The characters that an error description may hold (R-O22).
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

/// A form of names that are known and values that may be.
pub(crate) fn form() -> impl Strategy<Value = String> {
    let name = select(vec![
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "redirect_uri",
        "response_type",
        "response_mode",
        "state",
        "code_challenge",
        "code_challenge_method",
        "resource",
        "scope",
        "prompt",
        "grant_type",
        "code",
        "code_verifier",
        "refresh_token",
        "other",
    ]);
    let value = prop_oneof![
        select(vec![
            "",
            "vc_client",
            "http://127.0.0.1:5000/cb",
            "code",
            "query",
            CHALLENGE,
            "S256",
            "plain",
            "https://notes.example/mcp",
            "read",
            "none",
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            // {"alg":"RS256"}.{"iss":"vc_client","sub":"vc_client"}.
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ2Y19jbGllbnQiLCJzdWIiOiJ2Y19jbGllbnQifQ.",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    vec((name, value), 0..10).prop_map(|pairs| {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    })
}

/// Pieces of addresses: what real clients send, and what attackers have sent.
fn pieced_together() -> impl Strategy<Value = String> {
    let scheme = select(vec![
        "https",
        "https",
        "http",
        "http",
        "http",
        "HTTP",
        "Https",
        "cursor",
        "claude",
        "com.example.app",
        "javascript",
        "data",
        "file",
        "unknown",
        "",
    ]);
    let joint = select(vec![
        "://",
        "://",
        "://",
        "://",
        "://",
        ":",
        ":/",
        ":///",
        ":\\\\",
        "//",
        ":/evil.example://",
    ]);
    let user = select(vec![
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "@",
        "u@",
        "u:p@",
        "localhost@",
        "localhost:1@",
    ]);
    let host = select(vec![
        "localhost",
        "localhost",
        "127.0.0.1",
        "127.0.0.1",
        "[::1]",
        "[::1]",
        "a.example",
        "a.example",
        "b.example",
        "",
        "LOCALHOST",
        "127.1",
        "0x7f000001",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "localhost.evil.example",
        "a.example.evil.example",
        "gооgle.example",
        "*.example",
        "%6cocalhost",
        "[0:0:0:0:0:0:0:1]",
    ]);
    let port = select(vec![
        "", "", ":1", ":80", ":443", ":8080", ":65535", ":65536", ":0", ":", ":080", ":+80",
        ":8080x",
    ]);
    let path = select(vec![
        "",
        "/",
        "/cb",
        "/cb",
        "/cb/",
        "/CB",
        "/cb/../evil",
        "/./cb",
        "/%2e%2E/evil",
        "/..%2Fevil",
        "/..;/evil",
        "/cb%252f..",
        "\\evil",
        "/\t/evil",
        "//evil.example",
        "..",
    ]);
    let query = select(vec![
        "",
        "",
        "",
        "?",
        "?x=1",
        "?x=1&",
        "?&",
        "?x=%26&y",
        "?iss=evil",
        "?c%6fde=1",
        "?state",
        "?a=http://b.example/?c",
    ]);
    let fragment = select(vec!["", "", "", "", "", "", "#", "#x", "%23"]);
    (scheme, joint, user, host, port, path, query, fragment).prop_map(
        |(scheme, joint, user, host, port, path, query, fragment)| {
            [scheme, joint, user, host, port, path, query, fragment].concat()
        },
    )
}

/// Any address: pieced together, with one letter exchanged, or nothing of the kind.
pub(crate) fn address() -> impl Strategy<Value = String> {
    let changed =
        (pieced_together(), any::<Index>(), any::<char>()).prop_map(|(text, place, letter)| {
            let mut letters: Vec<char> = text.chars().chain([' ']).collect();
            let place = place.index(letters.len());
            letters[place] = letter;
            letters.into_iter().collect()
        });
    prop_oneof![6 => pieced_together(), 2 => changed, 1 => any::<String>(), 1 => "[a-z.+-]{1,8}:[ -~]{0,20}"]
}

/// Whether any spelling of the path climbs.
fn climbs(url: &Url) -> bool {
    let decoded = form_urlencoded::parse(format!("v={}", url.path().replace('&', "")).as_bytes())
        .map(|(_, value)| value.into_owned())
        .collect::<String>();
    decoded
        .split(['/', '\\'])
        .any(|segment| segment == "." || segment == "..")
}

/// Everything that has to be true of a registered URI.
pub(crate) fn assert_safe(text: &str) -> Result<(), TestCaseError> {
    let url = Url::parse(text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
    prop_assert!(
        text.bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\\\"<>".contains(&byte))
    );
    prop_assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
    prop_assert!(!climbs(&url), "dot segments");
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => prop_assert!(!host.is_empty()),
        "http" => prop_assert!(LOOPBACK_HOSTS.contains(&host), "{host}"),
        other => prop_assert!(
            other.contains('.') || KNOWN_PRIVATE_SCHEMES.contains(&other),
            "{other}"
        ),
    }
    if matches!(url.scheme(), "https" | "http") {
        // Written as a browser reads it: nothing is left to interpretation.
        let port = text
            .strip_prefix(&format!("{}://{host}", url.scheme()))
            .map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
        let plain = [
            String::new(),
            format!(":{}", url.port_or_known_default().unwrap_or_default()),
        ];
        prop_assert!(
            port.is_some_and(|port| plain.iter().any(|plain| plain == port)),
            "{port:?}"
        );
    }
    Ok(())
}

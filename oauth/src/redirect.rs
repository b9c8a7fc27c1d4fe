//! Redirect URIs: what may be registered, what matches, and the only maker of a `Location` (R-O1, R-O2,
//! R-O6, R-A11–R-A14, RFC 8252).

mod schemes;

use std::fmt;

pub use schemes::{KNOWN_PRIVATE_SCHEMES, PrivateSchemes};
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use crate::{
    error::{LocalError, ProtocolError as _, RedirectError, RedirectUriError},
    issuer::Issuer,
    web_address::{self, AddressParts, is_port},
};

const LONGEST: usize = 2048;
/// The longest scheme that a refusal repeats.
const LONGEST_SCHEME: usize = 64;
const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];
/// What an answer carries: in a registered query each would come twice, and a client could read the
/// wrong one.
const ANSWER_PARAMETERS: [&str; 6] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

/// A redirect URI that was safe to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Judges a redirect URI that a client wants to register.
    ///
    /// Accepted are https URLs, http URLs on loopback, and private-use schemes with a dot or among
    /// `schemes`.
    ///
    /// # Errors
    /// [`RedirectUriError::Unsafe`] with what is wrong; [`RedirectUriError::SchemeNotAllowed`] where only
    /// the settings are in the way.
    pub fn register(text: &str, schemes: &PrivateSchemes) -> Result<Self, RedirectUriError> {
        if let Some(why) = fault(text) {
            return Err(RedirectUriError::Unsafe(why));
        }
        let uri = Self(text.to_owned());
        match uri.disallowed_scheme(schemes) {
            Some(scheme) => Err(RedirectUriError::SchemeNotAllowed(
                scheme.chars().take(LONGEST_SCHEME).collect(),
            )),
            None => Ok(uri),
        }
    }

    /// The URI as registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the settings of today would still let it in (T-E38): they say which private-use
    /// schemes do.
    pub fn is_allowed_by(&self, schemes: &PrivateSchemes) -> bool {
        self.disallowed_scheme(schemes).is_none()
    }

    /// Its scheme, where that is an application's and the settings do not let it in.
    pub fn disallowed_scheme(&self, schemes: &PrivateSchemes) -> Option<&str> {
        let scheme = AddressParts::split(&self.0).scheme;
        (!matches!(scheme, "https" | "http") && !schemes.allow(scheme)).then_some(scheme)
    }

    /// Byte for byte the same, or a loopback URI that differs in nothing but its port (RFC 8252
    /// section 7.3).
    fn matches(&self, presented: &str) -> bool {
        self.0 == presented
            || Loopback::read(&self.0).is_some_and(|own| Loopback::read(presented) == Some(own))
    }
}

/// Where the answer to an authorization request may go. Only [`ValidatedRedirectUri::validate`] makes one, so
/// whoever holds one has checked it; stored requests keep the text alone and prove it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatedRedirectUri(String);

impl ValidatedRedirectUri {
    /// Proves that `presented` is one of the client's redirect URIs.
    ///
    /// # Errors
    /// [`LocalError::UnregisteredRedirectUri`].
    pub fn validate(registered: &[RedirectUri], presented: &str) -> Result<Self, LocalError> {
        if registered.iter().any(|uri| uri.matches(presented)) {
            Ok(Self(presented.to_owned()))
        } else {
            Err(LocalError::UnregisteredRedirectUri)
        }
    }

    /// The URI, as presented.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host that the answer goes to, with its port when one is written; for a private-use
    /// scheme, the scheme (R-C10).
    pub fn host(&self) -> &str {
        host(&self.0)
    }

    /// Whether the answer goes to an application on the person's own computer (R-C9).
    pub fn targets_native_app(&self) -> bool {
        targets_native_app(&self.0)
    }

    /// The source expression by which a content security policy allows a form to end here: origin,
    /// or scheme.
    pub fn policy_source(&self) -> String {
        let AddressParts {
            scheme, authority, ..
        } = AddressParts::split(&self.0);
        match scheme {
            "https" | "http" => format!("{scheme}://{authority}"),
            _ => format!("{scheme}:"),
        }
    }

    /// The answer that carries a code (RFC 6749 section 4.1.2, RFC 9207 section 2).
    pub fn with_code(&self, code: &str, state: Option<&str>, issuer: &Issuer) -> Location {
        self.answer(&[("code", code)], state, issuer)
    }

    /// The answer that carries an error (RFC 6749 section 4.1.2.1, RFC 9207 section 2).
    pub fn with_error(
        &self,
        error: &RedirectError,
        state: Option<&str>,
        issuer: &Issuer,
    ) -> Location {
        self.answer(
            &[
                ("error", error.code().as_str()),
                ("error_description", &error.description()),
            ],
            state,
            issuer,
        )
    }

    fn answer(
        &self,
        parameters: &[(&str, &str)],
        state: Option<&str>,
        issuer: &Issuer,
    ) -> Location {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .extend_pairs(state.map(|state| ("state", state)))
            .append_pair("iss", issuer.as_str())
            .finish();
        let joint = match self.0.find('?') {
            None => "?",
            Some(at) if at + 1 == self.0.len() || self.0.ends_with('&') => "",
            Some(_) => "&",
        };
        Location(format!("{}{joint}{query}", self.0))
    }
}

/// [`ValidatedRedirectUri::host`] of a text, for the eye alone: nothing goes there any more, so it may vouch
/// for itself.
pub fn host(uri: &str) -> &str {
    let parts = AddressParts::split(uri);
    if parts.is_web() {
        parts.authority
    } else {
        parts.scheme
    }
}

/// [`ValidatedRedirectUri::targets_native_app`] of a text, for the eye alone.
pub fn targets_native_app(uri: &str) -> bool {
    AddressParts::split(uri).scheme != "https"
        || Url::parse(uri).is_ok_and(|url| {
            url.host()
                .is_some_and(|host| web_address::leads_to_this_computer(&host))
        })
}

/// What of a redirect URI tells one place of answers from another: the origin of a web URI, without
/// the port where it is loopback, and the scheme of an application. It serves to compare, and leads
/// nowhere.
pub fn origin(uri: &str) -> String {
    match (AddressParts::split(uri).scheme, Loopback::read(uri)) {
        (_, Some(own)) => format!("http://{}", own.host),
        ("https" | "http", None) => Url::parse(uri)
            .map_or_else(|_| uri.to_owned(), |url| url.origin().ascii_serialization()),
        (other, None) => format!("{other}:"),
    }
}

/// The value of a `Location` header that leads to a client. Only a proved [`ValidatedRedirectUri`] makes
/// one.
#[derive(Clone, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    /// The header's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Location {
    /// Without the query, which may hold a code.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Location({}?…)",
            self.0.split('?').next().unwrap_or_default()
        )
    }
}

/// A loopback http URI apart from its port. The host's spelling counts: `localhost` is not
/// `127.0.0.1`.
#[derive(PartialEq, Eq)]
struct Loopback<'a> {
    host: &'a str,
    path_and_query: &'a str,
}

impl<'a> Loopback<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("http://")?;
        let host = LOOPBACK_HOSTS
            .into_iter()
            .find(|host| rest.starts_with(host))?;
        let (host, rest) = rest.split_at(host.len());
        let path_and_query = match rest.strip_prefix(':') {
            None => rest,
            Some(rest) => {
                let (port, rest) =
                    rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
                is_port(port).then_some(rest)?
            }
        };
        (path_and_query.is_empty() || path_and_query.starts_with(['/', '?'])).then_some(Self {
            host,
            path_and_query,
        })
    }
}

/// What makes a redirect URI unsafe, if anything does.
fn fault(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST {
        return Some("it is too long");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic())
        || text.contains([
            '\\', '<', '>', '"', '*', '^', '`', '{', '|', '}', '\'', ';', ',',
        ])
    {
        return Some("it contains a character that has no place in a redirect URI");
    }
    let Ok(url) = Url::parse(text) else {
        return Some("it is not an absolute URI");
    };
    if url.fragment().is_some() {
        return Some("it has a fragment");
    }
    let parts = AddressParts::split(text);
    if parts.has_user_part() {
        return Some("it has a user part");
    }
    if parts.has_dot_segments() || has_encoded_separators(text) {
        return Some("its path has dot segments or encoded separators");
    }
    if url
        .query_pairs()
        .any(|(name, _)| ANSWER_PARAMETERS.contains(&name.as_ref()))
    {
        return Some("its query holds a parameter of the answer");
    }
    fault_of_place(parts, &url)
}

/// What is wrong with scheme, host or port. Users and policies are shown these as written, so
/// browsers have to read them as written: `http:/evil.example://localhost/` leads to
/// `evil.example`.
fn fault_of_place(parts: AddressParts<'_>, url: &Url) -> Option<&'static str> {
    match parts.scheme {
        "https" | "http" if !parts.is_written_plainly(url) => {
            Some("its host or port is not written in its plain form")
        }
        "http" if !LOOPBACK_HOSTS.contains(&url.host_str().unwrap_or_default()) => {
            Some("http is for this computer only: 127.0.0.1, [::1] or localhost")
        }
        "https" | "http" => None,
        scheme if schemes::is_scheme(scheme) => None,
        _ => Some("its scheme is not allowed"),
    }
}

/// Whether dots, slashes, backslashes, percent signs or zeros are encoded before the query, which
/// servers read in different ways.
fn has_encoded_separators(text: &str) -> bool {
    let before_query = text.split('?').next().unwrap_or_default();
    let before_query = before_query.to_ascii_lowercase();
    ["%2e", "%2f", "%5c", "%25", "%00"]
        .iter()
        .any(|part| before_query.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Err(RedirectUriError::Unsafe("it is too long"))
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
                !cursor.is_allowed_by(schemes) && dotted.is_allowed_by(schemes),
                "{schemes:?}"
            );
        }
        assert!(cursor.is_allowed_by(&PrivateSchemes::default()));
        for uri in registered(&["https://a.example/cb", "http://localhost/cb"]) {
            assert!(uri.is_allowed_by(&none));
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
            Err(RedirectUriError::Unsafe("its scheme is not allowed"))
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
    fn naming_a_scheme_adds_it_and_a_minus_takes_one_away() {
        let set = |words: &[&'static str]| PrivateSchemes::adjusted(words.iter().copied());
        let allowed = |words: &[&'static str], scheme: &str| {
            set(words).is_ok_and(|schemes| schemes.allow(scheme))
        };
        for scheme in KNOWN_PRIVATE_SCHEMES {
            assert!(allowed(&["my-agent"], scheme), "{scheme}");
            assert!(
                !allowed(&["none"], scheme) && !allowed(&["none", "my-agent"], scheme),
                "{scheme}"
            );
        }
        assert!(allowed(&["my-agent"], "my-agent") && allowed(&["none", "my-agent"], "my-agent"));
        assert!(!allowed(&["-cursor"], "cursor") && allowed(&["-cursor"], "claude"));
        assert!(!allowed(&["-cursor", "my-agent"], "cursor"));
        assert_eq!(
            set(&["cursor", "zed"]),
            Ok(PrivateSchemes::default()),
            "they are on the list already"
        );
        assert_eq!(set(&[]), Ok(PrivateSchemes::default()));
        for bad in [
            "javascript",
            "-javascript",
            "Cursor",
            "-",
            "--cursor",
            "cursor:",
            "-my-agent",
        ] {
            assert_eq!(set(&["zed", bad]), Err(bad));
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
            "https://a.example/cb?x=1&error=access_denied&error_description=The+person+denied+the+request.&iss=https%3A%2F%2Fauth.example.com"
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
    fn r_c9_this_computer_is_known_in_every_spelling() {
        for here in [
            "https://localhost/cb",
            "https://localhost./cb",
            "https://app.localhost./cb",
            "https://127.0.0.1/cb",
            "https://0.0.0.0/cb",
            "https://[::1]/cb",
            "https://[::]/cb",
            "https://[::ffff:7f00:1]/cb",
        ] {
            assert!(targets_native_app(here), "{here}");
        }
        for elsewhere in [
            "https://localhost.example/cb",
            "https://notlocalhost/cb",
            "https://8.8.8.8/cb",
            "https://[2606:4700::1111]/cb",
        ] {
            assert!(!targets_native_app(elsewhere), "{elsewhere}");
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
    fn t_d28_an_origin_tells_places_of_answers_apart() {
        for (uri, own) in [
            ("https://app.example/cb?x", "https://app.example"),
            ("https://app.example:443/cb", "https://app.example"),
            ("https://app.example:8443/cb", "https://app.example:8443"),
            ("https://localhost/cb", "https://localhost"),
            ("http://localhost:1/cb", "http://localhost"),
            ("http://127.0.0.1/cb", "http://127.0.0.1"),
            ("http://[::1]:99?x", "http://[::1]"),
            (
                "http://localhost.evil.example/cb",
                "http://localhost.evil.example",
            ),
            ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor:"),
            ("com.example.app:/cb", "com.example.app:"),
        ] {
            assert_eq!(origin(uri), own, "{uri}");
        }
    }
}

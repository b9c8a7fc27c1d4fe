//! How addresses and hosts are read, by one rule for redirect URIs, resources, the issuer, metadata
//! documents and key sets (RFC 3986 section 3).
//!
//! The `url` crate reads an address as browsers do, and normalises it. Users and policies are shown
//! what was written, so the parts here are those of the text, and
//! [`AddressParts::is_written_plainly`] says whether both readings agree.

mod loopback;

use std::net::IpAddr;

pub use loopback::{LOOPBACK_HOSTS, LoopbackUri};
use url::{Host, Url};

/// The parts of an absolute URI, byte for byte as written. A missing part is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressParts<'a> {
    /// Before the first colon.
    pub scheme: &'a str,
    /// User part, host and port.
    pub authority: &'a str,
    /// From the end of the authority to the query or the fragment.
    pub path: &'a str,
    /// Path, query and fragment.
    pub path_and_query: &'a str,
}

impl<'a> AddressParts<'a> {
    /// Splits an address. Never fails: what is no address has empty parts.
    pub fn split(text: &'a str) -> Self {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let (authority, path_and_query) = rest.strip_prefix("//").map_or(("", rest), |rest| {
            rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()))
        });
        Self {
            scheme,
            authority,
            path: path_and_query.split(['?', '#']).next().unwrap_or_default(),
            path_and_query,
        }
    }

    /// Whether the scheme, as written, is one of the web.
    pub fn is_web(&self) -> bool {
        matches!(self.scheme, "https" | "http")
    }

    /// The authority of an address of the web; the scheme of any other. It names where an address
    /// leads.
    pub fn host_or_scheme(&self) -> &'a str {
        if self.is_web() {
            self.authority
        } else {
            self.scheme
        }
    }

    /// Whether there is a user part, also an empty one (RFC 3986 section 3.2.1). In path and query
    /// the character is legal.
    pub fn has_user_part(&self) -> bool {
        self.authority.contains('@')
    }

    /// Whether the path has `.` or `..` segments (RFC 3986 section 3.3). Browsers and servers read
    /// `%2e` as a dot, too.
    pub fn has_dot_segments(&self) -> bool {
        let is_dots = |segment: &str| {
            matches!(
                segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
                "." | ".."
            )
        };
        // An authority of dots is none, yet some read it as a segment.
        self.path.split('/').chain([self.authority]).any(is_dots)
    }

    /// Whether host and port are written in their canonical form, so that what is shown is what is
    /// connected to.
    pub fn is_written_plainly(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let port = self.authority.strip_prefix(host);
        !host.is_empty()
            && port
                .is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
    }
}

/// Reads an http or https URL in visible ASCII, as browsers do. `None` for anything else.
pub fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    (is_visible && matches!(url.scheme(), "https" | "http")).then_some(url)
}

/// The host of an https URL, in lower case.
pub fn https_host(text: &str) -> Option<String> {
    let url = web_url(text).filter(|url| url.scheme() == "https")?;
    url.host_str().map(str::to_owned)
}

/// The host of an authority without user part, as it is written, and its port (RFC 9110 section
/// 7.2).
pub fn host_and_port(authority: &str) -> (Host<&str>, Option<&str>) {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let bare = host.trim_matches(['[', ']']);
    let host = match bare.parse() {
        Ok(IpAddr::V4(address)) => Host::Ipv4(address),
        Ok(IpAddr::V6(address)) => Host::Ipv6(address),
        Err(_) => Host::Domain(bare),
    };
    (host, port)
}

/// Whether a text is a port in its canonical form: 1 to 65535, without leading zeros.
pub fn is_port(text: &str) -> bool {
    text.parse::<u16>()
        .is_ok_and(|port| port > 0 && port.to_string() == text)
}

/// Reads a host name or an address, IPv6 in brackets. The labels of a name have letters, digits,
/// hyphens and underscores.
pub fn parse_host(text: &str) -> Option<Host<String>> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    match Host::parse(text).ok()? {
        Host::Domain(name) if !name.split('.').all(is_label) => None,
        host => Some(host),
    }
}

/// Whether a host is a loopback name or address (RFC 6761 section 6.3, RFC 8252 section 7.3).
pub fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Whether a browser of this computer reaches this computer by a host, in whatever spelling.
pub fn leads_to_this_computer(host: &Host<&str>) -> bool {
    let is_own = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    match host {
        Host::Domain(name) => is_loopback(&Host::Domain(name.strip_suffix('.').unwrap_or(name))),
        Host::Ipv4(address) => is_own((*address).into()),
        Host::Ipv6(address) => is_own(address.to_canonical()),
    }
}

/// Whether an address leads to an application on the user's own computer (RFC 8252 section 7): by a
/// scheme other than https, or to a host of this computer.
pub fn targets_native_app(text: &str) -> bool {
    AddressParts::split(text).scheme != "https"
        || Url::parse(text)
            .is_ok_and(|url| url.host().is_some_and(|host| leads_to_this_computer(&host)))
}

/// The origin of a web address, without the port where it is loopback (RFC 8252 section 7.3); the
/// scheme of any other. It serves to compare, and is no address.
pub fn origin(text: &str) -> String {
    let parts = AddressParts::split(text);
    match LoopbackUri::parse(text) {
        Some(own) => format!("http://{}", own.host),
        None if parts.is_web() => Url::parse(text).map_or_else(
            |_| text.to_owned(),
            |url| url.origin().ascii_serialization(),
        ),
        None => format!("{}:", parts.scheme),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_by_its_authority_or_its_scheme() {
        for (text, name) in [
            ("https://a.example:8443/cb", "a.example:8443"),
            ("http://localhost/cb", "localhost"),
            ("cursor://anysphere.cursor-mcp/cb", "cursor"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(AddressParts::split(text).host_or_scheme(), name, "{text}");
        }
    }

    #[test]
    fn a_user_part_is_in_the_authority_alone() {
        for (text, has) in [
            ("https://u@a.example/x", true),
            ("https://@a.example", true),
            ("https://a.example/@x?y=@", false),
        ] {
            assert_eq!(AddressParts::split(text).has_user_part(), has, "{text}");
        }
    }

    #[test]
    fn an_address_is_plain_when_it_shows_what_is_connected_to() {
        for (text, is_plain) in [
            ("https://a.example/x", true),
            ("https://a.example:8443/x", true),
            ("http://[::1]:1/", true),
            ("https://A.example/x", false),
            ("https://a.example:/x", false),
            ("https://127.1/x", false),
            ("https://u@a.example/x", false),
            ("com.example.app:/cb", false),
        ] {
            let url = Url::parse(text).expect("a URL");
            let parts = AddressParts::split(text);
            assert_eq!(parts.is_written_plainly(&url), is_plain, "{text}");
        }
    }

    #[test]
    fn parts_are_those_of_the_text() {
        for (text, scheme, authority, path, path_and_query) in [
            ("https://a.example", "https", "a.example", "", ""),
            (
                "https://u@a.example:8443/x/y?z=/#f",
                "https",
                "u@a.example:8443",
                "/x/y",
                "/x/y?z=/#f",
            ),
            ("http://[::1]:1?x", "http", "[::1]:1", "", "?x"),
            (
                "https://a.example\\evil/x",
                "https",
                "a.example",
                "\\evil/x",
                "\\evil/x",
            ),
            (
                "http:/evil.example//localhost/",
                "http",
                "",
                "/evil.example//localhost/",
                "/evil.example//localhost/",
            ),
            ("com.example.app:/cb", "com.example.app", "", "/cb", "/cb"),
            ("nonsense", "nonsense", "", "", ""),
            ("", "", "", "", ""),
        ] {
            let parts = AddressParts {
                scheme,
                authority,
                path,
                path_and_query,
            };
            assert_eq!(AddressParts::split(text), parts, "{text}");
        }
    }

    #[test]
    fn dots_are_segments_in_every_spelling_and_in_the_path_alone() {
        for dotted in ["/.", "/..", "/a/../b", "/%2e", "/%2E%2e/x", "/.%2e", "/x/."] {
            let text = format!("https://a.example{dotted}");
            assert!(AddressParts::split(&text).has_dot_segments(), "{dotted}");
        }
        for plain in [
            "",
            "/",
            "/a.b",
            "/...",
            "/.well-known/x",
            "/x?/../y",
            "/x#/..",
            "/%2e%2ex",
        ] {
            let text = format!("https://a.example{plain}");
            assert!(!AddressParts::split(&text).has_dot_segments(), "{plain}");
        }
    }

    #[test]
    fn a_host_has_labels_or_is_an_address() {
        for good in [
            "a.example",
            "a_b.example",
            "127.0.0.1",
            "[::1]",
            "localhost",
        ] {
            assert!(parse_host(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a..example",
            ".example",
            "a.example.",
            "a,b",
            "a b",
            "::1",
            "a/b",
            "a@b",
        ] {
            assert!(parse_host(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn this_computer_has_many_names() {
        let leads = |text| {
            let url = Url::parse(&format!("http://{text}/")).expect("a URL");
            leads_to_this_computer(&url.host().expect("a host"))
        };
        for own in [
            "localhost",
            "a.localhost",
            "localhost.",
            "127.9.9.9",
            "[::1]",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "2130706433",
        ] {
            assert!(leads(own), "{own}");
        }
        for other in [
            "a.example",
            "localhost.example",
            "10.0.0.1",
            "[2001:db8::1]",
        ] {
            assert!(!leads(other), "{other}");
        }
    }

    #[test]
    fn an_authority_is_split_as_it_is_written() {
        for (authority, host, port) in [
            ("a.example", Host::Domain("a.example"), None),
            ("a.example:8443", Host::Domain("a.example"), Some("8443")),
            (
                "127.0.0.1:80",
                Host::Ipv4([127, 0, 0, 1].into()),
                Some("80"),
            ),
            ("127.1", Host::Domain("127.1"), None),
            ("[::1]", Host::Ipv6(1.into()), None),
            ("[::1]:3000", Host::Ipv6(1.into()), Some("3000")),
            ("", Host::Domain(""), None),
        ] {
            assert_eq!(host_and_port(authority), (host, port), "{authority}");
        }
    }

    #[test]
    fn only_urls_of_the_web_are_read() {
        for good in ["https://a.example/x?y#z", "http://a.example"] {
            assert!(web_url(good).is_some(), "{good}");
        }
        for bad in [
            "ftp://a.example",
            "https://a.example/ x",
            "https://\u{e9}.example",
            "a",
            "",
        ] {
            assert_eq!(web_url(bad), None, "{bad}");
        }
        assert_eq!(
            https_host("https://A.example:8443/x"),
            Some("a.example".to_owned())
        );
        assert_eq!(https_host("http://a.example"), None);
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

//! The address of a document (R-C12, draft -02 section 3).

use crate::error::AddressFault;
use oauth::client::ClientId;
use primitives::web_address::AddressParts;
use url::{Host, Position, Url};

const SCHEME: &str = "https://";
const LONGEST: usize = 2048;

/// A URL that can be a client identifier: https with a path, written as browsers read it. What was
/// written is the identity, byte for byte (R-C3), and every server asks for exactly that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentUrl {
    url: Url,
    text: String,
}

impl DocumentUrl {
    /// Whether a client identifier is meant to be an address.
    pub fn is_meant(client_id: &str) -> bool {
        matches!(ClientId::of(client_id), ClientId::Document(_))
    }

    /// Reads a client identifier.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        if text.len() > LONGEST {
            return Err(AddressFault::TooLong);
        }
        if !text.starts_with(SCHEME) {
            return Err(AddressFault::NotHttps);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressFault::ForbiddenCharacter);
        }
        if text.contains('#') {
            return Err(AddressFault::Fragment);
        }
        let parts = AddressParts::split(text);
        if parts.has_user_part() {
            return Err(AddressFault::UserPart);
        }
        if matches!(parts.path, "" | "/") {
            return Err(AddressFault::NoPath);
        }
        if parts.has_dot_segments() {
            return Err(AddressFault::DotSegment);
        }
        let url = Url::parse(text).map_err(|_| AddressFault::NotAUrl)?;
        if !parts.is_written_plainly(&url) {
            return Err(AddressFault::HostNotPlain);
        }
        // Otherwise the document would be asked for at another address than the one that was
        // written.
        if &url[Position::BeforePath..] != parts.path_and_query {
            return Err(AddressFault::PathNotPlain);
        }
        Ok(Self {
            url,
            text: text.to_owned(),
        })
    }

    /// The identifier, as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where the document is.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The host, with its port when that is not the usual one: what a user is shown as the
    /// client's identity (R-C11).
    pub fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// The host alone.
    pub fn host(&self) -> Host<&str> {
        // An https URL always has a host.
        self.url.host().unwrap_or(Host::Domain(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_c12_addresses_of_real_clients_are_read_as_they_are() {
        for (text, authority) in [
            (
                "https://claude.ai/oauth/mcp-oauth-client-metadata",
                "claude.ai",
            ),
            ("https://chatgpt.com/oauth/abc-1/client.json", "chatgpt.com"),
            (
                "https://vscode.dev/oauth/client-metadata.json",
                "vscode.dev",
            ),
            ("https://a.example:8443/x", "a.example:8443"),
            ("https://a.example:443/x", "a.example"),
            ("https://a.example/x/", "a.example"),
            ("https://a.example//x", "a.example"),
            ("https://a.example/x?y=%20&z", "a.example"),
            ("https://a.example/%2Fx%20y..z/...", "a.example"),
            ("https://xn--bcher-kva.example/x", "xn--bcher-kva.example"),
            ("https://127.0.0.1:9000/x", "127.0.0.1:9000"),
            ("https://[::1]:9000/x", "[::1]:9000"),
        ] {
            let url = DocumentUrl::parse(text).unwrap_or_else(|reason| panic!("{text}: {reason}"));
            assert_eq!((url.as_str(), url.authority()), (text, authority));
            assert!(DocumentUrl::is_meant(text));
        }
        let longest = format!("https://a.example/{}", "x".repeat(2048 - 18));
        assert!(DocumentUrl::parse(&longest).is_ok());
        assert!(DocumentUrl::parse(&format!("{longest}x")).is_err());
    }

    #[test]
    fn r_c3_two_spellings_are_two_identities() {
        let parse = |text| DocumentUrl::parse(text).expect("an address");
        assert_ne!(
            parse("https://a.example/x"),
            parse("https://a.example:443/x")
        );
        assert_ne!(parse("https://a.example/x"), parse("https://a.example/x/"));
        assert_ne!(parse("https://a.example/x"), parse("https://a.example/X"));
        assert_ne!(parse("https://a.example/%61"), parse("https://a.example/a"));
    }

    #[test]
    fn r_c12_what_cannot_be_an_address_hears_why() {
        for (text, why) in [
            ("http://a.example/x", "it does not start with https://"),
            ("HTTPS://a.example/x", "it does not start with https://"),
            ("ftp://a.example/x", "it does not start with https://"),
            (
                "https://a.example/\u{e9}",
                "it has a character that is not visible ASCII",
            ),
            (
                "https://a.example/a b",
                "it has a character that is not visible ASCII",
            ),
            ("https://a.example/x#y", "it has a fragment"),
            ("https://a.example/x#", "it has a fragment"),
            ("https://user@a.example/x", "it has a user part"),
            ("https://user:pass@a.example/x", "it has a user part"),
            ("https://@a.example/x", "it has a user part"),
            ("https://a.example", "it has no path after the host"),
            ("https://a.example/", "it has no path after the host"),
            ("https://a.example?x=/y", "it has no path after the host"),
            ("https://a.example/?x", "it has no path after the host"),
            ("https://a.example/a/../x", "its path has a dot segment"),
            ("https://a.example/./x", "its path has a dot segment"),
            ("https://a.example/x/..", "its path has a dot segment"),
            ("https://a.example/%2e%2E/x", "its path has a dot segment"),
            ("https://a.example/.%2e/x", "its path has a dot segment"),
            ("https:///x", "its host or port is not in normalized form"),
            (
                "https://A.example/x",
                "its host or port is not in normalized form",
            ),
            (
                "https://2130706433/x",
                "its host or port is not in normalized form",
            ),
            (
                "https://0x7f.1/x",
                "its host or port is not in normalized form",
            ),
            (
                "https://a%2eexample/x",
                "its host or port is not in normalized form",
            ),
            (
                "https://[0:0::1]/x",
                "its host or port is not in normalized form",
            ),
            (
                "https://a.example:/x",
                "its host or port is not in normalized form",
            ),
            (
                "https://a.example:0443/x",
                "its host or port is not in normalized form",
            ),
            ("https://a.example:99999/x", "it is not a URL"),
            (
                "https://a.example\\x/y",
                "its path or query is not in normalized form",
            ),
            (
                "https://a.example/a\\b",
                "its path or query is not in normalized form",
            ),
            (
                "https://a.example/<x>",
                "its path or query is not in normalized form",
            ),
            (
                "https://a.example/x?\"",
                "its path or query is not in normalized form",
            ),
        ] {
            assert_eq!(
                DocumentUrl::parse(text).map_err(AddressFault::words),
                Err(why),
                "{text}"
            );
        }
    }

    #[test]
    fn identifiers_of_our_own_are_no_addresses() {
        for id in ["vc_AAAAAAAAAAAAAAAAAAAAAA", "https:a", "x"] {
            assert!(!DocumentUrl::is_meant(id), "{id}");
        }
    }
}

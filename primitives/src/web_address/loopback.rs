//! Loopback URIs, whose port is the application's choice at each start (RFC 8252 section 7.3).

use super::is_port;

/// The loopback hosts, as RFC 8252 section 7.3 and section 8.3 write them.
pub const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// A loopback http URI without its port. The host's spelling counts: `localhost` is not
/// `127.0.0.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopbackUri<'a> {
    /// One of [`LOOPBACK_HOSTS`].
    pub host: &'a str,
    /// All that follows host and port.
    pub path_and_query: &'a str,
}

impl<'a> LoopbackUri<'a> {
    /// Reads a URI. `None` for one that is not http on a loopback host.
    pub fn parse(text: &'a str) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_uri_has_a_host_as_written_and_any_port() {
        let parse = |text| LoopbackUri::parse(text).map(|uri| (uri.host, uri.path_and_query));
        for (text, host, path_and_query) in [
            ("http://localhost", "localhost", ""),
            ("http://localhost:1/cb", "localhost", "/cb"),
            ("http://127.0.0.1:65535?x", "127.0.0.1", "?x"),
            ("http://[::1]/cb?x:2", "[::1]", "/cb?x:2"),
        ] {
            assert_eq!(parse(text), Some((host, path_and_query)), "{text}");
        }
        for other in [
            "https://localhost/cb",
            "HTTP://localhost/cb",
            "http://LOCALHOST/cb",
            "http://localhost./cb",
            "http://localhost.example/cb",
            "http://localhost:/cb",
            "http://localhost:0/cb",
            "http://localhost:080/cb",
            "http://localhost:65536/cb",
            "http://localhost:1x/cb",
            "http://localhost#x",
            "http://127.0.0.2/cb",
            "http://::1/cb",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}

//! Loopback redirect URIs, whose port is the application's choice at each start (RFC 8252 section
//! 7.3).

use crate::web_address::is_port;

pub(super) const HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// A loopback http URI apart from its port. The host's spelling counts: `localhost` is not
/// `127.0.0.1`.
#[derive(PartialEq, Eq)]
pub(super) struct Loopback<'a> {
    pub(super) host: &'a str,
    path_and_query: &'a str,
}

impl<'a> Loopback<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("http://")?;
        let host = HOSTS.into_iter().find(|host| rest.starts_with(host))?;
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

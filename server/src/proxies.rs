//! The proxies in front of this server, and the address of the client behind them.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::log_throttle::LogThrottle;

/// The headers with which proxies name the client of a request.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone)]
pub struct Proxies(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    trusted: Vec<IpNet>,
    /// Peers whose headers are ignored.
    ignored: LogThrottle,
}

impl Default for Proxies {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Proxies {
    /// Trusts only these networks.
    pub fn new(trusted: &[IpNet]) -> Self {
        Self(Arc::new(Inner {
            trusted: trusted.to_vec(),
            ignored: LogThrottle::new(Duration::from_hours(1)),
        }))
    }

    /// Believes these networks; and this computer too, when the server listens nowhere else:
    /// then every connection comes from a proxy or another program on this computer.
    pub fn of_listeners(trusted: &[IpNet], listening: &[SocketAddr]) -> Self {
        let mut trusted = trusted.to_vec();
        if !listening.is_empty()
            && listening
                .iter()
                .all(|socket| socket.ip().to_canonical().is_loopback())
        {
            trusted.extend(this_computer());
        }
        Self::new(&trusted)
    }

    /// Whether an address is one of these proxies.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0
            .trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    /// The peer, or, when the peer is a trusted proxy, the client that it names.
    pub(crate) fn client_address(&self, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
        let peer = peer(extensions);
        if self.trusts(peer) {
            return self.behind(peer, headers);
        }
        if is_forwarded(headers) && self.0.ignored.allows(&peer.to_string()) {
            tracing::warn!(
                %peer,
                "ignoring forwarded headers from an address that is not in trusted_proxies: everyone behind it shares one rate \
                 limit; if it is your proxy, set trusted_proxies = [\"{peer}\"]"
            );
        }
        peer
    }

    fn note_other_header(&self, peer: IpAddr) {
        if self.0.ignored.allows(&peer.to_string()) {
            tracing::warn!(%peer, "a trusted proxy sends another forwarded header, but only X-Forwarded-For is used");
        }
    }

    /// Walks `X-Forwarded-For` from right to left, as far as trusted proxies wrote it: the first
    /// address that is none of them is the client's, and what is left of it may be
    /// forged. What is no address ends the walk (T-D34).
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if is_forwarded(headers) && !headers.contains_key(FORWARDED_FOR) {
            self.note_other_header(peer);
        }
        let lines: Vec<&[u8]> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .map(http::HeaderValue::as_bytes)
            .collect();
        let hops = lines
            .iter()
            .rev()
            .flat_map(|line| line.rsplit(|byte| *byte == b','));
        let mut client = peer;
        for hop in hops {
            let Some(address) = address(hop) else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        client
    }
}

/// Whether a proxy names the client.
fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDED.iter().any(|name| headers.contains_key(*name))
}

/// The address of the other end of the connection.
pub(crate) fn peer(extensions: &Extensions) -> IpAddr {
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|peer| peer.0.ip());
    peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into()).to_canonical()
}

/// The addresses by which a computer speaks to itself.
fn this_computer() -> [IpNet; 2] {
    let ipv4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
    [ipv4.into(), Ipv6Net::from(Ipv6Addr::LOCALHOST).into()]
}

/// An address, which some proxies give with its port.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address: Option<IpAddr> = bare.unwrap_or(text).parse().ok();
    address
        .or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn networks(text: &str) -> Vec<IpNet> {
        text.split_terminator(',')
            .map(|net| net.parse().expect("a network"))
            .collect()
    }

    fn seen_by(proxies: &Proxies, peer: &str, forwarded: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(
                "x-forwarded-for",
                HeaderValue::from_bytes(value).expect("a header"),
            );
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(
            peer.parse().expect("an address"),
            1234,
        )));
        proxies.client_address(&headers, &extensions).to_string()
    }

    fn seen(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let forwarded: Vec<&[u8]> = forwarded.iter().map(|value| value.as_bytes()).collect();
        seen_by(&Proxies::new(&networks(trusted)), peer, &forwarded)
    }

    #[tokio::test]
    async fn a_stranger_cannot_name_another_address() {
        assert_eq!(seen("", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(
            seen("10.0.0.0/8", "192.0.2.1", &["198.51.100.7"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn a_trusted_proxy_is_believed_for_the_last_hop_only() {
        let trusted = "10.0.0.0/8,2001:db8::/32";
        assert_eq!(seen(trusted, "10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(
            seen(
                trusted,
                "10.0.0.1",
                &["203.0.113.9, 198.51.100.7, 10.2.3.4"]
            ),
            "198.51.100.7"
        );
        assert_eq!(
            seen(
                trusted,
                "10.0.0.1",
                &["203.0.113.9", "198.51.100.7, 2001:db8::5"]
            ),
            "198.51.100.7"
        );
        assert_eq!(
            seen(trusted, "::ffff:10.0.0.1", &["::ffff:198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(seen(trusted, "10.0.0.1", &["[2a00::1]:443"]), "2a00::1");
        assert_eq!(seen(trusted, "10.0.0.1", &["[2a00::1]"]), "2a00::1");
        assert_eq!(
            seen(trusted, "10.0.0.1", &["198.51.100.7:555"]),
            "198.51.100.7"
        );
        assert_eq!(
            seen(trusted, "10.0.0.1", &["10.9.9.9, 10.2.3.4"]),
            "10.9.9.9"
        );
    }

    #[test]
    fn what_a_client_wrote_does_not_hide_its_address() {
        for written in [
            "garbage",
            "unknown",
            "",
            ",",
            "127.0.0.1;x",
            "\"",
            "1.2.3.4, garbage, 5.6.7",
        ] {
            assert_eq!(
                seen(
                    "10.0.0.0/8",
                    "10.0.0.1",
                    &[&format!("{written}, 203.0.113.9")]
                ),
                "203.0.113.9",
                "{written}"
            );
            assert_eq!(
                seen(
                    "10.0.0.0/8",
                    "10.0.0.1",
                    &[written, "203.0.113.9, 10.0.0.2"]
                ),
                "203.0.113.9",
                "{written}"
            );
        }
        let proxies = Proxies::new(&networks("10.0.0.0/8"));
        assert_eq!(
            seen_by(&proxies, "10.0.0.1", &["Zoë".as_bytes(), b"203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            seen_by(&proxies, "10.0.0.1", &[b"\xff\xfe, 203.0.113.9"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn t_d34_what_is_no_address_ends_at_the_last_proxy_that_is_known() {
        for broken in [
            "",
            "unknown",
            "198.51.100.7, nonsense",
            "198.51.100.7;",
            "198.51.100.7,",
            "_hidden",
        ] {
            assert_eq!(
                seen("10.0.0.0/8", "10.0.0.1", &[broken]),
                "10.0.0.1",
                "{broken}"
            );
        }
        assert_eq!(
            seen("10.0.0.0/8", "10.0.0.1", &["198.51.100.7,,10.0.0.2"]),
            "10.0.0.2"
        );
        assert_eq!(
            seen(
                "10.0.0.0/8",
                "10.0.0.1",
                &["198.51.100.7, unknown, 10.0.0.2"]
            ),
            "10.0.0.2"
        );
        assert_eq!(seen("10.0.0.0/8", "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn this_computer_is_trusted_when_the_server_listens_nowhere_else() {
        let listening = |text: &str| -> Vec<SocketAddr> {
            text.split(',')
                .map(|one| one.parse().expect("a socket"))
                .collect()
        };
        let seen = |at: &str, peer| {
            seen_by(
                &Proxies::of_listeners(&networks("10.0.0.0/8"), &listening(at)),
                peer,
                &[b"203.0.113.9"],
            )
        };
        for peer in [
            "127.0.0.1",
            "127.0.0.53",
            "::1",
            "::ffff:127.0.0.1",
            "10.0.0.1",
        ] {
            assert_eq!(
                seen("127.0.0.1:3000,[::1]:3000", peer),
                "203.0.113.9",
                "{peer}"
            );
        }
        assert_eq!(seen("127.0.0.1:3000", "192.0.2.1"), "192.0.2.1");
    }

    #[tokio::test]
    async fn this_computer_is_not_trusted_when_others_reach_the_server() {
        for at in ["0.0.0.0:3000", "[::]:3000"] {
            let proxies = Proxies::of_listeners(
                &[],
                &[
                    at.parse().expect("a socket"),
                    "127.0.0.1:3001".parse().expect("a socket"),
                ],
            );
            assert_eq!(
                seen_by(&proxies, "127.0.0.1", &[b"203.0.113.9"]),
                "127.0.0.1",
                "{at}"
            );
        }
        assert!(!Proxies::of_listeners(&[], &[]).trusts(Ipv4Addr::LOCALHOST.into()));
    }
}

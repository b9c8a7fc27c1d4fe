//! Whether an address is one of this server.

use std::net::{IpAddr, ToSocketAddrs as _, UdpSocket};

use http::Uri;
use oauth::Issuer;
use primitives::web_address::{AddressParts, host_and_port};

use super::parse::ListenAddress;

/// Whether a request to an address would come back to this server: it is the issuer's, or a listener
/// has its port and its host, in whatever spelling. Names are looked up only when the port is that of
/// a listener.
pub(super) fn is_own(address: &Uri, issuer: &Issuer, listen: &[ListenAddress]) -> bool {
    let Some(host) = address.host() else {
        return false;
    };
    let is_https = address.scheme_str() == Some("https");
    let port = address.port_u16().unwrap_or(default_port(is_https));
    is_issuer(host, port, issuer) || {
        let mut at_port = listen.iter().filter(|listen| listen.port == port);
        at_port.any(|listen| is_listener(host, &listen.host))
    }
}

const fn default_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

fn is_issuer(host: &str, port: u16, issuer: &Issuer) -> bool {
    let (host, _) = host_and_port(host);
    let authority = AddressParts::split(issuer.as_str()).authority;
    let (own, own_port) = host_and_port(authority);
    let default = default_port(issuer.is_https());
    let own_port = own_port.map_or(Some(default), |port| port.parse().ok());
    host == own && Some(port) == own_port
}

/// Whether a host of an address is that of a listener with its port. A loopback address always is:
/// whatever the listener's host, nothing else should be there.
fn is_listener(host: &str, listener: &str) -> bool {
    if host.eq_ignore_ascii_case(listener) {
        return true;
    }
    let listening = addresses(listener);
    let reaches = |address: IpAddr| {
        let is_wild = listening.iter().any(IpAddr::is_unspecified);
        address.is_loopback()
            || address.is_unspecified()
            || listening.contains(&address)
            || is_wild && is_of_this_machine(address)
    };
    addresses(host).into_iter().any(reaches)
}

/// The addresses of a host: its own, or those of its name. IPv4 inside of IPv6 counts as IPv4.
fn addresses(host: &str) -> Vec<IpAddr> {
    let bare = host.trim_matches(['[', ']']);
    let name = bare.trim_end_matches('.');
    // RFC 6761 section 6.3, also without a resolver that knows it.
    let name = if name.ends_with(".localhost") {
        "localhost"
    } else {
        name
    };
    let found = (name, 0).to_socket_addrs();
    let found = found.into_iter().flatten();
    found.map(|address| address.ip().to_canonical()).collect()
}

/// Whether an interface of this machine has an address: only then something can listen there.
fn is_of_this_machine(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn own(address: &str, listen: &str) -> bool {
        let issuer = Issuer::parse("https://auth.example").expect("an issuer");
        let listen = super::super::parse::listen(listen).expect("addresses");
        is_own(&address.parse().expect("a URI"), &issuer, &listen)
    }

    #[test]
    fn every_spelling_of_this_computer_is_known() {
        for host in [
            "localhost",
            "localhost.",
            "a.localhost",
            "127.0.0.1",
            "127.0.0.2",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "[::]",
        ] {
            for listen in ["localhost:3000", "0.0.0.0:3000", "[::]:3000"] {
                assert!(own(&format!("http://{host}:3000/"), listen), "{host}");
                assert!(!own(&format!("http://{host}:3001/"), listen), "{host}");
            }
        }
        assert!(own("https://auth.example/mcp", "localhost:3000"));
        assert!(own("http://127.0.0.1/", "0.0.0.0:80"));
        assert!(!own("http://auth.example/mcp", "localhost:3000"));
    }

    #[test]
    fn an_address_of_an_interface_is_own_where_all_are_listened_at() {
        // Documentation addresses (RFC 5737, RFC 3849) are of no interface.
        for (other, listen) in [
            ("203.0.113.77", "0.0.0.0:3000"),
            ("[2001:db8::1]", "[::]:3000"),
            ("203.0.113.77", "203.0.113.78:3000"),
        ] {
            assert!(!own(&format!("http://{other}:3000/"), listen), "{other}");
        }
        assert!(own("http://203.0.113.77:3000/", "203.0.113.77:3000"));
        assert!(own("http://[2001:db8::1]:3000/", "[2001:db8::1]:3000"));
        // Connecting chooses the interface; UDP sends nothing.
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a socket");
        let Ok(address) = socket
            .connect("203.0.113.77:9")
            .and_then(|()| socket.local_addr())
        else {
            return;
        };
        let address = address.ip();
        assert!(own(&format!("http://{address}:3000/"), "0.0.0.0:3000"));
        assert!(own(&format!("http://{address}:3000/"), "[::]:3000"));
        assert!(!own(
            &format!("http://{address}:3000/"),
            "203.0.113.78:3000"
        ));
    }
}

//! Where a fetch may lead: to the public internet, and on a developer's machine to that machine
//! (R-C8, draft -02 section 8.6, RFC 6890 and its registries, T-E37).

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use url::{Host, Url};

use super::FetchError;
use crate::{environment::Names, fetch_fault::FetchFault};

/// The error for all disallowed addresses.
pub(super) const FORBIDDEN: FetchError = FetchError::Fault(FetchFault::NotPublic);

/// The lowest port that needs no privilege: below it, other protocols listen.
const UNPRIVILEGED: u16 = 1024;
const HTTPS: u16 = 443;

/// Blocks of IPv4 that are not the public internet (IANA IPv4 Special-Purpose Address Registry, and
/// multicast).
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The public internet of IPv6. Everything outside is special: unspecified, loopback, IPv4 in other
/// clothes (mapped, compatible, NAT64), discard, segment routing, unique-local, link-local,
/// site-local, multicast.
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// Blocks inside of it that are not (IANA IPv6 Special-Purpose Address Registry): Teredo and other
/// protocols, documentation, 6to4, documentation again.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// What a fetch may lead to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    /// Whether this computer is among it: only while the server is on loopback itself.
    pub(super) loopback: bool,
}

/// No address of a name is one that a fetch may lead to.
#[derive(Debug, Error)]
#[error("the host name has no public address")]
pub(super) struct Forbidden;

impl Guard {
    /// The checks before resolution. An IP address as the host never reaches the resolver.
    pub(super) fn admits(self, url: &Url) -> Result<(), FetchError> {
        if url.scheme() != "https" {
            return Err(FetchError::Fault(FetchFault::NotHttps));
        }
        if !allows_port(url.port().unwrap_or(HTTPS)) {
            return Err(FetchError::Fault(FetchFault::PortNotAllowed));
        }
        match url.host() {
            Some(Host::Ipv4(address)) if !self.allows(address.into()) => Err(FORBIDDEN),
            Some(Host::Ipv6(address)) if !self.allows(address.into()) => Err(FORBIDDEN),
            Some(_) => Ok(()),
            None => Err(FORBIDDEN),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        (self.loopback && address.is_loopback()) || is_public(address)
    }
}

const fn allows_port(port: u16) -> bool {
    port == HTTPS || port >= UNPRIVILEGED
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4
            .into_iter()
            .any(|block| lies_in_v4(address, block)),
        IpAddr::V6(address) => {
            lies_in_v6(address, PUBLIC_V6)
                && !SPECIAL_V6
                    .into_iter()
                    .any(|block| lies_in_v6(address, block))
        }
    }
}

fn lies_in_v4(address: Ipv4Addr, (network, length): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (32 - length) == 0
}

fn lies_in_v6(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (128 - length) == 0
}

/// A resolver that returns allowed addresses only. Connections use exactly these, without a second
/// resolution, so that DNS rebinding has no effect.
pub(super) struct Guarded {
    pub(super) names: Arc<dyn Names>,
    pub(super) guard: Guard,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.names.addresses(name.as_str());
        let guard = self.guard;
        Box::pin(async move {
            let mut addresses = found.await?;
            if addresses.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            addresses.retain(|address| guard.allows(address.ip()));
            if addresses.is_empty() {
                Err(Forbidden.into())
            } else {
                Ok(Box::new(addresses.into_iter()) as Addrs)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: Guard = Guard { loopback: false };
    const LOCAL: Guard = Guard { loopback: true };

    fn allows(guard: Guard, address: &str) -> bool {
        guard.allows(address.parse().expect("an address"))
    }

    #[test]
    fn t_e37_no_special_address_of_ipv4_is_reached() {
        for (first, last, before, after) in [
            ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
            (
                "10.0.0.0",
                "10.255.255.255",
                Some("9.255.255.255"),
                Some("11.0.0.0"),
            ),
            (
                "100.64.0.0",
                "100.127.255.255",
                Some("100.63.255.255"),
                Some("100.128.0.0"),
            ),
            (
                "127.0.0.0",
                "127.255.255.255",
                Some("126.255.255.255"),
                Some("128.0.0.0"),
            ),
            (
                "169.254.0.0",
                "169.254.255.255",
                Some("169.253.255.255"),
                Some("169.255.0.0"),
            ),
            (
                "172.16.0.0",
                "172.31.255.255",
                Some("172.15.255.255"),
                Some("172.32.0.0"),
            ),
            (
                "192.0.0.0",
                "192.0.0.255",
                Some("191.255.255.255"),
                Some("192.0.1.0"),
            ),
            (
                "192.0.2.0",
                "192.0.2.255",
                Some("192.0.1.255"),
                Some("192.0.3.0"),
            ),
            (
                "192.88.99.0",
                "192.88.99.255",
                Some("192.88.98.255"),
                Some("192.88.100.0"),
            ),
            (
                "192.168.0.0",
                "192.168.255.255",
                Some("192.167.255.255"),
                Some("192.169.0.0"),
            ),
            (
                "198.18.0.0",
                "198.19.255.255",
                Some("198.17.255.255"),
                Some("198.20.0.0"),
            ),
            (
                "198.51.100.0",
                "198.51.100.255",
                Some("198.51.99.255"),
                Some("198.51.101.0"),
            ),
            (
                "203.0.113.0",
                "203.0.113.255",
                Some("203.0.112.255"),
                Some("203.0.114.0"),
            ),
            (
                "224.0.0.0",
                "255.255.255.255",
                Some("223.255.255.255"),
                None,
            ),
        ] {
            for special in [first, last] {
                assert!(!allows(PUBLIC, special), "{special}");
            }
            for public in [before, after].into_iter().flatten() {
                assert!(allows(PUBLIC, public), "{public}");
            }
        }
        for special in ["169.254.169.254", "127.0.0.1", "255.255.255.255"] {
            assert!(!allows(PUBLIC, special), "{special}");
        }
    }

    #[test]
    fn t_e37_no_special_address_of_ipv6_is_reached() {
        for special in [
            "::",
            "::1",
            "::808:808",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:0:808:808",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "1fff:ffff::",
            "2001::1",
            "2001:0:53aa:64c::1",
            "2001:1ff:ffff::",
            "2001:db8::1",
            "2001:db8:ffff::1",
            "2002::1",
            "2002:7f00:1::",
            "2002:ffff::1",
            "3fff::1",
            "3fff:fff::1",
            "4000::",
            "5f00::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!allows(PUBLIC, special), "{special}");
        }
        for public in [
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "3fff:1000::1",
        ] {
            assert!(allows(PUBLIC, public), "{public}");
        }
    }

    #[test]
    fn r_c8_this_computer_is_reached_from_this_computer_alone() {
        for local in ["127.0.0.1", "127.8.8.8", "::1"] {
            assert!(allows(LOCAL, local) && !allows(PUBLIC, local), "{local}");
        }
        for never in [
            "10.0.0.1",
            "0.0.0.0",
            "::",
            "::ffff:127.0.0.1",
            "169.254.169.254",
            "fe80::1",
        ] {
            assert!(!allows(LOCAL, never), "{never}");
        }
    }

    #[test]
    fn t_e37_an_address_is_judged_before_anything_is_asked() {
        let admits = |guard: Guard, url: &str| guard.admits(&Url::parse(url).expect("a URL"));
        let port = Err(FetchError::Fault(FetchFault::PortNotAllowed));
        for (url, expected) in [
            ("https://a.example/x", Ok(())),
            ("https://a.example:443/x", Ok(())),
            ("https://a.example:1024/x", Ok(())),
            ("https://a.example:65535/x", Ok(())),
            ("https://a.example:1023/x", port.clone()),
            ("https://a.example:80/x", port.clone()),
            ("https://a.example:22/x", port),
            (
                "http://a.example/x",
                Err(FetchError::Fault(FetchFault::NotHttps)),
            ),
            ("https://8.8.8.8/x", Ok(())),
            ("https://[2606:4700::1111]/x", Ok(())),
            ("https://127.0.0.1/x", Err(FORBIDDEN)),
            ("https://2130706433/x", Err(FORBIDDEN)),
            ("https://0x7f.1/x", Err(FORBIDDEN)),
            ("https://[::1]/x", Err(FORBIDDEN)),
            ("https://[::ffff:7f00:1]/x", Err(FORBIDDEN)),
            ("https://169.254.169.254/latest/meta-data", Err(FORBIDDEN)),
        ] {
            assert_eq!(admits(PUBLIC, url), expected, "{url}");
        }
        assert_eq!(admits(LOCAL, "https://127.0.0.1:9000/x"), Ok(()));
    }
}

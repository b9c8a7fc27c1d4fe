//! Single values: durations, addresses, networks, switches.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use oauth::redirect::PrivateSchemes;

/// A duration such as `60s`, `5m`, `1h` or `90d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let fault = || format!("\"{text}\" is not a duration such as 60s, 5m, 1h or 90d");
    let unit = text.chars().last().ok_or_else(fault)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(fault()),
    };
    let digits = &text[..text.len() - unit.len_utf8()];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fault());
    }
    // A century is more than any lifetime here needs, and keeps later sums far from overflow.
    let count: u64 = digits.parse().map_err(|_| fault())?;
    count
        .checked_mul(seconds)
        .filter(|seconds| *seconds <= 100 * 365 * 24 * 60 * 60)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("\"{text}\" is longer than a hundred years"))
}

/// `on` or `off`; `true`, `false`, `1` and `0` are understood too.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(format!("\"{text}\" is neither on nor off")),
    }
}

/// Networks in CIDR notation, or single addresses, separated by commas.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    items(text)
        .map(|item| {
            let address = || item.parse::<IpAddr>().map(IpNet::from);
            item.parse::<IpNet>().or_else(|_| address()).map_err(|_| format!("\"{item}\" is not a network such as 10.0.0.0/8"))
        })
        .collect()
}

/// Names of private-use schemes, separated by commas. Empty is none of them, and so is `none`, since an empty environment
/// variable counts as unset.
pub(super) fn private_schemes(text: &str) -> Result<PrivateSchemes, String> {
    let fault = |name: &str| format!("\"{name}\" is not the scheme of an application, such as cursor");
    PrivateSchemes::read(items(text).filter(|_| text.trim() != "none")).map_err(fault)
}

/// One place to listen at: a name or an address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    /// A host name (all its addresses are used) or an IP address without brackets.
    pub host: String,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

/// `host:port`, `ip:port` or `[ip]:port`, separated by commas.
pub(super) fn listen(text: &str) -> Result<Vec<ListenAddress>, String> {
    let addresses: Vec<_> = items(text).map(listen_address).collect::<Result<_, _>>()?;
    if addresses.is_empty() {
        return Err("it names no address".to_owned());
    }
    Ok(addresses)
}

fn listen_address(text: &str) -> Result<ListenAddress, String> {
    let fault = || format!("\"{text}\" is not an address such as localhost:3000, 0.0.0.0:3000 or [::1]:3000");
    let (host, port) = text.rsplit_once(':').ok_or_else(fault)?;
    let port = port.parse().map_err(|_| fault())?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match bare {
        Some(v6) if v6.parse::<std::net::Ipv6Addr>().is_ok() => v6,
        Some(_) => return Err(fault()),
        None if host.is_empty() || host.contains([':', '/', '@', '[', ']']) => return Err(fault()),
        None => host,
    };
    Ok(ListenAddress { host: host.to_owned(), port })
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(duration("60s"), Ok(Duration::from_mins(1)));
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(duration("1h"), Ok(Duration::from_hours(1)));
        assert_eq!(duration("90d"), Ok(Duration::from_hours(90 * 24)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for wrong in ["", "60", "s", "-1s", "+1s", "1.5h", "1 h", "1w", "9999999999999999999s", "99999999d", "1é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_are_cidr_or_single_addresses() {
        let networks_read = networks("10.0.0.0/8, ::1,192.0.2.7").expect("three networks");
        assert_eq!(networks_read.len(), 3);
        assert_eq!(networks_read[1].prefix_len(), 128);
        assert_eq!(networks(""), Ok(Vec::new()));
        assert!(networks("10.0.0.0/33").is_err());
        assert!(networks("everyone").is_err());
    }

    #[test]
    fn private_schemes_are_names() {
        assert_eq!(private_schemes("cursor, my-agent"), Ok(PrivateSchemes::read(["cursor", "my-agent"]).expect("names")));
        for none in ["", " ", "none"] {
            assert_eq!(private_schemes(none), Ok(PrivateSchemes::read([]).expect("none")));
        }
        for wrong in ["javascript", "https", "cursor://", "Cursor", "a b"] {
            assert!(private_schemes(wrong).is_err_and(|fault| fault.contains(wrong)), "{wrong}");
        }
    }

    #[test]
    fn listen_addresses_are_names_or_addresses_with_a_port() {
        let read = listen("localhost:3000,[::1]:4000, 0.0.0.0:80").expect("three addresses");
        assert_eq!(read.iter().map(ToString::to_string).collect::<Vec<_>>(), ["localhost:3000", "[::1]:4000", "0.0.0.0:80"]);
        for wrong in ["", "3000", "localhost", ":3000", "::1:3000", "[localhost]:1", "host:99999", "http://localhost:3000"] {
            assert!(listen(wrong).is_err(), "{wrong}");
        }
    }
}

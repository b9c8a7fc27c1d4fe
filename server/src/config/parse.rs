//! Single values: durations, addresses, networks, switches.

use std::{fmt, net::IpAddr, time::Duration};

use ipnet::IpNet;
use oauth::{
    Issuer,
    issuer::IssuerError,
    redirect::{KNOWN_PRIVATE_SCHEMES, PrivateSchemes},
};
use oauth_clients::document::DocumentPolicy;
use provider::SignUpPolicy;

/// More seconds than any lifetime here needs, and few enough to keep later sums from overflow.
const A_CENTURY: u64 = 100 * 365 * 24 * 60 * 60;

/// A number of digits alone, without a sign.
fn whole_number(digits: &str) -> Option<u64> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// A duration such as `60s`, `5m`, `1h` or `90d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let fault = || format!("\"{text}\" is not a duration such as 60s, 5m, 1h or 90d");
    let unit = text.chars().last().ok_or_else(fault)?;
    let seconds = seconds_in(unit).ok_or_else(fault)?;
    let digits = &text[..text.len() - unit.len_utf8()];
    let count = whole_number(digits).ok_or_else(fault)?;
    count
        .checked_mul(seconds)
        .filter(|seconds| *seconds <= A_CENTURY)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("\"{text}\" is longer than 100 years"))
}

const fn seconds_in(unit: char) -> Option<u64> {
    match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(60 * 60),
        'd' => Some(24 * 60 * 60),
        _ => None,
    }
}

/// A duration from `least` to `most`, which are constants of the same spelling.
pub(super) fn duration_within(text: &str, least: &str, most: &str) -> Result<Duration, String> {
    match duration(text)? {
        short if short < duration(least)? => {
            Err(format!("\"{text}\" is too short; the minimum is {least}"))
        }
        long if long > duration(most)? => {
            Err(format!("\"{text}\" is too long; the maximum is {most}"))
        }
        fits => Ok(fits),
    }
}

/// `on` or `off`; `true`, `false`, `1` and `0` are accepted too.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err(format!("\"{text}\" must be on or off")),
    }
}

/// Networks in CIDR notation, or single addresses, separated by commas.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    items(text)
        .map(|item| {
            let address = || item.parse::<IpAddr>().map(IpNet::from);
            item.parse::<IpNet>()
                .or_else(|_| address())
                .map_err(|_| format!("\"{item}\" is not a network such as 10.0.0.0/8"))
        })
        .collect()
}

/// The issuer of this server.
pub(super) fn issuer(text: &str) -> Result<Issuer, String> {
    Issuer::parse(text).map_err(|error| match error {
        IssuerError::NotUrl(error) => format!("the issuer {text:?} is not a URL ({error})"),
        IssuerError::PublicHttp => {
            format!("the issuer {text:?} must use https; http is only allowed for localhost")
        }
        IssuerError::Scheme(scheme) => {
            format!("the issuer {text:?} must be an https URL, not {scheme}")
        }
        IssuerError::NotOrigin(origin) => format!(
            "the issuer {text:?} must have no path, query, user or trailing slash: use {origin}"
        ),
    })
}

/// Which clients can use a client metadata document: `on`, `off`, or hosts.
pub(super) fn client_documents(text: &str) -> Result<DocumentPolicy, String> {
    DocumentPolicy::parse(text).map_err(|part| {
        format!("\"{part}\" must be on, off, or a host such as claude.ai or .example.com")
    })
}

/// Changes to the known private-use schemes, separated by commas: a name is added, a name with a
/// minus is removed, `none` removes all before it. An empty list removes all of them, too.
pub(super) fn private_schemes(text: &str) -> Result<PrivateSchemes, String> {
    let fault = |word: &str| match word.strip_prefix('-') {
        Some(name) => format!("\"{word}\" removes \"{name}\", which is not in the list"),
        None => format!("\"{word}\" is not a private URI scheme such as cursor"),
    };
    match items(text).next() {
        None => PrivateSchemes::read([]).map_err(fault),
        Some(_) => adjusted(items(text)).map_err(fault),
    }
}

/// The known schemes with changes: a name is added, a name with a minus is removed, and `none`
/// removes all of them, so that what follows is the whole list.
///
/// # Errors
/// The first text that is neither, also a minus before a name that is not on the list.
pub(super) fn adjusted<'a>(
    words: impl IntoIterator<Item = &'a str>,
) -> Result<PrivateSchemes, &'a str> {
    let mut names = KNOWN_PRIVATE_SCHEMES.to_vec();
    for word in words {
        match word.strip_prefix('-') {
            None if word == "none" => names.clear(),
            None if names.contains(&word) => {}
            None => {
                PrivateSchemes::read([word])?;
                names.push(word);
            }
            Some(name) => {
                if !names.contains(&name) {
                    return Err(word);
                }
                names.retain(|own| *own != name);
            }
        }
    }
    PrivateSchemes::read(names)
}

/// `invitation`, `open`, or the domains of email addresses, separated by commas.
pub(super) fn sign_up(text: &str) -> Result<SignUpPolicy, String> {
    match text.trim() {
        "invitation" => Ok(SignUpPolicy::Invitation),
        "open" => Ok(SignUpPolicy::Open),
        domains => match items(domains).map(domain).collect::<Result<Vec<_>, _>>()? {
            none if none.is_empty() => {
                Err("enter at least one domain, or \"invitation\" to disable sign-up".to_owned())
            }
            domains => Ok(SignUpPolicy::Domains(domains)),
        },
    }
}

/// A domain as addresses have it, in ASCII. It has a dot, so that no misspelt word is taken for
/// one.
fn domain(text: &str) -> Result<String, String> {
    let fault = || format!("\"{text}\" must be invitation, open, or a domain such as example.com");
    provider::domain_in_ascii(text)
        .filter(|domain| domain.contains('.'))
        .ok_or_else(fault)
}

/// One place to listen at: a name or an address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenAddress {
    /// A host name (all its addresses are used) or an IP address without brackets.
    pub host: String,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// `host:port`, `ip:port` or `[ip]:port`, separated by commas.
pub(super) fn listen(text: &str) -> Result<Vec<ListenAddress>, String> {
    let addresses: Vec<_> = items(text).map(listen_address).collect::<Result<_, _>>()?;
    if addresses.is_empty() {
        return Err("enter at least one address".to_owned());
    }
    Ok(addresses)
}

fn listen_address(text: &str) -> Result<ListenAddress, String> {
    let fault = || {
        format!("\"{text}\" is not an address such as localhost:3000, 0.0.0.0:3000 or [::1]:3000")
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(fault)?;
    let port = port.parse().map_err(|_| fault())?;
    let host = listen_host(host).ok_or_else(fault)?.to_owned();
    Ok(ListenAddress { host, port })
}

/// A host without the brackets of an IPv6 address.
fn listen_host(host: &str) -> Option<&str> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok().then_some(v6),
        None => (!host.is_empty() && !host.contains([':', '/', '@', '[', ']'])).then_some(host),
    }
}

pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use oauth::redirect::RedirectUri;

    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(duration("60s"), Ok(Duration::from_mins(1)));
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(duration("1h"), Ok(Duration::from_hours(1)));
        assert_eq!(duration("90d"), Ok(Duration::from_hours(90 * 24)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for wrong in [
            "",
            "60",
            "s",
            "-1s",
            "+1s",
            "1.5h",
            "1 h",
            "1w",
            "9999999999999999999s",
            "99999999d",
            "1é",
        ] {
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
    fn an_issuer_that_is_refused_hears_why() {
        for (text, why) in [
            ("auth", "is not a URL"),
            (
                "http://auth.example.com",
                "http is only allowed for localhost",
            ),
            ("ftp://auth.example.com", "not ftp"),
            (
                "https://auth.example.com/",
                "trailing slash: use https://auth.example.com",
            ),
        ] {
            let error = issuer(text).expect_err("an issuer that is not one");
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn naming_a_scheme_adds_it_and_a_minus_takes_one_away() {
        let set = |words: &[&'static str]| adjusted(words.iter().copied());
        let allowed = |words: &[&'static str], scheme: &str| {
            let schemes = set(words).expect("names");
            RedirectUri::register(&format!("{scheme}://cb"), &schemes).is_ok()
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
    fn private_schemes_are_names() {
        let with = |names: &[&'static str]| adjusted(names.iter().copied());
        assert_eq!(
            private_schemes("cursor, my-agent").ok(),
            with(&["my-agent"]).ok()
        );
        assert_eq!(
            private_schemes("none, my-agent").ok(),
            PrivateSchemes::read(["my-agent"]).ok()
        );
        assert_eq!(
            private_schemes(" -zed ,my-agent").ok(),
            with(&["-zed", "my-agent"]).ok()
        );
        assert!(
            private_schemes("-curser").is_err_and(|fault| fault.contains("removes \"curser\""))
        );
        for none in ["", " ", "none"] {
            assert_eq!(
                private_schemes(none),
                Ok(PrivateSchemes::read([]).expect("none"))
            );
        }
        for wrong in ["javascript", "https", "cursor://", "Cursor", "a b"] {
            assert!(
                private_schemes(wrong).is_err_and(|fault| fault.contains(wrong)),
                "{wrong}"
            );
        }
    }

    #[test]
    fn durations_may_have_bounds() {
        let within = |text| duration_within(text, "1m", "1h");
        assert_eq!(
            (within("60s"), within("60m")),
            (Ok(Duration::from_mins(1)), Ok(Duration::from_hours(1)))
        );
        assert_eq!(
            within("59s"),
            Err("\"59s\" is too short; the minimum is 1m".to_owned())
        );
        assert_eq!(
            within("3601s"),
            Err("\"3601s\" is too long; the maximum is 1h".to_owned())
        );
    }

    #[test]
    fn sign_up_is_for_the_invited_for_all_or_for_domains() {
        assert_eq!(sign_up("invitation"), Ok(SignUpPolicy::Invitation));
        assert_eq!(sign_up(" open "), Ok(SignUpPolicy::Open));
        let domains = |domains: &[&str]| {
            Ok(SignUpPolicy::Domains(
                domains.iter().map(|domain| (*domain).to_owned()).collect(),
            ))
        };
        assert_eq!(
            sign_up("Example.COM, sub.example.org"),
            domains(&["example.com", "sub.example.org"])
        );
        assert_eq!(
            sign_up("Bücher.example,xn--bcher-kva.example"),
            domains(&["xn--bcher-kva.example", "xn--bcher-kva.example"])
        );
        assert!(sign_up(" , ").is_err());
        for wrong in [
            "opn",
            "example",
            "a@example.com",
            "@example.com",
            ".example.com",
            "example.com.",
            "*.example.com",
            "a..b",
        ] {
            assert!(
                sign_up(wrong).is_err_and(|fault| fault.contains(wrong)),
                "{wrong}"
            );
        }
        for wrong in [
            "-a.example",
            "a-.example",
            "a b.example",
            "192.0.2.1",
            "https://example.com",
            "open,example.com",
        ] {
            assert!(sign_up(wrong).is_err(), "{wrong}");
        }
        assert!(sign_up(&format!("{}.example", "a".repeat(64))).is_err());
    }

    #[test]
    fn listen_addresses_are_names_or_addresses_with_a_port() {
        let read = listen("localhost:3000,[::1]:4000, 0.0.0.0:80").expect("three addresses");
        assert_eq!(
            read.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["localhost:3000", "[::1]:4000", "0.0.0.0:80"]
        );
        for wrong in [
            "",
            "3000",
            "localhost",
            ":3000",
            "::1:3000",
            "[localhost]:1",
            "host:99999",
            "http://localhost:3000",
        ] {
            assert!(listen(wrong).is_err(), "{wrong}");
        }
    }
}

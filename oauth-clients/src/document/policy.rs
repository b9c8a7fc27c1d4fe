//! Whose documents are accepted (R-C11, T-E38 and T-E39).

use primitives::web_address::parse_host;
use url::Host;

use super::DocumentUrl;

/// Which clients may describe themselves by a document.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum DocumentPolicy {
    /// All.
    #[default]
    Open,
    /// Those of certain hosts.
    Hosts(Vec<HostRule>),
    /// None.
    Off,
}

/// Hosts that a policy names. They are compared as hosts, label by label, and never as texts (
/// T-E39).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostRule {
    /// This host.
    Exactly(Host<String>),
    /// Every name below this one, and not this one itself.
    Below(Vec<String>),
}

impl DocumentPolicy {
    /// Reads a setting: `on`, `off`, or hosts with commas between them. A host that begins with a
    /// dot means every name below it.
    ///
    /// # Errors
    /// The first part that is not a host.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "on" | "true" | "yes" | "1" => Ok(Self::Open),
            "off" | "false" | "no" | "0" => Ok(Self::Off),
            hosts => hosts
                .split(',')
                .map(|host| HostRule::parse(host.trim()).ok_or_else(|| host.trim().to_owned()))
                .collect::<Result<_, _>>()
                .map(Self::Hosts),
        }
    }

    /// Whether any document is accepted: what metadata says (R-C1).
    pub const fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Whether the document at this address is.
    pub fn allows(&self, url: &DocumentUrl) -> bool {
        match self {
            Self::Open => true,
            Self::Hosts(rules) => rules.iter().any(|rule| rule.matches(&url.host())),
            Self::Off => false,
        }
    }
}

impl HostRule {
    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix('.');
        match (name, parse_host(name.unwrap_or(text))?) {
            (None, host) => Some(Self::Exactly(host)),
            (Some(_), Host::Domain(name)) => Some(Self::Below(labels(&name))),
            (Some(_), Host::Ipv4(_) | Host::Ipv6(_)) => None,
        }
    }

    fn matches(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Self::Exactly(own), host) => *own == host.to_owned(),
            (Self::Below(own), Host::Domain(name)) => {
                let labels = labels(name);
                labels.len() > own.len() && labels.ends_with(own)
            }
            (Self::Below(_), _) => false,
        }
    }
}

fn labels(name: &str) -> Vec<String> {
    name.split('.').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(policy: &str, url: &str) -> bool {
        let url = DocumentUrl::parse(url).expect("an address");
        DocumentPolicy::parse(policy)
            .expect("a policy")
            .allows(&url)
    }

    #[test]
    fn r_c11_a_policy_is_on_or_off_or_a_list() {
        assert_eq!(DocumentPolicy::parse("on"), Ok(DocumentPolicy::default()));
        assert_eq!(DocumentPolicy::parse(" OFF "), Ok(DocumentPolicy::Off));
        for (policy, on) in [("on", true), ("off", false), ("claude.ai", true)] {
            assert_eq!(DocumentPolicy::parse(policy).expect("a policy").is_on(), on);
            assert_eq!(allows(policy, "https://claude.ai/x"), on);
        }
        for bad in [
            "",
            "claude.ai,",
            "a b",
            "https://claude.ai",
            "claude.ai/x",
            "claude.ai:443",
            "..a",
            "a..b",
            ".",
            ".[::1]",
            "*.a",
        ] {
            assert!(DocumentPolicy::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn t_e39_hosts_are_compared_by_label() {
        let list = "Claude.ai, .example.com, 127.0.0.1, [::1], b\u{fc}cher.example";
        for good in [
            "https://claude.ai/x",
            "https://claude.ai:8443/x",
            "https://a.example.com/x",
            "https://a.b.example.com/x",
            "https://127.0.0.1:9000/x",
            "https://[::1]:9000/x",
            "https://xn--bcher-kva.example/x",
        ] {
            assert!(allows(list, good), "{good}");
        }
        for bad in [
            "https://evilclaude.ai/x",
            "https://claude.ai.evil.example/x",
            "https://www.claude.ai/x",
            "https://claude.ai./x",
            "https://claudexai/x",
            "https://example.com/x",
            "https://aexample.com/x",
            "https://example.com.evil/x",
            "https://127.0.0.2/x",
            "https://evil.example/claude.ai",
            "https://evil.example/x?claude.ai",
        ] {
            assert!(!allows(list, bad), "{bad}");
        }
    }
}

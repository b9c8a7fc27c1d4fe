//! Hosts that an administrator blocks.

use std::collections::BTreeMap;

use oauth::Timestamp;
use serde::{Deserialize, Serialize};

/// A blocked host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedHost {
    /// The host, in lower case. Names below it are blocked too.
    pub host: String,
    /// Since when.
    #[serde(with = "crate::values")]
    pub since: Timestamp,
}

/// All blocked hosts, as stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Blocked(#[serde(with = "crate::values")] pub(crate) BTreeMap<String, Timestamp>);

impl Blocked {
    /// Adds a host; `false` when it is in already.
    pub(crate) fn add(&mut self, host: &str, now: Timestamp) -> bool {
        let new = !self.0.contains_key(host);
        self.0.entry(host.to_owned()).or_insert(now);
        new
    }

    /// Takes a host out; `false` when it was not in.
    pub(crate) fn remove(&mut self, host: &str) -> bool {
        self.0.remove(host).is_some()
    }

    /// Whether a host, or a name it is below of, is in. Compared label by label; a dot at the end
    /// names the same host.
    pub(crate) fn holds(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let above = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
        std::iter::once(host)
            .chain(above)
            .any(|name| self.0.contains_key(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_e39_a_blocked_host_is_compared_label_by_label() {
        let mut blocked = Blocked::default();
        assert!(blocked.add("evil.example", Timestamp::from_seconds(1)));
        assert!(!blocked.add("evil.example", Timestamp::from_seconds(2)));
        for host in [
            "evil.example",
            "evil.example.",
            "app.evil.example",
            "a.b.evil.example.",
        ] {
            assert!(blocked.holds(host), "{host}");
        }
        for host in [
            "example",
            "notevil.example",
            "evil.example.com",
            "evil-example",
            "",
        ] {
            assert!(!blocked.holds(host), "{host}");
        }
        assert!(blocked.remove("evil.example") && !blocked.remove("evil.example"));
    }
}

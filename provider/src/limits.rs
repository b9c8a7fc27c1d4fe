//! Limits on guessing and on registering: counters that are counted up atomically, one per stretch of time.

use std::{net::IpAddr, time::Duration};

use oauth::Timestamp;

use crate::{Provider, keys, problem::Unavailable};

/// A limit: at most so many in one stretch of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) most: u64,
    pub(crate) stretch: Duration,
}

impl Limit {
    const fn number(self, now: Timestamp) -> u64 {
        now.seconds() / self.stretch.as_secs()
    }

    const fn rest(self, now: Timestamp) -> Duration {
        Duration::from_secs(self.stretch.as_secs() - now.seconds() % self.stretch.as_secs())
    }
}

impl Provider {
    /// Counts one more; `Some` with the time to wait when it is one too many.
    pub(crate) async fn count(&self, limit: Limit, whom: &str) -> Result<Option<Duration>, Unavailable> {
        if !self.settings().rate_limits || limit.most == 0 {
            return Ok(None);
        }
        let now = self.now();
        let key = keys::counter(limit.name, whom, limit.number(now));
        let count = self.store().count(&key, limit.stretch).await?;
        Ok((count > limit.most).then(|| limit.rest(now)))
    }

    /// Starts counting anew in the present stretch.
    pub(crate) async fn forget_count(&self, limit: Limit, whom: &str) -> Result<(), Unavailable> {
        if self.settings().rate_limits {
            self.store().remove(&keys::counter(limit.name, whom, limit.number(self.now()))).await?;
        }
        Ok(())
    }
}

/// How an address is counted: an IPv6 customer holds a whole /64.
pub(crate) fn neighbourhood(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_counted_by_its_neighbourhood() {
        let of = |text: &str| neighbourhood(text.parse().expect("an address"));
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }
}

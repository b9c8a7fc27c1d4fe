//! How many connections the limit of open files leaves room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most connections at once, even where the limit of open files allows more.
const MOST_CONNECTIONS: usize = 8192;
/// Descriptors for everything else: the store, the control socket, listeners, fetches, name
/// resolution, the log.
const RESERVED: u64 = 64;
/// A connection is a descriptor, and may hold a file that it is sent.
const EACH: u64 = 2;

/// Raises the soft limit of open files as far as the hard limit allows and connections need it, and
/// returns how many connections fit.
pub(crate) fn connections_that_fit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = MOST_CONNECTIONS as u64 * EACH + RESERVED;
    let raised = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= raised {
        return fitting(current);
    }
    match setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(raised),
            maximum: limit.maximum,
        },
    ) {
        Ok(()) => fitting(raised),
        Err(_) => fitting(current),
    }
}

/// The connections that so many descriptors leave room for; half of few descriptors are for
/// connections all the same.
fn fitting(descriptors: u64) -> usize {
    let left = descriptors.saturating_sub(RESERVED).max(descriptors / 2);
    usize::try_from(left / EACH).map_or(MOST_CONNECTIONS, |fitting| {
        fitting.clamp(1, MOST_CONNECTIONS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        assert_eq!(fitting(256), 96);
        assert_eq!(fitting(1024), 480);
        assert_eq!(fitting(32), 8);
        assert_eq!(fitting(1), 1);
        assert_eq!(fitting(u64::MAX), MOST_CONNECTIONS);
        assert_eq!(
            fitting(MOST_CONNECTIONS as u64 * EACH + RESERVED),
            MOST_CONNECTIONS
        );
    }

    #[test]
    fn the_limit_of_this_process_leaves_room() {
        assert!(connections_that_fit() >= 1);
    }
}

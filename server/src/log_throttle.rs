//! Log lines that every client can cause: each subject is logged once in a while.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How many subjects are told apart within one interval; more are not logged.
const MOST_SUBJECTS: usize = 32;

/// Says of each subject whether it may be logged now.
#[derive(Debug)]
pub(crate) struct LogThrottle {
    every: Duration,
    last: Mutex<HashMap<String, Instant>>,
}

impl LogThrottle {
    /// Logs each subject once in so long a time.
    pub(crate) fn new(every: Duration) -> Self {
        Self {
            every,
            last: Mutex::default(),
        }
    }

    /// Whether `subject` may be logged now. It may not again until the interval has passed.
    pub(crate) fn allows(&self, subject: &str) -> bool {
        self.allows_at(subject, Instant::now())
    }

    fn allows_at(&self, subject: &str, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.duration_since(*at) < self.every;
        if last.get(subject).is_some_and(is_recent) {
            return false;
        }
        if last.len() >= MOST_SUBJECTS {
            last.retain(|_, at| is_recent(at));
        }
        let fits = last.len() < MOST_SUBJECTS;
        if fits {
            last.insert(subject.to_owned(), now);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_is_logged_once_in_a_while_and_not_too_many_of_them() {
        let log = LogThrottle::new(Duration::from_hours(1));
        let start = Instant::now();
        let allows =
            |subject: &str, minutes| log.allows_at(subject, start + Duration::from_mins(minutes));
        assert!(allows("a", 0) && !allows("a", 0) && allows("b", 0));
        assert!(!allows("a", 59));
        assert!(allows("a", 60) && !allows("a", 60));
        let allowed = (0..1000)
            .filter(|number: &u32| allows(&number.to_string(), 60))
            .count();
        assert!(allowed < MOST_SUBJECTS, "{allowed}");
        assert!(allows("another", 120));
    }
}

//! The hash chain of the audit log: each entry names the hash of the one before it.
//!
//! The hash is an HMAC over the bytes of an entry as they are stored, under a key that follows from
//! the sealing key: a store that is written to without that key can neither change an entry nor add
//! one. The hash is the last member of an entry, and empty while it is computed, so that a release
//! can check entries whose other members it does not know.

use std::time::Duration;

use primitives::{Secret, Timestamp};
use thiserror::Error;

const PURPOSE: &str = "event";

/// How long entries are kept by what is set now, and when that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// How long an entry is kept.
    pub span: Duration,
    /// When this is judged.
    pub now: Timestamp,
}

/// An entry, as far as the chain is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// Its hash.
    pub hash: &'a str,
    /// What it says of the entry before it; the first says nothing.
    pub previous: Option<Previous<'a>>,
    /// Whether its hash is that of its bytes.
    pub is_genuine: bool,
}

/// What an entry says of the one before it.
#[derive(Clone, Copy, Debug)]
pub struct Previous<'a> {
    /// Its hash.
    pub hash: &'a str,
    /// When it happened, where that is said.
    pub at: Option<Timestamp>,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

/// What is wrong with an entry of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChainError {
    /// Its bytes are not those that were hashed.
    #[error("event {number} was changed or was not written by this server")]
    NotGenuine {
        /// The number of the entry.
        number: u64,
    },
    /// It names another hash than that of the entry before it.
    #[error("event {number} does not follow event {}", number.saturating_sub(1))]
    DoesNotFollow {
        /// The number of the entry.
        number: u64,
    },
    /// The entry before it is not there, and should be.
    #[error("event {} is missing although it has not expired", number.saturating_sub(1))]
    PreviousMissing {
        /// The number of the entry.
        number: u64,
    },
    /// It names no entry before it, and is not the first.
    #[error("event {number} does not name the event before it")]
    NamesNoPrevious {
        /// The number of the entry.
        number: u64,
    },
}

impl Retention {
    /// Whether an entry may be forgotten: the time that was set when it happened has passed, or the
    /// one that is set now.
    pub fn is_over(self, at: Option<Timestamp>, expires_at: Timestamp) -> bool {
        expires_at.has_passed(self.now)
            || at.is_some_and(|at| at.after(self.span).has_passed(self.now))
    }
}

impl Position<'_> {
    /// Checks that it follows `previous`, the number and hash of the entry that was read before
    /// it.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn check(
        &self,
        previous: Option<(u64, &str)>,
        retention: Retention,
    ) -> Result<(), ChainError> {
        let number = self.number;
        if !self.is_genuine {
            return Err(ChainError::NotGenuine { number });
        }
        let before = previous.filter(|(before, _)| before + 1 == number);
        match (self.previous, before) {
            (Some(link), Some((_, hash))) if link.hash != hash => {
                Err(ChainError::DoesNotFollow { number })
            }
            (Some(link), None) if !retention.is_over(link.at, link.expires_at) => {
                Err(ChainError::PreviousMissing { number })
            }
            (None, _) if number != 1 => Err(ChainError::NamesNoPrevious { number }),
            (Some(_) | None, _) => Ok(()),
        }
    }
}

/// The hash of an entry, whose bytes have an empty hash in the last place.
pub fn hash(unsigned: &[u8], key: &Secret) -> String {
    key.derive(PURPOSE, unsigned).encode()
}

/// Whether an entry has the hash of its bytes.
pub fn is_genuine(bytes: &[u8], hash: &str, key: &Secret) -> bool {
    // Secrets are compared in constant time.
    unsigned(bytes, hash)
        .is_some_and(|unsigned| Secret::decode(hash) == Some(key.derive(PURPOSE, &unsigned)))
}

/// The bytes that a hash is over: as they are stored, with the hash, which comes last, left empty.
fn unsigned(bytes: &[u8], hash: &str) -> Option<Vec<u8>> {
    let rest = bytes.strip_suffix(format!(r#""hash":"{hash}"}}"#).as_bytes())?;
    Some([rest, br#""hash":""}"#].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Secret = Secret::new([7; 32]);
    const KEPT: Duration = Duration::from_secs(100);
    const RETENTION: Retention = Retention {
        span: KEPT,
        now: Timestamp::from_seconds(1000),
    };

    fn entry(number: u64, previous: Option<Previous<'static>>) -> Position<'static> {
        Position {
            number,
            hash: "own",
            previous,
            is_genuine: true,
        }
    }

    fn names(hash: &'static str) -> Previous<'static> {
        Previous {
            hash,
            at: Some(Timestamp::from_seconds(950)),
            expires_at: Timestamp::from_seconds(2000),
        }
    }

    #[test]
    fn a_hash_is_over_every_byte_and_under_the_key() {
        let made = hash(br#"{"n":1,"hash":""}"#, &KEY);
        let stored = format!(r#"{{"n":1,"hash":"{made}"}}"#);
        assert!(is_genuine(stored.as_bytes(), &made, &KEY));
        assert!(!is_genuine(stored.as_bytes(), &made, &Secret::new([8; 32])));
        let changed = stored.replace("\"n\":1", "\"n\":2");
        assert!(!is_genuine(changed.as_bytes(), &made, &KEY));
        let not_last = format!(r#"{{"hash":"{made}","n":1}}"#);
        assert!(!is_genuine(not_last.as_bytes(), &made, &KEY));
        let other = format!(r#"{{"n":1,"hash":"{}"}}"#, KEY.encode());
        assert!(!is_genuine(other.as_bytes(), &KEY.encode(), &KEY));
    }

    #[test]
    fn an_entry_follows_the_one_whose_hash_it_names() {
        let number = 5;
        let check = |entry: Position<'_>, before| entry.check(before, RETENTION);
        assert_eq!(check(entry(5, Some(names("a"))), Some((4, "a"))), Ok(()));
        let other = check(entry(5, Some(names("b"))), Some((4, "a")));
        assert_eq!(other, Err(ChainError::DoesNotFollow { number }));
        for gap in [None, Some((3, "a"))] {
            let missing = check(entry(5, Some(names("a"))), gap);
            assert_eq!(missing, Err(ChainError::PreviousMissing { number }));
        }
        let unnamed = check(entry(5, None), Some((4, "a")));
        assert_eq!(unnamed, Err(ChainError::NamesNoPrevious { number }));
        assert_eq!(check(entry(1, None), None), Ok(()));
        let forged = Position {
            is_genuine: false,
            ..entry(5, Some(names("a")))
        };
        let refused = check(forged, Some((4, "a")));
        assert_eq!(refused, Err(ChainError::NotGenuine { number }));
    }

    #[test]
    fn what_may_be_forgotten_may_be_missing() {
        let forgotten = |at: Option<u64>, expires_at| {
            let previous = Previous {
                hash: "a",
                at: at.map(Timestamp::from_seconds),
                expires_at: Timestamp::from_seconds(expires_at),
            };
            entry(5, Some(previous)).check(None, RETENTION).is_ok()
        };
        assert!(forgotten(Some(950), 1000) && !forgotten(Some(950), 1001));
        assert!(forgotten(Some(900), 2000) && !forgotten(Some(901), 2000));
        assert!(!forgotten(None, 2000) && forgotten(None, 1000));
    }

    #[test]
    fn what_is_wrong_is_said_by_number() {
        let said = |error: ChainError| error.to_string();
        let number = 5;
        assert!(said(ChainError::DoesNotFollow { number }).ends_with("5 does not follow event 4"));
        assert!(said(ChainError::PreviousMissing { number }).starts_with("event 4 is missing"));
    }
}

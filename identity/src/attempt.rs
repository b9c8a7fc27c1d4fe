//! Attempts to sign in with what can be guessed, and by which limits they are counted.
//!
//! An attempt is counted as a failure before anything is verified, so that no race lets more
//! through; a success gives it back. A browser that is known to the account is counted apart from
//! strangers who name the same address (docs/decisions/guessing.md).

use std::time::Duration;

use primitives::Id;

use crate::RateLimit;

const QUARTER_OF_AN_HOUR: Duration = Duration::from_mins(15);

/// Stands for the account of an address that has none, so that both take the same number of steps.
pub const DUMMY_ACCOUNT: Id = Id::new([0; 16]);

/// Wrong passwords for one email address, from browsers that are not known to its account, and
/// whether or not it has one.
const PASSWORDS_OF_ADDRESS: RateLimit = limit("password", 10);
/// Wrong passwords for one account, from all browsers together that are known to it.
const PASSWORDS_OF_KNOWN: RateLimit = limit("password-known", 10);
/// Wrong passwords from one part of the network, for any account, from browsers that are not known
/// to the account.
const PASSWORDS_FROM: RateLimit = limit("password-from", 100);
/// Wrong recovery codes for one account, from all browsers together that are known to it.
const CODES_OF_KNOWN: RateLimit = limit("code-known", 10);
/// Wrong recovery codes from one part of the network, as for passwords. A code has 80 random bits,
/// which no guessing finds: no limit on an address is needed, and none keeps out a user who has
/// lost everything else.
const CODES_FROM: RateLimit = limit("code-from", 100);
/// Sign-ins by password to one account. Each costs a hash, even with the right password.
pub const SIGN_INS: RateLimit = limit("sign-ins", 100);
/// Sign-ins by password from one part of the network: a large office in the morning.
pub const SIGN_INS_FROM: RateLimit = limit("sign-ins-from", 2000);

const fn limit(name: &'static str, max: u64) -> RateLimit {
    RateLimit {
        name,
        max,
        window: QUARTER_OF_AN_HOUR,
    }
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// A password.
    Password,
    /// A recovery code.
    RecoveryCode,
}

/// By what an attempt is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptLimits {
    /// For the part of the network that it comes from; first, so that an exhausted network cannot
    /// exhaust other people's addresses as well.
    pub network: Option<RateLimit>,
    /// For the account or the address, and by which name.
    pub own: Option<(RateLimit, String)>,
}

impl Guess {
    /// By what an attempt is counted: `is_known` says whether the browser is known to `account`,
    /// and `address` is the folded form of what was typed.
    pub fn limits(self, is_known: bool, account: Id, address: &str) -> AttemptLimits {
        let of_known = match self {
            Self::Password => PASSWORDS_OF_KNOWN,
            Self::RecoveryCode => CODES_OF_KNOWN,
        };
        if is_known {
            return AttemptLimits {
                network: None,
                own: Some((of_known, account.to_string())),
            };
        }
        let of_address = match self {
            Self::Password => Some((PASSWORDS_OF_ADDRESS, address.to_owned())),
            Self::RecoveryCode => None,
        };
        AttemptLimits {
            network: Some(self.limit_of_network()),
            own: of_address,
        }
    }

    /// By what attempts of unknown browsers are counted for their part of the network.
    pub const fn limit_of_network(self) -> RateLimit {
        match self {
            Self::Password => PASSWORDS_FROM,
            Self::RecoveryCode => CODES_FROM,
        }
    }

    /// Whether sign-ins by it are counted too, whatever their result: those that cost a hash.
    pub const fn counts_sign_ins(self) -> bool {
        matches!(self, Self::Password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Id = Id::new([1; 16]);

    fn names(limits: &AttemptLimits) -> (Option<&str>, Option<(&str, &str)>) {
        let own = limits.own.as_ref();
        (
            limits.network.map(|limit| limit.name),
            own.map(|(limit, key)| (limit.name, key.as_str())),
        )
    }

    #[test]
    fn strangers_are_counted_by_network_and_address_and_known_browsers_by_account() {
        let id = ADA.to_string();
        let stranger = Guess::Password.limits(false, ADA, "ada@example.com");
        let by_address = Some(("password", "ada@example.com"));
        assert_eq!(names(&stranger), (Some("password-from"), by_address));
        let known = Guess::Password.limits(true, ADA, "ada@example.com");
        assert_eq!(names(&known), (None, Some(("password-known", id.as_str()))));
        let stranger = Guess::RecoveryCode.limits(false, ADA, "ada@example.com");
        assert_eq!(names(&stranger), (Some("code-from"), None));
        let known = Guess::RecoveryCode.limits(true, ADA, "ada@example.com");
        assert_eq!(names(&known), (None, Some(("code-known", id.as_str()))));
    }

    #[test]
    fn what_costs_a_hash_is_counted_though_it_succeeds() {
        assert!(Guess::Password.counts_sign_ins() && !Guess::RecoveryCode.counts_sign_ins());
        assert_eq!(SIGN_INS.max, 100);
        assert_eq!(SIGN_INS_FROM.window, QUARTER_OF_AN_HOUR);
    }
}

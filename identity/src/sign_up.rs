//! Who may make an account without an invitation.

use std::time::Duration;

use crate::{
    RateLimit,
    email::{Email, domain_in_ascii},
};

/// Sign-ups from one part of the network, finished or not. Each tells whether an address is taken,
/// so there are few.
pub const SIGN_UPS: RateLimit = RateLimit {
    name: "sign-up",
    max: 20,
    window: Duration::from_hours(1),
};

/// Who may create an account without an administrator. No mail is sent, so nothing proves that an
/// address belongs to the user who types it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum SignUpPolicy {
    /// Only who is invited by an administrator.
    #[default]
    Invitation,
    /// Everybody.
    Open,
    /// Everybody with an address in one of these domains, however they are spelled.
    Domains(Vec<String>),
}

impl SignUpPolicy {
    /// Whether an account can be made without an invitation.
    pub const fn is_open(&self) -> bool {
        !matches!(self, Self::Invitation)
    }

    /// Whether sign-up is open now. The first account comes before all others, by its own link.
    pub const fn admits_sign_up(&self, has_accounts: bool) -> bool {
        self.is_open() && has_accounts
    }

    /// Whether an account with this address may be made.
    pub fn allows(&self, email: &Email) -> bool {
        match self {
            Self::Invitation => false,
            Self::Open => true,
            Self::Domains(domains) => domains
                .iter()
                .any(|domain| domain_in_ascii(domain).as_deref() == Some(email.domain())),
        }
    }

    /// Whether an account may change its address from `own` to `email`: where sign-up is limited to
    /// certain domains, to one of these or within its own domain.
    pub fn allows_change(&self, own: &str, email: &Email) -> bool {
        let is_own_domain = Email::parse(own).is_some_and(|own| own.domain() == email.domain());
        is_own_domain || !matches!(self, Self::Domains(_)) || self.allows(email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(text: &str) -> Email {
        Email::parse(text).expect("an address")
    }

    fn domains() -> SignUpPolicy {
        SignUpPolicy::Domains(vec![
            "example.com".to_owned(),
            "b\u{fc}cher.example".to_owned(),
        ])
    }

    #[test]
    fn a_policy_says_who_may_sign_up() {
        let ada = email("ada@example.com");
        assert!(!SignUpPolicy::Invitation.allows(&ada) && SignUpPolicy::Open.allows(&ada));
        assert!(domains().allows(&ada));
        assert!(domains().allows(&email("ada@xn--bcher-kva.example")));
        assert!(!domains().allows(&email("ada@example.org")));
        assert!(!domains().allows(&email("ada@a.example.com")));
        assert!(SignUpPolicy::Open.is_open() && domains().is_open());
        assert!(!SignUpPolicy::Invitation.is_open());
    }

    #[test]
    fn the_first_account_comes_before_sign_up() {
        assert!(SignUpPolicy::Open.admits_sign_up(true));
        assert!(!SignUpPolicy::Open.admits_sign_up(false));
        assert!(!SignUpPolicy::Invitation.admits_sign_up(true));
    }

    #[test]
    fn only_a_list_of_domains_limits_a_change_of_address() {
        let other = email("ada@example.org");
        for policy in [SignUpPolicy::Invitation, SignUpPolicy::Open] {
            assert!(policy.allows_change("ada@example.com", &other));
        }
        assert!(!domains().allows_change("ada@example.com", &other));
        assert!(domains().allows_change("ada@EXAMPLE.org", &other));
        assert!(domains().allows_change("ada@example.org", &email("ada@example.com")));
    }
}

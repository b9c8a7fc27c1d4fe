//! One-time links: to the first account of a server, to an account that waits for its user, or back
//! into one.
//!
//! Looking at a link does not use it up. What makes it one-time is what it opens, not the link
//! itself: there is one first account; an account takes its first credential from a link only while
//! it has none; and an account takes any only while it is in the session epoch that the link was
//! made for, and no newer link was made nor this one withdrawn
//! (docs/decisions/one-time-links-and-resets.md).

use primitives::{Digest, Id, Timestamp};

use crate::{Account, EnrolmentTarget, SessionEpoch};

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Making the first account of the server.
    FirstAccount,
    /// Giving an account its first passkey or password.
    Enrolment,
    /// Giving an account a new passkey or password.
    Reset,
}

/// A one-time link. It is found by the digest of its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneTimeLink {
    /// What it opens.
    pub target: LinkTarget,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

/// What a link opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkTarget {
    /// The first account, which is made by it.
    FirstAccount,
    /// An account without a credential. Another invitation begins another session epoch, and so
    /// does disabling.
    Enrolment {
        /// The account.
        account: Id,
        /// The epoch that the account has to be in.
        session_epoch: SessionEpoch,
    },
    /// An account that gets a new credential. The first use begins another session epoch.
    Reset {
        /// The account.
        account: Id,
        /// The epoch that the account has to be in.
        session_epoch: SessionEpoch,
    },
}

/// Which one-time link to an account counts, as the account says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentLink {
    /// The session epoch of the account that it was made for; in any other it says nothing.
    pub session_epoch: SessionEpoch,
    /// `None` when the link was withdrawn: then none counts.
    pub digest: Option<Digest>,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

impl OneTimeLink {
    /// What it opens, while it is good.
    pub fn target(self, now: Timestamp) -> Option<LinkTarget> {
        (!self.expires_at.has_passed(now)).then_some(self.target)
    }
}

impl LinkTarget {
    /// An account's link for its first credential.
    pub const fn enrolment<K>(account: &Account<K>) -> Self {
        Self::Enrolment {
            account: account.fields().id,
            session_epoch: account.fields().session_epoch,
        }
    }

    /// An account's link for a new credential.
    pub const fn reset<K>(account: &Account<K>) -> Self {
        Self::Reset {
            account: account.fields().id,
            session_epoch: account.fields().session_epoch,
        }
    }

    /// What it is for.
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::FirstAccount => Purpose::FirstAccount,
            Self::Enrolment { .. } => Purpose::Enrolment,
            Self::Reset { .. } => Purpose::Reset,
        }
    }

    /// The account that it leads to.
    pub const fn account(self) -> Option<Id> {
        match self {
            Self::FirstAccount => None,
            Self::Enrolment { account, .. } | Self::Reset { account, .. } => Some(account),
        }
    }

    /// The account that it leads to, if it opens it, by a link of this digest.
    pub fn open<K>(self, account: Account<K>, digest: &Digest) -> Option<EnrolmentTarget<K>> {
        if !self.opens(&account, digest) {
            return None;
        }
        match self {
            Self::FirstAccount => None,
            Self::Enrolment { .. } => Some(EnrolmentTarget::Enrolment(Box::new(account))),
            Self::Reset { .. } => Some(EnrolmentTarget::Reset(Box::new(account))),
        }
    }

    /// Whether it opens an account, by a link of this digest.
    pub fn opens<K>(self, account: &Account<K>, digest: &Digest) -> bool {
        match self {
            Self::FirstAccount => false,
            Self::Enrolment {
                account: id,
                session_epoch,
            } => {
                id == account.fields().id
                    && account.admits(session_epoch, digest)
                    && account.is_pending()
            }
            Self::Reset {
                account: id,
                session_epoch,
            } => id == account.fields().id && account.admits(session_epoch, digest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Email, Role};

    #[test]
    fn a_link_opens_its_own_account_for_what_it_is_for() {
        let email = Email::parse("ada@example.com").expect("an address");
        let account = |byte| {
            let id = Id::new([byte; 16]);
            Account::<u8>::new(id, &email, Role::User, Timestamp::from_seconds(0))
        };
        let ada = account(1);
        let digest = Digest::of(b"link");
        let open = |target: LinkTarget, account| target.open(account, &digest);
        let (enrolment, reset) = (LinkTarget::enrolment(&ada), LinkTarget::reset(&ada));
        assert!(matches!(
            open(enrolment, ada.clone()),
            Some(EnrolmentTarget::Enrolment(account)) if account.id() == ada.id()
        ));
        assert!(matches!(
            open(reset, ada.clone()),
            Some(EnrolmentTarget::Reset(account)) if account.id() == ada.id()
        ));
        assert!(open(enrolment, account(2)).is_none() && open(reset, account(2)).is_none());
        assert!(open(LinkTarget::FirstAccount, ada).is_none());
    }
}

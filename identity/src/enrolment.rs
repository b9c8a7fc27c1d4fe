//! Coming to an account: by a one-time link, or by signing up.

use primitives::{Id, Timestamp};
use thiserror::Error;

use crate::{Account, Email, NewPassword, Passkey, Purpose, Role, SignUpPolicy, password};

/// What a living link opens, or signing up: an account that is to be made, or one that is there.
#[derive(Clone, Debug)]
pub enum EnrolmentTarget<K> {
    /// The first account, which is to be made.
    FirstAccount,
    /// An account that its user makes without an invitation.
    SignUp,
    /// An account without a credential.
    Enrolment(Box<Account<K>>),
    /// An account that gets a new credential.
    Reset(Box<Account<K>>),
}

/// A first credential, or a new one.
#[derive(Clone, Debug)]
pub enum Credential<K> {
    /// A password.
    Password(NewPassword),
    /// A passkey.
    Passkey(Box<Passkey<K>>),
}

/// Why no account can be made for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// No mail could ever reach it.
    #[error("the address is not an email address")]
    Invalid,
    /// The settings let no account have it.
    #[error("no account can be made for this address")]
    NotAllowed,
}

impl<K> EnrolmentTarget<K> {
    /// The account, where it is there already.
    pub fn account(&self) -> Option<&Account<K>> {
        match self {
            Self::FirstAccount | Self::SignUp => None,
            Self::Enrolment(account) | Self::Reset(account) => Some(account),
        }
    }

    /// What a link is for that leads here; signing up is like making the first account.
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::FirstAccount | Self::SignUp => Purpose::FirstAccount,
            Self::Enrolment(_) => Purpose::Enrolment,
            Self::Reset(_) => Purpose::Reset,
        }
    }

    /// The least number of characters of a password that is chosen here.
    pub fn min_password_length(&self) -> usize {
        self.account().map_or_else(
            || password::min_length(self.new_role(), false),
            |account| account.min_password_length(),
        )
    }

    /// Whether a secret leads here: a link. Signing up needs none.
    pub const fn needs_link(&self) -> bool {
        !matches!(self, Self::SignUp)
    }

    /// The address of an account that is to be made, as its user typed it. The first account may
    /// have any.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn new_address(&self, typed: &str, policy: &SignUpPolicy) -> Result<Email, AddressError> {
        let email = Email::parse(typed).ok_or(AddressError::Invalid)?;
        if matches!(self, Self::FirstAccount) || policy.allows(&email) {
            Ok(email)
        } else {
            Err(AddressError::NotAllowed)
        }
    }

    /// An account that is to be made, before it has a credential. `id` is fresh.
    pub fn new_account(&self, id: Id, email: &Email, now: Timestamp) -> Account<K> {
        Account::new(id, email, self.new_role(), now)
    }

    const fn new_role(&self) -> Role {
        match self {
            Self::FirstAccount => Role::Administrator,
            Self::SignUp | Self::Enrolment(_) | Self::Reset(_) => Role::User,
        }
    }
}

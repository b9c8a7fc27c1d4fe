//! Why an administrative operation failed: reasons with data. `app` has the texts for users.

use std::fmt;

use access_token::UnsealError;
use identity::{
    PasswordError,
    display_name::{self, UnfitName},
};
use oauth::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{accounts::NotHashed, key_ring::KeyChangeError, unavailable::Unavailable};

/// Why an operation was not carried out, or not completely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdministrationError {
    /// Its subject does not exist.
    NotFound(MissingTarget),
    /// A parameter is not valid.
    Invalid(InvalidInput),
    /// It conflicts with the stored state.
    Conflict(StateConflict),
    /// It is the administrator's own account, which another administrator has to change.
    Own,
    /// The main step was done, or the account is at least disabled, and a later step failed.
    Unfinished(UnfinishedOperation),
    /// The store does not answer. A change may have happened.
    Unavailable,
}

/// The subject that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingTarget {
    /// An account with this address.
    Account(String),
    /// A client with this `client_id`.
    Client(String),
    /// A signing key with this id.
    SigningKey(String),
    /// Any signing key: no server has used the store yet.
    SigningKeys,
    /// A block of this host.
    BlockedHost(String),
}

/// Which parameter is not valid, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvalidInput {
    /// It is not an email address.
    Email(String),
    /// The name of a user is too long, or has invisible characters.
    DisplayName {
        /// The greatest number of characters.
        maximum: usize,
    },
    /// The password cannot be chosen.
    Password(PasswordError),
    /// The identifier cannot be a client's.
    ClientId {
        /// The identifier.
        client_id: String,
        /// The error of the rules about clients.
        fault: String,
    },
    /// The identifier has the prefix of generated ones.
    ReservedClientId {
        /// The identifier.
        client_id: String,
        /// The prefix.
        prefix: String,
    },
    /// The name of a client is empty, too long, or has control characters.
    ClientName {
        /// The greatest number of bytes.
        maximum: usize,
    },
    /// A client without a redirect URI.
    NoRedirectUri,
    /// Several redirect URIs where one is expected.
    SeveralRedirectUris,
    /// The redirect URI is not acceptable.
    RedirectUri {
        /// The redirect URI.
        redirect_uri: String,
        /// The error of the rules about redirect URIs.
        fault: String,
    },
    /// A change that changes nothing.
    NoChange,
    /// It is no host name.
    Host(String),
}

/// The conflict with the stored state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateConflict {
    /// The account exists, and adding does not change it.
    AccountExists(String),
    /// The account has no credential yet, and another role.
    AccountHasOtherRole(String),
    /// The account has a credential, so that it needs no invitation.
    AccountCanSignIn(String),
    /// The account is disabled.
    AccountDisabled(String),
    /// The address belongs to another account.
    AddressTaken(String),
    /// The account was added by another request at the same time.
    AccountJustAdded(String),
    /// The account has only a password, which may be shorter than an administrator's must be.
    ShortPasswordAlone(String),
    /// The caller is no longer an administrator.
    NoLongerAdministrator,
    /// The client exists with other values.
    ClientDiffers(String),
    /// The client is public and has no secret.
    ClientIsPublic(String),
    /// The client authenticates with its keys and has no secret.
    ClientUsesKeys(String),
    /// The client registered itself, and only it can change its metadata.
    ClientRegisteredItself(String),
    /// The client is described by its metadata document, and only that can be changed.
    ClientHasDocument(String),
    /// The redirect URIs of the client are its own statement.
    RedirectUrisNotEditable,
    /// The client has as many redirect URIs as one can have.
    TooManyRedirectUris {
        /// The greatest number.
        maximum: usize,
    },
    /// The signing keys cannot be changed.
    SigningKeys(SigningKeyFault),
    /// The named issuer is not the configured one.
    OtherIssuer {
        /// The configured issuer.
        configured: String,
        /// The named one.
        named: String,
    },
}

/// Why the signing keys cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SigningKeyFault {
    /// They are sealed under another sealing key.
    OtherSealingKey {
        /// The id of the key that they need.
        sealed_under: String,
        /// The id of the key that was tried.
        given: String,
    },
    /// The stored record is damaged.
    Damaged,
    /// A key could not be created or sealed.
    NotMade,
    /// The next keys of JWTs were published too recently.
    TooEarly {
        /// From when on they can sign.
        #[serde(with = "crate::values")]
        from: Timestamp,
    },
}

/// The completed part of an operation that failed later. Each names the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnfinishedOperation {
    /// The password is set, and some grants have not ended.
    PasswordSet(String),
    /// The account stays disabled, because some of its sessions or grants have not ended.
    StaysDisabled(String),
    /// The account is disabled, and could not be removed.
    NotRemoved(String),
}

/// For the log. `app` has the texts for users.
impl fmt::Display for AdministrationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

impl std::error::Error for AdministrationError {}

impl From<Unavailable> for AdministrationError {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl From<store::Error> for AdministrationError {
    fn from(error: store::Error) -> Self {
        Unavailable::from(error).into()
    }
}

impl From<PasswordError> for AdministrationError {
    fn from(error: PasswordError) -> Self {
        Self::Invalid(InvalidInput::Password(error))
    }
}

impl From<UnfitName> for AdministrationError {
    fn from(_: UnfitName) -> Self {
        let maximum = display_name::LONGEST;
        Self::Invalid(InvalidInput::DisplayName { maximum })
    }
}

impl From<MissingTarget> for AdministrationError {
    fn from(missing: MissingTarget) -> Self {
        Self::NotFound(missing)
    }
}

impl From<InvalidInput> for AdministrationError {
    fn from(invalid: InvalidInput) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<StateConflict> for AdministrationError {
    fn from(conflict: StateConflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl From<UnfinishedOperation> for AdministrationError {
    fn from(unfinished: UnfinishedOperation) -> Self {
        Self::Unfinished(unfinished)
    }
}

impl From<NotHashed> for AdministrationError {
    fn from(_: NotHashed) -> Self {
        Self::Unavailable
    }
}

impl From<KeyChangeError> for AdministrationError {
    fn from(error: KeyChangeError) -> Self {
        let fault = match error {
            KeyChangeError::Unavailable(error) => return error.into(),
            KeyChangeError::NoKeys => return MissingTarget::SigningKeys.into(),
            KeyChangeError::Sealed(UnsealError::WrongSealingKey {
                sealed_under,
                given,
            }) => SigningKeyFault::OtherSealingKey {
                sealed_under,
                given,
            },
            KeyChangeError::Sealed(UnsealError::Damaged) => SigningKeyFault::Damaged,
            KeyChangeError::Key(_) => SigningKeyFault::NotMade,
            KeyChangeError::TooEarly { from } => SigningKeyFault::TooEarly { from },
        };
        StateConflict::SigningKeys(fault).into()
    }
}

//! What the audit log says. It holds no secret: no code, token, password, link, or what somebody typed
//! in vain.

use std::fmt;

use oauth::{Id, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(rename = "deed")]
    pub action: AuditAction,
    /// Who did it.
    pub by: Actor,
    /// Whose account it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<Whose>,
    /// From where it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RequestSource>,
    /// Which application it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientName>,
    /// What else there is to say: the name of a passkey, a resource, a role, a host, the id of a
    /// key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Set when it stands for several alike: how often it happened since the last event of its kind
    /// was written. `at`, `from`, `client` and `about` are then those of the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl Event {
    /// Whether an account or an application that it names contains `text`, whatever its case.
    pub(crate) fn names(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let by = if let Actor::Administrator(by) = &self.by {
            Some(&by.email)
        } else {
            None
        };
        let client = self
            .client
            .iter()
            .flat_map(|client| [&client.id, &client.name]);
        let named = self
            .whose
            .iter()
            .map(|whose| &whose.email)
            .chain(by)
            .chain(client);
        named
            .into_iter()
            .any(|name| name.to_lowercase().contains(&text))
    }
}

/// Whose account an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whose {
    /// The account.
    pub account: Id,
    /// Its address at that time.
    pub email: String,
}

/// Where something was done from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSource {
    /// The address in the network.
    pub address: String,
    /// The browser, as in "Chrome on Linux"; empty for a program.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
}

/// An application, as it was called at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientName {
    /// Its `client_id`.
    pub id: String,
    /// The name it gave itself, or its id.
    pub name: String,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The person whose account it is about, or who claimed to be.
    Person,
    /// An administrator, on the pages.
    Administrator(Whose),
    /// Whoever runs the server, at the terminal.
    Terminal,
    /// The application.
    Client,
    /// Somebody whom this version of the server does not know: a newer one noted it.
    #[serde(untagged)]
    Unknown(Value),
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// Signed in with a passkey.
    SignedInWithPasskey,
    /// Signed in with a password.
    SignedInWithPassword,
    /// Signed in with a recovery code, which is used up.
    SignedInWithRecoveryCode,
    /// Tried to sign in with a wrong password or recovery code.
    SignInRefused,
    /// Signed out.
    SignedOut,
    /// Signed another browser out; `about` is its device.
    SessionEnded,
    /// Signed every other browser out.
    OtherSessionsEnded,
    /// Made the first account of the server.
    FirstAccountMade,
    /// Made an account by signing up.
    SignedUp,
    /// Accepted an invitation.
    Enrolled,
    /// Chose a new way to sign in by an administrator's link.
    AccountReset,
    /// Added a passkey; `about` is its name, as in the next two.
    PasskeyAdded,
    /// Gave a passkey another name.
    PasskeyRenamed,
    /// Removed a passkey.
    PasskeyRemoved,
    /// Chose a password.
    PasswordChanged,
    /// Removed the password.
    PasswordRemoved,
    /// Made recovery codes.
    RecoveryCodesMade,
    /// Changed the address; `about` is the earlier one.
    EmailChanged,
    /// Allowed an application something; `about` is the resource, as in the next three.
    Allowed,
    /// An application got again what was allowed before, without a page.
    AllowedAgain,
    /// Denied an application what it asked for.
    Denied,
    /// Ended what an application was allowed.
    Disconnected,
    /// Ended what every application was allowed.
    AllDisconnected,
    /// The application ended its connection itself (RFC 7009).
    GrantRevoked,
    /// A code was used twice, which ended the connection (R-O9).
    CodeReplayed,
    /// An old refresh token was used again, which ended the connection (R-O14).
    RefreshTokenReplayed,
    /// An account was added; it waits for its person unless it was given a password.
    AccountAdded,
    /// Somebody whose account waits for them was invited again, as what `about` names.
    InvitedAgain,
    /// A password was set for an account.
    AccountPasswordSet,
    /// An account was disabled.
    AccountDisabled,
    /// An account was enabled.
    AccountEnabled,
    /// An account was removed.
    AccountRemoved,
    /// A link was made by which a person chooses a new way to sign in.
    ResetLinkMade,
    /// A one-time link was withdrawn.
    LinkWithdrawn,
    /// An account was given another address; `about` is the earlier one.
    AccountEmailSet,
    /// An account got another role, which `about` names.
    RoleChanged,
    /// An application was added.
    ClientAdded,
    /// An application was changed; `about` names what of it.
    ClientChanged,
    /// An application got a new secret, and the old one ended.
    ClientSecretMade,
    /// A redirect URI was added to an application, which `about` names.
    RedirectUriAdded,
    /// An application was removed.
    ClientRemoved,
    /// Everything that people allowed an application was ended.
    ClientDisconnected,
    /// A host was blocked, which `about` names.
    HostBlocked,
    /// A host was let in again.
    HostUnblocked,
    /// A new signing key was made; `about` is its id.
    KeyRotated,
    /// A signing key was taken out at once; `about` is its id.
    KeyRevoked,
    /// It was accepted that the server has another issuer; `about` names both.
    IssuerAccepted,
    /// The store was restored from a backup; `about` says of when.
    StoreRestored,
    /// Something that this version of the server does not know: a newer one noted it.
    #[serde(untagged)]
    Unknown(UnknownAction),
}

/// The name of what a newer version noted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownAction {
    letters: [u8; UnknownAction::LONGEST],
    length: u8,
}

impl UnknownAction {
    const LONGEST: usize = 48;

    pub(super) fn new(name: &str) -> Self {
        let mut letters = [0; Self::LONGEST];
        let name = &name[..name.floor_char_boundary(Self::LONGEST)];
        letters[..name.len()].copy_from_slice(name.as_bytes());
        Self {
            letters,
            length: u8::try_from(name.len()).unwrap_or_default(),
        }
    }

    /// The name; of a very long one, its beginning.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.letters[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for UnknownAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for UnknownAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for UnknownAction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

/// The kinds of events, to filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Signing in and out.
    SignIns,
    /// Passkeys, passwords, recovery codes, and accounts that people made.
    Credentials,
    /// What people answered to applications.
    Consents,
    /// What was ended of that.
    Grants,
    /// Codes and tokens that came twice.
    Replays,
    /// What administrators did.
    Administration,
    /// What only a newer version of the server knows.
    Unknown,
}

impl Category {
    /// All of them that can be asked for.
    pub const ALL: [Self; 6] = [
        Self::SignIns,
        Self::Credentials,
        Self::Consents,
        Self::Grants,
        Self::Replays,
        Self::Administration,
    ];

    /// Its name, as in a query or on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIns => "sign_ins",
            Self::Credentials => "credentials",
            Self::Consents => "consents",
            Self::Grants => "grants",
            Self::Replays => "replays",
            Self::Administration => "administration",
            Self::Unknown => "unknown",
        }
    }

    /// The kind of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == text)
    }
}

impl AuditAction {
    /// All of them that this version knows.
    pub const ALL: [Self; 48] = [
        Self::SignedInWithPasskey,
        Self::SignedInWithPassword,
        Self::SignedInWithRecoveryCode,
        Self::SignInRefused,
        Self::SignedOut,
        Self::SessionEnded,
        Self::OtherSessionsEnded,
        Self::FirstAccountMade,
        Self::SignedUp,
        Self::Enrolled,
        Self::AccountReset,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::PasswordChanged,
        Self::PasswordRemoved,
        Self::RecoveryCodesMade,
        Self::EmailChanged,
        Self::Allowed,
        Self::AllowedAgain,
        Self::Denied,
        Self::Disconnected,
        Self::AllDisconnected,
        Self::GrantRevoked,
        Self::CodeReplayed,
        Self::RefreshTokenReplayed,
        Self::AccountAdded,
        Self::InvitedAgain,
        Self::AccountPasswordSet,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::AccountRemoved,
        Self::ResetLinkMade,
        Self::LinkWithdrawn,
        Self::AccountEmailSet,
        Self::RoleChanged,
        Self::ClientAdded,
        Self::ClientChanged,
        Self::ClientSecretMade,
        Self::RedirectUriAdded,
        Self::ClientRemoved,
        Self::ClientDisconnected,
        Self::HostBlocked,
        Self::HostUnblocked,
        Self::KeyRotated,
        Self::KeyRevoked,
        Self::IssuerAccepted,
        Self::StoreRestored,
    ];

    /// Its name, as in an export.
    pub fn as_str(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|name| name.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// What kind of event it makes.
    pub const fn category(self) -> Category {
        match self {
            Self::SignedInWithPasskey
            | Self::SignedInWithPassword
            | Self::SignedInWithRecoveryCode
            | Self::SignInRefused
            | Self::SignedOut
            | Self::SessionEnded
            | Self::OtherSessionsEnded => Category::SignIns,
            Self::FirstAccountMade
            | Self::SignedUp
            | Self::Enrolled
            | Self::AccountReset
            | Self::PasskeyAdded
            | Self::PasskeyRenamed
            | Self::PasskeyRemoved
            | Self::PasswordChanged
            | Self::PasswordRemoved
            | Self::RecoveryCodesMade
            | Self::EmailChanged => Category::Credentials,
            Self::Allowed | Self::AllowedAgain | Self::Denied => Category::Consents,
            Self::Disconnected | Self::AllDisconnected | Self::GrantRevoked => Category::Grants,
            Self::CodeReplayed | Self::RefreshTokenReplayed => Category::Replays,
            Self::AccountAdded
            | Self::InvitedAgain
            | Self::AccountPasswordSet
            | Self::AccountDisabled
            | Self::AccountEnabled
            | Self::AccountRemoved
            | Self::ResetLinkMade
            | Self::LinkWithdrawn
            | Self::AccountEmailSet
            | Self::RoleChanged
            | Self::ClientAdded
            | Self::ClientChanged
            | Self::ClientSecretMade
            | Self::RedirectUriAdded
            | Self::ClientRemoved
            | Self::ClientDisconnected
            | Self::HostBlocked
            | Self::HostUnblocked
            | Self::KeyRotated
            | Self::KeyRevoked
            | Self::IssuerAccepted
            | Self::StoreRestored => Category::Administration,
            Self::Unknown(_) => Category::Unknown,
        }
    }
}

//! What can happen, declared once: the action, the name it is stored under, and its category.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares [`AuditAction`] and [`Category`] from one table. A name is stored: it never changes,
/// and the name of a removed action is never reused.
macro_rules! audit_actions {
    ($(
        $(#[$category_doc:meta])*
        $category:ident = $category_name:literal {
            $($(#[$doc:meta])* $action:ident = $name:literal,)+
        }
    )+) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum AuditAction {
            $($(
                $(#[$doc])*
                #[serde(rename = $name)]
                $action,
            )+)+
            /// An action of a newer version.
            #[serde(untagged)]
            Unknown(UnknownAction),
        }

        impl AuditAction {
            /// Every action that this version knows.
            pub const ALL: [Self; [$($($name),+),+].len()] = [$($(Self::$action),+),+];

            /// Its name, as it is stored and exported.
            pub fn as_str(&self) -> &str {
                match self {
                    $($(Self::$action => $name,)+)+
                    Self::Unknown(action) => action.as_str(),
                }
            }

            /// Whether it is the work of a client that a user has allowed before, which happens all
            /// the time. No response waits until it is written.
            pub(crate) const fn is_routine(self) -> bool {
                matches!(self, Self::AllowedAgain)
            }

            /// Its category.
            pub const fn category(self) -> Category {
                match self {
                    $($(Self::$action)|+ => Category::$category,)+
                    Self::Unknown(_) => Category::Unknown,
                }
            }
        }

        /// The categories of actions, to filter by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Category {
            $(
                $(#[$category_doc])*
                #[serde(rename = $category_name)]
                $category,
            )+
            /// Actions of newer versions.
            #[serde(rename = "unknown")]
            Unknown,
        }

        impl Category {
            /// Every category of the filter.
            pub const ALL: [Self; [$($category_name),+].len()] = [$(Self::$category),+];

            /// Its name, as in a query or on the command line.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$category => $category_name,)+
                    Self::Unknown => "unknown",
                }
            }

            /// The category of this name.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|category| category.as_str() == name)
            }
        }
    };
}

audit_actions! {
    /// Signing in and out.
    SignIns = "sign_ins" {
        /// Signed in with a passkey.
        SignedInWithPasskey = "signed_in_with_passkey",
        /// Signed in with a password.
        SignedInWithPassword = "signed_in_with_password",
        /// Signed in with a recovery code, which is used up.
        SignedInWithRecoveryCode = "signed_in_with_recovery_code",
        /// Tried to sign in with a wrong password or recovery code.
        SignInRefused = "sign_in_refused",
        /// Signed out.
        SignedOut = "signed_out",
        /// Signed another browser out; `about` is its device.
        SessionEnded = "session_ended",
        /// Signed every other browser out.
        OtherSessionsEnded = "other_sessions_ended",
    }
    /// Passkeys, passwords, recovery codes, and accounts that users created.
    Credentials = "credentials" {
        /// Created the first account.
        FirstAccountMade = "first_account_made",
        /// Signed up.
        SignedUp = "signed_up",
        /// Accepted an invitation.
        Enrolled = "enrolled",
        /// Set new credentials by an administrator's link.
        AccountReset = "account_reset",
        /// Added a passkey; `about` is its name, as in the next two.
        PasskeyAdded = "passkey_added",
        /// Gave a passkey another name.
        PasskeyRenamed = "passkey_renamed",
        /// Removed a passkey.
        PasskeyRemoved = "passkey_removed",
        /// Chose a password.
        PasswordChanged = "password_changed",
        /// Removed the password.
        PasswordRemoved = "password_removed",
        /// Created recovery codes.
        RecoveryCodesMade = "recovery_codes_made",
        /// Changed the address; `about` is the earlier one.
        EmailChanged = "email_changed",
        /// Chose a name, which `about` is.
        NameSet = "name_set",
        /// Removed the name.
        NameRemoved = "name_removed",
    }
    /// Decisions of users about clients.
    Consents = "consents" {
        /// Allowed a client something; `about` is the resource, as in the next three.
        Allowed = "allowed",
        /// A client got a code by a remembered consent.
        AllowedAgain = "allowed_again",
        /// Denied a client.
        Denied = "denied",
    }
    /// Ended connections.
    Grants = "grants" {
        /// Ended what a client was allowed.
        Disconnected = "disconnected",
        /// Ended what every client was allowed.
        AllDisconnected = "all_disconnected",
        /// The client ended its connection itself (RFC 7009).
        GrantRevoked = "grant_revoked",
    }
    /// Replays of codes and tokens.
    Replays = "replays" {
        /// A code was used twice, which ended the connection (R-O9).
        CodeReplayed = "code_replayed",
        /// An old refresh token was used again, which ended the connection (R-O14).
        RefreshTokenReplayed = "refresh_token_replayed",
    }
    /// What administrators did.
    Administration = "administration" {
        /// An account was added; it is pending unless it has a password.
        AccountAdded = "account_added",
        /// A user with a pending account was invited again, with the role `about`.
        InvitedAgain = "invited_again",
        /// A password was set for an account.
        AccountPasswordSet = "account_password_set",
        /// An account was disabled.
        AccountDisabled = "account_disabled",
        /// An account was enabled.
        AccountEnabled = "account_enabled",
        /// An account was removed.
        AccountRemoved = "account_removed",
        /// A reset link was created.
        ResetLinkMade = "reset_link_made",
        /// A one-time link was withdrawn.
        LinkWithdrawn = "link_withdrawn",
        /// An account was given another address; `about` is the earlier one.
        AccountEmailSet = "account_email_set",
        /// An account was given a name, which `about` is.
        AccountNameSet = "account_name_set",
        /// The name of an account was removed.
        AccountNameRemoved = "account_name_removed",
        /// An account got another role, which `about` names.
        RoleChanged = "role_changed",
        /// A client was added.
        ClientAdded = "client_added",
        /// A client was changed; `about` names what of it.
        ClientChanged = "client_changed",
        /// A client got a new secret, and the old one ended.
        ClientSecretMade = "client_secret_made",
        /// A redirect URI was added to a client, which `about` names.
        RedirectUriAdded = "redirect_uri_added",
        /// A client was removed.
        ClientRemoved = "client_removed",
        /// All grants of a client were revoked.
        ClientDisconnected = "client_disconnected",
        /// A host was blocked, which `about` names.
        HostBlocked = "host_blocked",
        /// A host was unblocked.
        HostUnblocked = "host_unblocked",
        /// A new signing key was created; `about` is its id.
        KeyRotated = "key_rotated",
        /// A signing key was taken out at once; `about` is its id.
        KeyRevoked = "key_revoked",
        /// It was accepted that the server has another issuer; `about` names both.
        IssuerAccepted = "issuer_accepted",
        /// The store was restored from a backup; `about` is its time.
        StoreRestored = "store_restored",
    }
}

/// The name of what a newer version noted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownAction {
    letters: [u8; UnknownAction::LONGEST],
    length: u8,
}

impl UnknownAction {
    const LONGEST: usize = 48;

    pub(crate) fn new(name: &str) -> Self {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_action_is_stored_under_its_name() {
        for action in AuditAction::ALL {
            assert_eq!(json!(action), json!(action.as_str()));
            let read: AuditAction = serde_json::from_value(json!(action)).expect("an action");
            assert_eq!(read, action);
        }
        let newer: AuditAction = serde_json::from_value(json!("moved_house")).expect("a name");
        assert_eq!(
            (newer.as_str(), newer.category()),
            ("moved_house", Category::Unknown)
        );
        assert_eq!(json!(newer), json!("moved_house"));
    }

    #[test]
    fn names_are_unique() {
        let mut names = AuditAction::ALL.map(|action| action.as_str().to_owned());
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        for category in Category::ALL {
            assert_eq!(Category::parse(category.as_str()), Some(category));
            assert_eq!(json!(category), json!(category.as_str()));
        }
    }
}

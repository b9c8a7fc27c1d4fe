//! Passkey ceremonies under way.

use oauth::{Digest, Id, Timestamp};
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

/// What a ceremony is for, with the challenge that was set.
pub(crate) enum Task {
    /// Signing in; who it is will be seen from the passkey.
    SignIn(DiscoverableAuthentication),
    /// Adding a passkey to the account of a signed-in user.
    Add {
        account: Id,
        state: PasskeyRegistration,
    },
    /// Accepting an invitation, or signing up without one. The account's id goes into the passkey
    /// before there is an account.
    Accept {
        invitation: Option<Digest>,
        account: Id,
        email: String,
        state: PasskeyRegistration,
    },
}

/// A ceremony under way.
pub(crate) struct PendingCeremony {
    /// The digest of the secret of the browser that began it.
    pub(crate) browser: Digest,
    /// When it stops being good.
    pub(crate) expires_at: Timestamp,
    /// What it is for.
    pub(crate) task: Task,
}

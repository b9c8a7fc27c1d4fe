//! Pending passkey ceremonies.

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
    /// Accepting an invitation, or signing up. The account's id is part of the passkey before the
    /// account exists.
    Accept {
        invitation: Option<Digest>,
        account: Id,
        email: String,
        state: PasskeyRegistration,
    },
}

/// A pending ceremony.
pub(crate) struct PendingCeremony {
    /// The digest of the secret of the browser that began it.
    pub(crate) browser: Digest,
    /// Its expiry.
    pub(crate) expires_at: Timestamp,
    /// Its purpose.
    pub(crate) task: Task,
}

//! Users: their accounts, how they get one, and who is signed in.

mod addresses;
mod attempts;
mod ceremony;
mod credentials;
mod directory;
mod enrolment;
mod error;
mod hashing;
mod known_browsers;
mod links;
mod lists;
mod passkey;
mod password;
pub(crate) mod queue;
mod recovery;
mod rights;
mod session;
mod signed_in;

use std::sync::Arc;

pub use self::{
    attempts::SignIn,
    credentials::AccountCredentials,
    enrolment::{EnrolError, Enrolment, EnrolmentSource},
    error::{AccountError, SignInError},
    links::Invitation,
    passkey::{Ceremony, PasskeyView},
    queue::Busy,
    recovery::RemainingCodes,
    session::{SessionView, Sessions, SignedIn},
    signed_in::{AccountView, SignedInUser},
};
pub(crate) use self::{
    ceremony::Ceremonies,
    directory::Directory,
    hashing::{NotHashed, PasswordHasher, Passwords},
    passkey::Passkeys,
    rights::Subject,
    signed_in::SignedInRead,
};
use crate::{audit::AuditLog, context::Context, grants::GrantStore, limits::RateLimiter};

/// The services about accounts.
pub(crate) struct Accounts {
    pub(crate) directory: Arc<Directory>,
    pub(crate) hasher: Arc<PasswordHasher>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) sign_in: SignIn,
    pub(crate) credentials: AccountCredentials,
    pub(crate) enrolment: Enrolment,
}

impl Accounts {
    /// Builds them, lowest first.
    pub(crate) fn compose(
        context: &Context,
        limiter: &Arc<RateLimiter>,
        audit: &Arc<AuditLog>,
        grants: &Arc<GrantStore>,
        passwords: Arc<Passwords>,
    ) -> Self {
        let directory = Arc::new(Directory::new(context.clone()));
        let hasher = Arc::new(PasswordHasher {
            context: context.clone(),
            queue: passwords,
        });
        let passkeys = Arc::new(Passkeys::new(context.settings()));
        let ceremonies = Arc::new(Ceremonies {
            context: context.clone(),
        });
        let sessions = Arc::new(Sessions {
            context: context.clone(),
            audit: Arc::clone(audit),
            directory: Arc::clone(&directory),
            passkeys: Arc::clone(&passkeys),
        });
        let sign_in = SignIn {
            context: context.clone(),
            limiter: Arc::clone(limiter),
            audit: Arc::clone(audit),
            directory: Arc::clone(&directory),
            sessions: Arc::clone(&sessions),
            hasher: Arc::clone(&hasher),
            ceremonies: Arc::clone(&ceremonies),
            passkeys: Arc::clone(&passkeys),
        };
        let credentials = AccountCredentials {
            context: context.clone(),
            limiter: Arc::clone(limiter),
            audit: Arc::clone(audit),
            directory: Arc::clone(&directory),
            sessions: Arc::clone(&sessions),
            hasher: Arc::clone(&hasher),
            ceremonies: Arc::clone(&ceremonies),
            passkeys: Arc::clone(&passkeys),
        };
        let enrolment = Enrolment {
            context: context.clone(),
            limiter: Arc::clone(limiter),
            audit: Arc::clone(audit),
            directory: Arc::clone(&directory),
            sessions: Arc::clone(&sessions),
            hasher: Arc::clone(&hasher),
            ceremonies: Arc::clone(&ceremonies),
            passkeys: Arc::clone(&passkeys),
            grants: Arc::clone(grants),
        };
        Self {
            directory,
            hasher,
            sessions,
            sign_in,
            credentials,
            enrolment,
        }
    }
}

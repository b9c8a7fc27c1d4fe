//! Sessions: a browser that a person signed in with. The cookie holds a secret, the store its digest.

use oauth::{Id, Timestamp};
use serde::{Deserialize, Serialize};

use super::Account;
use crate::{Provider, SetCookie, Visitor, keys, problem::Unavailable, record};

/// How many sessions are ended at a time.
const A_PAGE: usize = 100;

/// A signed-in browser. It is worth nothing without an account that is active and of the same generation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) account: Id,
    /// The account's generation when it began.
    pub(crate) generation: u64,
    pub(crate) created_at: Timestamp,
    /// When the person last showed a credential.
    pub(crate) authenticated_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Provider {
    /// Ends the session of this browser; the answer clears its cookie.
    pub async fn sign_out(&self, visitor: &Visitor) -> Result<SetCookie, Unavailable> {
        self.end_session_of(visitor).await?;
        Ok(SetCookie::session_end())
    }

    /// The session of a browser, unless it has expired. Whether its account is alive is another question:
    /// [`Self::signed_in_account`].
    pub(crate) async fn session(&self, visitor: &Visitor) -> Result<Option<Session>, Unavailable> {
        let Some(secret) = &visitor.session else { return Ok(None) };
        let session: Option<Session> = record::read(self.store(), &keys::session(secret.digest().as_str())).await?;
        let now = self.now();
        Ok(session.filter(|session| !session.expires_at.has_passed(now)))
    }

    /// Signs a browser in, always with a new secret: one that was planted before is worth nothing after.
    pub(crate) async fn begin_session(&self, visitor: &Visitor, account: &Account) -> Result<SetCookie, Unavailable> {
        let (now, lifetime, secret) = (self.now(), self.settings().lifetimes.session, self.entropy().secret());
        let (digest, list) = (secret.digest(), keys::sessions(account.id));
        let (generation, expires_at) = (account.generation, now.after(lifetime));
        let session = Session { account: account.id, generation, created_at: now, authenticated_at: now, expires_at };
        record::insert(self.store(), &keys::session(digest.as_str()), &session, record::keep(lifetime)).await?;
        self.store().enlist(&list, digest.as_str()).await?;
        record::forget_lapsed(self.store(), &list, digest.as_str(), keys::session).await?;
        self.end_session_of(visitor).await?;
        Ok(SetCookie::session(&secret, lifetime))
    }

    /// Ends every session of an account. They are dead already when its generation was raised; this clears them away.
    pub(crate) async fn end_sessions(&self, account: Id) -> Result<(), Unavailable> {
        let list = keys::sessions(account);
        loop {
            let names = self.store().members(&list, None, A_PAGE).await?;
            for name in &names {
                self.store().remove(&keys::session(name)).await?;
                self.store().delist(&list, name).await?;
            }
            if names.len() < A_PAGE {
                return Ok(());
            }
        }
    }

    async fn end_session_of(&self, visitor: &Visitor) -> Result<(), Unavailable> {
        let Some(digest) = visitor.session.as_ref().map(oauth::Secret::digest) else { return Ok(()) };
        if let Some(session) = record::take::<Session>(self.store(), &keys::session(digest.as_str())).await? {
            self.store().delist(&keys::sessions(session.account), digest.as_str()).await?;
        }
        Ok(())
    }
}

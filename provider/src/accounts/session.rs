//! Sessions: a browser that a person signed in with. The cookie holds a secret, the store its
//! digest.

use std::{cmp::Reverse, time::Duration};

use futures_util::future::try_join_all;
use oauth::{Digest, Id, Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Account, AccountError, FRESH, SignedIn};
use crate::{
    BrowserContext, Provider, SetCookie, SignInMethod,
    audit::AuditAction,
    keys,
    problem::Unavailable,
    records::{self, Change, Collection, Found, Listing, Outcomes},
};

/// A signed-in browser. It is worth nothing without an account that is active and of the same
/// generation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) account: Id,
    /// The account's generation when it began.
    pub(crate) generation: u64,
    pub(crate) created_at: Timestamp,
    /// When the person last showed a credential.
    pub(crate) authenticated_at: Timestamp,
    /// Whether that was a recovery code.
    #[serde(default)]
    pub(crate) by_code: bool,
    pub(crate) expires_at: Timestamp,
    /// The browser, as in "Chrome on Linux".
    #[serde(default)]
    pub(crate) device: String,
    /// The address in the network it last came from.
    #[serde(default)]
    pub(crate) address: String,
    /// When it last came, to a few minutes.
    #[serde(default = "beginning")]
    pub(crate) last_used_at: Timestamp,
}

/// How exactly the last use of a session is known.
const EXACTNESS: Duration = Duration::from_mins(5);
/// How many sessions an account has at most. When one more begins, the one that was used least
/// recently ends.
const MOST_SESSIONS: usize = 100;
/// How long nobody is offered a passkey who said no.
const DECLINED: Duration = Duration::from_hours(30 * 24);

const fn beginning() -> Timestamp {
    Timestamp::from_seconds(0)
}

/// What a person sees of a browser they are signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// To end it by.
    pub id: String,
    /// The browser, as in "Chrome on Linux".
    pub device: String,
    /// The address in the network it last came from.
    pub address: String,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it last came, to a few minutes.
    pub last_used_at: Timestamp,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

impl Session {
    /// Whether the person showed a credential in the last five minutes.
    pub(crate) const fn is_fresh(&self, now: Timestamp) -> bool {
        !self.authenticated_at.after(FRESH).has_passed(now)
    }

    /// When it ends: at the time that was set when it began, or after the lifetime of today.
    fn ends_at(&self, lifetime: Duration) -> Timestamp {
        self.created_at.after(lifetime).min(self.expires_at)
    }

    fn is_worth_noting(&self, now: Timestamp, address: &str) -> bool {
        now.since(self.last_used_at) >= EXACTNESS || self.address != address
    }

    fn view(self, id: String, is_this: bool) -> SessionView {
        let Self {
            device,
            address,
            created_at,
            last_used_at,
            ..
        } = self;
        SessionView {
            id,
            device,
            address,
            created_at,
            last_used_at,
            is_this,
        }
    }
}

impl Provider {
    /// Where the person is signed in, this browser first, then by last use; `None` when nobody is
    /// signed in.
    pub async fn sessions(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<Listing<SessionView>>, Unavailable> {
        let Some((_, account)) = self.signed_in_account(browser).await? else {
            return Ok(None);
        };
        let own = browser.session.as_ref().map(Secret::digest);
        let (now, lifetime) = (self.now(), self.settings().lifetimes.session);
        let stands = |session: &Session| {
            session.generation == account.generation && !session.ends_at(lifetime).has_passed(now)
        };
        let view = |id: String, session: Session| {
            let is_this = own.as_ref().is_some_and(|own| own.as_str() == id);
            Some(session)
                .filter(stands)
                .map(|session| session.view(id, is_this))
        };
        let mut sessions = self.sessions_of(account.id).rows(view).await?;
        sessions.sort_by_key(|session| (!session.is_this, Reverse(session.last_used_at)));
        Ok(Some(sessions))
    }

    /// Signs another browser of the person out.
    pub async fn end_session(
        &self,
        browser: &BrowserContext,
        id: &str,
    ) -> Result<(), AccountError> {
        let (_, account) = self
            .signed_in_account(browser)
            .await?
            .ok_or(AccountError::NotSignedIn)?;
        // A name has the form of a secret. The store sees no other.
        let id = Digest::parse(id).ok_or(AccountError::Gone)?;
        let key = keys::session(id.as_str());
        let session: Option<Session> = records::read(self.store(), &key).await?;
        let session = session
            .filter(|session| session.account == account.id)
            .ok_or(AccountError::Gone)?;
        self.sessions_of(account.id).remove(id.as_str()).await?;
        self.note_by_person(
            AuditAction::SessionEnded,
            account.whose(),
            browser,
            session.device,
        )
        .await;
        Ok(())
    }

    /// Signs every other browser of the person out. This one goes on with a new session, which is
    /// no newer sign-in and lasts no longer.
    pub async fn end_other_sessions(
        &self,
        browser: &BrowserContext,
    ) -> Result<SetCookie, AccountError> {
        let (session, account) = self
            .signed_in_account(browser)
            .await?
            .ok_or(AccountError::NotSignedIn)?;
        // 1. In one step every session is dead.
        let end = |account: &mut Account| {
            let alive = account.is_active() && account.generation == session.generation;
            alive.then(|| {
                account.generation += 1;
                account.clone()
            })
        };
        let account = self
            .change_account(account.id, end)
            .await?
            .flatten()
            .ok_or(AccountError::NotSignedIn)?;
        self.note_by_person(
            AuditAction::OtherSessionsEnded,
            account.whose(),
            browser,
            None,
        )
        .await;
        // 2. The rest clears away, and begins anew. This browser stays known to the account.
        self.end_sessions(account.id).await?;
        self.note_known(browser, &account).await?;
        Ok(self
            .open_session(browser, &account, session.by_code, Some(&session))
            .await?)
    }

    /// Ends the session of this browser; the answer clears its cookie.
    pub async fn sign_out(&self, browser: &BrowserContext) -> Result<SetCookie, Unavailable> {
        let account = self.signed_in_account(browser).await?;
        self.end_session_of(browser).await?;
        if let Some((_, account)) = account {
            self.note_by_person(AuditAction::SignedOut, account.whose(), browser, None)
                .await;
        }
        Ok(SetCookie::session_end())
    }

    /// The session of a browser, unless it has expired. Whether its account is alive is another
    /// question: [`Self::signed_in_account`].
    pub(crate) async fn session(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<Session>, Unavailable> {
        let Some(secret) = &browser.session else {
            return Ok(None);
        };
        // One that cannot be read is none: the person signs in again.
        let session: Option<Session> =
            records::find(self.store(), &keys::session(secret.digest().as_str()))
                .await?
                .record();
        let (now, lifetime) = (self.now(), self.settings().lifetimes.session);
        Ok(session.filter(|session| !session.ends_at(lifetime).has_passed(now)))
    }

    /// Notes that a session is in use: once in a while, so that it costs most visits nothing. A
    /// failure costs nothing either.
    pub(crate) async fn note_session_use(&self, browser: &BrowserContext, session: &Session) {
        let (now, address) = (self.now(), browser.address.to_canonical().to_string());
        let Some(secret) = browser
            .session
            .as_ref()
            .filter(|_| session.is_worth_noting(now, &address))
        else {
            return;
        };
        let note = |session: Option<Session>| {
            let next = session.map(|session| {
                let ttl = records::ttl(now.until(session.expires_at));
                (
                    Session {
                        last_used_at: now,
                        address: address.clone(),
                        ..session
                    },
                    ttl,
                )
            });
            Change { next, answer: () }
        };
        if let Err(error) = records::change(
            self.plain_store(),
            &keys::session(secret.digest().as_str()),
            note,
        )
        .await
        {
            tracing::warn!(%error, "the use of a session was not noted");
        }
    }

    /// Signs a browser in, which is known from then on, and remembers the way. None is a recovery
    /// code: whoever needed one has lost what they had, and is offered a passkey whatever they said
    /// before.
    pub(crate) async fn begin_session(
        &self,
        browser: &BrowserContext,
        account: &Account,
        way: Option<SignInMethod>,
    ) -> Result<SignedIn, Unavailable> {
        let now = self.now();
        let mut cookies = vec![
            self.open_session(browser, account, way.is_none(), None)
                .await?,
        ];
        cookies.extend(way.map(SetCookie::way));
        self.note_known(browser, account).await?;
        let declined = account
            .passkey_declined_at
            .is_some_and(|at| !at.after(DECLINED).has_passed(now));
        let lacks_passkey = way.is_none()
            || (way == Some(SignInMethod::Password) && account.passkeys.is_empty() && !declined);
        let offers_passkey = lacks_passkey && self.has_passkeys();
        Ok(SignedIn {
            cookies,
            offers_passkey,
        })
    }

    /// Opens a session, always with a new secret: one that was planted before is worth nothing
    /// after. It may go on where another ended.
    async fn open_session(
        &self,
        browser: &BrowserContext,
        account: &Account,
        by_code: bool,
        earlier: Option<&Session>,
    ) -> Result<SetCookie, Unavailable> {
        let (now, secret) = (self.now(), self.entropy().secret());
        let digest = secret.digest();
        let list = self.sessions_of(account.id);
        let expires_at = earlier.map_or_else(
            || now.after(self.settings().lifetimes.session),
            |earlier| earlier.expires_at,
        );
        let session = Session {
            account: account.id,
            generation: account.generation,
            created_at: earlier.map_or(now, |earlier| earlier.created_at),
            authenticated_at: earlier.map_or(now, |earlier| earlier.authenticated_at),
            by_code,
            expires_at,
            device: browser.device.clone(),
            address: browser.address.to_canonical().to_string(),
            last_used_at: now,
        };
        let lifetime = now.until(expires_at);
        records::insert(
            self.store(),
            &keys::session(digest.as_str()),
            &session,
            records::ttl(lifetime),
        )
        .await?;
        list.list_name(digest.as_str()).await?;
        self.end_session_of(browser).await?;
        self.keep_to_most_sessions(account, &digest).await?;
        Ok(SetCookie::session(&secret, lifetime))
    }

    /// Ends the sessions that were used least recently, when an account has too many. All servers
    /// choose the same ones, and never the one that has just begun. Names of sessions that are gone
    /// leave the list, a few at a time as long as it is short.
    async fn keep_to_most_sessions(
        &self,
        account: &Account,
        newest: &Digest,
    ) -> Result<(), Unavailable> {
        let list = self.sessions_of(account.id);
        let names = list.names().await?;
        if names.len() <= MOST_SESSIONS {
            return list.sweep(newest.as_str()).await;
        }
        let read = async |name: String| {
            let session: Option<Session> = records::find(self.store(), &list.key(&name))
                .await?
                .record();
            Ok::<_, Unavailable>((
                session.map(|session| (session.last_used_at, session.created_at)),
                name,
            ))
        };
        let mut sessions = try_join_all(names.into_iter().map(read)).await?;
        // Those that are gone come first, then the others by their last use.
        sessions.sort();
        let too_many = sessions.len().saturating_sub(MOST_SESSIONS);
        let (gone, alive): (Vec<_>, Vec<_>) = sessions
            .into_iter()
            .partition(|(session, _)| session.is_none());
        let surplus = alive
            .into_iter()
            .filter(|(_, name)| name != newest.as_str())
            .take(too_many.saturating_sub(gone.len()));
        for (_, name) in gone.into_iter().chain(surplus) {
            list.remove(&name).await?;
        }
        Ok(())
    }

    /// Ends every session of an account. They are dead already when its generation was raised; this
    /// clears them away, as many as can be: the error is the first of what failed.
    pub(crate) async fn end_sessions(&self, account: Id) -> Result<(), Unavailable> {
        let list = self.sessions_of(account);
        let mut outcomes = Outcomes::default();
        for name in list.names().await? {
            outcomes.add(list.remove(&name).await)?;
        }
        outcomes.end()
    }

    /// The sessions of an account.
    fn sessions_of(&self, account: Id) -> Collection<'_, Session> {
        Collection::new(self.store(), keys::sessions(account))
    }

    async fn end_session_of(&self, browser: &BrowserContext) -> Result<(), Unavailable> {
        let Some(digest) = browser.session.as_ref().map(Secret::digest) else {
            return Ok(());
        };
        let key = keys::session(digest.as_str());
        let taken = self.store().take(&key).await?;
        if let Found::Record(session) = records::found(&key, taken.as_deref()) {
            self.sessions_of(session.account)
                .unlist_name(digest.as_str())
                .await?;
        }
        Ok(())
    }
}

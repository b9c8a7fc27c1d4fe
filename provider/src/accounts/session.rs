//! Sessions. The cookie has a secret, the store its digest.

use std::{cmp::Reverse, sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use identity::{
    Session, SignInMethod,
    session::{MAX_SESSIONS, offers_passkey, surplus_sessions},
};
use oauth::{Digest, Id, Secret, Timestamp};
use store::Ttl;

use super::{AccountError, known_browsers::KnownNotes};
use crate::{
    accounts::{Directory, Passkeys},
    audit::AuditLog,
    browser_context::{BrowserContext, BrowserUpdate},
    context::Context,
    records::{
        self, Batch, BatchResults, Change, Collection, Found, Listing, NamesTicket, Outcomes,
        ReadTicket, StoredBytes, Swapped, Versioned, keys,
    },
    state::{
        Account, Maybe, account_name,
        audit::{Activity, AuditAction, Event},
    },
    unavailable::Unavailable,
};

/// What a user sees of a browser they are signed in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// To end it by.
    pub id: String,
    /// The browser, as in "Chrome on Linux".
    pub device: String,
    /// The network address of its last use.
    pub address: String,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it was last used, to a few minutes.
    pub last_used_at: Timestamp,
    /// Whether it is the current session.
    pub is_this: bool,
}

impl SessionView {
    fn of(session: Session, id: String, is_this: bool) -> Self {
        Self {
            id,
            device: session.device,
            address: session.address,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            is_this,
        }
    }
}

/// The result of a sign-in.
pub struct SignedIn {
    /// The cookies: the session, and the sign-in method.
    pub updates: Vec<BrowserUpdate>,
    /// Whether to offer a passkey: the user signed in with a password, has no passkey, and has not
    /// declined one recently.
    pub offers_passkey: bool,
}

/// A change of an account that a sign-in makes.
pub(super) struct AccountChange {
    pub(super) next: Account,
    pub(super) stored: StoredBytes,
    /// The steps by which the lists follow.
    pub(super) moved: Batch,
}

/// A session that a batch writes.
struct SessionWrite {
    secret: Secret,
    lifetime: Duration,
    known: KnownNotes,
    first: NamesTicket,
}

/// The signed-in browsers of users.
pub struct Sessions {
    pub(super) context: Context,
    pub(super) audit: Arc<AuditLog>,
    pub(super) directory: Arc<Directory>,
    pub(super) passkeys: Arc<Passkeys>,
}

impl Sessions {
    /// Where the user is signed in, this browser first, then by last use; `None` when no user is
    /// signed in.
    pub async fn list(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<Listing<SessionView>>, Unavailable> {
        match self.signed_in_account(browser).await? {
            Some((_, account)) => self.list_of(&account, browser).await.map(Some),
            None => Ok(None),
        }
    }

    /// The same of an account that the browser is signed in to.
    pub(crate) async fn list_of(
        &self,
        account: &Account,
        browser: &BrowserContext,
    ) -> Result<Listing<SessionView>, Unavailable> {
        let own = browser.session.as_ref().map(Secret::digest);
        let now = self.context.now();
        let lifetime = self.context.settings().lifetimes.session;
        let view = |id: String, session: Session| {
            let is_this = own.as_ref().is_some_and(|own| own.as_str() == id);
            let counts = session.is_in_epoch_of(account) && session.is_valid(now, lifetime);
            counts.then(|| SessionView::of(session, id, is_this))
        };
        let mut sessions = self.sessions_of(account.id()).rows(view).await?;
        sessions.sort_by_key(|session| (!session.is_this, Reverse(session.last_used_at)));
        Ok(sessions)
    }

    /// Signs another browser of the user out.
    pub async fn end_session(
        &self,
        browser: &BrowserContext,
        id: &str,
    ) -> Result<(), AccountError> {
        let (_, account) = self.required_account(browser).await?;
        // A name has the form of a secret. The store sees no other.
        let id = Digest::parse(id).ok_or(AccountError::Gone)?;
        let key = keys::session(id.as_str());
        let session: Option<Session> = records::read(self.context.store(), &key).await?;
        let session = session
            .filter(|session| session.account == account.id())
            .ok_or(AccountError::Gone)?;
        self.sessions_of(account.id()).remove(id.as_str()).await?;
        self.audit
            .note_by_user(
                AuditAction::SessionEnded,
                account_name(&account),
                browser,
                session.device,
            )
            .await;
        Ok(())
    }

    /// Ends all other sessions of the user. This browser gets a new session with the same
    /// authentication time and expiry.
    pub async fn end_other_sessions(
        &self,
        browser: &BrowserContext,
    ) -> Result<BrowserUpdate, AccountError> {
        let (session, account) = self.required_account(browser).await?;
        // 1. In one step every session is dead.
        let (account, ()) = self
            .directory
            .change_account(
                account.id(),
                |account| Ok((account.end_other_sessions(session.session_epoch)?, ())),
                AccountError::NotSignedIn,
            )
            .await?;
        self.audit
            .note_by_user(
                AuditAction::OtherSessionsEnded,
                account_name(&account),
                browser,
                None,
            )
            .await;
        // 2. Their records are removed, and this browser stays known to the account.
        self.end_sessions(account.id()).await?;
        let continued = session.continued(
            &account,
            browser.device.clone(),
            browser.address.to_canonical().to_string(),
            self.context.now(),
        );
        Ok(self
            .open_session(browser, &account, continued, Batch::default())
            .await?)
    }

    /// Ends the session of this browser; the answer clears its cookie.
    pub async fn sign_out(&self, browser: &BrowserContext) -> Result<BrowserUpdate, Unavailable> {
        let account = self.signed_in_account(browser).await?;
        self.end_session_of(browser).await?;
        if let Some((_, account)) = account {
            self.audit
                .note_by_user(
                    AuditAction::SignedOut,
                    account_name(&account),
                    browser,
                    None,
                )
                .await;
        }
        Ok(BrowserUpdate::SessionEnded)
    }

    /// The session of a browser, unless it has expired. Whether its account is alive is another
    /// question: [`Self::signed_in_account`].
    pub(crate) async fn session(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<Session>, Unavailable> {
        let mut batch = Batch::default();
        match Self::read_session(&mut batch, browser) {
            None => Ok(None),
            Some(ticket) => {
                self.valid_session(&ticket, &mut batch.run(self.context.store()).await?)
            }
        }
    }

    /// Reads the session of a browser in a batch; `None` when it has none.
    pub(crate) fn read_session(
        batch: &mut Batch,
        browser: &BrowserContext,
    ) -> Option<ReadTicket<Session>> {
        let digest = browser.session.as_ref()?.digest();
        Some(batch.read(keys::session(digest.as_str())))
    }

    /// The session that was read, unless it has expired. One that cannot be read is none: the user
    /// signs in again.
    pub(crate) fn valid_session(
        &self,
        ticket: &ReadTicket<Session>,
        results: &mut BatchResults,
    ) -> Result<Option<Session>, Unavailable> {
        let session = results.found(ticket)?.record();
        let now = self.context.now();
        let lifetime = self.context.settings().lifetimes.session;
        Ok(session.filter(|session| session.is_valid(now, lifetime)))
    }

    /// Notes that a session is in use: once in a while, so that it costs most visits nothing. A
    /// failure costs nothing either.
    pub(crate) async fn note_session_use(&self, browser: &BrowserContext, session: &Session) {
        let now = self.context.now();
        let address = browser.address.to_canonical().to_string();
        let Some(secret) = browser
            .session
            .as_ref()
            .filter(|_| session.is_worth_touching(now, &address))
        else {
            return;
        };
        let note = |session: Option<Session>| {
            let next = session.map(|session| {
                let ttl = records::ttl(now.until(session.expires_at));
                (session.touched(now, address.clone()), ttl)
            });
            Change { next, answer: () }
        };
        if let Err(error) = records::change(
            self.context.plain_store(),
            &keys::session(secret.digest().as_str()),
            note,
        )
        .await
        {
            tracing::warn!(%error, "the last use of a session could not be recorded");
        }
    }

    /// Signs a browser in, makes it known, and remembers the method. `None` is a recovery code. The
    /// steps of `batch` come first.
    pub(crate) async fn begin_session(
        &self,
        browser: &BrowserContext,
        account: &Account,
        method: Option<SignInMethod>,
        batch: Batch,
    ) -> Result<SignedIn, Unavailable> {
        let session = self.new_session(browser, account, method);
        let opened = self.open_session(browser, account, session, batch).await?;
        Ok(self.signed_in_by(account, method, opened))
    }

    /// The same in one round trip with a change of the account. If the account is another by now,
    /// nothing is done, and the answer is what it is now. `also` adds steps between the two.
    pub(super) async fn begin_session_with(
        &self,
        browser: &BrowserContext,
        change: AccountChange,
        method: SignInMethod,
        also: impl FnOnce(&mut Batch),
    ) -> Result<Result<SignedIn, Option<Versioned<Account>>>, Unavailable> {
        let AccountChange {
            next,
            stored,
            moved,
        } = change;
        let method = Some(method);
        let mut batch = Batch::default();
        let key = keys::account(next.id());
        let changed = batch.swap(&key, stored, next.clone(), Ttl::Forever);
        batch.if_changed();
        batch.copy(&moved);
        also(&mut batch);
        let session = self.new_session(browser, &next, method);
        let written = self.write_session(&mut batch, browser, &next, &session);
        let mut results = batch.run(self.context.store()).await?;
        if let Swapped::Changed(other) = results.swapped(changed)? {
            return Ok(Err(other));
        }
        let opened = self.opened(browser, &next, written, results).await?;
        Ok(Ok(self.signed_in_by(&next, method, opened)))
    }

    /// A session that begins now.
    fn new_session(
        &self,
        browser: &BrowserContext,
        account: &Account,
        method: Option<SignInMethod>,
    ) -> Session {
        Session::open(
            account,
            method.is_none(),
            browser.device.clone(),
            browser.address.to_canonical().to_string(),
            self.context.now(),
            self.context.settings().lifetimes.session,
        )
    }

    fn signed_in_by(
        &self,
        account: &Account,
        method: Option<SignInMethod>,
        opened: BrowserUpdate,
    ) -> SignedIn {
        let mut updates = vec![opened];
        updates.extend(method.map(BrowserUpdate::SignedInBy));
        let now = self.context.now();
        SignedIn {
            updates,
            offers_passkey: offers_passkey(account, method, now) && self.passkeys.are_available(),
        }
    }

    /// Stores a session, which replaces the browser's earlier session. The browser is known to the
    /// account from now on.
    async fn open_session(
        &self,
        browser: &BrowserContext,
        account: &Account,
        session: Session,
        mut batch: Batch,
    ) -> Result<BrowserUpdate, Unavailable> {
        let written = self.write_session(&mut batch, browser, account, &session);
        let results = batch.run(self.context.store()).await?;
        self.opened(browser, account, written, results).await
    }

    /// Writes a session in a batch, always under a new secret, so that an injected one is useless
    /// (T-D32).
    fn write_session(
        &self,
        batch: &mut Batch,
        browser: &BrowserContext,
        account: &Account,
        session: &Session,
    ) -> SessionWrite {
        let secret = self.context.entropy().secret();
        let digest = secret.digest();
        let list = keys::sessions(account.id());
        let lifetime = session.last_used_at.until(session.expires_at);
        batch.insert(&list.key(digest.as_str()), session, records::ttl(lifetime));
        batch.list_name(&list, digest.as_str());
        SessionWrite {
            secret,
            lifetime,
            known: self.note_known(batch, browser, account),
            first: batch.first_names(&list, MAX_SESSIONS + 1),
        }
    }

    /// Does what is left for a session that was written.
    async fn opened(
        &self,
        browser: &BrowserContext,
        account: &Account,
        written: SessionWrite,
        mut results: BatchResults,
    ) -> Result<BrowserUpdate, Unavailable> {
        let SessionWrite {
            secret,
            lifetime,
            known,
            first,
        } = written;
        let are_surplus = results.names(&first)?.len() > MAX_SESSIONS;
        self.renew_known(known, &mut results).await?;
        self.end_session_of(browser).await?;
        self.end_surplus_sessions(account, &secret.digest(), are_surplus)
            .await?;
        Ok(BrowserUpdate::SessionBegun { secret, lifetime })
    }

    /// Ends the least recently used sessions when an account has too many. All servers choose the
    /// same ones, never the newest. A few list entries without a session are removed as well.
    async fn end_surplus_sessions(
        &self,
        account: &Account,
        newest: &Digest,
        are_surplus: bool,
    ) -> Result<(), Unavailable> {
        let list = self.sessions_of(account.id());
        if !are_surplus {
            let sweep = list.sweep_sometimes(newest.as_str());
            self.context.background().spawn(sweep).await;
            return Ok(());
        }
        let names = list.names().await?;
        let read = async |name: String| {
            let session: Option<Session> = records::find(self.context.store(), &list.key(&name))
                .await?
                .record();
            Ok::<_, Unavailable>((
                session.map(|session| (session.last_used_at, session.created_at)),
                name,
            ))
        };
        let sessions = try_join_all(names.into_iter().map(read)).await?;
        for name in surplus_sessions(sessions, newest.as_str()) {
            list.remove(&name).await?;
        }
        Ok(())
    }

    /// Removes all sessions of an account. They are invalid already in its next session epoch; this
    /// removes as many records as possible, and returns the first error.
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
        Collection::new(self.context.store(), keys::sessions(account))
    }

    async fn end_session_of(&self, browser: &BrowserContext) -> Result<(), Unavailable> {
        let Some(digest) = browser.session.as_ref().map(Secret::digest) else {
            return Ok(());
        };
        let key = keys::session(digest.as_str());
        let taken = self.context.store().take(&key).await?;
        if let Found::Record(session) = records::found(&key, taken.as_deref()) {
            self.sessions_of(session.account)
                .unlist_name(digest.as_str())
                .await?;
        }
        Ok(())
    }

    /// The latest events of the user's account, newest first; `None` without a session.
    pub async fn activity(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<Vec<Event>>, Unavailable> {
        match self.signed_in(browser).await? {
            Some(user) => self.activity_of(user.account).await.map(Some),
            None => Ok(None),
        }
    }

    /// The same of an account.
    pub(crate) async fn activity_of(&self, account: Id) -> Result<Vec<Event>, Unavailable> {
        self.audit.settle().await;
        let activity: Option<Activity> =
            records::find(self.context.store(), &keys::activity(account))
                .await?
                .record();
        let oldest = self
            .context
            .now()
            .before(self.context.settings().lifetimes.audit);
        let events = activity.unwrap_or_default().0;
        Ok(events
            .into_iter()
            .filter_map(Maybe::into_known)
            .filter(|event| event.at > oldest)
            .collect())
    }
}

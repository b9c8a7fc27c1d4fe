//! Who is signed in.

use identity::{Role, Session};
use oauth::{Id, Timestamp};

use super::{AccountError, PasskeyView, RemainingCodes, Sessions};
use crate::{
    browser_context::BrowserContext,
    records::{self, Batch, BatchResults, ReadTicket, keys},
    state::Account,
    unavailable::Unavailable,
};

/// A signed-in user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInUser {
    /// Their account.
    pub account: Id,
    /// Their address, as it was entered.
    pub email: String,
    /// When they last showed a credential.
    pub authenticated_at: Timestamp,
    /// What they may do.
    pub role: Role,
}

/// What a user sees of their own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Their address.
    pub email: String,
    /// The name that they have chosen, if any.
    pub name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Their passkeys, oldest first.
    pub passkeys: Vec<PasskeyView>,
    /// Whether they can sign in with a password too.
    pub has_password: bool,
    /// When the password was set, if known.
    pub password_set_at: Option<Timestamp>,
    /// Their recovery codes, if any.
    pub recovery_codes: Option<RemainingCodes>,
    /// Whether they showed a credential in the last five minutes, so that they can change any of
    /// these.
    pub is_fresh: bool,
    /// Whether a recovery code signed this browser in: they have lost what they had.
    pub by_code: bool,
    /// The least number of characters of a new password.
    pub shortest_password: usize,
}

impl SignedInUser {
    /// The user of a session and its account.
    pub(crate) fn of(session: &Session, account: &Account) -> Self {
        Self {
            account: account.id(),
            email: account.email().to_owned(),
            authenticated_at: session.authenticated_at,
            role: account.role(),
        }
    }
}

/// A read of a session and of an account that it may open.
pub(crate) struct SignedInRead(Option<(ReadTicket<Session>, ReadTicket<Account>)>);

impl Sessions {
    /// Reads in a batch whether a browser is signed in to an account.
    pub(crate) fn read_signed_in(
        batch: &mut Batch,
        browser: &BrowserContext,
        account: Id,
    ) -> SignedInRead {
        let session = Self::read_session(batch, browser);
        SignedInRead(session.map(|session| (session, batch.read(keys::account(account)))))
    }

    /// Whether it is.
    pub(crate) fn is_signed_in(
        &self,
        read: SignedInRead,
        results: &mut BatchResults,
    ) -> Result<bool, Unavailable> {
        let Some((session, account)) = read.0 else {
            return Ok(false);
        };
        let session = self.valid_session(&session, results)?;
        let account = results.record(&account)?;
        Ok(session
            .zip(account)
            .is_some_and(|(session, account)| session.opens(&account)))
    }

    /// The user who is signed in. A disabled account is signed in nowhere.
    pub async fn signed_in(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<SignedInUser>, Unavailable> {
        let found = self.signed_in_account(browser).await?;
        Ok(found.map(|(session, account)| SignedInUser::of(&session, &account)))
    }

    /// The account of who is signed in.
    pub async fn account(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<AccountView>, Unavailable> {
        let found = self.signed_in_account(browser).await?;
        Ok(found.map(|(session, account)| self.view(&session, account)))
    }

    /// What the user of a session sees of its account.
    pub(crate) fn view(&self, session: &Session, account: Account) -> AccountView {
        let shortest_password = account.min_password_length();
        let fields = account.into_fields();
        AccountView {
            name: fields.name().map(str::to_owned),
            role: fields.role,
            shortest_password,
            has_password: fields.password.is_some(),
            password_set_at: fields.password_set_at,
            recovery_codes: fields.recovery.as_ref().map(RemainingCodes::of),
            passkeys: fields.passkeys.iter().map(PasskeyView::of).collect(),
            email: fields.email,
            is_fresh: session.is_fresh(self.context.now()),
            by_code: session.by_code,
        }
    }

    /// The session of a browser with its account, if both are alive.
    pub(crate) async fn signed_in_account(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<(Session, Account)>, Unavailable> {
        let Some(session) = self.session(browser).await? else {
            return Ok(None);
        };
        let account = records::read(self.context.store(), &keys::account(session.account)).await?;
        Ok(self
            .opened_account(browser, &session, account)
            .await
            .map(|account| (session, account)))
    }

    /// The account of a session, if the session opens it. Notes that the session is in use.
    pub(crate) async fn opened_account(
        &self,
        browser: &BrowserContext,
        session: &Session,
        account: Option<Account>,
    ) -> Option<Account> {
        let account = account.filter(|account| session.opens(account))?;
        self.note_session_use(browser, session).await;
        Some(account)
    }

    /// The session of a browser with its account, for what only a signed-in user may do.
    pub(crate) async fn required_account(
        &self,
        browser: &BrowserContext,
    ) -> Result<(Session, Account), AccountError> {
        let found = self.signed_in_account(browser).await?;
        found.ok_or(AccountError::NotSignedIn)
    }

    /// The account of who is signed in and showed a credential in the last five minutes.
    pub(crate) async fn fresh_account(
        &self,
        browser: &BrowserContext,
    ) -> Result<Account, AccountError> {
        let (session, account) = self.required_account(browser).await?;
        if session.is_fresh(self.context.now()) {
            Ok(account)
        } else {
            Err(AccountError::ConfirmFirst)
        }
    }
}

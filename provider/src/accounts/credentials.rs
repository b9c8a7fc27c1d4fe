//! What a signed-in user changes about the ways they sign in.

use std::{sync::Arc, time::Duration};

use identity::{DisplayName, Email, RateLimit, SignInMethod};
use oauth::Digest;
use webauthn_rs::prelude::{CreationChallengeResponse, RegisterPublicKeyCredential};

use super::{AccountError, SignedIn, passkey::new_passkey, queue::Requester};
use crate::{
    accounts::{Ceremonies, Ceremony, Directory, Passkeys, PasswordHasher, Sessions},
    audit::AuditLog,
    browser_context::BrowserContext,
    context::Context,
    limits::RateLimiter,
    records::Batch,
    state::{Account, Task, account_name, audit::AuditAction},
};

/// Changes of the address of one account, including refused ones, since each reveals whether an
/// address is taken.
const NEW_ADDRESSES: RateLimit = RateLimit {
    name: "email",
    max: 10,
    window: Duration::from_hours(1),
};

/// What a signed-in user changes about their own account.
pub struct AccountCredentials {
    pub(super) context: Context,
    pub(super) limiter: Arc<RateLimiter>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) directory: Arc<Directory>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) hasher: Arc<PasswordHasher>,
    pub(super) ceremonies: Arc<Ceremonies>,
    pub(super) passkeys: Arc<Passkeys>,
}

impl AccountCredentials {
    /// Renames a passkey.
    pub async fn rename_passkey(
        &self,
        browser: &BrowserContext,
        id: &str,
        name: &str,
    ) -> Result<(), AccountError> {
        let (session, user) = self.sessions.required_account(browser).await?;
        let id = Digest::parse(id).ok_or(AccountError::Gone)?;
        let (renamed, name) = self
            .directory
            .change_account(
                user.id(),
                |account| Ok(account.rename_passkey(session.session_epoch, &id, name)?),
                AccountError::NotSignedIn,
            )
            .await?;
        self.audit
            .note_by_user(
                AuditAction::PasskeyRenamed,
                account_name(&renamed),
                browser,
                name,
            )
            .await;
        Ok(())
    }

    /// Removes a passkey, unless it is the last credential.
    pub async fn remove_passkey(
        &self,
        browser: &BrowserContext,
        id: &str,
    ) -> Result<(), AccountError> {
        let user = self.sessions.fresh_account(browser).await?;
        let id = Digest::parse(id).ok_or(AccountError::Gone)?;
        let (changed, name) = self
            .directory
            .change_account(
                user.id(),
                |account| Ok(account.remove_passkey(user.session_epoch(), &id)?),
                AccountError::NotSignedIn,
            )
            .await?;
        self.audit
            .note_by_user(
                AuditAction::PasskeyRemoved,
                account_name(&changed),
                browser,
                name,
            )
            .await;
        Ok(())
    }

    /// Chooses a new password. Every other browser is signed out by it.
    pub async fn change_password(
        &self,
        browser: &BrowserContext,
        password: &str,
    ) -> Result<SignedIn, AccountError> {
        let user = self.sessions.fresh_account(browser).await?;
        let requester = Requester::of_account(browser, user.id());
        let minimum = user.min_password_length();
        let password = self
            .hasher
            .new_password::<AccountError>(&requester, password, minimum, user.email())
            .await?;
        let now = self.context.now();
        let epoch = user.session_epoch();
        let (account, ()) = self
            .directory
            .change_account(
                user.id(),
                |account| Ok((account.change_password(epoch, password.clone(), now)?, ())),
                AccountError::NotSignedIn,
            )
            .await?;
        self.audit
            .note_by_user(
                AuditAction::PasswordChanged,
                account_name(&account),
                browser,
                None,
            )
            .await;
        self.sessions.end_sessions(account.id()).await?;
        Ok(self
            .sessions
            .begin_session(
                browser,
                &account,
                Some(SignInMethod::Password),
                Batch::default(),
            )
            .await?)
    }

    /// Changes the user's address. It is not verified, so the sign-up policy limits the allowed
    /// addresses.
    pub async fn change_email(
        &self,
        browser: &BrowserContext,
        email: &str,
    ) -> Result<(), AccountError> {
        let user = self.sessions.fresh_account(browser).await?;
        if let Some(retry_after) = self
            .limiter
            .count(NEW_ADDRESSES, &user.id().to_string())
            .await?
        {
            return Err(AccountError::TooManyAttempts { retry_after });
        }
        let email = Email::parse(email).ok_or(AccountError::EmailInvalid)?;
        if !self
            .context
            .settings()
            .sign_up
            .allows_change(user.email(), &email)
        {
            return Err(AccountError::EmailUnavailable);
        }
        let changed = self
            .directory
            .change_address(&user, &email)
            .await?
            .ok_or(AccountError::EmailUnavailable)?;
        let earlier = user.email().to_owned();
        self.audit
            .note_by_user(
                AuditAction::EmailChanged,
                account_name(&changed),
                browser,
                earlier,
            )
            .await;
        Ok(())
    }

    /// Sets the user's name; an empty one removes it. It signs nobody in, so a sign-in of any age
    /// will do.
    pub async fn change_name(
        &self,
        browser: &BrowserContext,
        typed: &str,
    ) -> Result<(), AccountError> {
        let name = DisplayName::read(typed)?;
        let (session, user) = self.sessions.required_account(browser).await?;
        if user.name == name {
            return Ok(());
        }
        let epoch = session.session_epoch;
        let (changed, ()) = self
            .directory
            .change_account(
                user.id(),
                |account| Ok((account.choose_name(epoch, name.clone())?, ())),
                AccountError::NotSignedIn,
            )
            .await?;
        let name = changed.name().map(str::to_owned);
        let action = if name.is_some() {
            AuditAction::NameSet
        } else {
            AuditAction::NameRemoved
        };
        self.audit
            .note_by_user(action, account_name(&changed), browser, name)
            .await;
        Ok(())
    }

    /// Removes the password, unless it is the last credential.
    pub async fn remove_password(&self, browser: &BrowserContext) -> Result<(), AccountError> {
        let user = self.sessions.fresh_account(browser).await?;
        let epoch = user.session_epoch();
        let passkeys_work = self.passkeys.are_available();
        let (changed, ()) = self
            .directory
            .change_account(
                user.id(),
                |account| Ok((account.remove_password(epoch, passkeys_work)?, ())),
                AccountError::NotSignedIn,
            )
            .await?;
        self.audit
            .note_by_user(
                AuditAction::PasswordRemoved,
                account_name(&changed),
                browser,
                None,
            )
            .await;
        Ok(())
    }

    /// Notes that the user wants no passkey now: they are not offered one again for a while.
    pub async fn decline_passkey(&self, browser: &BrowserContext) -> Result<(), AccountError> {
        let (session, user) = self.sessions.required_account(browser).await?;
        let now = self.context.now();
        self.directory
            .change_account(
                user.id(),
                |account| Ok((account.decline_passkey(session.session_epoch, now)?, ())),
                AccountError::NotSignedIn,
            )
            .await?;
        Ok(())
    }

    /// Begins adding a passkey to the account of the signed-in user.
    pub async fn start_adding_passkey(
        &self,
        browser: &BrowserContext,
    ) -> Result<Ceremony<CreationChallengeResponse>, AccountError> {
        let account = self.sessions.fresh_account(browser).await?;
        let (options, state) = self.passkeys.start_registration(&account)?;
        let id = self
            .ceremonies
            .begin_ceremony(
                browser,
                Task::Add {
                    account: account.id(),
                    state,
                },
            )
            .await?;
        Ok(Ceremony { id, options })
    }

    /// Adds a passkey to the account of the signed-in user.
    pub async fn finish_adding_passkey(
        &self,
        browser: &BrowserContext,
        ceremony: &str,
        credential: &RegisterPublicKeyCredential,
    ) -> Result<(), AccountError> {
        // 1. Take the ceremony out, even if the wrong account is signed in.
        let task = self.ceremonies.take_ceremony(browser, ceremony).await?;
        let (session, user) = self.sessions.required_account(browser).await?;
        let id = user.id();
        let Some(Task::Add { state, .. }) =
            task.filter(|task| matches!(task, Task::Add { account, .. } if *account == id))
        else {
            return Err(AccountError::CeremonyFailed);
        };
        // 2. Judge the answer.
        let key = self.passkeys.finish_registration(credential, &state)?;
        let passkey = new_passkey(&browser.device, key, self.context.now());
        // 3. Store the passkey, if the session is still valid.
        let add = |account: Account| {
            let added = account.add_passkey(session.session_epoch, passkey.clone());
            Ok((added.map_err(|_| AccountError::CeremonyFailed)?, ()))
        };
        let (account, ()) = self
            .directory
            .change_account(id, add, AccountError::CeremonyFailed)
            .await?;
        let device = browser.device.clone();
        self.audit
            .note_by_user(
                AuditAction::PasskeyAdded,
                account_name(&account),
                browser,
                device,
            )
            .await;
        Ok(())
    }
}

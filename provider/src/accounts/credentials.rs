//! What a signed-in user changes about the ways they sign in.

use std::time::Duration;

use identity::{Email, RateLimit};
use oauth::Digest;

use super::{AccountError, SignedIn, queue::Requester, whose};
use crate::{BrowserContext, Provider, SignInMethod, audit::AuditAction};

/// Changes of the address of one account, done or not: each tells whether an address is taken.
const NEW_ADDRESSES: RateLimit = RateLimit {
    name: "email",
    max: 10,
    window: Duration::from_hours(1),
};

impl Provider {
    /// Gives a passkey another name.
    pub async fn rename_passkey(
        &self,
        browser: &BrowserContext,
        id: &str,
        name: &str,
    ) -> Result<(), AccountError> {
        let (session, user) = self
            .signed_in_account(browser)
            .await?
            .ok_or(AccountError::NotSignedIn)?;
        let id = Digest::parse(id).ok_or(AccountError::Gone)?;
        let (renamed, name) = self
            .change_account(
                user.id(),
                |account| Ok(account.rename_passkey(session.session_epoch, &id, name)?),
                AccountError::NotSignedIn,
            )
            .await?;
        self.note_by_person(AuditAction::PasskeyRenamed, whose(&renamed), browser, name)
            .await;
        Ok(())
    }

    /// Removes a passkey, unless it is the last way to sign in. It opens nothing from then on.
    pub async fn remove_passkey(
        &self,
        browser: &BrowserContext,
        id: &str,
    ) -> Result<(), AccountError> {
        let user = self.fresh_account(browser).await?;
        let id = Digest::parse(id).ok_or(AccountError::Gone)?;
        let (changed, name) = self
            .change_account(
                user.id(),
                |account| Ok(account.remove_passkey(user.session_epoch(), &id)?),
                AccountError::NotSignedIn,
            )
            .await?;
        self.note_by_person(AuditAction::PasskeyRemoved, whose(&changed), browser, name)
            .await;
        Ok(())
    }

    /// Chooses a new password. Every other browser is signed out by it.
    pub async fn change_password(
        &self,
        browser: &BrowserContext,
        password: &str,
    ) -> Result<SignedIn, AccountError> {
        let user = self.fresh_account(browser).await?;
        let requester = Requester::known(browser, user.id());
        let minimum = user.min_password_length();
        let password = self
            .new_password::<AccountError>(&requester, password, minimum, user.email())
            .await?;
        let now = self.now();
        let epoch = user.session_epoch();
        let (account, ()) = self
            .change_account(
                user.id(),
                |account| Ok((account.change_password(epoch, password.clone(), now)?, ())),
                AccountError::NotSignedIn,
            )
            .await?;
        self.note_by_person(AuditAction::PasswordChanged, whose(&account), browser, None)
            .await;
        self.end_sessions(account.id()).await?;
        Ok(self
            .begin_session(browser, &account, Some(SignInMethod::Password))
            .await?)
    }

    /// Gives the user another address. Nothing proves that it is theirs, so the settings for signing
    /// up limit which one it may be.
    pub async fn change_email(
        &self,
        browser: &BrowserContext,
        email: &str,
    ) -> Result<(), AccountError> {
        let user = self.fresh_account(browser).await?;
        if let Some(retry_after) = self
            .limiter()
            .count(NEW_ADDRESSES, &user.id().to_string())
            .await?
        {
            return Err(AccountError::TooManyAttempts { retry_after });
        }
        let email = Email::parse(email).ok_or(AccountError::EmailInvalid)?;
        if !self.settings().sign_up.allows_change(user.email(), &email) {
            return Err(AccountError::EmailUnavailable);
        }
        let changed = self
            .change_address(&user, &email)
            .await?
            .ok_or(AccountError::EmailUnavailable)?;
        let earlier = user.email().to_owned();
        self.note_by_person(AuditAction::EmailChanged, whose(&changed), browser, earlier)
            .await;
        Ok(())
    }

    /// Removes the password, unless it is the last way to sign in.
    pub async fn remove_password(&self, browser: &BrowserContext) -> Result<(), AccountError> {
        let user = self.fresh_account(browser).await?;
        let epoch = user.session_epoch();
        let passkeys_work = self.has_passkeys();
        let (changed, ()) = self
            .change_account(
                user.id(),
                |account| Ok((account.remove_password(epoch, passkeys_work)?, ())),
                AccountError::NotSignedIn,
            )
            .await?;
        self.note_by_person(AuditAction::PasswordRemoved, whose(&changed), browser, None)
            .await;
        Ok(())
    }

    /// Notes that the user wants no passkey now: they are not offered one again for a while.
    pub async fn decline_passkey(&self, browser: &BrowserContext) -> Result<(), AccountError> {
        let (session, user) = self
            .signed_in_account(browser)
            .await?
            .ok_or(AccountError::NotSignedIn)?;
        let now = self.now();
        self.change_account(
            user.id(),
            |account| Ok((account.decline_passkey(session.session_epoch, now)?, ())),
            AccountError::NotSignedIn,
        )
        .await?;
        Ok(())
    }
}

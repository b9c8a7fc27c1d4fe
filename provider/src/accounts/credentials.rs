//! What a signed-in person changes about the ways they sign in.

use std::time::Duration;

use super::{
    Account, AccountError, SignedIn, email::Email, password::NewPassword, queue::Requester,
};
use crate::{BrowserContext, Provider, SignInMethod, audit::AuditAction, limits::RateLimit};

/// The longest name of a passkey, in bytes.
const LONGEST_NAME: usize = 100;
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
        let (_, person) = self
            .signed_in_account(browser)
            .await?
            .ok_or(AccountError::NotSignedIn)?;
        let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
        let name = name
            .trim()
            .get(..name.trim().floor_char_boundary(LONGEST_NAME))
            .unwrap_or_default()
            .to_owned();
        if name.is_empty() {
            return Err(AccountError::NameEmpty);
        }
        let rename = |account: &mut Account| {
            let passkey = account
                .passkeys
                .iter_mut()
                .find(|passkey| passkey.id() == id)
                .ok_or(AccountError::Gone)?;
            passkey.name.clone_from(&name);
            Ok(())
        };
        self.change_own(&person, rename).await?;
        self.note_by_person(AuditAction::PasskeyRenamed, person.whose(), browser, name)
            .await;
        Ok(())
    }

    /// Removes a passkey, unless it is the last way to sign in. It opens nothing from then on.
    pub async fn remove_passkey(
        &self,
        browser: &BrowserContext,
        id: &str,
    ) -> Result<(), AccountError> {
        let person = self.fresh_account(browser).await?;
        let remove = |account: &mut Account| {
            let place = account
                .passkeys
                .iter()
                .position(|passkey| passkey.id() == id)
                .ok_or(AccountError::Gone)?;
            if account.passkeys.len() == 1 && account.password.is_none() {
                return Err(AccountError::LastCredential);
            }
            let name = account.passkeys.remove(place).name;
            if account.may_be(account.role) {
                Ok(name)
            } else {
                Err(AccountError::ShortPasswordAlone)
            }
        };
        let name = self.change_own(&person, remove).await?;
        self.note_by_person(AuditAction::PasskeyRemoved, person.whose(), browser, name)
            .await;
        Ok(())
    }

    /// Chooses a new password. Every other browser is signed out by it.
    pub async fn change_password(
        &self,
        browser: &BrowserContext,
        password: &str,
    ) -> Result<SignedIn, AccountError> {
        let person = self.fresh_account(browser).await?;
        let requester = Requester::known(browser, person.id);
        let minimum = person.shortest_password();
        let password: NewPassword = self
            .new_password::<AccountError>(&requester, password, minimum, &person.email)
            .await?;
        let now = self.now();
        let choose = |account: &mut Account| {
            account.choose_password(password.clone(), now);
            // It may have become an administrator's meanwhile.
            if account.may_be(account.role) {
                Ok(account.clone())
            } else {
                Err(AccountError::ShortPasswordAlone)
            }
        };
        let account = self.change_own(&person, choose).await?;
        self.note_by_person(AuditAction::PasswordChanged, account.whose(), browser, None)
            .await;
        self.end_sessions(account.id).await?;
        Ok(self
            .begin_session(browser, &account, Some(SignInMethod::Password))
            .await?)
    }

    /// Gives the person another address. Nobody proves that it is theirs, so where the settings let
    /// people from certain domains in, it is of one of these or of the domain that they have.
    pub async fn change_email(
        &self,
        browser: &BrowserContext,
        email: &str,
    ) -> Result<(), AccountError> {
        let person = self.fresh_account(browser).await?;
        if let Some(retry_after) = self.count(NEW_ADDRESSES, &person.id.to_string()).await? {
            return Err(AccountError::TooManyAttempts { retry_after });
        }
        let email = Email::parse(email).ok_or(AccountError::EmailInvalid)?;
        let own_domain =
            Email::parse(&person.email).is_some_and(|own| own.domain() == email.domain());
        if !own_domain && !self.settings().sign_up.tolerates(&email) {
            return Err(AccountError::EmailUnavailable);
        }
        let changed = self
            .change_address(&person, &email)
            .await?
            .ok_or(AccountError::EmailUnavailable)?;
        self.note_by_person(
            AuditAction::EmailChanged,
            changed.whose(),
            browser,
            person.email,
        )
        .await;
        Ok(())
    }

    /// Removes the password, unless it is the last way to sign in.
    pub async fn remove_password(&self, browser: &BrowserContext) -> Result<(), AccountError> {
        let person = self.fresh_account(browser).await?;
        let remove = |account: &mut Account| {
            if account.passkeys.is_empty() || !self.has_passkeys() {
                return Err(AccountError::LastCredential);
            }
            account.password_set_at = None;
            account.password.take().map(drop).ok_or(AccountError::Gone)
        };
        self.change_own(&person, remove).await?;
        self.note_by_person(AuditAction::PasswordRemoved, person.whose(), browser, None)
            .await;
        Ok(())
    }

    /// Notes that the person wants no passkey now: they are not offered one again for a while.
    pub async fn decline_passkey(&self, browser: &BrowserContext) -> Result<(), AccountError> {
        let (_, person) = self
            .signed_in_account(browser)
            .await?
            .ok_or(AccountError::NotSignedIn)?;
        let now = self.now();
        let decline = |account: &mut Account| {
            account.passkey_declined_at = Some(now);
            Ok(())
        };
        self.change_own(&person, decline).await
    }

    /// Changes the account of a person in one step, if what signed them in still counts; a refusal
    /// changes nothing.
    pub(super) async fn change_own<A>(
        &self,
        person: &Account,
        change: impl Fn(&mut Account) -> Result<A, AccountError>,
    ) -> Result<A, AccountError> {
        let attempt = |account: &mut Account| {
            if !account.is_active() || account.generation != person.generation {
                return Err(AccountError::NotSignedIn);
            }
            let before = account.clone();
            change(account).inspect_err(|_| *account = before)
        };
        self.change_account(person.id, attempt)
            .await?
            .unwrap_or(Err(AccountError::NotSignedIn))
    }
}

//! Passkeys: discoverable, so that no user name is needed, and with user verification, so that no
//! second factor is needed.
//!
//! webauthn-rs verifies the response of the browser, once for each challenge. All failures get the
//! same response; the reason is only in the log.

use std::time::Duration;

use identity::{Passkey, RateLimit, SignInMethod};
use oauth::{Digest, Id, Timestamp};
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{
        AuthenticationResult, CreationChallengeResponse, DiscoverableAuthentication,
        Passkey as PasskeyKey, PasskeyRegistration, PublicKeyCredential,
        RegisterPublicKeyCredential, RequestChallengeResponse, Uuid, WebauthnError,
    },
};
use webauthn_rs_proto::ResidentKeyRequirement;

use super::{AccountError, SignInError, SignedIn, lists::move_account};
use crate::{
    accounts::SignIn,
    browser_context::BrowserContext,
    records::Batch,
    settings::Settings,
    state::{Account, Task, account_name, audit::AuditAction},
};

const QUARTER_OF_AN_HOUR: Duration = Duration::from_mins(15);
/// Sign-ins begun in one browser: each leaves a record for a while.
const STARTS: RateLimit = RateLimit {
    name: "passkey",
    max: 30,
    window: QUARTER_OF_AN_HOUR,
};
/// Sign-in pages that offer passkeys by themselves, of one browser.
const AUTOFILLS: RateLimit = RateLimit {
    name: "passkey-autofill",
    max: 100,
    window: QUARTER_OF_AN_HOUR,
};
/// Ceremonies of one network. A browser without its cookie counts as a new one, so this limits
/// stored ceremonies. Known browsers are exempt.
const STARTS_FROM: RateLimit = RateLimit {
    name: "passkey-from",
    max: 3000,
    window: QUARTER_OF_AN_HOUR,
};
/// The same for sign-in pages.
const AUTOFILLS_FROM: RateLimit = RateLimit {
    name: "passkey-autofill-from",
    max: 5000,
    window: QUARTER_OF_AN_HOUR,
};
/// The start of a ceremony: the options for the browser, and the id of the ceremony.
#[derive(Clone, Debug)]
pub struct Ceremony<T> {
    /// The name of the ceremony: a secret, to be given back with the answer.
    pub id: String,
    /// What the browser's credential API is called with.
    pub options: T,
}

/// What a user sees of a passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyView {
    /// To rename or remove it by.
    pub id: String,
    /// The device on which it was created, such as "Chrome on Linux".
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

impl PasskeyView {
    pub(super) fn of(passkey: &Passkey<PasskeyKey>) -> Self {
        Self {
            id: passkey.id.as_str().to_owned(),
            name: passkey.name.clone(),
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
        }
    }
}

/// A new passkey.
pub(super) fn new_passkey(name: &str, key: PasskeyKey, now: Timestamp) -> Passkey<PasskeyKey> {
    Passkey {
        id: Digest::of(key.cred_id()),
        name: name.to_owned(),
        created_at: now,
        last_used_at: None,
        key,
    }
}

/// A ceremony failed; the reason is in the log.
pub(crate) struct Failed;

impl From<WebauthnError> for Failed {
    fn from(error: WebauthnError) -> Self {
        tracing::debug!(%error, "a passkey ceremony failed");
        Self
    }
}

/// What judges passkeys for this server's host. There is none when the issuer's host is an IP
/// address, which cannot have passkeys (WebAuthn section 5.1.2: a relying party is a domain).
pub(crate) struct Passkeys(Option<Webauthn>);

impl Passkeys {
    /// Whether passkeys can be used here: not where the issuer's host is an IP address.
    pub(crate) const fn are_available(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn new(settings: &Settings) -> Self {
        let webauthn = WebauthnBuilder::new(settings.issuer.host(), settings.issuer.as_url())
            .and_then(|builder| builder.rp_name(&settings.name).build())
            .ok();
        if webauthn.is_none() {
            tracing::warn!(
                issuer = settings.issuer.as_str(),
                "passkeys are unavailable: the host of the issuer is not a domain name"
            );
        }
        Self(webauthn)
    }

    /// Options for a new discoverable passkey.
    pub(super) fn start_registration(
        &self,
        account: &Account,
    ) -> Result<(CreationChallengeResponse, PasskeyRegistration), Failed> {
        let email = account.email();
        let name = account.name().unwrap_or(email);
        let excluded = account
            .passkeys()
            .iter()
            .map(|passkey| passkey.key.cred_id().clone())
            .collect();
        let user = Uuid::from_bytes(account.id().bytes());
        let (mut options, state) =
            self.webauthn()?
                .start_passkey_registration(user, email, name, Some(excluded))?;
        // webauthn-rs leaves it to the authenticator whether a passkey can be found without an
        // address.
        let selection = options
            .public_key
            .authenticator_selection
            .get_or_insert_default();
        selection.resident_key = Some(ResidentKeyRequirement::Required);
        selection.require_resident_key = true;
        Ok((options, state))
    }

    pub(super) fn finish_registration(
        &self,
        credential: &RegisterPublicKeyCredential,
        state: &PasskeyRegistration,
    ) -> Result<PasskeyKey, Failed> {
        Ok(self
            .webauthn()?
            .finish_passkey_registration(credential, state)?)
    }

    fn start_authentication(
        &self,
    ) -> Result<(RequestChallengeResponse, DiscoverableAuthentication), Failed> {
        let (mut options, state) = self.webauthn()?.start_discoverable_authentication()?;
        // For a button, not for conditional mediation.
        options.mediation = None;
        Ok((options, state))
    }

    /// The account that a passkey names. It is not verified yet.
    fn claimed_account(&self, credential: &PublicKeyCredential) -> Result<Id, Failed> {
        let (user, _) = self
            .webauthn()?
            .identify_discoverable_authentication(credential)?;
        Ok(Id::new(user.into_bytes()))
    }

    /// Proves that the holder of one of the account's passkeys answered the challenge.
    fn finish_authentication(
        &self,
        credential: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        account: &Account,
    ) -> Result<AuthenticationResult, Failed> {
        let held = |passkey: &&Passkey<PasskeyKey>| {
            passkey.key.cred_id().as_slice() == credential.get_credential_id()
        };
        let passkey = account
            .passkeys()
            .iter()
            .find(held)
            .ok_or(WebauthnError::CredentialNotFound)?;
        Ok(self.webauthn()?.finish_discoverable_authentication_v2(
            credential,
            state,
            &passkey.key,
        )?)
    }

    fn webauthn(&self) -> Result<&Webauthn, Failed> {
        Ok(self.0.as_ref().ok_or(WebauthnError::Configuration)?)
    }
}

impl SignIn {
    /// Begins signing in with a passkey; which account it is will be seen from the passkey.
    ///
    /// `autofill` is for a page that offers passkeys in its email field. It is counted separately,
    /// so that loading the page does not use up the limit of the button.
    pub async fn start_passkey_sign_in(
        &self,
        browser: &BrowserContext,
        autofill: bool,
    ) -> Result<Ceremony<RequestChallengeResponse>, SignInError> {
        let (own, from) = if autofill {
            (AUTOFILLS, AUTOFILLS_FROM)
        } else {
            (STARTS, STARTS_FROM)
        };
        if let Some(retry_after) = self.count_visit(browser, own, from).await? {
            return Err(SignInError::TooManyAttempts { retry_after });
        }
        let (options, state) = self.passkeys.start_authentication()?;
        let id = self
            .ceremonies
            .begin_ceremony(browser, Task::SignIn(state))
            .await?;
        Ok(Ceremony { id, options })
    }

    /// Signs in with a passkey.
    pub async fn finish_passkey_sign_in(
        &self,
        browser: &BrowserContext,
        ceremony: &str,
        credential: &PublicKeyCredential,
    ) -> Result<SignedIn, SignInError> {
        self.finish_with_passkey(browser, ceremony, credential, None)
            .await
    }

    /// Re-authenticates the signed-in user; a passkey of another account is refused.
    pub async fn confirm_with_passkey(
        &self,
        browser: &BrowserContext,
        ceremony: &str,
        credential: &PublicKeyCredential,
    ) -> Result<SignedIn, SignInError> {
        let user = self
            .sessions
            .signed_in(browser)
            .await?
            .ok_or(SignInError::WrongCredentials)?;
        self.finish_with_passkey(browser, ceremony, credential, Some(user.account))
            .await
    }

    async fn finish_with_passkey(
        &self,
        browser: &BrowserContext,
        ceremony: &str,
        credential: &PublicKeyCredential,
        only: Option<Id>,
    ) -> Result<SignedIn, SignInError> {
        // 1. Take the ceremony out.
        let Some(Task::SignIn(state)) = self.ceremonies.take_ceremony(browser, ceremony).await?
        else {
            return Err(SignInError::WrongCredentials);
        };
        // 2. Prove that a passkey of the account it names answered.
        let id = self.passkeys.claimed_account(credential)?;
        if only.is_some_and(|only| only != id) {
            return Err(SignInError::WrongCredentials);
        }
        let account = self
            .directory
            .active_account(id)
            .await?
            .ok_or(SignInError::WrongCredentials)?;
        let result = self
            .passkeys
            .finish_authentication(credential, state, &account.record)?;
        // 3. Note its use, if account and passkey are still there.
        let used = Digest::of(result.cred_id());
        let now = self.context.now();
        let sign_in = |account: Account| {
            let update = |key: &mut PasskeyKey| _ = key.update_credential(&result);
            Ok(account.sign_in_with_passkey(&used, update, now)?)
        };
        let before = account.record.clone();
        let (account, name) = self
            .directory
            .change_account_from(id, Some(account), sign_in, SignInError::WrongCredentials)
            .await?;
        // 4. Begin a session.
        let mut moved = Batch::default();
        move_account(&mut moved, &before, &account);
        let signed_in = self
            .sessions
            .begin_session(browser, &account, Some(SignInMethod::Passkey), moved)
            .await?;
        self.audit
            .note_by_user(
                AuditAction::SignedInWithPasskey,
                account_name(&account),
                browser,
                name,
            )
            .await;
        Ok(signed_in)
    }

    /// Whether passkeys can be used here: not where the issuer's host is an IP
    /// address.
    pub fn has_passkeys(&self) -> bool {
        self.passkeys.are_available()
    }
}

impl From<Failed> for SignInError {
    fn from(_: Failed) -> Self {
        Self::WrongCredentials
    }
}

impl From<Failed> for AccountError {
    fn from(_: Failed) -> Self {
        Self::CeremonyFailed
    }
}

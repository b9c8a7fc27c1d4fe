//! Recovery codes: ten, each good for one sign-in when everything else is lost.

use std::time::Duration;

use oauth::{Digest, Id, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use super::{Account, AccountError, DUMMY_ACCOUNT, SignInError, SignedIn, attempts::Guess};
use crate::{BrowserContext, Provider, SetCookie, audit::AuditAction, problem::Unavailable};

/// A refused code is answered no sooner than this, so that nobody sees the microseconds by which
/// reading an account differs from reading none. A password takes longer, and its time varies by
/// more.
const LEAST_TIME: Duration = Duration::from_millis(25);
const CODES: u8 = 10;
const LETTERS: usize = 16;
/// Crockford's base 32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a person sees of their recovery codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// How many are left of the ten.
    pub left: usize,
    /// When they were made.
    pub made_at: Timestamp,
}

/// Recovery codes, as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredCodes {
    pub(crate) made_at: Timestamp,
    pub(crate) left: Vec<Digest>,
    /// Tells the last use of a code from every other attempt at it: a server whose write got no
    /// answer recognises its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_use: Option<Id>,
}

impl StoredCodes {
    pub(crate) const fn view(&self) -> RecoveryCodes {
        RecoveryCodes {
            left: self.left.len(),
            made_at: self.made_at,
        }
    }
}

impl Provider {
    /// Makes ten new recovery codes; older ones are worth nothing from then on. The cookie lets
    /// this very browser show them.
    pub async fn make_recovery_codes(
        &self,
        browser: &BrowserContext,
    ) -> Result<SetCookie, AccountError> {
        let person = self.fresh_account(browser).await?;
        let (seed, made_at) = (self.entropy().secret(), self.now());
        let left: Vec<_> = codes(&seed)
            .iter()
            .map(|code| digest(person.id, code))
            .collect();
        let set = |account: &mut Account| {
            account.recovery = Some(StoredCodes {
                made_at,
                left: left.clone(),
                last_use: None,
            });
            Ok(())
        };
        self.change_own(&person, set).await?;
        self.note_by_person(
            AuditAction::RecoveryCodesMade,
            person.whose(),
            browser,
            None,
        )
        .await;
        Ok(SetCookie::codes(&seed))
    }

    /// The codes that were just made in this browser, to be shown this once, with the cookie that
    /// ends showing them. `None` when there is nothing to show, or nobody to show it to.
    pub async fn fresh_recovery_codes(
        &self,
        browser: &BrowserContext,
    ) -> Result<Option<(Vec<String>, SetCookie)>, Unavailable> {
        let Some(seed) = &browser.codes else {
            return Ok(None);
        };
        let Some((_, account)) = self.signed_in_account(browser).await? else {
            return Ok(None);
        };
        let codes = codes(seed);
        let stored = account
            .recovery
            .map(|stored| stored.left)
            .unwrap_or_default();
        let own = codes
            .iter()
            .all(|code| stored.contains(&digest(account.id, code)));
        Ok(own.then(|| (codes, SetCookie::codes_end())))
    }

    /// Signs in with an address and a recovery code, which is used up. A code may be typed with or
    /// without its dashes, in any case.
    pub async fn sign_in_with_recovery_code(
        &self,
        browser: &BrowserContext,
        email: &str,
        code: &str,
    ) -> Result<SignedIn, SignInError> {
        let refusal_at = Instant::now() + LEAST_TIME;
        let attempt = self.attempt(browser, email, Guess::RecoveryCode).await?;
        let taken = if let Some(account) = &attempt.account {
            self.take_code(account, code).await?
        } else {
            // As much is computed as for somebody.
            std::hint::black_box(digest(DUMMY_ACCOUNT, code));
            None
        };
        let Some(account) = taken else {
            let refused = self.refused(browser, &attempt).await;
            sleep_until(refusal_at).await;
            return Err(refused);
        };
        // Noted first: the code is used up, whatever fails from here on.
        self.note_by_person(
            AuditAction::SignedInWithRecoveryCode,
            account.whose(),
            browser,
            None,
        )
        .await;
        self.succeeded(browser, &account, attempt).await?;
        Ok(self.begin_session(browser, &account, None).await?)
    }

    /// Uses a code up, if it is one of the account's. Whether it is costs no step in the store.
    async fn take_code(
        &self,
        account: &Account,
        code: &str,
    ) -> Result<Option<Account>, Unavailable> {
        let (presented, now, this_use) =
            (digest(account.id, code), self.now(), self.entropy().id());
        let place = |account: &Account| {
            let codes = account.recovery.as_ref().filter(|_| account.is_active())?;
            codes.left.iter().position(|code| *code == presented)
        };
        if place(account).is_none() {
            return Ok(None);
        }
        let take = |account: &mut Account| {
            let place = place(account)?;
            let codes = account.recovery.as_mut()?;
            codes.left.remove(place);
            codes.last_use = Some(this_use);
            account.last_sign_in_at = Some(now);
            Some(account.clone())
        };
        Ok(self.change_account(account.id, take).await?.flatten())
    }
}

/// The ten codes that follow from a seed: 80 bits each, in the letters of Crockford's base 32,
/// which cannot be mistaken.
fn codes(seed: &Secret) -> Vec<String> {
    (0..CODES)
        .map(|number| spelled(&seed.derive("recovery code", &[number])))
        .collect()
}

/// Sixteen letters, four by four.
fn spelled(secret: &Secret) -> String {
    let letters = secret
        .bytes()
        .iter()
        .take(LETTERS)
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let letters: Vec<char> = letters.collect();
    letters
        .chunks(4)
        .map(String::from_iter)
        .collect::<Vec<_>>()
        .join("-")
}

/// What is stored of a code. It has the account in it, so that nobody can try a code on all
/// accounts at once.
fn digest(account: Id, code: &str) -> Digest {
    Digest::of(format!("recovery code\0{account}\0{}", read(code)).as_bytes())
}

/// A code as it was meant: letters that look like digits are those digits.
fn read(typed: &str) -> String {
    let letters = typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(2 * LETTERS)
        .map(|letter| letter.to_ascii_uppercase());
    let meant = |letter| match letter {
        'O' => '0',
        'I' | 'L' => '1',
        letter => letter,
    };
    letters.map(meant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_codes_follow_from_a_seed_and_differ() {
        let made = codes(&Secret::new([1; 32]));
        assert_eq!(made, codes(&Secret::new([1; 32])));
        let different: std::collections::BTreeSet<_> = made
            .iter()
            .chain(&codes(&Secret::new([2; 32])))
            .cloned()
            .collect();
        assert_eq!((made.len(), different.len()), (10, 20));
        for code in made {
            assert_eq!((code.len(), code.matches('-').count()), (19, 3), "{code}");
            assert!(
                code.bytes()
                    .all(|letter| letter == b'-' || ALPHABET.contains(&letter)),
                "{code}"
            );
        }
    }

    #[test]
    fn a_code_is_known_however_it_is_typed_and_of_one_account_alone() {
        let (one, other) = (Id::new([1; 16]), Id::new([2; 16]));
        let own = digest(one, "0123-4567-89AB-CDEF");
        for typed in [
            "0123456789abcdef",
            "0123",
            "oi23 4567 89ab cdef",
            "OL23-4567-89AB-CDEF",
        ] {
            assert_eq!(digest(one, typed) == own, typed.len() > 4, "{typed}");
        }
        assert_ne!(digest(other, "0123-4567-89AB-CDEF"), own);
        assert_ne!(digest(one, "0123-4567-89AB-CDEG"), own);
    }
}

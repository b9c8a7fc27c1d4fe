//! Passwords: which may be chosen, and in which forms one is hashed.

mod common;

use thiserror::Error;

use crate::{Role, email::nfkc};

/// The least number of characters of a password (NIST SP 800-63B section 3.1.1.2: eight).
pub const MIN_PASSWORD_LENGTH: usize = 8;
/// The least number of characters of a password that is an administrator's only credential.
pub const MIN_LENGTH_ALONE: usize = 12;
/// The greatest number of bytes, which bounds what is hashed.
pub const MAX_BYTES: usize = 1024;

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordError {
    /// It is too easily guessed.
    #[error("the password must have at least {minimum} characters")]
    TooShort {
        /// The least number of characters.
        minimum: usize,
    },
    /// It takes too long to hash.
    #[error("the password can have at most {maximum} bytes")]
    TooLong {
        /// The greatest number of bytes.
        maximum: usize,
    },
    /// It is among those that are guessed first.
    #[error("the password is too common")]
    Common,
    /// It is made of the user's address or the server's name.
    #[error("the password is too similar to the email address or the server name")]
    FromName,
}

/// A password that was chosen, and that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPassword {
    /// An argon2id hash as a PHC string.
    pub hash: String,
    /// Whether it may be an administrator's only credential.
    pub is_long: bool,
}

/// The least number of characters of a password for a role.
pub const fn min_length(role: Role, has_passkeys: bool) -> usize {
    match role {
        Role::Administrator if !has_passkeys => MIN_LENGTH_ALONE,
        Role::Administrator | Role::User => MIN_PASSWORD_LENGTH,
    }
}

/// The form of a password that is hashed, if it may be chosen: its NFKC form, so that all keyboards
/// and systems mean the same (NIST SP 800-63B section 3.1.1.2). `names` are what it must not be
/// made of.
///
/// # Errors
/// [`PasswordError`].
pub fn check(typed: &str, minimum: usize, names: &[&str]) -> Result<String, PasswordError> {
    if typed.len() > MAX_BYTES {
        return Err(PasswordError::TooLong { maximum: MAX_BYTES });
    }
    let normal = nfkc(typed);
    if normal.chars().count() < minimum {
        Err(PasswordError::TooShort { minimum })
    } else if common::is_made_of(&normal, names) {
        Err(PasswordError::FromName)
    } else if common::is_common(&normal) {
        Err(PasswordError::Common)
    } else {
        Ok(normal)
    }
}

/// The forms of a password under which it may have been hashed: its NFKC form, and as it was typed,
/// as earlier releases did. How many there are follows from what was typed alone.
pub fn forms(typed: &str) -> Vec<String> {
    // What is too long was never hashed: a part of it takes as long.
    let typed = bounded(typed);
    let normal = nfkc(typed);
    if normal == typed {
        vec![normal]
    } else {
        vec![normal, typed.to_owned()]
    }
}

/// Whether a password may be an administrator's only credential.
pub fn is_long(typed: &str) -> bool {
    nfkc(bounded(typed)).chars().count() >= MIN_LENGTH_ALONE
}

/// Bounds the work on a text that comes from outside.
fn bounded(typed: &str) -> &str {
    &typed[..typed.floor_char_boundary(MAX_BYTES + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "olive trombone";

    #[test]
    fn a_password_is_neither_short_nor_long_nor_common_nor_made_of_a_name() {
        let judged = |typed: &str| check(typed, 10, &["ada@example.com", "Vestibule"]);
        assert_eq!(judged(GOOD).as_deref(), Ok(GOOD));
        let (minimum, maximum) = (10, MAX_BYTES);
        assert_eq!(
            judged("olive trm"),
            Err(PasswordError::TooShort { minimum })
        );
        assert_eq!(judged("olive trom").as_deref(), Ok("olive trom"));
        let words = "olive trombone ".repeat(100);
        assert_eq!(judged(&words), Err(PasswordError::TooLong { maximum }));
        assert!(judged(&words[..MAX_BYTES]).is_ok());
        assert_eq!(
            judged(&words[..=MAX_BYTES]),
            Err(PasswordError::TooLong { maximum })
        );
        assert_eq!(judged("qwerty123456"), Err(PasswordError::Common));
        assert_eq!(judged("vestibule2024"), Err(PasswordError::FromName));
    }

    #[test]
    fn a_password_is_hashed_in_one_form_and_found_in_two() {
        let wide = "\u{ff4f}live trombone";
        assert_eq!(check(wide, 8, &[]).as_deref(), Ok(GOOD));
        assert_eq!(forms(wide), [GOOD, wide]);
        assert_eq!(forms(GOOD), [GOOD]);
        assert_eq!(forms(&"a".repeat(5000)), ["a".repeat(MAX_BYTES + 1)]);
    }

    #[test]
    fn an_administrator_needs_a_longer_one_where_it_is_the_only_credential() {
        assert_eq!(min_length(Role::User, false), MIN_PASSWORD_LENGTH);
        assert_eq!(min_length(Role::User, true), MIN_PASSWORD_LENGTH);
        assert_eq!(min_length(Role::Administrator, true), MIN_PASSWORD_LENGTH);
        assert_eq!(min_length(Role::Administrator, false), MIN_LENGTH_ALONE);
        assert!(is_long("twelve chars") && !is_long("eleven char"));
        assert!(!is_long("\u{fb01}ve letter") && is_long("\u{fb01}ve letters"));
    }
}

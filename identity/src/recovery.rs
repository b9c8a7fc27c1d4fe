//! Recovery codes: ten, each good for one sign-in when every other credential is lost.

use primitives::{Digest, Id, Secret, Timestamp};

/// How many codes are made at a time.
pub const CODES: u8 = 10;
/// Letters of a code: 80 random bits, which no guessing finds.
const LETTERS: usize = 16;
/// Crockford's base 32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The recovery codes of an account: their digests, never the codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// When they were made.
    pub made_at: Timestamp,
    /// The digests of those that were not used.
    pub left: Vec<Digest>,
    /// Tells the last use of a code from every other attempt at it: a server whose write got no
    /// answer recognises its own.
    pub last_use: Option<Id>,
}

impl RecoveryCodes {
    /// The codes that follow from a seed, for an account.
    pub fn new(seed: &Secret, account: Id, made_at: Timestamp) -> Self {
        let left = codes(seed).into_iter().map(|code| digest(account, &code));
        Self {
            made_at,
            left: left.collect(),
            last_use: None,
        }
    }

    /// Whether a code is one of those that are left.
    pub fn contains(&self, code: &Digest) -> bool {
        self.left.contains(code)
    }

    /// Whether all codes of a seed are left, so that they may still be shown.
    pub fn are_all_of(&self, seed: &Secret, account: Id) -> bool {
        codes(seed)
            .iter()
            .all(|code| self.contains(&digest(account, code)))
    }

    /// Uses a code up; `None` when it is not one of those that are left. `this_use` is fresh.
    #[must_use]
    pub fn redeem(mut self, code: &Digest, this_use: Id) -> Option<Self> {
        let place = self.left.iter().position(|left| left == code)?;
        self.left.remove(place);
        self.last_use = Some(this_use);
        Some(self)
    }
}

/// The ten codes that follow from a seed: 80 bits each, in the letters of Crockford's base 32,
/// which cannot be mistaken.
pub fn codes(seed: &Secret) -> Vec<String> {
    (0..CODES)
        .map(|number| spelled(&seed.derive("recovery code", &[number])))
        .collect()
}

/// What is stored of a code, however it is typed. The account is part of it, so that no code can be
/// tried on all accounts at once.
pub fn digest(account: Id, typed: &str) -> Digest {
    Digest::of(format!("recovery code\0{account}\0{}", read(typed)).as_bytes())
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

    const ADA: Id = Id::new([1; 16]);
    const NOW: Timestamp = Timestamp::from_seconds(1000);

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
    fn a_code_has_one_of_32_letters_for_each_byte() {
        let bytes = std::array::from_fn(|place| u8::try_from(17 * place % 256).unwrap_or_default());
        assert_eq!(spelled(&Secret::new(bytes)), "0H2K-4N6Q-8SAV-CXEZ");
    }

    #[test]
    fn a_code_is_known_however_it_is_typed_and_of_one_account_alone() {
        let own = digest(ADA, "0123-4567-89AB-CDEF");
        for typed in [
            "0123456789abcdef",
            "0123",
            "oi23 4567 89ab cdef",
            "OL23-4567-89AB-CDEF",
        ] {
            assert_eq!(digest(ADA, typed) == own, typed.len() > 4, "{typed}");
        }
        assert_ne!(digest(Id::new([2; 16]), "0123-4567-89AB-CDEF"), own);
        assert_ne!(digest(ADA, "0123-4567-89AB-CDEG"), own);
        // What follows the first 32 letters is not looked at.
        let long = "A".repeat(32);
        assert_eq!(digest(ADA, &long), digest(ADA, &format!("{long}B")));
        assert_ne!(digest(ADA, &long), digest(ADA, &long[1..]));
    }

    #[test]
    fn a_code_works_once_and_the_codes_are_shown_while_all_are_left() {
        let seed = Secret::new([1; 32]);
        let made = RecoveryCodes::new(&seed, ADA, NOW);
        assert_eq!(
            (made.left.len(), made.made_at, made.last_use),
            (10, NOW, None)
        );
        assert!(made.are_all_of(&seed, ADA));
        assert!(!made.are_all_of(&Secret::new([2; 32]), ADA));
        let code = digest(ADA, &codes(&seed)[3]);
        let this_use = Id::new([9; 16]);
        let left = made.redeem(&code, this_use).expect("one of them");
        assert_eq!((left.left.len(), left.last_use), (9, Some(this_use)));
        assert!(!left.contains(&code) && !left.are_all_of(&seed, ADA));
        assert_eq!(left.redeem(&code, this_use), None);
    }
}

//! The name by which users want to be called.

use thiserror::Error;

use crate::{deceptive::is_deceptive_char, email::nfc};

/// The longest name, in characters.
pub const LONGEST: usize = 64;

/// The display name of a user. It is not verified, and not unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

/// A name is too long, or has invisible characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the name is too long or has invisible characters")]
pub struct UnfitName;

impl DisplayName {
    /// Reads what somebody typed: in Unicode's composed form (NFC), with single spaces between its
    /// words and none around them. Nothing typed is no name.
    ///
    /// # Errors
    /// [`UnfitName`] for more than [`LONGEST`] characters, and for a control character, one that
    /// has no shape, or one that turns the reading direction.
    pub fn read(typed: &str) -> Result<Option<Self>, UnfitName> {
        let typed = typed.trim();
        // Normalising is for short texts.
        if typed.chars().take(4 * LONGEST + 1).count() > 4 * LONGEST || typed.chars().any(is_unfit)
        {
            return Err(UnfitName);
        }
        let words: Vec<_> = typed.split_whitespace().collect();
        let name = nfc(&words.join(" "));
        if name.chars().count() > LONGEST {
            return Err(UnfitName);
        }
        Ok((!name.is_empty()).then_some(Self(name)))
    }

    /// A name that [`read`](Self::read) gave before, such as one in a record.
    pub const fn read_before(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Line and paragraph separators are no control characters, and break lines all the same.
fn is_unfit(letter: char) -> bool {
    is_deceptive_char(letter) || matches!(letter, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Result<Option<String>, UnfitName> {
        DisplayName::read(typed).map(|name| name.map(|name| name.as_str().to_owned()))
    }

    #[test]
    fn a_name_is_what_people_are_called() {
        for name in [
            "Ada",
            "Ada Lovelace",
            "Jürgen Müller-Lüdenscheidt",
            "山田太郎",
            "عمر الخيام",
            "O’Brien, Jr. (42)",
            "🦊",
        ] {
            assert_eq!(read(name), Ok(Some(name.to_owned())), "{name}");
        }
        let longest = "ü".repeat(LONGEST);
        assert_eq!(read(&longest), Ok(Some(longest.clone())));
        // The same name, as some keyboards type it.
        assert_eq!(read(&"u\u{308}".repeat(LONGEST)), Ok(Some(longest)));
    }

    #[test]
    fn spaces_around_and_between_count_once() {
        assert_eq!(
            read(" \tAda \u{3000} Lovelace\n"),
            Ok(Some("Ada Lovelace".to_owned()))
        );
        for nothing in ["", " ", "\u{a0}", "\n", "\u{2028}"] {
            assert_eq!(read(nothing), Ok(None), "{nothing:?}");
        }
    }

    #[test]
    fn what_is_long_or_hidden_is_no_name() {
        let long = "a".repeat(LONGEST + 1);
        let longer = "u\u{308}".repeat(LONGEST + 1);
        let endless = "a\u{300}".repeat(100_000);
        for typed in [
            long.as_str(),
            &longer,
            &endless,
            "Ada\r\nVestibule-Scope: all",
            "Ada\0",
            "Ada\tLovelace",
            "Ada\u{85}Lovelace",
            "Ada\u{2028}Lovelace",
            "Ada \u{202e}ecalevoL",
            "Ada\u{2066}",
            "\u{200b}",
            "Ad\u{200d}a",
            "Ada\u{e0041}",
            "\u{feff}Ada",
        ] {
            assert_eq!(read(typed), Err(UnfitName), "{typed:?}");
        }
    }
}

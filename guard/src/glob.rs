//! Patterns of names.

/// The longest pattern in bytes.
const LONGEST: usize = 256;

/// A pattern of names: `*` stands for any characters, also for none, and every other character for
/// itself. Upper and lower case differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Reads a pattern of 1 to 256 bytes. `None` of one with control characters or with `**`, which
    /// means something else to those who write it.
    pub fn parse(text: &str) -> Option<Self> {
        let is_pattern = (1..=LONGEST).contains(&text.len())
            && !text.contains("**")
            && !text.chars().any(char::is_control);
        is_pattern.then(|| Self(text.to_owned()))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a name fits. It takes time in proportion to the pattern times the name at most: each
    /// part between asterisks is looked for once, at its earliest place.
    pub fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else {
            return name == self.0;
        };
        let Some(mut left) = name.strip_prefix(first) else {
            return false;
        };
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*') {
            match left.find(part) {
                Some(at) => left = &left[at + part.len()..],
                None => return false,
            }
        }
        left.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(text: &str) -> Glob {
        Glob::parse(text).expect("a pattern")
    }

    #[test]
    fn an_asterisk_stands_for_anything() {
        for (pattern, fitting, others) in [
            (
                "add_note",
                &["add_note"][..],
                &["add_notes", "Add_note", ""][..],
            ),
            (
                "add_*",
                &["add_", "add_note", "add_*"],
                &["add", "xadd_", ""],
            ),
            ("*", &["", "x", "\u{e9}"], &[]),
            ("*_note", &["_note", "add_note"], &["add_notes", "note"]),
            (
                "a*b",
                &["ab", "axb", "abb", "a\nb"],
                &["a", "b", "ba", "abx"],
            ),
            ("a*a", &["aa", "aba"], &["a"]),
            ("a*b*c", &["abc", "a1b2c", "abbcc"], &["acb", "ac", "abcd"]),
            ("*a*", &["a", "bab"], &["", "b"]),
        ] {
            let pattern = glob(pattern);
            for name in fitting {
                assert!(pattern.matches(name), "{pattern:?} {name}");
            }
            for name in others {
                assert!(!pattern.matches(name), "{pattern:?} {name}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "**", "a**b", "a\n", &"x".repeat(257)] {
            assert_eq!(Glob::parse(text), None, "{text}");
        }
        assert_eq!(glob(&"x".repeat(256)).as_str().len(), 256);
        assert!(Glob::parse("\u{e9}?[a]").is_some());
    }

    /// The same by trying every length of what an asterisk stands for.
    fn matches_slowly(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|at| matches_slowly(rest, &name[at..])),
            Some((letter, rest)) => {
                name.first() == Some(letter) && matches_slowly(rest, &name[1..])
            }
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_as_its_definition_says(
            pattern in r"[ab*\u{e9}]{1,7}", name in r"[ab\u{e9}]{0,8}"
        ) {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            if let Some(glob) = Glob::parse(&pattern) {
                prop_assert_eq!(
                    glob.matches(&name),
                    matches_slowly(&letters(&pattern), &letters(&name))
                );
            }
        }
    }
}

//! Names that outsiders chose, made fit to be shown. Leptos escapes them; this takes away what
//! deceives the eye.

use provider::is_deceptive_char;

/// Longest name shown, in characters: enough for any honest one, and too short to push the rest off
/// the page.
const NAME_LENGTH: usize = 60;
/// Longest sentence of a fault shown to a developer, in characters.
const SENTENCE_LENGTH: usize = 400;
/// Marks that may sit on one letter. More of them paint over the lines above and below.
const MARKS_IN_A_ROW: usize = 2;

/// A name of a client or a resource, or `fallback` when nothing visible is left of it (
/// T-D30).
pub(crate) fn name(outside: &str, fallback: &str) -> String {
    let visible = visible(outside, NAME_LENGTH);
    if visible.is_empty() {
        fallback.to_owned()
    } else {
        visible
    }
}

/// A sentence that may repeat what a request said.
pub(crate) fn sentence(outside: &str) -> String {
    visible(outside, SENTENCE_LENGTH)
}

/// Drops invisible and direction-changing characters, joins white space, thins piles of marks, cuts
/// to `length`.
fn visible(outside: &str, length: usize) -> String {
    let mut kept = String::new();
    let mut marks = 0;
    let mut gap = false;
    for letter in outside
        .chars()
        .filter(|&letter| letter.is_whitespace() || !is_deceptive_char(letter))
    {
        if letter.is_whitespace() {
            gap = !kept.is_empty();
            continue;
        }
        marks = if is_mark(letter) { marks + 1 } else { 0 };
        if marks > MARKS_IN_A_ROW {
            continue;
        }
        if kept.chars().count() >= length {
            return kept + "…";
        }
        if std::mem::take(&mut gap) {
            kept.push(' ');
        }
        kept.push(letter);
    }
    kept
}

/// Combining marks that stack.
fn is_mark(letter: char) -> bool {
    matches!(letter,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_names_stay() {
        for honest in [
            "Claude",
            "MCP Inspector",
            "Ärztekammer Köln",
            "מזהה",
            "メモ帳",
            "O'Reilly & Sons <3",
        ] {
            assert_eq!(name(honest, "x"), honest);
        }
    }

    #[test]
    fn t_d30_hostile_names_lose_what_misleads() {
        assert_eq!(name("Cl\u{200b}au\u{202e}de\u{0}\u{7}", "x"), "Claude");
        assert_eq!(
            name("  Claude \n\r\t by   us \u{2028} ", "x"),
            "Claude by us"
        );
        assert_eq!(
            name("\u{200b}\u{3164}\u{2800} ", "An application"),
            "An application"
        );
        assert_eq!(name("\u{e0041}\u{2066}A\u{2069}", "x"), "A");
    }

    #[test]
    fn t_d30_long_names_are_cut_between_characters() {
        let cut = name(&"é".repeat(10_000), "x");
        assert_eq!(cut.chars().count(), NAME_LENGTH + 1);
        assert!(cut.ends_with('…'));
        assert!(sentence(&"a ".repeat(10_000)).chars().count() <= SENTENCE_LENGTH + 2);
    }

    #[test]
    fn piles_of_marks_are_thinned() {
        assert_eq!(
            name(&format!("Z{}o", "\u{301}".repeat(40)), "x"),
            "Z\u{301}\u{301}o"
        );
    }
}

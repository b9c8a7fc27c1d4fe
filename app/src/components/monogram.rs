//! The monogram of a client or a resource: logos from other servers are never loaded.

use leptos::prelude::*;

/// Its initials. The tint comes from the host, so that the same name from elsewhere looks
/// different.
#[component]
pub(crate) fn Monogram<'a>(name: &'a str, host: &'a str) -> impl IntoView + use<> {
    view! { <span class="monogram" data-tint=tint(host) aria-hidden="true">{initials(name)}</span> }
}

const TINTS: u32 = 8;

/// First letters of the first two words, or a dot when there are none.
fn initials(name: &str) -> String {
    let words = name
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let letters: String = words
        .take(2)
        .filter_map(|word| word.chars().next())
        .flat_map(char::to_uppercase)
        .take(2)
        .collect();
    if letters.is_empty() {
        "·".to_owned()
    } else {
        letters
    }
}

/// FNV-1a of the host, folded onto the tints of the style sheet.
fn tint(host: &str) -> u32 {
    host.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    }) % TINTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_of_any_name() {
        for (name, expected) in [
            ("Claude", "C"),
            ("MCP Inspector", "MI"),
            ("claude code (mcp)", "CC"),
            ("メモ帳", "メ"),
            ("ßharp", "SS"),
            ("…", "·"),
            ("", "·"),
        ] {
            assert_eq!(initials(name), expected);
        }
    }

    #[test]
    fn the_tint_belongs_to_the_host() {
        assert_eq!(tint("claude.ai"), tint("claude.ai"));
        assert!((0..100).all(|number| tint(&number.to_string()) < TINTS));
        assert_ne!(tint("claude.ai"), tint("claude.ai.evil.example"));
    }
}

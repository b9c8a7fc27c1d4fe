//! Passwords that are guessed first: a common word, a name or a pattern of the keyboard, and what
//! people usually add to one.
//!
//! `common.txt` was put together for this program. It holds words and names, not whole passwords:
//! what is added in front or behind, capitals, and digits in place of letters are taken away before
//! a password is compared. So each word stands for thousands.

use std::{collections::HashSet, sync::LazyLock};

const LIST: &str = include_str!("common.txt");
static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| LIST.lines().collect());

/// Keys that lie beside each other, and orders that everybody knows.
const PATTERNS: [&str; 14] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "zaq1xsw2cde3vfr4bgt5nhy6mju7",
    "a1b2c3d4e5f6g7h8i9",
    "!@#$%^&*()",
];
/// The longest part of a password that adds next to nothing to a common word.
const DECORATION: usize = 4;
/// The longest pattern that is looked for around a word.
const MOST_ADDED: usize = 12;
/// Digits alone have to be so many.
const ENOUGH_DIGITS: usize = 16;
/// What is longer has no common word as its greater part, and would take long to look through.
const LONGEST_PATTERN: usize = 40;
/// Two common words together are one up to this length.
const TWO_WORDS: usize = 12;
/// The shortest name that a password must not be made of.
const SHORTEST_NAME: usize = 3;

/// Whether a password is among those that are guessed first.
pub(super) fn is_common(password: &str) -> bool {
    let lower: Vec<char> = password.to_lowercase().chars().collect();
    let digits = lower.len() < ENOUGH_DIGITS && lower.iter().all(char::is_ascii_digit);
    digits || is_plain(&lower) || readings(&lower).any(|reading| is_word_with_little_else(&reading))
}

/// Whether a password is a name that belongs to its user or its server, with little else: an
/// address, a part of it, or a title.
pub(super) fn is_made_of(password: &str, names: &[&str]) -> bool {
    let lower: Vec<char> = password.to_lowercase().chars().collect();
    let names: Vec<String> = names.iter().flat_map(|name| parts(name)).collect();
    let told = |reading: &[char]| {
        names
            .iter()
            .any(|name| decorates(reading, &name.chars().collect::<Vec<_>>()))
    };
    readings(&lower).any(|reading| told(&reading))
}

/// The letters and digits of a text.
fn joined(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect()
}

/// A name as a whole, without what is no letter or digit, and its parts.
fn parts(name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    let sides = name
        .split('@')
        .flat_map(|side| [side.to_owned(), joined(side)]);
    let labels = name
        .split(['@', '.'])
        .flat_map(|label| [label.to_owned(), joined(label)]);
    let pieces = name
        .split(|letter: char| !letter.is_alphanumeric())
        .map(str::to_owned);
    let all = [name.clone(), joined(&name)]
        .into_iter()
        .chain(sides)
        .chain(labels)
        .chain(pieces);
    all.filter(|part| part.chars().count() >= SHORTEST_NAME)
        .collect()
}

/// The password as it is, and with the letters that its digits and signs usually stand for.
fn readings(lower: &[char]) -> impl Iterator<Item = Vec<char>> {
    let read = |one: char| {
        move |letter: &char| match letter {
            '0' => 'o',
            '1' | '!' | '|' => one,
            '3' | '\u{20ac}' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' | '+' => 't',
            '8' => 'b',
            '9' => 'g',
            letter => *letter,
        }
    };
    // What is behind a word is rarely part of it: "sunshine1" is no "sunshinei". The last letter
    // stands for itself.
    let body = lower
        .iter()
        .rposition(|letter| letter.is_alphabetic())
        .unwrap_or_default();
    let with = |one| {
        lower[..body]
            .iter()
            .map(read(one))
            .chain(lower[body..].iter().copied())
            .collect::<Vec<_>>()
    };
    [lower.to_vec(), with('i'), with('l')].into_iter()
}

fn is_word_with_little_else(password: &[char]) -> bool {
    let length = password.len();
    if length > LONGEST_PATTERN {
        return false;
    }
    let most = MOST_ADDED.min(length);
    let mut cuts =
        (0..=most).flat_map(|start| (0..=most - start).map(move |behind| (start, length - behind)));
    cuts.any(|(start, end)| {
        is_word(&password[start..end])
            && adds_little(&[&password[..start], &password[end..]].concat())
    })
}

/// A word, the same word several times, or two short ones.
fn is_word(letters: &[char]) -> bool {
    let known = |part: &[char]| WORDS.contains(part.iter().collect::<String>().as_str());
    let length = letters.len();
    let repeated = |unit: &usize| {
        length.is_multiple_of(*unit) && is_periodic(letters, *unit) && known(&letters[..*unit])
    };
    let two = || {
        length <= TWO_WORDS
            && (3..=length.saturating_sub(3))
                .any(|at| known(&letters[..at]) && known(&letters[at..]))
    };
    known(letters) || (3..length).any(|unit| repeated(&unit)) || two()
}

/// Whether a password is a word and what adds little to it.
fn decorates(password: &[char], word: &[char]) -> bool {
    let place = password.windows(word.len()).position(|part| part == word);
    place.is_some_and(|start| {
        adds_little(&[&password[..start], &password[start + word.len()..]].concat())
    })
}

/// A few letters or digits, a year or a pattern, with some signs.
fn adds_little(rest: &[char]) -> bool {
    let solid: Vec<char> = rest
        .iter()
        .copied()
        .filter(|letter| letter.is_alphanumeric())
        .collect();
    let short = solid.len() <= DECORATION && rest.len() <= 2 * DECORATION;
    short || is_plain(rest) || (!solid.is_empty() && is_plain(&solid))
}

/// Whether it has a pattern and nothing else: few different characters, something short over and
/// over, or keys in a row.
fn is_plain(letters: &[char]) -> bool {
    let different: HashSet<_> = letters.iter().collect();
    let repeats = (1..=4).any(|unit| 2 * unit <= letters.len() && is_periodic(letters, unit));
    different.len() <= 2 || repeats || is_in_rows(letters)
}

fn is_periodic(letters: &[char], unit: usize) -> bool {
    letters
        .iter()
        .zip(letters.iter().skip(unit))
        .all(|(one, next)| one == next)
}

/// Whether it can be cut into pieces of three and more that are each part of a pattern, forwards or
/// backwards.
fn is_in_rows(letters: &[char]) -> bool {
    let mut rest = letters;
    while !rest.is_empty() {
        let longest = (3..=rest.len())
            .rev()
            .find(|length| is_in_a_row(&rest[..*length]));
        let Some(length) = longest else { return false };
        rest = &rest[length..];
    }
    true
}

fn is_in_a_row(letters: &[char]) -> bool {
    let (forwards, backwards): (String, String) =
        (letters.iter().collect(), letters.iter().rev().collect());
    let same = letters.iter().all(|letter| Some(letter) == letters.first());
    same || PATTERNS
        .iter()
        .any(|pattern| pattern.contains(&forwards) || pattern.contains(&backwards))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_common() {
        for password in [
            "password",
            "Password1",
            "P@ssw0rd",
            "P@$$w0rd!",
            "passw0rd123",
            "password123456",
            "12345678",
            "1234567890",
            "87654321",
            "11111111",
            "00000000",
            "19841984",
            "20240101",
            "123123123",
            "qwertyui",
            "qwerty123",
            "qwerty123456",
            "qwertyuiop",
            "asdfghjkl",
            "1q2w3e4r",
            "1q2w3e4r5t",
            "1qaz2wsx",
            "zaq12wsx",
            "qazwsxedc",
            "abcd1234",
            "abcdefgh",
            "a1b2c3d4e5f6",
            "iloveyou",
            "iloveyou2",
            "ILoveYou!",
            "sunshine",
            "Sunshine2024",
            "princess",
            "football1",
            "baseball",
            "superman",
            "batman123",
            "trustno1",
            "letmein123",
            "welcome1",
            "Welcome2023!",
            "admin123",
            "administrator",
            "changeme",
            "monkey123",
            "dragon12",
            "jennifer",
            "michelle1",
            "jessica1",
            "charlie1",
            "starwars",
            "whatever",
            "computer1",
            "internet",
            "liverpool",
            "chelsea1",
            "mustang1",
            "corvette",
            "mercedes",
            "butterfly",
            "chocolate",
            "lovelove",
            "aaaaaaaa",
            "abababab",
            "abcabcabc",
            "asdasdasd",
            "fuckyou1",
            "asshole1",
            "master123",
            "shadow12",
            "michael1",
            "pokemon1",
            "minecraft",
            "spiderman",
            "metallica",
            "samantha",
            "rush2112",
            "1qazxsw2",
            "!@#$%^&*",
            "passpass",
            "test1234",
            "hello123",
            "secret123",
            "summer2024",
            "Winter2023!",
            "august2024",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn what_nobody_guesses_is_not() {
        for password in [
            "a quiet room with a view",
            "correct horse battery staple",
            "tangerine-otter-41",
            "xK9#mPq2vL",
            "gimlet9harbour",
            "7hQ2-zzPa-91Lk",
            "umbrella under the piano",
            "olive trombone",
            "4815926535897932",
            "\u{43f}\u{430}\u{440}\u{43e}\u{432}\u{43e}\u{437} \u{438} \u{437}\u{438}\u{43c}\u{430}",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }

    fn letters(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn digits_inside_of_a_word_are_read_as_letters_and_those_behind_it_are_not() {
        let read: Vec<_> = readings(&letters("drag0n10")).collect();
        assert!(read.contains(&letters("dragon10")) && !read.contains(&letters("dragonio")));
    }

    #[test]
    fn a_long_password_is_not_searched_for_words() {
        let word = "password".repeat(4);
        let is_common = |signs| is_word_with_little_else(&letters(&(word.clone() + signs)));
        assert!(is_common("!!!!!!!!") && !is_common("!!!!!!!!!") && !is_common("!!!!!!!!!!"));
    }

    #[test]
    fn a_word_is_one_of_the_list_or_a_repeated_one_or_two_short_ones() {
        for word in [
            "monkey",
            "passwordpassword",
            "monkeymonkeymonkey",
            "lovemonkey",
            "lovedragon",
        ] {
            assert!(is_word(&letters(word)), "{word}");
        }
        for other in [
            "",
            "lo",
            "monkeyzzqqxx",
            "zzqqxxmonkey",
            "monkeypassword",
            "monkeymonke",
        ] {
            assert!(!is_word(&letters(other)), "{other}");
        }
    }

    #[test]
    fn four_letters_or_digits_or_a_pattern_add_little() {
        for little in [
            "",
            "w9k2",
            "----w9k2",
            "!!!!!!!!!",
            "1-2-3-4-5-6",
            "1234567890",
        ] {
            assert!(adds_little(&letters(little)), "{little}");
        }
        for much in ["w9k2x", "-.-.-w9k2", "-.,:;+*#/"] {
            assert!(!adds_little(&letters(much)), "{much}");
        }
    }

    #[test]
    fn a_pattern_has_two_characters_or_repeats_or_is_in_rows_of_the_keyboard() {
        for plain in [
            "abaabbb",
            "w9kw9k",
            "w9k2w9k2",
            "w9kw9kw",
            "qwertasdf",
            "zzzqwe",
        ] {
            assert!(is_plain(&letters(plain)), "{plain}");
        }
        for other in ["w9k2w9", "w9k2xw9k2x", "qwertyx"] {
            assert!(!is_plain(&letters(other)), "{other}");
        }
        assert!(is_in_a_row(&letters("zzz")) && is_in_a_row(&letters("tre")));
        assert!(!is_in_a_row(&letters("zzy")));
    }

    #[test]
    fn the_own_address_and_the_name_of_the_server_are_no_password() {
        let names = ["Ada.Lovelace+x@analytical-engine.example", "Vestibule"];
        for password in [
            "ada.lovelace+x@analytical-engine.example",
            "Ada.Lovelace+x",
            "adalovelacex",
            "lovelace",
            "Lovelace1815",
            "L0velace!",
            "analytical-engine",
            "AnalyticalEngine1",
            "analytical",
            "Vestibule",
            "vestibule2024",
            "ada12345",
        ] {
            assert!(is_made_of(password, &names), "{password}");
        }
        for password in ["lovelace counts to seventeen", "a quiet room with a view"] {
            assert!(!is_made_of(password, &names), "{password}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_in_lower_case() {
        let words: Vec<_> = LIST.lines().collect();
        assert!(words.is_sorted() && words.len() > 1000);
        assert!(words.iter().all(|word| {
            word.len() >= 3
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        }));
    }
}

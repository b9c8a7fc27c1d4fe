//! What differs between what was asked for and what is known.

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it is known.
    Same(String),
    /// Not as it is known.
    Different(String),
}

/// Marks in an address what differs from the known one that is closest to it. Where nothing is
/// known, or nothing is similar, nothing is marked. What is missing is marked by the character in
/// front of it.
pub(crate) fn of_address(asked: &str, known: &[String]) -> Vec<Piece> {
    let letters: Vec<char> = asked.chars().collect();
    let similarity = |known: &String| {
        let other: Vec<char> = known.chars().collect();
        let shorter = letters.len().min(other.len());
        let start = letters
            .iter()
            .zip(&other)
            .take_while(|(one, other)| one == other)
            .count();
        let end = letters
            .iter()
            .rev()
            .zip(other.iter().rev())
            .take_while(|(one, other)| one == other)
            .count();
        (start, end.min(shorter - start))
    };
    let closest = known
        .iter()
        .map(similarity)
        .max_by_key(|(start, end)| start + end);
    let Some((start, end)) = closest.filter(|(start, end)| start + end > 0) else {
        return pieces([(false, asked.to_owned())]);
    };
    let (mut start, rest) = (start, letters.len() - end);
    if start == rest && known.iter().all(|known| known != asked) {
        start = start.saturating_sub(1);
    }
    let text = |range: std::ops::Range<usize>| letters[range].iter().collect::<String>();
    pieces([
        (false, text(0..start)),
        (true, text(start..rest)),
        (false, text(rest..letters.len())),
    ])
}

/// Marks the words that are not known.
pub(crate) fn of_words(asked: &str, known: &[String]) -> Vec<Piece> {
    let words = asked.split(' ').enumerate();
    pieces(words.flat_map(|(index, word)| {
        let gap = if index == 0 { "" } else { " " };
        [
            (false, gap.to_owned()),
            (known.iter().all(|known| known != word), word.to_owned()),
        ]
    }))
}

fn pieces(parts: impl IntoIterator<Item = (bool, String)>) -> Vec<Piece> {
    let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
    parts
        .map(|(differs, text)| {
            if differs {
                Piece::Different(text)
            } else {
                Piece::Same(text)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the difference in brackets.
    fn told(pieces: Vec<Piece>) -> String {
        let told = pieces.into_iter().map(|piece| match piece {
            Piece::Same(text) => text,
            Piece::Different(text) => format!("[{text}]"),
        });
        told.collect()
    }

    #[test]
    fn an_address_is_compared_with_the_closest_one() {
        let known = ["https://a.example/callback", "http://127.0.0.1/cb"].map(str::to_owned);
        for (asked, marked) in [
            (
                "https://a.example/callback/",
                "https://a.example/callback[/]",
            ),
            ("https://a.example/Callback", "https://a.example/[C]allback"),
            (
                "https://evil.example/callback",
                "https://[evil].example/callback",
            ),
            ("http://127.0.0.1/cb?x=1", "http://127.0.0.1/cb[?x=1]"),
            ("https://a.example/callbac", "https://a.example/callba[c]"),
            ("https://a.examplé/callback", "https://a.exampl[é]/callback"),
            ("https://a.example/callback", "https://a.example/callback"),
            ("", ""),
        ] {
            assert_eq!(told(of_address(asked, &known)), marked);
        }
        assert_eq!(
            told(of_address("https://a.example", &[])),
            "https://a.example"
        );
        assert_eq!(told(of_address("aa", &["aaa".to_owned()])), "a[a]");
    }

    #[test]
    fn words_are_compared_one_by_one() {
        let known = ["read", "write"].map(str::to_owned);
        assert_eq!(
            told(of_words("read burn write read:all", &known)),
            "read [burn] write [read:all]"
        );
        assert_eq!(told(of_words("read", &[])), "[read]");
    }
}

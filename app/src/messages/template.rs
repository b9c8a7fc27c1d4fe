//! Sentences with markup inside: "to let {client} use {resource}".

/// A sentence with named slots. Where it is filled, `components::sentence!` compares
/// the names with those given, so that a slot forgotten or misspelt does not compile; in which
/// order they stand is for the language to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Template(&'static str);

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Words.
    Words(&'static str),
    /// The slot of this name.
    Slot(&'static str),
}

impl Template {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// Whether its slots are exactly these, each once.
    const fn takes(self, names: &[&str]) -> bool {
        let mut rest = self.0.as_bytes();
        let mut slots = 0;
        while let Some((name, after)) = next_slot(rest) {
            if !holds(names, name) {
                return false;
            }
            (rest, slots) = (after, slots + 1);
        }
        let mut index = 0;
        while index < names.len() {
            if !self.names(names[index].as_bytes()) {
                return false;
            }
            index += 1;
        }
        slots == names.len()
    }

    /// Does not compile unless its slots are exactly these.
    pub(crate) const fn require(self, names: &[&str]) {
        assert!(self.takes(names), "these are not the slots of the sentence");
    }

    /// Its parts in their order.
    pub(crate) fn pieces(self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for part in self.0.split_inclusive('}') {
            let (words, slot) = part.split_once('{').map_or((part, None), |(words, slot)| {
                (words, slot.strip_suffix('}'))
            });
            pieces.extend((!words.is_empty()).then_some(Piece::Words(words)));
            pieces.extend(slot.map(Piece::Slot));
        }
        pieces
    }

    const fn names(self, wanted: &[u8]) -> bool {
        let mut rest = self.0.as_bytes();
        while let Some((name, after)) = next_slot(rest) {
            if same(name, wanted) {
                return true;
            }
            rest = after;
        }
        false
    }
}

/// The name in the first slot, and what comes after it.
const fn next_slot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut open = 0;
    while open < text.len() && text[open] != b'{' {
        open += 1;
    }
    let mut close = open;
    while close < text.len() && text[close] != b'}' {
        close += 1;
    }
    if close == text.len() {
        return None;
    }
    let (before, after) = text.split_at(close);
    Some((before.split_at(open + 1).1, after.split_at(1).1))
}

const fn holds(names: &[&str], wanted: &[u8]) -> bool {
    let mut index = 0;
    while index < names.len() {
        if same(names[index].as_bytes(), wanted) {
            return true;
        }
        index += 1;
    }
    false
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_falls_into_its_pieces() {
        let pieces = Template::new("to let {client} use {resource}.").pieces();
        let expected = [
            Piece::Words("to let "),
            Piece::Slot("client"),
            Piece::Words(" use "),
            Piece::Slot("resource"),
            Piece::Words("."),
        ];
        assert_eq!(pieces, expected);
        assert_eq!(
            Template::new("{who}{what}").pieces(),
            [Piece::Slot("who"), Piece::Slot("what")]
        );
        assert_eq!(Template::new("plain").pieces(), [Piece::Words("plain")]);
    }

    #[test]
    fn a_template_takes_its_own_slots_alone() {
        let template = Template::new("to let {client} use {resource}.");
        assert!(template.takes(&["client", "resource"]) && template.takes(&["resource", "client"]));
        for wrong in [
            &["client"][..],
            &["client", "resources"],
            &["client", "resource", "host"],
            &["client", "client"],
            &[],
        ] {
            assert!(!template.takes(wrong), "{wrong:?}");
        }
        assert!(!Template::new("{client} and {client}").takes(&["client", "resource"]));
        assert!(Template::new("plain").takes(&[]));
    }
}

//! Unknown members of records, which are preserved, since servers of two versions may share a
//! store.
//!
//! There are three forms of a record: the stored bytes, the part that this version knows, and the
//! next value. Unchanged members stay as stored; in changed ones, unknown members stay.

use serde_json::{Map, Value};

/// The next bytes, with the unknown members of the stored ones. `known` is the part of the stored
/// bytes that this version knows.
pub(super) fn with_unknown_members(stored: &[u8], known: &[u8], next: Vec<u8>) -> Vec<u8> {
    if stored == known {
        return next;
    }
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    match (read(stored), read(known), read(&next)) {
        (Some(stored), Some(known), Some(wanted)) => {
            if is_known_whole(&stored, &known) {
                return next;
            }
            merged(stored, &known, wanted).to_string().into_bytes()
        }
        _ => next,
    }
}

/// Whether the stored members differ from the known ones only in their order, or in the version
/// that earlier releases did not write.
fn is_known_whole(stored: &Value, known: &Value) -> bool {
    let (Value::Object(stored), Value::Object(known)) = (stored, known) else {
        return stored == known;
    };
    known.iter().all(|(name, value)| match stored.get(name) {
        Some(there) => there == value,
        None => name == "v",
    }) && stored.keys().all(|name| known.contains_key(name))
}

fn merged(stored: Value, known: &Value, next: Value) -> Value {
    if *known == next {
        return stored;
    }
    match (stored, known, next) {
        (Value::Object(stored), Value::Object(known), Value::Object(next)) => {
            Value::Object(members(stored, known, next))
        }
        (Value::Array(stored), Value::Array(known), Value::Array(next))
            if stored.len() == known.len() =>
        {
            Value::Array(elements(stored, known, next))
        }
        (_, _, next) => next,
    }
}

fn members(
    stored: Map<String, Value>,
    known: &Map<String, Value>,
    mut next: Map<String, Value>,
) -> Map<String, Value> {
    for (name, value) in stored {
        match (known.get(&name), next.get_mut(&name)) {
            (Some(known), Some(next)) => *next = merged(value, known, next.take()),
            (None, None) => _ = next.insert(name, value),
            // It was removed deliberately, or has a new value.
            (Some(_), None) | (None, Some(_)) => {}
        }
    }
    next
}

/// Unchanged elements are matched by their known members. Changed ones are matched by their
/// position if the number of elements is the same, or if there is only one.
fn elements(stored: Vec<Value>, known: &[Value], mut next: Vec<Value>) -> Vec<Value> {
    let mut left: Vec<_> = stored.into_iter().zip(known).map(Some).collect();
    let mut changed = Vec::new();
    for (place, element) in next.iter_mut().enumerate() {
        let same = left
            .iter_mut()
            .find(|pair| pair.as_ref().is_some_and(|(_, known)| **known == *element));
        match same.and_then(Option::take) {
            Some((stored, _)) => *element = stored,
            None => changed.push(place),
        }
    }
    let as_many = left.len() == next.len();
    let mut rest = left
        .iter_mut()
        .enumerate()
        .filter(|(_, pair)| pair.is_some());
    let only = match (changed.as_slice(), rest.next(), rest.next()) {
        ([place], Some((from, _)), None) => Some((*place, from)),
        _ => None,
    };
    let pairs = if as_many {
        changed.into_iter().map(|place| (place, place)).collect()
    } else {
        Vec::from_iter(only)
    };
    for (place, from) in pairs {
        if let Some((stored, known)) = left[from].take() {
            next[place] = merged(stored, known, next[place].take());
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn handed(stored: &Value, known: &Value, next: &Value) -> Value {
        let bytes = |value: &Value| value.to_string().into_bytes();
        serde_json::from_slice(&with_unknown_members(
            &bytes(stored),
            &bytes(known),
            bytes(next),
        ))
        .expect("JSON")
    }

    #[test]
    fn unknown_members_stay_at_every_depth_and_what_is_taken_out_goes() {
        let stored = json!({"a": 1, "b": {"c": 2, "new": [1]}, "gone": 3, "new": {"x": null}, "kind": "of tomorrow"});
        let known = json!({"a": 1, "b": {"c": 2}, "gone": 3, "kind": "unknown", "later": null});
        let next = json!({"a": 5, "b": {"c": 6}, "kind": "unknown", "later": 7});
        let expected = json!({"a": 5, "b": {"c": 6, "new": [1]}, "new": {"x": null}, "kind": "of tomorrow", "later": 7});
        assert_eq!(handed(&stored, &known, &next), expected);
    }

    #[test]
    fn elements_are_found_though_others_come_and_go() {
        let stored = json!([{"id": 1, "n": 1, "new": "a"}, {"id": 2, "n": 1, "new": "b"}, {"id": 3, "n": 1, "new": "c"}]);
        let known = json!([{"id": 1, "n": 1}, {"id": 2, "n": 1}, {"id": 3, "n": 1}]);
        for (next, expected) in [
            (
                json!([{"id": 1, "n": 1}, {"id": 2, "n": 9}, {"id": 3, "n": 1}]),
                json!(["a", "b", "c"]),
            ),
            (
                json!([{"id": 9, "n": 1}, {"id": 1, "n": 1}, {"id": 2, "n": 1}, {"id": 3, "n": 1}]),
                json!([null, "a", "b", "c"]),
            ),
            (
                json!([{"id": 1, "n": 1}, {"id": 3, "n": 1}]),
                json!(["a", "c"]),
            ),
            (
                json!([{"id": 3, "n": 1}, {"id": 1, "n": 1}]),
                json!(["c", "a"]),
            ),
            (
                json!([{"id": 1, "n": 5}, {"id": 2, "n": 5}, {"id": 3, "n": 1}]),
                json!(["a", "b", "c"]),
            ),
            (json!([]), json!([])),
        ] {
            let handed = handed(&stored, &known, &next);
            let news: Vec<_> = handed
                .as_array()
                .expect("an array")
                .iter()
                .map(|one| one["new"].clone())
                .collect();
            assert_eq!(Value::Array(news), expected, "{next}");
        }
    }

    #[test]
    fn what_is_known_whole_is_written_as_it_is() {
        let next = br#"{"b":1,"a":2}"#.to_vec();
        for stored in [&br#"{"a":1,"b":1}"#[..], br#"{"v":1,"a":1,"b":1}"#] {
            let known = br#"{"v":1,"b":1,"a":1}"#;
            assert_eq!(with_unknown_members(stored, known, next.clone()), next);
        }
        assert_eq!(with_unknown_members(b"{}", b"{}", next.clone()), next);
        assert_eq!(with_unknown_members(b"no JSON", b"{}", next.clone()), next);
    }
}

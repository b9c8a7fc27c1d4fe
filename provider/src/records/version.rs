//! The version that a record carries.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The newest version that this release reads and writes.
pub(crate) const NEWEST: u32 = 1;

/// The member `v` of a record of version 1. Releases that wrote no version wrote version 1, so a
/// shape reads it with `#[serde(default)]`. Another number is an error: such a record is not read
/// as if it were ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct V1;

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(1)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            1 => Ok(Self),
            other => Err(de::Error::custom(newer(other))),
        }
    }
}

/// The error of a record of another version.
fn newer(version: u32) -> String {
    format!(
        "the record has version {version}, and this release reads version {NEWEST}: it needs a \
         newer release"
    )
}

/// Why a record cannot be read, where that is its version: the shape may have failed earlier, at a
/// member that the other version spells otherwise.
pub(super) fn fault_of(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Stamp {
        v: u32,
    }
    let Stamp { v } = serde_json::from_slice(bytes).ok()?;
    (v != NEWEST).then(|| newer(v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Shape {
        #[serde(default)]
        v: V1,
        member: u8,
    }

    #[test]
    fn a_record_without_a_version_is_of_version_1_and_gets_it_when_written() {
        let read: Shape = serde_json::from_str(r#"{"member":7}"#).expect("readable");
        assert_eq!(
            serde_json::to_string(&read).expect("JSON"),
            r#"{"v":1,"member":7}"#
        );
    }

    #[test]
    fn another_version_is_not_read_and_is_named() {
        for other in [0, 2, 900] {
            let text = format!(r#"{{"member":7,"v":{other}}}"#);
            let error = serde_json::from_str::<Shape>(&text).expect_err("another version");
            let named = format!("version {other}");
            assert!(error.to_string().contains(&named), "{error}");
            let fault = fault_of(text.as_bytes()).expect("a fault");
            assert!(fault.contains(&named), "{fault}");
        }
        assert_eq!(fault_of(br#"{"v":1,"member":"seven"}"#), None);
        assert_eq!(fault_of(b"7"), None);
    }
}

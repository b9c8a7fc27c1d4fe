//! Texts of identifiers and secrets: they are read back, and nothing else is read as one.

use primitives::{Id, Secret};
use proptest::{
    array::{uniform16, uniform32},
    prelude::*,
};

proptest! {
    #[test]
    fn secrets_and_identifiers_are_read_back(secret in uniform32(any::<u8>()), bytes in uniform16(any::<u8>())) {
        let secret = Secret::new(secret);
        prop_assert_eq!(Secret::decode(&secret.encode()), Some(secret));
        let id = Id::new(bytes);
        prop_assert_eq!(Id::parse(&id.to_string()), Some(id));
        prop_assert_eq!(id.bytes(), bytes);
    }

    #[test]
    fn every_secret_and_identifier_has_one_text(text in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{22}", "[A-Za-z0-9_-]{43}"]) {
        prop_assert!(Secret::decode(&text).is_none_or(|secret| secret.encode() == text));
        prop_assert!(Id::parse(&text).is_none_or(|id| id.to_string() == text));
    }
}

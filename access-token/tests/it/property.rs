//! Properties of all inputs.

use access_token::{KeySet, SealedRing, SealingKey, VerifyingKey};
use proptest::prelude::*;

use crate::support::{NOON, block_on, service, token, verifier};

proptest! {
    #[test]
    fn arbitrary_input_neither_panics_nor_passes(text in "\\PC*", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let verifier = verifier(&service());
        let loose = String::from_utf8_lossy(&bytes);
        for body in [text.as_str(), &loose] {
            for token in [body.to_owned(), format!("v4.public.{body}"), format!("v4.public.{body}.{body}")] {
                prop_assert!(block_on(verifier.verify(&token, NOON)).is_err());
            }
            prop_assert!(body.parse::<VerifyingKey>().is_err());
            prop_assert!(body.parse::<SealingKey>().is_err());
        }
        let _either = serde_json::from_slice::<KeySet>(&bytes);
        let _either = serde_json::from_slice::<SealedRing>(&bytes);
    }

    #[test]
    fn well_formed_random_tokens_never_pass(message in "[A-Za-z0-9_-]{0,400}", footer in "[A-Za-z0-9_-]{0,400}") {
        let verifier = verifier(&service());
        let invented = format!("v4.public.{message}.{footer}");
        prop_assert!(block_on(verifier.verify(&invented, NOON)).is_err());
        let own = token(&service(), NOON, "");
        let (_, known) = own.rsplit_once('.').expect("a footer");
        let unsigned = format!("v4.public.{message}.{known}");
        prop_assert!(block_on(verifier.verify(&unsigned, NOON)).is_err());
    }

    #[test]
    fn a_changed_token_never_passes(at in any::<prop::sample::Index>(), other in "[\\x00-\\x7e]", cut in any::<bool>()) {
        let service = service();
        let good = token(&service, NOON, "notes:read");
        let at = at.index(good.len());
        let changed = if cut { good[..at].to_owned() } else { format!("{}{other}{}", &good[..at], &good[at + 1..]) };
        prop_assume!(changed != good);
        prop_assert!(block_on(verifier(&service).verify(&changed, NOON)).is_err());
    }
}

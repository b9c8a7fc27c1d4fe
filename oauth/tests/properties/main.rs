//! What holds for every input, not only for those that someone thought of.
//!
//! Judged by independent means where there are any: URLs by the `url` crate, the life of a grant by
//! a model of its own.

mod addresses;
mod assertions;
mod documents;
mod grants;
mod readers;
mod texts;

use oauth::{
    Timestamp,
    client::{Authentication, Client, Origin},
    redirect::RedirectUri,
    resource::{Resource, ResourceIdentifier, ScopeDescription},
};
use proptest::prelude::ProptestConfig;

/// As often as usual (`PROPTEST_CASES` says how often that is), times a number: where hostile input
/// is rare among random input.
fn more_often(times: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases * times,
        ..usual
    }
}

/// The characters that an error description may hold (O22).
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

/// A client with these redirect URIs.
fn client(redirect_uris: Vec<RedirectUri>) -> Client {
    Client {
        id: "vc_client".to_owned(),
        name: None,
        redirect_uris,
        authentication: Authentication::None,
        refreshes: true,
        origin: Origin::Added,
        created_at: Timestamp::from_seconds(0),
    }
}

/// A resource with these scopes.
fn resource(scopes: &[&str]) -> Resource {
    let describe = |name: &&str| ScopeDescription {
        name: (*name).to_owned(),
        sentence: String::new(),
        default: true,
    };
    Resource {
        identifier: ResourceIdentifier::parse("https://notes.example/mcp")
            .expect("a valid identifier"),
        name: "Notes".to_owned(),
        scopes: scopes.iter().map(describe).collect(),
        introspection_secret: None,
    }
}

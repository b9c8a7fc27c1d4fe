//! What holds for every input, not only for those that someone thought of.
//!
//! Judged by independent means where there are any: URLs by the `url` crate, the life of a grant by
//! a model of its own.

mod addresses;
mod grants;
mod readers;
mod strategies;
mod texts;

use oauth::resource::{Resource, ResourceIdentifier, ScopeDescription};

/// A resource with these scopes.
fn resource(scopes: &[&str]) -> Resource {
    let describe = |name: &&str| ScopeDescription {
        name: (*name).to_owned(),
        sentence: String::new(),
        default: true,
    };
    Resource::new(
        ResourceIdentifier::parse("https://notes.example/mcp").expect("a valid identifier"),
        "Notes".to_owned(),
        scopes.iter().map(describe).collect(),
    )
}

//! A public type name means one thing in all crates (docs/GLOSSARY.md).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const KINDS: [&str; 3] = ["pub struct ", "pub enum ", "pub trait "];

#[test]
fn a_public_type_name_has_one_meaning() {
    let mut crates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in fs::read_dir(root()).expect("the workspace") {
        let folder = entry.expect("an entry").path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let sources = folder.join("src");
        if sources.is_dir() && folder.join("Cargo.toml").is_file() {
            collect(&sources, &name, &mut crates);
        }
    }
    let ambiguous: Vec<_> = crates.iter().filter(|(_, of)| of.len() > 1).collect();
    assert!(
        ambiguous.is_empty(),
        "declared in two crates: {ambiguous:?}"
    );
}

#[test]
fn declarations_are_read_by_name() {
    assert_eq!(declared("pub struct Grant<'a> {"), Some("Grant"));
    assert_eq!(declared("pub enum Prompt {"), Some("Prompt"));
    assert_eq!(declared("pub trait Clock: Send {"), Some("Clock"));
    assert_eq!(declared("    pub struct Inner;"), None);
    assert_eq!(declared("pub(crate) struct Own;"), None);
}

#[test]
fn the_glossary_is_short() {
    let glossary = fs::read_to_string(root().join("docs/GLOSSARY.md")).expect("the glossary");
    let entries = glossary.lines().filter(|line| line.starts_with("| **"));
    assert!((1..=25).contains(&entries.count()));
}

fn collect(folder: &Path, of: &str, crates: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, of, crates);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("a text");
            for name in source.lines().filter_map(declared) {
                crates
                    .entry(name.to_owned())
                    .or_default()
                    .insert(of.to_owned());
            }
        }
    }
}

/// The name of a public type that is declared at the top level.
fn declared(line: &str) -> Option<&str> {
    let rest = KINDS.iter().find_map(|kind| line.strip_prefix(kind))?;
    rest.split(|letter: char| !letter.is_alphanumeric()).next()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

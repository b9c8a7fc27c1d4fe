//! Every record that a release has written can be read, and written again without losing anything:
//! one golden file for each kind and state, in a folder for each version.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};
use store::{Store, StoreLocation, Ttl};
use testkit::RedisServer;

use super::keys::Kind;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// A golden record: `{kind}.json`, or `{kind}.{state}.json`.
struct Golden {
    name: String,
    kind: Kind,
    bytes: Vec<u8>,
}

impl Golden {
    fn read(path: &Path) -> Self {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.expect("a name").to_owned();
        let prefix = name.split('.').next().unwrap_or_default();
        let kind = Kind::ALL
            .iter()
            .find(|kind| kind_name(**kind) == prefix)
            .unwrap_or_else(|| panic!("{name} is of no kind"));
        Self {
            kind: *kind,
            bytes: fs::read(path).expect("a golden file"),
            name,
        }
    }

    /// Those of a version, by the name of its folder.
    fn of(version: &Path) -> Vec<Self> {
        files(version).iter().map(|path| Self::read(path)).collect()
    }

    /// Those of every version.
    fn all() -> Vec<Self> {
        files(Path::new(FOLDER))
            .iter()
            .flat_map(|version| Self::of(version))
            .collect()
    }

    fn value(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Whether it has members, and can have a version. Blocked hosts are a map by host.
    fn has_members(&self) -> bool {
        self.value().is_object() && self.kind != Kind::BlockedHosts
    }

    fn key(&self) -> String {
        format!("{}{}", self.kind.prefix(), self.name)
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn kind_name(kind: Kind) -> &'static str {
    kind.prefix().trim_end_matches(':')
}

/// Whether a record contains all of another one: it may have more members, such as the version, and
/// those with a default.
fn says(record: &Value, other: &Value) -> bool {
    match (record, other) {
        (Value::Object(record), Value::Object(other)) => other.iter().all(|(name, value)| {
            record
                .get(name)
                .map_or(value.is_null(), |there| says(there, value))
        }),
        (Value::Array(record), Value::Array(other)) => {
            record.len() == other.len() && record.iter().zip(other).all(|(a, b)| says(a, b))
        }
        _ => record == other,
    }
}

#[test]
fn every_kind_has_a_golden_record() {
    let newest = Path::new(FOLDER).join(format!("v{}", super::version::NEWEST));
    let there: BTreeSet<_> = Golden::of(&newest)
        .iter()
        .map(|golden| golden.kind)
        .collect();
    for kind in Kind::ALL {
        assert!(there.contains(kind), "no golden record of {kind:?}");
    }
}

#[test]
fn every_golden_record_is_read_and_written_with_the_same_meaning() {
    for golden in Golden::all() {
        let written = golden
            .kind
            .rewrite(&golden.bytes)
            .unwrap_or_else(|why| panic!("{}: {why}", golden.name));
        let written: Value = serde_json::from_slice(&written).expect("JSON");
        if golden.has_members() {
            assert_eq!(written["v"], super::version::NEWEST, "{}", golden.name);
        }
        assert!(
            says(&written, &golden.value()),
            "{}: {written}",
            golden.name
        );
    }
}

#[test]
fn a_record_of_a_newer_version_is_not_read() {
    for golden in Golden::all().iter().filter(|golden| golden.has_members()) {
        let mut newer = golden.value();
        newer["v"] = json!(super::version::NEWEST + 1);
        let why = golden.kind.rewrite(newer.to_string().as_bytes());
        let why = why
            .err()
            .unwrap_or_else(|| panic!("{} is read", golden.name));
        assert!(
            why.contains("needs a newer release"),
            "{}: {why}",
            golden.name
        );
    }
}

#[tokio::test]
async fn both_engines_keep_the_meaning_and_what_is_unknown() {
    let redis = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    for location in [StoreLocation::Memory, StoreLocation::Redis(redis.url())] {
        let store = Store::open(&location).await.expect("a store");
        for golden in Golden::all() {
            let mut expected = golden.value();
            if golden.has_members() {
                expected["added_by_a_newer_release"] = json!({ "member": [1] });
            }
            let key = golden.key();
            let bytes = expected.to_string().into_bytes();
            let inserted = store.insert(&key, &bytes, Ttl::Forever).await;
            assert!(inserted.expect("the store answers"), "{key}");
            for _ in 0..2 {
                let changed = golden.kind.touch(&store, &key).await;
                assert!(changed.expect("readable"), "{key}");
            }
            let there = store.get(&key).await.expect("the store answers");
            let there: Value = serde_json::from_slice(&there.expect("a record")).expect("JSON");
            assert!(says(&there, &expected), "{key}: {there}");
        }
    }
}

/// The rows of a table of docs/STORAGE.md with this heading: the names in backticks in the first
/// two cells.
fn rows(heading: &str) -> Vec<[Vec<String>; 2]> {
    let document = include_str!("../../../docs/STORAGE.md");
    let table = document
        .lines()
        .skip_while(|line| !line.starts_with(heading));
    let names = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    table
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.split('|').skip(1).map(names);
            [
                cells.next().unwrap_or_default(),
                cells.next().unwrap_or_default(),
            ]
        })
        .collect()
}

#[test]
fn the_document_has_a_row_for_each_kind_and_no_other() {
    /// Lists, and what belongs to the store itself.
    const OTHERS: [&str; 13] = [
        "accounts",
        "accounts-by-address",
        "accounts-by-creation",
        "accounts-by-sign-in",
        "clients",
        "clients-by-creation",
        "clients-by-name",
        "clients-by-use",
        "consents:",
        "grants-by-connection:",
        "grants:",
        "probe",
        "sessions:",
    ];
    let documented: BTreeSet<_> = rows("| key |")
        .iter()
        .filter_map(|[keys, _]| keys.first())
        .map(|key| key.split('{').next().unwrap_or_default().to_owned())
        .collect();
    let kinds = Kind::ALL.iter().map(|kind| kind.prefix().to_owned());
    let all: BTreeSet<_> = kinds.chain(OTHERS.map(str::to_owned)).collect();
    assert_eq!(documented, all);
    let shown: BTreeSet<_> = rows("| record |")
        .into_iter()
        .flat_map(|[records, _]| records)
        .collect();
    let kinds = Kind::ALL.iter().map(|kind| kind_name(*kind).to_owned());
    assert_eq!(shown, kinds.collect());
}

#[test]
fn the_document_names_each_member() {
    let rows = rows("| record |");
    for golden in Golden::all().iter().filter(|golden| golden.has_members()) {
        let row = rows
            .iter()
            .find(|[records, _]| records.iter().any(|name| name == kind_name(golden.kind)));
        let [_, members] = row.unwrap_or_else(|| panic!("no row for {}", golden.name));
        for member in golden
            .value()
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys())
        {
            assert!(members.contains(member), "{member} of {}", golden.name);
        }
        assert!(members.iter().any(|name| name == "v"), "{}", golden.name);
    }
}

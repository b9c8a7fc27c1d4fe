//! Checks the structure of the code against docs/ARCHITECTURE.md: dependencies between crates,
//! between the modules of a crate, and names that lower crates must not use.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// How long a file is at most.
const MOST_LINES: usize = 500;

/// Crates whose modules have no dependency cycles.
const WITHOUT_CYCLES: [&str; 14] = [
    "app",
    "primitives",
    "jose",
    "guard",
    "oauth",
    "oauth-clients",
    "identity",
    "provider",
    "access-token",
    "mcp",
    "store",
    "server",
    "testkit",
    "bench",
];

/// Crates of pure rules, each with the packages of others that it may use: none that does input or
/// output, and signatures in one crate alone.
const PURE: [(&str, &[&str]); 6] = [
    (
        "primitives",
        &["base64", "hmac", "sha2", "subtle", "url", "zeroize"],
    ),
    (
        "jose",
        &["base64", "ring", "serde", "serde_json", "thiserror"],
    ),
    ("guard", &["base64", "serde", "serde_json", "thiserror"]),
    ("oauth", &["thiserror", "url"]),
    (
        "oauth-clients",
        &["base64", "serde", "serde_json", "thiserror", "url"],
    ),
    (
        "identity",
        &[
            "icu_normalizer",
            "icu_properties",
            "idna",
            "serde",
            "thiserror",
        ],
    ),
];

/// Texts that must not occur in `provider`: page paths, browser headers, and policies of pages.
const HTTP_AND_HTML_NAMES: [&str; 14] = [
    "\"/login",
    "\"/consent",
    "\"/account",
    "\"/admin",
    "\"/setup",
    "\"/enroll",
    "\"/reset",
    "cookie",
    "user-agent",
    "user_agent",
    "content-security-policy",
    "form-action",
    "form_action",
    "<html",
];

/// The largest number of methods that a type has.
const MOST_METHODS: usize = 40;

type Graph = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest(folder: &str) -> toml::Table {
    read(&root().join(folder).join("Cargo.toml"))
        .parse()
        .expect("a manifest")
}

/// The crates of the workspace, each with its dependencies within the workspace.
fn crates() -> Graph {
    let workspace = manifest(".");
    let members = workspace["workspace"]["members"]
        .as_array()
        .expect("members");
    let folders: BTreeSet<_> = members
        .iter()
        .filter_map(|member| member.as_str())
        .collect();
    let uses = |folder: &&str| {
        let manifest = manifest(folder);
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        let names = dependencies.into_iter().flat_map(toml::Table::keys);
        let own = names.filter(|name| folders.contains(name.as_str()));
        ((*folder).to_owned(), own.cloned().collect())
    };
    folders.iter().map(uses).collect()
}

/// The text between backticks.
fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_crates_depend_on_each_other_as_documented() {
    let document = read(&root().join("docs/ARCHITECTURE.md"));
    let (_, rest) = document
        .split_once("| crate | uses |")
        .expect("the table of crates");
    let (table, _) = rest.split_once("\n\n").expect("the end of the table");
    let row = |line: &str| {
        let mut cells = line.trim_start_matches('|').split('|');
        let folder = names(cells.next()?).pop_first()?;
        let uses = names(cells.next()?);
        let uses = uses
            .into_iter()
            .filter(|name| !matches!(name.as_str(), "ssr" | "hydrate"));
        Some((folder, uses.collect()))
    };
    let described: Graph = table.lines().filter_map(row).collect();
    assert_eq!(described, crates());
    assert_eq!(cycle(&described), None);
}

#[test]
fn the_crates_of_rules_use_no_package_that_acts() {
    let own = crates();
    for (folder, expected) in PURE {
        let manifest = manifest(folder);
        let dependencies = manifest["dependencies"].as_table().expect("dependencies");
        let others = dependencies.keys().filter(|name| !own.contains_key(*name));
        assert_eq!(others.collect::<Vec<_>>(), expected, "{folder}");
    }
}

/// The Rust files below a folder, without tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_stem().and_then(|name| name.to_str());
        if name == Some("tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// A file without its tests and comments.
fn code(path: &Path) -> String {
    let text = read(path);
    let (code, _) = text.split_once("#[cfg(test)]\nmod ").unwrap_or((&text, ""));
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first segments of the paths in a group `{a::b, c::{d, e}, f}`, after its opening brace.
fn heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut is_head = true;
    let mut heads = vec![String::new()];
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(String::new());
                is_head = true;
            }
            ':' => is_head = false,
            letter if depth == 0 && is_head && !letter.is_whitespace() => {
                heads.last_mut().expect("a head").push(letter);
            }
            _ => {}
        }
    }
    heads
}

/// The modules of a crate, each with the modules that its paths from `crate` name.
fn modules(folder: &str) -> Graph {
    let source = root().join(folder).join("src");
    let mut graph = Graph::new();
    for path in sources(&source) {
        let inside = path.strip_prefix(&source).expect("a file of the crate");
        let first = inside.iter().next().and_then(|name| name.to_str());
        let module = first.unwrap_or_default().trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        let uses = graph.entry(module.to_owned()).or_default();
        for rest in code(&path).split("crate::").skip(1) {
            let named = match rest.strip_prefix('{') {
                Some(group) => heads(group),
                None => heads(rest.split([';', '(', ' ', '\n']).next().unwrap_or_default()),
            };
            uses.extend(named.into_iter().filter(|name| name != module));
        }
    }
    let known: BTreeSet<_> = graph.keys().cloned().collect();
    for uses in graph.values_mut() {
        uses.retain(|name| known.contains(name));
    }
    graph
}

/// The text of each `impl` block of a type itself, with the name of the type.
fn inherent_impls(code: &str) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    for block in code.split("\nimpl").skip(1) {
        let block = block.split("\n}").next().unwrap_or_default();
        let Some((head, body)) = block.split_once('{') else {
            continue;
        };
        if head.contains(" for ") {
            continue;
        }
        let name = head.rsplit("::").next().unwrap_or_default();
        let name = name.trim_start_matches(|letter: char| letter != ' ').trim();
        let name: String = name
            .chars()
            .take_while(|letter| letter.is_alphanumeric())
            .collect();
        found.push((name, body));
    }
    found
}

/// The names of the functions that a block declares one level deep.
fn functions(block: &str) -> impl Iterator<Item = &str> {
    block.lines().filter_map(|line| {
        let line = line.strip_prefix("    ")?;
        let (before, rest) = line.split_once("fn ")?;
        let is_declaration = before.is_empty()
            || ["pub", "async", "const"]
                .iter()
                .any(|word| before.starts_with(word));
        let name = rest.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        name.take(usize::from(is_declaration)).next()
    })
}

/// The modules of a crate, each with those whose services it reaches through a field, as in
/// `self.grants.revoke(key)`. A field counts where its name is used for types
/// of one module alone, of the structs of its own module.
fn calls(folder: &str) -> Graph {
    let source = root().join(folder).join("src");
    let files: Vec<_> = sources(&source)
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&source).expect("a file of the crate");
            let first = inside.iter().next().and_then(|name| name.to_str());
            let module = first.unwrap_or_default().trim_end_matches(".rs");
            (module.to_owned(), code(&path))
        })
        .collect();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut types: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, code) in &files {
        let public = code.split("pub struct ").skip(1);
        for rest in public.chain(code.split("pub(crate) struct ").skip(1)) {
            let name = rest.split(|letter| !is_word(letter)).next();
            types
                .entry(name.unwrap_or_default())
                .or_default()
                .insert(module);
        }
    }
    let mut fields: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (module, code) in &files {
        for line in code.lines().filter(|line| line.starts_with("    ")) {
            let Some((name, kind)) = line.trim_end_matches(',').split_once(": ") else {
                continue;
            };
            let kind = kind.trim_start_matches("Arc<").trim_end_matches('>');
            let name = name.rsplit(' ').next().unwrap_or_default();
            if let Some(owners) = types.get(kind) {
                fields.entry((module, name)).or_default().extend(owners);
            }
        }
    }
    fields.retain(|_, owners| owners.len() == 1);
    let mut graph = Graph::new();
    for (module, code) in &files {
        let uses = graph.entry(module.clone()).or_default();
        let words: Vec<_> = code.split('.').map(str::trim).collect();
        for path in words.windows(3) {
            let is_call = path[2].trim_start_matches(is_word).starts_with('(');
            let is_own = path[0].ends_with("self") && is_call;
            if let Some(owners) = fields.get(&(module.as_str(), path[1])).filter(|_| is_own) {
                let owners = owners.iter().map(|owner| (*owner).to_owned());
                uses.extend(owners.filter(|owner| owner != module));
            }
        }
    }
    graph
}

/// The nodes of dependency cycles: what remains when nodes without dependencies are removed
/// repeatedly.
fn cycle(graph: &Graph) -> Option<Graph> {
    let mut left = graph.clone();
    loop {
        let ends: BTreeSet<_> = left
            .iter()
            .filter(|(_, uses)| uses.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        if ends.is_empty() {
            return (!left.is_empty()).then_some(left);
        }
        left.retain(|name, _| !ends.contains(name));
        for uses in left.values_mut() {
            uses.retain(|name| !ends.contains(name));
        }
    }
}

#[test]
fn a_cycle_is_detected() {
    let graph = |arrows: &[(&str, &str)]| {
        let mut graph = Graph::new();
        for (from, to) in arrows {
            graph.entry((*to).to_owned()).or_default();
            let uses = graph.entry((*from).to_owned()).or_default();
            uses.insert((*to).to_owned());
        }
        graph
    };
    assert_eq!(cycle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    assert!(cycle(&graph(&[("a", "b"), ("b", "c"), ("c", "b")])).is_some());
    assert_eq!(heads("a::{b, c}, d, e::f} g"), ["a", "d", "e"]);
}

#[test]
fn modules_have_no_dependency_cycles() {
    for folder in WITHOUT_CYCLES {
        let graph = modules(folder);
        assert!(!graph.is_empty(), "{folder}");
        assert_eq!(cycle(&graph), None, "{folder}");
    }
}

/// A service that is reached through a field, without a `use` line of its own, is an arrow too.
#[test]
fn the_services_of_the_provider_call_each_other_downwards_alone() {
    let mut graph = modules("provider");
    let calls = calls("provider");
    assert!(
        calls["authorization"].contains("clients") && calls["tokens"].contains("grants"),
        "calls are found: {calls:?}"
    );
    for (module, called) in calls {
        graph.entry(module).or_default().extend(called);
    }
    graph.retain(|module, _| module != "lib");
    assert_eq!(cycle(&graph), None);
    let above = |module: &&String| graph[*module].contains("administration");
    assert_eq!(
        graph.keys().find(above),
        None,
        "nobody calls administration"
    );
}

#[test]
fn no_type_has_more_methods_than_a_reader_can_hold() {
    for folder in crates().keys() {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for path in sources(&root().join(folder).join("src")) {
            for (name, block) in inherent_impls(&code(&path)) {
                *counts.entry(name).or_default() += functions(block).count();
            }
        }
        let largest = counts.iter().max_by_key(|(_, count)| **count);
        assert!(
            largest.is_none_or(|(_, count)| *count <= MOST_METHODS),
            "{folder}: {largest:?}"
        );
    }
}

/// How many names a `let` binds from values in parentheses, at most.
fn most_bound_at_once(code: &str) -> usize {
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let bindings = code.split("let (").skip(1);
    let of_values = bindings.filter_map(|rest| rest.split_once(") = ("));
    let names = of_values.map(|(names, _)| names).filter(|names| {
        names
            .chars()
            .all(|letter| letter.is_alphanumeric() || "_, ".contains(letter))
    });
    names
        .map(|names| names.split_whitespace().filter(|name| *name != "mut"))
        .map(Iterator::count)
        .max()
        .unwrap_or_default()
}

#[test]
fn a_file_can_be_read_in_one_sitting_and_tuples_are_for_pairs() {
    assert_eq!(most_bound_at_once("let (a, mut b,\n c) =\n (1, 2, 3);"), 3);
    for folder in crates().keys() {
        for path in sources(&root().join(folder).join("src")) {
            let lines = read(&path).lines().count();
            assert!(lines <= MOST_LINES, "{}: {lines} lines", path.display());
            let bound = most_bound_at_once(&code(&path));
            assert!(bound <= 2, "{} binds {bound} at once", path.display());
        }
    }
}

#[test]
fn the_provider_names_no_page_and_no_browser_header() {
    for path in sources(&root().join("provider/src")) {
        let code = code(&path).to_lowercase();
        for word in HTTP_AND_HTML_NAMES {
            assert!(!code.contains(word), "{word} in {}", path.display());
        }
    }
}

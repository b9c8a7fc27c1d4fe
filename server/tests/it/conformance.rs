//! Checks the tables of tests in the documents against the existing tests.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A row of a table: its id and its last cell.
struct Row {
    id: String,
    proof: String,
}

/// The names of all tests.
#[derive(Default)]
struct Tests {
    /// Test functions of the workspace.
    rust: BTreeSet<String>,
    /// Titles of browser tests, each as the fixed parts around its variables.
    browser: Vec<Vec<String>>,
}

#[test]
fn every_requirement_has_one_row_with_a_test_that_exists_or_a_reason() {
    let known = requirements("R-");
    assert_eq!(
        faults(&document("CONFORMANCE.md"), &known, &all_tests()),
        Vec::<String>::new()
    );
}

#[test]
fn every_known_attack_has_one_row_with_a_test_that_exists_or_a_reason() {
    let known = requirements("T-");
    assert_eq!(
        faults(&document("SECURITY.md"), &known, &all_tests()),
        Vec::<String>::new()
    );
}

#[test]
fn every_id_that_code_tests_and_documents_cite_is_a_requirement() {
    let known: BTreeSet<_> = requirements("R-")
        .into_iter()
        .chain(requirements("T-"))
        .collect();
    let mut unknown = BTreeSet::new();
    let mut note = |path: &Path, source: &str| {
        let strange = cited(source).filter(|id| !known.contains(id));
        unknown.extend(strange.map(|id| format!("{}: {id}", path.display())));
    };
    walk(&root(), &["rs", "ts", "md"], &mut note);
    assert_eq!(unknown, BTreeSet::new());
}

#[test]
fn ids_are_found_in_text_and_in_names_of_tests() {
    let source =
        "// (R-A1, R-IETF23; UTR-36)\nfn r_p8_t_f44_what_is_called_r_7() {}\nfn our_a1_() {}";
    let found: Vec<_> = cited(source).collect();
    assert_eq!(found, ["R-A1", "R-IETF23", "R-P8", "T-F44"]);
}

#[test]
fn missing_duplicate_and_unproven_rows_are_faults() {
    let tests = Tests {
        rust: BTreeSet::from(["it_holds".to_owned()]),
        browser: vec![vec!["with ".to_owned(), " it holds".to_owned()]],
    };
    let of = |rows: &[&str]| {
        faults(
            &rows.join("\n"),
            &["R-A1".to_owned(), "R-A2".to_owned()],
            &tests,
        )
    };
    let good = "| R-A1 | MUST | `a/b.rs` | `it_holds`, `a::b::it_holds`, *with care it holds* |";
    assert_eq!(
        of(&[
            good,
            "| R-A2 | MAY | | not applicable, because it is unused |"
        ]),
        Vec::<String>::new()
    );
    assert_eq!(of(&[good]), ["R-A2 is missing"]);
    assert_eq!(
        of(&[good, good, "| R-A2 | | | because |"]),
        ["R-A1 occurs 2 times"]
    );
    assert_eq!(
        of(&[good, "| R-A2 | `it_holds` | |"]),
        ["R-A2 has neither test nor reason"]
    );
    assert_eq!(
        of(&[good, "| R-A2 | | `it_breaks` because |"]),
        ["R-A2: there is no test it_breaks"]
    );
    assert_eq!(
        of(&[good, "| R-A2 | | *without it holds not* |"]),
        ["R-A2: there is no test without it holds not"]
    );
    assert_eq!(
        of(&[good, "| R-A2 | | `it_holds` |", "| R-A3 | | `it_holds` |"]),
        ["R-A3 is not known"]
    );
}

#[test]
fn tests_are_distinguished_from_other_functions() {
    let mut tests = Tests::default();
    tests.read_rust(
        "#[test]\n#[expect(dead_code)]\nfn a() {}\nfn b() {}\n#[tokio::test(x = 1)]\nasync fn c() {}\n#[cfg(test)]\nfn d() {}",
    );
    tests.read_rust("on_both_engines!(\n    e,\n    f,\n);\nasync fn g() {}");
    assert_eq!(tests.rust, ["a", "c", "e", "f"].map(str::to_owned).into());
    tests.read_browser(
        "test('a \\'b\\'', x); test.step('c'); for (d of e) test(\n  `f ${g ? 'h' : `i`} j`, k)",
    );
    assert_eq!(
        tests.browser,
        [
            vec!["a 'b'".to_owned()],
            vec!["f ".to_owned(), " j".to_owned()]
        ]
    );
    assert!(tests.has_title("f x y j") && !tests.has_title("f x y") && !tests.has_title("a"));
}

/// The errors in the tables of a document, which should have one row for each of `known`.
fn faults(document: &str, known: &[String], tests: &Tests) -> Vec<String> {
    let rows = rows(document);
    let mut faults = Vec::new();
    for id in known {
        match rows.iter().filter(|row| row.id == *id).count() {
            0 => faults.push(format!("{id} is missing")),
            1 => {}
            count => faults.push(format!("{id} occurs {count} times")),
        }
    }
    for row in &rows {
        let names = between(&row.proof, '`');
        let titles = between(&row.proof, '*');
        let absent = |name: &&str| {
            !tests
                .rust
                .contains(name.rsplit("::").next().unwrap_or(name))
        };
        let missing = names.iter().copied().filter(absent).chain(
            titles
                .iter()
                .copied()
                .filter(|title| !tests.has_title(title)),
        );
        faults.extend(missing.map(|name| format!("{}: there is no test {name}", row.id)));
        if !known.contains(&row.id) {
            faults.push(format!("{} is not known", row.id));
        }
        if names.is_empty() && titles.is_empty() && !row.proof.contains("because") {
            faults.push(format!("{} has neither test nor reason", row.id));
        }
    }
    faults
}

/// The rows whose first cell is an id: `R-` or `T-`, capital letters, and a number.
fn rows(document: &str) -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<_> = line
            .strip_prefix('|')?
            .strip_suffix('|')?
            .split('|')
            .map(str::trim)
            .collect();
        let id = *cells.first()?;
        let proof = *cells.last()?;
        let name = id.strip_prefix("R-").or_else(|| id.strip_prefix("T-"))?;
        let number = name.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
        let is_id = number.len() < name.len()
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit());
        is_id.then(|| Row {
            id: id.to_owned(),
            proof: proof.to_owned(),
        })
    };
    document.lines().filter_map(row).collect()
}

/// The ids in a text, `R-A1` in prose and `r_a1_` in the name of a test.
fn cited(source: &str) -> impl Iterator<Item = String> {
    let words =
        source.split(|letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter));
    words.flat_map(|word| {
        let pieces: Vec<_> = word.split(['-', '_']).collect();
        let pairs = pieces.windows(2).filter_map(|pair| id(pair[0], pair[1]));
        pairs.collect::<Vec<_>>()
    })
}

/// The id of a series and a name, both in capitals or both in small letters.
fn id(series: &str, name: &str) -> Option<String> {
    let digits = name.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let letters = &name[..name.len() - digits.len()];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_spelled = match series {
        "R" | "T" => letters.bytes().all(|letter| letter.is_ascii_uppercase()),
        "r" | "t" => letters.bytes().all(|letter| letter.is_ascii_lowercase()),
        _ => false,
    };
    (is_number && !letters.is_empty() && is_spelled)
        .then(|| format!("{series}-{name}").to_uppercase())
}

/// The texts between pairs of `mark`.
fn between(text: &str, mark: char) -> Vec<&str> {
    text.split(mark).skip(1).step_by(2).collect()
}

/// The ids of a series in requirements.md.
fn requirements(series: &str) -> Vec<String> {
    let rows = rows(&document("requirements.md")).into_iter();
    rows.map(|row| row.id)
        .filter(|id| id.starts_with(series))
        .collect()
}

impl Tests {
    /// Functions with a test attribute, and those that a test macro lists.
    fn read_rust(&mut self, source: &str) {
        let mut is_test = false;
        for line in source.lines().map(str::trim) {
            let attribute = line.starts_with("#[");
            is_test |= attribute && (line.starts_with("#[test]") || line.contains("::test"));
            if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test && !attribute) {
                self.rust
                    .insert(rest.split(['(', '<']).next().unwrap_or(rest).to_owned());
            }
            is_test &= attribute;
        }
        for (start, end) in [("\non_both_engines!(", "\n);"), ("\ncontract! {", "\n}")] {
            let source = format!("\n{source}");
            let lists = source
                .split(start)
                .skip(1)
                .filter_map(|rest| rest.split(end).next());
            let names = lists.flat_map(|list| {
                list.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            });
            self.rust
                .extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }

    /// The titles of `test(…)`, without their variables.
    fn read_browser(&mut self, source: &str) {
        for start in source.split("test(").skip(1).map(str::trim_start) {
            let Some(quote) = start
                .chars()
                .next()
                .filter(|first| ['\'', '"', '`'].contains(first))
            else {
                continue;
            };
            self.browser.push(pieces(&start[1..], quote));
        }
    }

    fn has_title(&self, title: &str) -> bool {
        self.browser.iter().any(|pieces| match pieces.as_slice() {
            [whole] => whole == title,
            [first, middle @ .., last] => {
                let rest = title
                    .strip_prefix(first.as_str())
                    .and_then(|rest| rest.strip_suffix(last.as_str()));
                rest.is_some_and(|rest| {
                    middle
                        .iter()
                        .try_fold(rest, |rest, piece| Some(rest.split_once(piece.as_str())?.1))
                        .is_some()
                })
            }
            [] => false,
        })
    }
}

/// A title up to its closing quote, split at each `${…}`.
fn pieces(source: &str, quote: char) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut depth = 0;
    let mut letters = source.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '{' | '}' if depth > 0 => depth = if letter == '{' { depth + 1 } else { depth - 1 },
            _ if depth > 0 => {}
            '$' if quote == '`' && letters.peek() == Some(&'{') => {
                letters.next();
                depth = 1;
                pieces.push(String::new());
            }
            _ if letter == quote => break,
            _ => {
                let letter = if letter == '\\' {
                    letters.next()
                } else {
                    Some(letter)
                };
                pieces
                    .last_mut()
                    .expect("one is always there")
                    .extend(letter);
            }
        }
    }
    pieces
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).expect("the document is there")
}

fn all_tests() -> Tests {
    let mut tests = Tests::default();
    walk(&root(), &["rs", "ts"], &mut |path, source| match path
        .extension()
        .and_then(|extension| extension.to_str())
    {
        Some("rs") => tests.read_rust(source),
        Some("ts") => tests.read_browser(source),
        _ => {}
    });
    tests
}

/// Reads all files below `folder` with one of these endings, except built and installed ones.
fn walk(folder: &Path, endings: &[&str], read: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
    {
        let name = entry
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if entry.is_dir() {
            if !name.starts_with('.')
                && !["target", "node_modules", "test-results"].contains(&name.as_str())
            {
                walk(&entry, endings, read);
            }
        } else if entry
            .extension()
            .is_some_and(|extension| endings.iter().any(|ending| *ending == extension))
        {
            read(&entry, &fs::read_to_string(&entry).expect("a text"));
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

//! No page has texts of its own: every text that a user reads is in a `messages` module.

use std::{fs, path::Path};

/// Modules whose texts no user reads: they move values, headers and cookies.
const WITHOUT_TEXTS: [&str; 11] = [
    "brand.rs",
    "ceremonies.rs",
    "clean.rs",
    "context.rs",
    "cookies.rs",
    "document.rs",
    "facts.rs",
    "flash.rs",
    "recipes.rs",
    "resource_guide.rs",
    "stack.rs",
];
/// Attributes that people read, or hear.
const SPOKEN: [&str; 4] = ["title", "alt", "placeholder", "aria-label"];

#[test]
fn no_page_has_texts_of_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    visit(&root, &mut |path, text| {
        found.extend(
            hardcoded_texts(text)
                .into_iter()
                .map(|text| format!("{}: {text}", path.display())),
        );
    });
    assert!(
        found.is_empty(),
        "texts that belong into a `messages` module:\n{}",
        found.join("\n")
    );
}

#[test]
fn hardcoded_texts_are_found() {
    for text in [
        r#"view! { <h1>"Sign in"</h1> }"#,
        r#"view! { <p>"or"</p> }"#,
        r#"view! { <p>{name}" used it "{when}</p> }"#,
        r"view! { <p>Sign in now</p> }",
        r"view! { <p>{name} signed in</p> }",
        r#"view! { <button title="Sign out"> }"#,
        r#"view! { <nav aria-label="administration"> }"#,
        r#"let words = "Nothing here yet";"#,
        r#"let words = if last { "Remove" } else { "Keep" };"#,
        r#"format!("{count} times left")"#,
        r##"let raw = r#"Two "quoted" words"#;"##,
    ] {
        assert_eq!(hardcoded_texts(text).len().min(1), 1, "{text}");
    }
}

#[test]
fn other_literals_are_allowed() {
    for fine in [
        r#"view! { <p class="quiet hint">{words::LEAD}" · "{when}</p> }"#,
        r#"view! { <path d="M3 12h17m-6-6 6 6-6 6"/> }"#,
        r#"#![expect(unreachable_pub, reason = "the macro makes it public")]"#,
        "/// Says \"Sign in\" to people.\n//! And \"so on\".\nlet a = 1; // \"Not this\" either",
        r#"visit.query("request") == "deny""#,
        r#"Some("NotAllowedError" | "AbortError") => Message::PasskeyCancelled,"#,
        r#"Purpose::Reset => "reset","#,
        r#"let _ = 'a'; let quote = '"'; let name = "x";"#,
        "fn shown() {}\n#[cfg(test)]\nmod tests { const A: &str = \"Words in a test\"; }",
        "const fn first<'a>(text: &'a str) -> &'a str { text }",
    ] {
        assert_eq!(hardcoded_texts(fine), Vec::<String>::new(), "{fine}");
    }
}

fn visit(path: &Path, look: &mut impl FnMut(&Path, &str)) {
    let name = path.file_name().and_then(|name| name.to_str());
    if name.is_some_and(|name| name.starts_with("messages") || WITHOUT_TEXTS.contains(&name)) {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder").flatten() {
            visit(&entry.path(), look);
        }
    } else if name.is_none_or(|name| name != "tests.rs") {
        look(path, &fs::read_to_string(path).expect("a file of text"));
    }
}

/// A piece of program text.
enum Part<'a> {
    Code(&'a str),
    Literal(&'a str),
}

/// Words that a user would read, in the text of a page.
fn hardcoded_texts(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let parts = parts(text);
    let mut found = Vec::new();
    let mut before = "";
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Code(code) => {
                found.extend(bare_words(code));
                before = code.trim_end();
            }
            Part::Literal(literal) => {
                let after = if let Some(Part::Code(code)) = parts.get(index + 1) {
                    code.trim_start()
                } else {
                    ""
                };
                found.extend(is_read(before, literal, after).then(|| format!("{literal:?}")));
            }
        }
    }
    found
}

/// Whether users read a literal, judging by the code around it.
fn is_read(before: &str, literal: &str, after: &str) -> bool {
    let Some(first) = literal
        .trim_start()
        .chars()
        .find(|letter| letter.is_alphabetic())
    else {
        return false;
    };
    if let Some(attribute) = before
        .strip_suffix('=')
        .filter(|before| before.ends_with(|last: char| last.is_alphanumeric()))
    {
        // An attribute, or the reason of one: `class="…"`.
        return SPOKEN.iter().any(|spoken| attribute.ends_with(spoken));
    }
    if before.ends_with("reason =") {
        return false;
    }
    let between_tags =
        (before.ends_with('>') && !before.ends_with("=>") && !before.ends_with("->"))
            || after.starts_with("</");
    let outside_slots: String = literal
        .split('{')
        .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest))
        .collect();
    let several = outside_slots.trim().contains(char::is_whitespace)
        || outside_slots.starts_with(' ')
        || outside_slots.ends_with(' ');
    let spelt = outside_slots.chars().any(char::is_alphabetic);
    // `AbortError` is the name of something; "Deny" is a word.
    let is_name = !several && literal.chars().skip(1).any(char::is_uppercase);
    between_tags || (first.is_uppercase() && !is_name) || (several && spelt)
}

/// Words between tags without quotes: before a closing tag there may be a tag, a brace or a literal,
/// and nothing else.
fn bare_words(code: &str) -> Option<String> {
    code.match_indices("</").find_map(|(at, _)| {
        let before = code[..at].trim_end();
        (!before.is_empty() && !before.ends_with(['>', '}']))
            .then(|| before.lines().last().unwrap_or_default().trim().to_owned())
    })
}

/// Divides text into code and string literals; comments and attributes of the compiler are left
/// out.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (hidden, literal) = hidden(rest);
        if hidden == 0 {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        parts.push(Part::Code(&text[start..at]));
        parts.extend(literal.map(Part::Literal));
        at += hidden;
        start = at;
    }
    parts.push(Part::Code(&text[start..]));
    parts
}

/// How much of the text is no code at its very beginning, and the literal that it is, if it is one.
fn hidden(text: &str) -> (usize, Option<&str>) {
    if text.starts_with("//") {
        return (text.find('\n').unwrap_or(text.len()), None);
    }
    for (open, close) in [("r##\"", "\"##"), ("r#\"", "\"#"), ("\"", "\"")] {
        if let Some(inside) = text.strip_prefix(open) {
            let end = if open == "\"" {
                unescaped_quote(inside)
            } else {
                inside.find(close)
            }
            .unwrap_or(inside.len());
            return (
                (open.len() + end + close.len()).min(text.len()),
                Some(&inside[..end]),
            );
        }
    }
    // The one character literal that would be taken for the beginning of a string.
    if text.starts_with("'\"'") {
        (3, None)
    } else {
        (0, None)
    }
}

fn unescaped_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends.then_some(at)
    })
}

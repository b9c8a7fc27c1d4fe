//! The configuration file, read as far as it can be read: each fault with its line.

mod values;

use std::path::Path;

use toml::{
    Spanned,
    de::{self, DeArray, DeTable, DeValue},
};

use self::values::{kind, position, quoted, text_of};
use super::{
    setting::{Named, SECTIONS},
    similar::suggestion,
};

/// A value as text, and where it was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) source: String,
}

/// A `[[resource]]` of the configuration file. What a fault of the file made unreadable is `None`.
#[derive(Debug, Clone, Default)]
pub(super) struct ResourceEntry {
    /// The resource's URI, as tokens name it in `aud`.
    pub(super) identifier: String,
    /// A short name for it.
    pub(super) id: Option<String>,
    /// The name that users see.
    pub(super) name: Option<String>,
    /// The format of its access tokens.
    pub(super) token: Option<String>,
    /// The algorithm that JWTs are signed with.
    pub(super) jwt_algorithm: Option<String>,
    /// The type in the header of JWTs.
    pub(super) jwt_type: Option<String>,
    /// What it may know about a user.
    pub(super) claims: Vec<String>,
    /// The address of the server behind the reverse proxy.
    pub(super) upstream: Option<String>,
    /// The command of a server that speaks stdio; a file cannot hold it.
    pub(super) command: Option<Vec<String>>,
    /// The file with the `Authorization` header for that server.
    pub(super) upstream_authorization_file: Option<String>,
    /// The digest of its secret for introspection (RFC 7662).
    pub(super) introspection_secret_hash: Option<String>,
    /// Whether requests that name no resource are for this one.
    pub(super) default: bool,
    /// Its scopes, in the order the consent page shows them.
    pub(super) scopes: Option<Vec<ScopeEntry>>,
    /// Which calls need which scopes.
    pub(super) rules: Option<Vec<RuleEntry>>,
    /// What happens to a call whose method is unknown.
    pub(super) unlabelled: Option<String>,
    /// Where it was found: its number, identifier, file and line.
    pub(super) source: String,
}

/// A `[[resource.scope]]` of the configuration file.
#[derive(Debug, Clone)]
pub(super) struct ScopeEntry {
    /// The scope token.
    pub(super) name: String,
    /// What it allows, as a sentence for the consent page.
    pub(super) sentence: String,
    /// Whether clients get it if they request no scopes.
    pub(super) default: bool,
    /// Where it was found.
    pub(super) source: String,
}

/// A `[[resource.rule]]` of the configuration file.
#[derive(Debug, Clone)]
pub(super) struct RuleEntry {
    /// The JSON-RPC method.
    pub(super) method: Option<String>,
    /// The pattern of names.
    pub(super) name: Option<String>,
    /// The scopes, separated by spaces.
    pub(super) scope: String,
    /// Where it was found.
    pub(super) source: String,
}

/// What a file holds, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) given: Vec<(&'static Named, Given)>,
    /// `None` when the file names no resource.
    pub(super) resources: Option<Vec<ResourceEntry>>,
    pub(super) faults: Vec<String>,
}

const RESOURCE: &str = "resource";
const RESOURCE_KEYS: [&str; 14] = [
    "identifier",
    "id",
    "name",
    "token",
    "jwt_algorithm",
    "jwt_type",
    "claims",
    "upstream",
    "upstream_authorization_file",
    "introspection_secret_hash",
    "default",
    "scope",
    "rule",
    "unlabelled",
];
const SCOPE_KEYS: [&str; 3] = ["name", "sentence", "default"];
const RULE_KEYS: [&str; 3] = ["method", "name", "scope"];

impl File {
    /// Reads the file at `path`, which may hold the settings of `table`.
    pub(super) fn read(path: &Path, table: &'static [Named]) -> Self {
        let shown = path.display().to_string();
        match std::fs::read_to_string(path) {
            Err(error) => {
                let why = crate::files::explain_read_error(path, &error);
                Self {
                    faults: vec![format!(
                        "The configuration file {shown} cannot be read: {why}."
                    )],
                    ..Self::default()
                }
            }
            Ok(text) => Self::parse(&shown, &text, table),
        }
    }

    fn parse(name: &str, text: &str, table: &'static [Named]) -> Self {
        let (document, errors) = DeTable::parse_recoverable(text);
        let mut reader = FileReader {
            name,
            text,
            table,
            file: Self::default(),
        };
        // What could not be read leaves holes, so unknown and missing keys are looked for in a
        // sound file only.
        let broken: Vec<_> = errors.iter().map(|error| reader.syntax(error)).collect();
        for (key, value) in document.get_ref() {
            if !broken.contains(&reader.line(key.span().start)) {
                reader.top(key, value, broken.is_empty());
            }
        }
        reader.file
    }
}

struct FileReader<'a> {
    name: &'a str,
    text: &'a str,
    table: &'static [Named],
    file: File,
}

type Key<'i> = Spanned<de::DeString<'i>>;
type Value<'i> = Spanned<DeValue<'i>>;

impl FileReader<'_> {
    /// Records an error of the syntax, one for each line, and answers with its line.
    fn syntax(&mut self, error: &de::Error) -> usize {
        let (line, column) = position(
            self.text,
            error.span().map_or(self.text.len(), |span| span.start),
        );
        let place = format!("{}, line {line}, ", self.name);
        if !self
            .file
            .faults
            .iter()
            .any(|fault| fault.starts_with(&place))
        {
            let message = error.message().replace('\n', ", ");
            self.file
                .faults
                .push(format!("{place}column {column}: invalid TOML: {message}."));
        }
        line
    }

    fn line(&self, offset: usize) -> usize {
        position(self.text, offset).0
    }

    /// Where a setting stands, in words.
    fn source(&self, section: Option<&str>, key: &Key<'_>) -> String {
        let name = key.get_ref();
        let line = self.line(key.span().start);
        let table = section.map_or_else(String::new, |section| format!("[{section}] "));
        format!("{table}{name} in {}, line {line}", self.name)
    }

    fn fault(&mut self, source: &str, what: &str) {
        self.file.faults.push(format!("{source}: {what}."));
    }

    /// A key at the top of the file.
    fn top(&mut self, key: &Key<'_>, value: &Value<'_>, is_sound: bool) {
        let name = key.get_ref().as_ref();
        let line = self.line(key.span().start);
        let source = format!("{name} in {}, line {line}", self.name);
        if name == RESOURCE {
            if is_sound {
                self.resources(&source, value);
            }
            return;
        }
        match SECTIONS.iter().find(|section| **section == name) {
            Some(section) => self.section(section, &source, value, is_sound),
            None => self.setting(None, key, value, is_sound),
        }
    }

    /// A table of settings.
    fn section(&mut self, section: &'static str, source: &str, value: &Value<'_>, is_sound: bool) {
        let Some(table) = value.get_ref().as_table() else {
            let what = format!("write [{section}] on its own line, followed by its settings");
            return self.fault(source, &what);
        };
        for (key, value) in table {
            self.setting(Some(section), key, value, is_sound);
        }
    }

    fn setting(
        &mut self,
        section: Option<&'static str>,
        key: &Key<'_>,
        value: &Value<'_>,
        is_sound: bool,
    ) {
        let name = key.get_ref().as_ref();
        let source = self.source(section, key);
        let place = (section, name);
        let Some(named) = self.table.iter().find(|named| named.place() == place) else {
            if is_sound {
                self.no_such_setting(&source, section, name);
            }
            return;
        };
        match text_of(value.get_ref()) {
            Ok(text) => self.file.given.push((named, Given { text, source })),
            Err(what) => self.fault(&source, &what),
        }
    }

    fn no_such_setting(&mut self, source: &str, section: Option<&str>, name: &str) {
        let here = |(place, key): (Option<&str>, &'static str)| (place == section).then_some(key);
        let settings = self.table.iter().filter_map(|named| here(named.place()));
        let tables = SECTIONS.into_iter().chain([RESOURCE]);
        let known = settings.chain(tables.filter(|_| section.is_none()));
        let what = format!("unknown setting{}", suggestion(name, known));
        self.fault(source, &what);
    }

    fn resources(&mut self, source: &str, value: &Value<'_>) {
        let Some(entries) = value.get_ref().as_array() else {
            return self.fault(
                source,
                "write [[resource]] on its own line to start a resource",
            );
        };
        let entries: Vec<_> = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| self.resource(index + 1, entry))
            .collect();
        self.file.resources = Some(entries.into_iter().flatten().collect());
    }

    /// One `[[resource]]`; `None` when a member that it needs is missing, which is a fault.
    fn resource(&mut self, number: usize, entry: &Value<'_>) -> Option<ResourceEntry> {
        let line = self.line(entry.span().start);
        let Some(table) = entry.get_ref().as_table() else {
            self.fault(
                &format!("[[resource]] {number} in {}, line {line}", self.name),
                "must be a table",
            );
            return None;
        };
        let called = quoted(table, "identifier");
        let source = format!(
            "[[resource]] {number}{called} in {}, line {line}",
            self.name
        );
        self.unknown(&source, table, &RESOURCE_KEYS);
        let [identifier, name] =
            ["identifier", "name"].map(|key| self.text(&source, table, key, true));
        let [
            upstream,
            upstream_authorization_file,
            id,
            token,
            jwt_algorithm,
            jwt_type,
            introspection_secret_hash,
            unlabelled,
        ] = [
            "upstream",
            "upstream_authorization_file",
            "id",
            "token",
            "jwt_algorithm",
            "jwt_type",
            "introspection_secret_hash",
            "unlabelled",
        ]
        .map(|key| self.text(&source, table, key, false));
        let claims = self.texts(&source, table, "claims");
        let scopes = self.entries(&source, table, "scope", Self::scope);
        let rules = self.entries(&source, table, "rule", Self::rule);
        let default = self
            .switch(&source, table, "default", false)
            .unwrap_or_default();
        Some(ResourceEntry {
            identifier: identifier?,
            id,
            name,
            token,
            jwt_algorithm,
            jwt_type,
            claims,
            upstream,
            command: None,
            upstream_authorization_file,
            introspection_secret_hash,
            default,
            scopes,
            rules,
            unlabelled,
            source,
        })
    }

    /// The tables of a resource under this key; `None` when one cannot be read, which is a fault.
    fn entries<T>(
        &mut self,
        source: &str,
        table: &DeTable<'_>,
        key: &str,
        read: fn(&mut Self, &str, usize, &Value<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let empty = DeArray::new();
        let entries = match table.get(key).map(Spanned::get_ref) {
            None => &empty,
            Some(DeValue::Array(entries)) => entries,
            Some(_) => {
                self.fault(
                    source,
                    &format!("write [[resource.{key}]] on its own line to start a {key}"),
                );
                return None;
            }
        };
        let read: Vec<_> = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| read(self, source, index + 1, entry))
            .collect();
        read.into_iter().collect()
    }

    fn scope(&mut self, resource: &str, number: usize, entry: &Value<'_>) -> Option<ScopeEntry> {
        let line = self.line(entry.span().start);
        let Some(table) = entry.get_ref().as_table() else {
            self.fault(resource, &format!("scope {number} must be a table"));
            return None;
        };
        let name = quoted(table, "name");
        let source = format!("{resource}: scope {number}{name}, line {line}");
        self.unknown(&source, table, &SCOPE_KEYS);
        let [name, sentence] = ["name", "sentence"].map(|key| self.text(&source, table, key, true));
        let default = self.switch(&source, table, "default", true);
        Some(ScopeEntry {
            name: name?,
            sentence: sentence?,
            default: default?,
            source,
        })
    }

    fn rule(&mut self, resource: &str, number: usize, entry: &Value<'_>) -> Option<RuleEntry> {
        let line = self.line(entry.span().start);
        let source = format!("{resource}: rule {number}, line {line}");
        let Some(table) = entry.get_ref().as_table() else {
            self.fault(resource, &format!("rule {number} must be a table"));
            return None;
        };
        self.unknown(&source, table, &RULE_KEYS);
        let [method, name] = ["method", "name"].map(|key| self.text(&source, table, key, false));
        Some(RuleEntry {
            method,
            name,
            scope: self.text(&source, table, "scope", true)?,
            source,
        })
    }

    /// A text of a table. A missing one is a fault where it is needed, and another type always.
    fn text(
        &mut self,
        source: &str,
        table: &DeTable<'_>,
        key: &str,
        is_needed: bool,
    ) -> Option<String> {
        match table.get(key).map(Spanned::get_ref) {
            None if is_needed => self.fault(source, &format!("{key} is missing")),
            None => {}
            Some(DeValue::String(text)) => return Some(text.to_string()),
            Some(other) => self.fault(
                source,
                &format!("{key} must be a text in quotes, not {}", kind(other)),
            ),
        }
        None
    }

    /// A list of texts, empty when there is none. Another type is a fault.
    fn texts(&mut self, source: &str, table: &DeTable<'_>, key: &str) -> Vec<String> {
        let Some(value) = table.get(key).map(Spanned::get_ref) else {
            return Vec::new();
        };
        let items = value.as_array().map(|items| items.iter());
        let texts: Option<Vec<_>> = items.and_then(|mut items| {
            items.try_fold(Vec::new(), |mut texts, item| {
                texts.push(item.get_ref().as_str()?.to_owned());
                Some(texts)
            })
        });
        texts.unwrap_or_else(|| {
            self.fault(source, &format!("{key} must be a list of texts in quotes"));
            Vec::new()
        })
    }

    /// True or false; `None` for anything else, which is a fault.
    fn switch(
        &mut self,
        source: &str,
        table: &DeTable<'_>,
        key: &str,
        absent: bool,
    ) -> Option<bool> {
        match table.get(key).map(Spanned::get_ref) {
            None => Some(absent),
            Some(DeValue::Boolean(on)) => Some(*on),
            Some(_) => {
                self.fault(source, &format!("{key} must be true or false"));
                None
            }
        }
    }

    fn unknown(&mut self, source: &str, table: &DeTable<'_>, known: &[&str]) {
        for key in table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
        {
            let name = key.get_ref().as_ref();
            let line = self.line(key.span().start);
            let meant = suggestion(name, known.iter().copied());
            self.fault(source, &format!("unknown key {name} (line {line}){meant}"));
        }
    }
}

//! Private-use schemes, by which answers reach applications (RFC 8252 section 7.1, R-O24).

/// Private-use schemes of known applications that have no dot, which RFC 8252 section 7.1 asks for
/// (R-O24).
pub const KNOWN_PRIVATE_SCHEMES: [&str; 6] = [
    "cursor",
    "vscode",
    "vscode-insiders",
    "claude",
    "windsurf",
    "zed",
];
/// Schemes that browsers and systems give a meaning of their own: they are no application's,
/// whatever a setting says.
const FOREIGN_SCHEMES: [&str; 16] = [
    "about",
    "blob",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "intent",
    "javascript",
    "mailto",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// The private-use schemes without a dot that redirect URIs may have (R-O24). Schemes with a dot
/// are always allowed: they are reversed domain names of their owner (RFC 8252 section 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateSchemes(Vec<String>);

impl PrivateSchemes {
    /// Reads names of schemes.
    ///
    /// # Errors
    /// The first text that cannot be the scheme of an application.
    pub fn read<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let read = |name: &'a str| is_scheme(name).then(|| name.to_owned()).ok_or(name);
        let names: Result<_, _> = names.into_iter().map(read).collect();
        names.map(Self)
    }

    /// The names that were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(super) fn allow(&self, scheme: &str) -> bool {
        is_scheme(scheme) && (scheme.contains('.') || self.0.iter().any(|own| own == scheme))
    }
}

impl Default for PrivateSchemes {
    /// The known ones.
    fn default() -> Self {
        Self(KNOWN_PRIVATE_SCHEMES.map(str::to_owned).into())
    }
}

/// Whether a text can be the scheme of an application: RFC 3986 section 3.1 in lower case, and not
/// a scheme that something else owns.
pub(super) fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte)
        })
        && !FOREIGN_SCHEMES.contains(&text)
}

//! Where settings come from: flag, then environment, then file, then default.

use std::collections::BTreeMap;
use std::path::Path;

use super::file::File;
use super::flags::Flags;
use super::similar::closest;

/// One setting, in all the ways it can be spelled.
#[derive(Debug)]
pub struct Setting {
    /// The key in the configuration file; the flag is the same with hyphens.
    pub key: &'static str,
    /// The environment variable.
    pub environment: &'static str,
    /// The value when nobody says anything; `None` where the default follows from other settings.
    pub default: Option<&'static str>,
    /// How the value is called in `--help`.
    pub value_name: &'static str,
    /// One line for `--help`.
    pub help: &'static str,
}

impl Setting {
    /// The flag without its two hyphens.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }
}

const fn setting(
    key: &'static str,
    environment: &'static str,
    default: Option<&'static str>,
    value_name: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        key,
        environment,
        default,
        value_name,
        help,
    }
}

/// Every setting there is, apart from `[[resource]]`, which only the file can hold.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    setting("issuer", "VESTIBULE_ISSUER", Some("http://localhost:3000"), "URL", "The address of this server as clients know it"),
    setting("server_name", "VESTIBULE_SERVER_NAME", Some("Vestibule"), "NAME", "The name shown on the pages"),
    setting("accent_color", "VESTIBULE_ACCENT_COLOR", None, "#RRGGBB", "The colour of buttons and links [default: the built-in green]"),
    setting("logo", "VESTIBULE_LOGO", None, "FILE", "An SVG, PNG, JPEG or WebP picture beside the name [default: the built-in mark]"),
    setting("listen", "VESTIBULE_LISTEN", None, "HOST:PORT", "Where to listen, comma-separated [default: from the issuer]"),
    setting("store", "VESTIBULE_STORE", Some("file:./vestibule-data"), "STORE", "file:PATH, memory:, redis://… or rediss://…"),
    setting("sealing_key", "VESTIBULE_SEALING_KEY", None, "KEY", "k4.local.… or a file that holds it [default: in the data folder]"),
    setting("sign_up", "VESTIBULE_SIGN_UP", Some("invitation"), "invitation|open|DOMAIN,…", "Who may make an account for themselves"),
    setting("registration", "VESTIBULE_REGISTRATION", Some("on"), "on|off", "Whether clients may register themselves"),
    setting("registration_limit", "VESTIBULE_REGISTRATION_LIMIT", Some("20"), "NUMBER", "Registrations per address and hour, 0 for no limit"),
    setting("private_schemes", "VESTIBULE_PRIVATE_SCHEMES", Some("cursor,vscode,vscode-insiders,claude,windsurf,zed"), "SCHEME,…", "Schemes of applications to allow besides the known ones; -NAME takes one away, none all"),
    setting("client_documents", "VESTIBULE_CLIENT_DOCUMENTS", Some("on"), "on|off|HOST,…", "Whose clients may come with a metadata document"),
    setting("rate_limits", "VESTIBULE_RATE_LIMITS", Some("on"), "on|off", "Every rate limit at once; off is for tests"),
    setting("code_lifetime", "VESTIBULE_CODE_LIFETIME", Some("60s"), "TIME", "How long an authorization code lives"),
    setting("access_token_lifetime", "VESTIBULE_ACCESS_TOKEN_LIFETIME", Some("1h"), "TIME", "How long an access token lives"),
    setting("refresh_token_lifetime", "VESTIBULE_REFRESH_TOKEN_LIFETIME", Some("90d"), "TIME", "How long a refresh token lives"),
    setting("refresh_replay_window", "VESTIBULE_REFRESH_REPLAY_WINDOW", Some("30s"), "TIME", "How long a used refresh token gets its successor again"),
    setting("consent_lifetime", "VESTIBULE_CONSENT_LIFETIME", Some("90d"), "TIME", "How long an answer to an application is remembered, 0s asks every time"),
    setting("audit_retention", "VESTIBULE_AUDIT_RETENTION", Some("365d"), "TIME", "How long an event stays in the audit trail"),
    setting("trusted_proxies", "VESTIBULE_TRUSTED_PROXIES", Some(""), "CIDR,…", "Proxies whose X-Forwarded-For is believed"),
    setting("site", "VESTIBULE_SITE", None, "FOLDER", "A folder with the built pages' files [default: those in the binary]"),
];

/// The environment variable that names the configuration file.
pub const CONFIG_ENVIRONMENT: &str = "VESTIBULE_CONFIG";
/// How every environment variable of this server begins.
const PREFIX: &str = "VESTIBULE_";

/// A `[[resource]]` of the configuration file. What a fault of the file made unreadable is `None`.
#[derive(Debug, Clone)]
pub(super) struct ResourceEntry {
    /// The resource's URI, as tokens name it in `aud`.
    pub(super) identifier: String,
    /// What people call it.
    pub(super) name: Option<String>,
    /// The digest of the secret by which it may ask about tokens (RFC 7662).
    pub(super) introspection_secret_hash: Option<String>,
    /// Whether it is meant by a request that does not say which resource it wants.
    pub(super) default: bool,
    /// Its scopes, in the order the consent page shows them.
    pub(super) scopes: Option<Vec<ScopeEntry>>,
    /// Where it stands: its number, identifier, file and line.
    pub(super) source: String,
}

/// A `[[resource.scope]]` of the configuration file.
#[derive(Debug, Clone)]
pub(super) struct ScopeEntry {
    /// The scope token.
    pub(super) name: String,
    /// What it allows, as a sentence for the consent page.
    pub(super) sentence: String,
    /// Whether clients get it that ask for nothing in particular.
    pub(super) default: bool,
    /// Where it stands.
    pub(super) source: String,
}

/// A value as text, and who said it.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) source: String,
}

/// All settings that were given, before they are understood.
#[derive(Debug, Default)]
pub(super) struct Values {
    given: BTreeMap<&'static str, Given>,
    pub(super) resources: Option<Vec<ResourceEntry>>,
}

impl Values {
    /// Gathers all values; the more specific source wins. Faults of the file are appended to
    /// `faults`.
    pub(super) fn gather(
        flags: &Flags,
        environment: &dyn Fn(&str) -> Option<String>,
        faults: &mut Vec<String>,
    ) -> Self {
        let mut values = Self::default();
        if let Some(path) = flags
            .config()
            .map(str::to_owned)
            .or_else(|| environment(CONFIG_ENVIRONMENT))
        {
            values.take_file(File::read(Path::new(&path)), faults);
        }
        for setting in SETTINGS {
            // An empty variable counts as unset: compose files and unit files pass them on so.
            if let Some(text) = environment(setting.environment).filter(|text| !text.is_empty()) {
                values.given.insert(
                    setting.key,
                    Given {
                        text,
                        source: setting.environment.to_owned(),
                    },
                );
            }
            if let Some(text) = flags.value(setting.key) {
                let source = format!("--{}", setting.flag());
                values.given.insert(
                    setting.key,
                    Given {
                        text: text.to_owned(),
                        source,
                    },
                );
            }
        }
        values
    }

    /// What is set for `key`, or its default; `None` when it has neither.
    pub(super) fn value(&self, key: &str) -> Option<Given> {
        self.given.get(key).cloned().or_else(|| {
            let default = SETTINGS
                .iter()
                .find(|setting| setting.key == key)?
                .default?;
            Some(Given {
                text: default.to_owned(),
                source: key.to_owned(),
            })
        })
    }

    fn take_file(&mut self, file: File, faults: &mut Vec<String>) {
        self.resources = file.resources;
        self.given.extend(
            file.given
                .into_iter()
                .map(|(setting, given)| (setting.key, given)),
        );
        faults.extend(file.faults);
    }
}

/// Variables that look like settings of this server and are not, each with the one that may have
/// been meant. What Kubernetes adds for a service of the name "vestibule" is none of them.
pub fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let known: Vec<_> = SETTINGS
        .iter()
        .map(|setting| setting.environment)
        .chain([CONFIG_ENVIRONMENT])
        .collect();
    let is_foreign =
        |rest: &str| rest.starts_with("SERVICE_") || rest == "PORT" || rest.starts_with("PORT_");
    let is_unknown = |name: &String| {
        name.strip_prefix(PREFIX)
            .is_some_and(|rest| !is_foreign(rest))
            && !known.contains(&name.as_str())
    };
    let mut unknown: Vec<_> = names.into_iter().filter(is_unknown).collect();
    unknown.sort_unstable();
    // What all names have in common says nothing about what was meant.
    let rests = || known.iter().filter_map(|name| name.strip_prefix(PREFIX));
    let told = |name: &String| {
        let meant = closest(name.trim_start_matches(PREFIX), rests());
        let meant = meant.map_or_else(String::new, |meant| {
            format!("; did you mean {PREFIX}{meant}")
        });
        format!("{name}: there is no such variable, and it is ignored{meant}.")
    };
    unknown.iter().map(told).collect()
}

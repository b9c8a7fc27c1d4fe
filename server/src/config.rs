//! The configuration: gathered from four sources, understood as a whole, all faults named at once.

mod file;
mod flags;
mod parse;
mod resources;
mod settings;
mod similar;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use oauth::Issuer;
use oauth::redirect::PrivateSchemes;
use oauth::resource::{Resource, ResourceIdentifier};
use oauth_clients::document::DocumentPolicy;
use provider::{RegistrationPolicy, Settings, SignUpPolicy};
use store::Location;
use url::Url;

pub use flags::Flags;
pub use parse::ListenAddress;
pub use settings::{CONFIG_ENVIRONMENT, SETTINGS, Setting, unknown_variables};

use crate::brand::{Accent, Branding, Logo};
use settings::{Given, Values};

/// Everything a person can set, understood and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The address of this server as clients know it, compared byte for byte by them (R-A18).
    pub issuer: Issuer,
    /// The server's name on its pages.
    pub server_name: String,
    /// What its pages look like.
    pub branding: Branding,
    /// Where to listen.
    pub listen: Vec<ListenAddress>,
    /// Where everything is remembered.
    pub store: Location,
    /// The key that seals the signing keys; `None` leaves it to the data folder.
    pub sealing_key: Option<SealingKeySource>,
    /// Who may make an account for themselves.
    pub sign_up: SignUpPolicy,
    /// Whether and how often clients may register themselves.
    pub registration: Registration,
    /// Schemes of applications that may stand in a redirect URI.
    pub private_schemes: PrivateSchemes,
    /// Whose clients may describe themselves by a document at their address.
    pub client_documents: DocumentPolicy,
    /// Whether any rate limit holds.
    pub rate_limits: bool,
    /// How long a code lives.
    pub code_lifetime: Duration,
    /// How long an access token lives.
    pub access_token_lifetime: Duration,
    /// How long a refresh token lives.
    pub refresh_token_lifetime: Duration,
    /// How long a used refresh token is answered with its successor.
    pub refresh_replay_window: Duration,
    /// How long consent is remembered; zero asks every time.
    pub consent_lifetime: Duration,
    /// How long an event stays in the audit log.
    pub audit_retention: Duration,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The protected resources.
    pub resources: Vec<Resource>,
    /// The one of them that is meant when nothing says which.
    pub default_resource: Option<ResourceIdentifier>,
    /// A folder with the built pages' files; `None` takes those in the binary.
    pub site: Option<PathBuf>,
}

/// Who may register clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    /// Whether `/register` is open at all.
    pub open: bool,
    /// Registrations per address and hour; 0 for no limit.
    pub limit_per_hour: u32,
}

/// Where the sealing key is.
#[derive(Clone, PartialEq, Eq)]
pub enum SealingKeySource {
    /// The PASERK itself.
    Given(String),
    /// A file that holds it.
    File(PathBuf),
}

impl fmt::Debug for SealingKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("Given(…)"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// Everything that is wrong with a configuration, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Config {
    /// Understands the settings: flag before environment before file before default.
    pub fn resolve(
        flags: &Flags,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Faults> {
        match Self::examine(flags, environment) {
            (config, faults) if faults.is_empty() => Ok(config),
            (_, faults) => Err(Faults(faults)),
        }
    }

    /// The same for whoever wants to look further in spite of faults: what is faulty has a harmless
    /// value in the result.
    pub fn examine(
        flags: &Flags,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> (Self, Vec<String>) {
        let mut faults = Vec::new();
        let values = Values::gather(flags, environment, &mut faults);
        let mut reader = Reader { values, faults };
        (reader.config(), reader.faults)
    }

    /// The data folder, with the embedded engine.
    pub fn data_folder(&self) -> Option<&std::path::Path> {
        match &self.store {
            Location::File(folder) => Some(folder),
            Location::Memory | Location::Redis(_) => None,
        }
    }

    /// What the provider needs of it.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::new(self.issuer.clone());
        settings.name.clone_from(&self.server_name);
        settings.resources.clone_from(&self.resources);
        settings.default_resource.clone_from(&self.default_resource);
        settings.sign_up.clone_from(&self.sign_up);
        settings.registration = RegistrationPolicy {
            open: self.registration.open,
            limit_per_hour: self.registration.limit_per_hour,
        };
        settings.private_schemes.clone_from(&self.private_schemes);
        settings.client_documents.clone_from(&self.client_documents);
        settings.rate_limits = self.rate_limits;
        settings.lifetimes.code = self.code_lifetime;
        settings.lifetimes.access_token = self.access_token_lifetime;
        settings.lifetimes.refresh_token = self.refresh_token_lifetime;
        settings.lifetimes.refresh_replay_window = self.refresh_replay_window;
        settings.lifetimes.consent = self.consent_lifetime;
        settings.lifetimes.audit = self.audit_retention;
        settings
    }
}

/// Reads one setting after the other and remembers what was wrong.
struct Reader {
    values: Values,
    faults: Vec<String>,
}

impl Reader {
    fn config(&mut self) -> Config {
        let issuer = self
            .read("issuer", Issuer::parse)
            .unwrap_or_else(local_issuer);
        let (resources, default_resource) = self.resources(&issuer);
        Config {
            server_name: self.read("server_name", server_name).unwrap_or_default(),
            branding: Branding {
                accent: self.read("accent_color", Accent::parse),
                logo: self.read("logo", Logo::read),
            },
            listen: self
                .read_list("listen", parse::listen)
                .unwrap_or_else(|| listen_for(&issuer)),
            store: self
                .read("store", |text| {
                    text.parse()
                        .map_err(|error: store::Error| error.to_string())
                })
                .unwrap_or(Location::Memory),
            sealing_key: self.read("sealing_key", sealing_key),
            sign_up: self
                .read_list("sign_up", parse::sign_up)
                .unwrap_or_default(),
            registration: Registration {
                open: self.read("registration", parse::switch).unwrap_or_default(),
                limit_per_hour: self.read("registration_limit", number).unwrap_or_default(),
            },
            private_schemes: self
                .read_list("private_schemes", parse::private_schemes)
                .unwrap_or_default(),
            client_documents: self
                .read_list("client_documents", DocumentPolicy::parse)
                .unwrap_or_default(),
            rate_limits: self.read("rate_limits", parse::switch).unwrap_or_default(),
            code_lifetime: self.lifetime("code_lifetime", "1s", "10m"),
            access_token_lifetime: self.lifetime("access_token_lifetime", "1s", "1d"),
            refresh_token_lifetime: self.lifetime("refresh_token_lifetime", "1s", "3650d"),
            refresh_replay_window: self.lifetime("refresh_replay_window", "0s", "1h"),
            consent_lifetime: self.lifetime("consent_lifetime", "0s", "3650d"),
            audit_retention: self.lifetime("audit_retention", "1d", "3650d"),
            trusted_proxies: self
                .read_list("trusted_proxies", parse::networks)
                .unwrap_or_default(),
            resources,
            default_resource,
            site: self.read("site", |text| Ok(PathBuf::from(text))),
            issuer,
        }
    }

    /// A setting, if it is given or has a default, and is sound.
    fn read<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let Given { text, source } = self.values.value(key)?;
        parse(&text)
            .map_err(|fault| self.faults.push(format!("{source}: {fault}.")))
            .ok()
    }

    /// The same for a list: every faulty entry is named.
    fn read_list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let Given { text, source } = self.values.value(key)?;
        let whole = match parse(&text) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        let mut faults: Vec<_> = parse::items(&text)
            .filter_map(|item| parse(item).err())
            .collect();
        if faults.is_empty() {
            faults.push(whole);
        }
        self.faults.extend(
            faults
                .into_iter()
                .map(|fault| format!("{source}: {fault}.")),
        );
        None
    }

    fn lifetime(&mut self, key: &str, least: &str, most: &str) -> Duration {
        self.read(key, |text| parse::duration_within(text, least, most))
            .unwrap_or_default()
    }
}

fn server_name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the name is empty".to_owned()),
        name => Ok(name.to_owned()),
    }
}

fn number(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| format!("\"{text}\" is not a number"))
}

/// The text itself never appears in a fault: a key with a typing error is still nearly a key.
fn sealing_key(text: &str) -> Result<SealingKeySource, String> {
    if !text.starts_with("k4.") {
        return Ok(SealingKeySource::File(PathBuf::from(text)));
    }
    match text.parse::<access_token::SealingKey>() {
        Ok(_) => Ok(SealingKeySource::Given(text.to_owned())),
        Err(_) => Err("this is not a k4.local.… key; \"vestibule key seal\" makes one".to_owned()),
    }
}

/// The default of `listen`: the issuer's own port where the issuer is this computer, 3000 behind a
/// proxy.
fn listen_for(issuer: &Issuer) -> Vec<ListenAddress> {
    let plain = issuer.is_loopback() && !issuer.is_https();
    let port = match Url::parse(issuer.as_str()) {
        Ok(url) if plain => url.port_or_known_default().unwrap_or(3000),
        _ => 3000,
    };
    let host = match issuer.host().trim_matches(['[', ']']) {
        address if plain && address.parse::<std::net::IpAddr>().is_ok() => address.to_owned(),
        _ => "localhost".to_owned(),
    };
    vec![ListenAddress { host, port }]
}

/// Stands in for an issuer that was faulty, so that the other settings are checked too.
fn local_issuer() -> Issuer {
    #[expect(clippy::expect_used, reason = "a constant")]
    Issuer::parse("http://localhost:3000").expect("a sound issuer")
}

#[cfg(test)]
mod tests;

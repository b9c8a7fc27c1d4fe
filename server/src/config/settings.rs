//! Every setting, declared once. A row makes the member of [`Config`], the flag, the environment
//! variable, the key in the file, the line of `--help` and the row in README.md. `[[resource]]`,
//! which only the file can hold, is in `resources.rs`.

use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;
use oauth::{
    Issuer,
    redirect::PrivateSchemes,
    resource::{Resource, ResourceIdentifier},
};
use oauth_clients::document::DocumentPolicy;
use provider::SignUpPolicy;
use store::{ConnectionPassword, StoreLocation};

use super::{
    derived,
    parse::{self, ListenAddress},
    reader::{Reader, SealingKeySource},
    setting::{Changes, Named, Setting},
};
use crate::{
    brand::{Accent, Logo},
    guards::Guards,
    reverse_proxy::Upstream,
};

/// Declares the settings from one table: after each row comes how its value is read.
macro_rules! settings {
    ($($(#[$doc:meta])* $key:ident: $type:ty = $setting:expr, $read:expr;)+) => {
        /// Every setting, apart from `[[resource]]`.
        pub(crate) const SETTINGS: &[Named] = &[
            $(Named { key: stringify!($key), setting: $setting },)+
        ];

        /// The settings of a server, read and checked.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) struct Config {
            $($(#[$doc])* pub $key: $type,)+
            /// The protected resources.
            pub resources: Vec<Resource>,
            /// The resource that is meant when a request names none.
            pub default_resource: Option<ResourceIdentifier>,
            /// The servers behind the reverse proxy.
            pub upstreams: Vec<Upstream>,
            /// Which scopes the calls of the resources need.
            pub guards: Guards,
        }

        impl Config {
            /// Reads every setting. A faulty one gets a harmless value.
            pub(super) fn read(reader: &mut Reader) -> Self {
                let upstreams = reader.upstreams();
                let protected = reader.resources();
                Self {
                    $($key: {
                        let read: fn(&mut Reader, &str) -> $type = $read;
                        read(reader, stringify!($key))
                    },)+
                    resources: protected.resources,
                    default_resource: protected.default_resource,
                    guards: protected.guards,
                    upstreams,
                }
            }

            /// The settings that differ from `other` and take effect at the next start only.
            pub(crate) fn needing_a_restart(&self, other: &Self) -> Vec<&'static str> {
                let mut needing = Vec::new();
                $(
                    let setting: Setting = $setting;
                    if setting.changes == Changes::AtRestart && self.$key != other.$key {
                        needing.push(stringify!($key));
                    }
                )+
                needing
            }
        }
    };
}

settings! {
    /// The address of this server as clients know it, compared byte for byte by them (R-A18).
    issuer: Issuer = Setting {
        environment: "VESTIBULE_ISSUER",
        default: Some("http://localhost:3000"),
        value_name: "URL",
        help: "The address of this server as clients know it",
        readme: (None, "the one name of the server; https unless loopback"),
        changes: Changes::AtRestart,
    }, |reader, _| reader.issuer.clone();

    /// The server's name on its pages.
    server_name: String = Setting {
        environment: "VESTIBULE_SERVER_NAME",
        default: Some("Vestibule"),
        value_name: "NAME",
        help: "The name shown on the pages",
        readme: (None, "the name on its pages"),
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, derived::server_name).unwrap_or_default();

    /// The colour of buttons and links.
    accent_color: Option<Accent> = Setting {
        environment: "VESTIBULE_ACCENT_COLOR",
        default: None,
        value_name: "#RRGGBB",
        help: "The colour of buttons and links [default: the built-in green]",
        readme: (Some("a green"), "the colour of buttons and links, `#rrggbb`; text stays legible with any colour"),
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, Accent::parse);

    /// The picture beside the name.
    logo: Option<Logo> = Setting {
        environment: "VESTIBULE_LOGO",
        default: None,
        value_name: "FILE",
        help: "An SVG, PNG, JPEG or WebP picture beside the name [default: the built-in mark]",
        readme: (Some("built in"), "an SVG, PNG, JPEG or WebP file of 256 KB at most, shown beside the name"),
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, Logo::read);

    /// Where to listen.
    listen: Vec<ListenAddress> = Setting {
        environment: "VESTIBULE_LISTEN",
        default: None,
        value_name: "HOST:PORT",
        help: "Where to listen, comma-separated [default: from the issuer]",
        readme: (Some("the issuer's port on `localhost`"), "where it listens"),
        changes: Changes::AtRestart,
    }, Reader::listen;

    /// Where records are stored.
    store: StoreLocation = Setting {
        environment: "VESTIBULE_STORE",
        default: Some("file:./vestibule-data"),
        value_name: "STORE",
        help: "file:PATH, memory:, redis://…, redis+sentinel://… or redis+cluster://…",
        readme: (None, "`file:FOLDER`, `memory:`, `redis://…`, `redis+sentinel://…`, `redis+cluster://…`; over TLS `rediss…`"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::location).unwrap_or(StoreLocation::Memory);

    /// The key that seals the signing keys; `None` leaves it to the data folder.
    sealing_key: Option<SealingKeySource> = Setting {
        environment: "VESTIBULE_SEALING_KEY",
        default: None,
        value_name: "KEY",
        help: "k4.local.… or a file that holds it [default: in the data folder]",
        readme: (Some("a file in the data folder"), "PASERK `k4.local.…`, or a file that holds one"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::sealing_key);

    /// Where the certificate authorities of Redis are.
    redis_tls_ca: Option<PathBuf> = Setting {
        environment: "VESTIBULE_REDIS_TLS_CA",
        default: None,
        value_name: "FILE",
        help: "Certificate authorities of Redis (PEM) [default: those of the system]",
        readme: (Some("those of the system"), "certificate authorities of Redis (PEM)"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The certificate by which Redis knows this server.
    redis_tls_certificate: Option<PathBuf> = Setting {
        environment: "VESTIBULE_REDIS_TLS_CERTIFICATE",
        default: None,
        value_name: "FILE",
        help: "The certificate by which Redis knows this server (PEM)",
        readme: (Some("none"), "the certificate by which Redis knows this server (PEM)"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The private key of that certificate.
    redis_tls_key: Option<PathBuf> = Setting {
        environment: "VESTIBULE_REDIS_TLS_KEY",
        default: None,
        value_name: "FILE",
        help: "Its private key (PEM)",
        readme: (Some("none"), "its private key (PEM)"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The name in the certificates of Redis.
    redis_server_name: Option<String> = Setting {
        environment: "VESTIBULE_REDIS_SERVER_NAME",
        default: None,
        value_name: "NAME",
        help: "The name in the certificates of Redis [default: the host]",
        readme: (Some("the host"), "the name in the certificates of Redis, where sentinels or a cluster name servers by address"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::text);

    /// The user of Redis.
    redis_username: Option<String> = Setting {
        environment: "VESTIBULE_REDIS_USERNAME",
        default: None,
        value_name: "USER",
        help: "The user of Redis [default: from the URL]",
        readme: (Some("from the URL"), "the user of Redis"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::text);

    /// The file with the password of Redis.
    redis_password_file: Option<PathBuf> = Setting {
        environment: "VESTIBULE_REDIS_PASSWORD_FILE",
        default: None,
        value_name: "FILE",
        help: "The file with the password of Redis [default: from the URL]",
        readme: (Some("from the URL"), "the file with the password of Redis, read again for each new connection"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The number of the Redis database.
    redis_database: Option<i64> = Setting {
        environment: "VESTIBULE_REDIS_DATABASE",
        default: None,
        value_name: "NUMBER",
        help: "The number of the Redis database [default: from the URL]",
        readme: (Some("from the URL, or 0"), "the number of the Redis database"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::database);

    /// How all keys in Redis begin.
    redis_prefix: String = Setting {
        environment: "VESTIBULE_REDIS_PREFIX",
        default: Some("vestibule:"),
        value_name: "TEXT",
        help: "How all keys in Redis begin",
        readme: (None, "how all keys in Redis begin; another value is another, empty store"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::prefix).unwrap_or_default();

    /// The user of the sentinels.
    redis_sentinel_username: Option<String> = Setting {
        environment: "VESTIBULE_REDIS_SENTINEL_USERNAME",
        default: None,
        value_name: "USER",
        help: "The user of the sentinels",
        readme: (Some("none"), "the user of the sentinels"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::text);

    /// The password of the sentinels.
    redis_sentinel_password: Option<ConnectionPassword> = Setting {
        environment: "VESTIBULE_REDIS_SENTINEL_PASSWORD",
        default: None,
        value_name: "PASSWORD",
        help: "The password of the sentinels",
        readme: (Some("none"), "the password of the sentinels"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(ConnectionPassword::new(text)));

    /// The file with the password of the sentinels.
    redis_sentinel_password_file: Option<PathBuf> = Setting {
        environment: "VESTIBULE_REDIS_SENTINEL_PASSWORD_FILE",
        default: None,
        value_name: "FILE",
        help: "The file with the password of the sentinels",
        readme: (Some("none"), "the file with the password of the sentinels"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// How long one attempt to connect to Redis may take.
    redis_connect_timeout: Duration = Setting {
        environment: "VESTIBULE_REDIS_CONNECT_TIMEOUT",
        default: Some("1s"),
        value_name: "TIME",
        help: "How long one attempt to connect to Redis may take",
        readme: (None, "one attempt to connect to Redis"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.duration(key, "1s", "30s");

    /// How long one answer of Redis may take.
    redis_response_timeout: Duration = Setting {
        environment: "VESTIBULE_REDIS_RESPONSE_TIMEOUT",
        default: Some("2s"),
        value_name: "TIME",
        help: "How long one answer of Redis may take",
        readme: (None, "one answer of Redis, and how long a refused command is repeated"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.duration(key, "1s", "30s");

    /// How long a change waits for a replica of Redis; zero does not wait.
    redis_wait_for_replica: Duration = Setting {
        environment: "VESTIBULE_REDIS_WAIT_FOR_REPLICA",
        default: Some("0s"),
        value_name: "TIME",
        help: "How long a change waits until a replica of Redis has it too, 0s does not wait",
        readme: (None, "how long a change waits until a replica of Redis has it too; 0 does not wait ([docs/STORAGE.md](docs/STORAGE.md))"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.duration(key, "0s", "30s");

    /// How many replicas of Redis must have a change.
    redis_wait_replicas: u32 = Setting {
        environment: "VESTIBULE_REDIS_WAIT_REPLICAS",
        default: Some("1"),
        value_name: "NUMBER",
        help: "How many replicas of Redis must have a change that waits",
        readme: (None, "how many replicas must have a change that waits"),
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::replicas).unwrap_or(1);

    /// Who may make an account without an invitation.
    sign_up: SignUpPolicy = Setting {
        environment: "VESTIBULE_SIGN_UP",
        default: Some("invitation"),
        value_name: "invitation|open|DOMAIN,…",
        help: "Who may make an account for themselves",
        readme: (None, "who may create an account without an invitation: `open` is everybody, `example.com,example.org` is every address of these domains (addresses are not verified)"),
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::sign_up);

    /// Whether clients may register themselves (RFC 7591).
    registration: bool = Setting {
        environment: "VESTIBULE_REGISTRATION",
        default: Some("on"),
        value_name: "on|off",
        help: "Whether clients may register themselves",
        readme: (None, "`off` closes dynamic registration"),
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, parse::switch).unwrap_or_default();

    /// Registrations per address and hour; 0 for no limit.
    registration_limit: u32 = Setting {
        environment: "VESTIBULE_REGISTRATION_LIMIT",
        default: Some("20"),
        value_name: "NUMBER",
        help: "Registrations per address and hour, 0 for no limit",
        readme: (None, "registrations per address and hour, each of which also allows 48 KB a day; 0 for no limit"),
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, derived::number).unwrap_or_default();

    /// Schemes of clients that may stand in a redirect URI.
    private_schemes: PrivateSchemes = Setting {
        environment: "VESTIBULE_PRIVATE_SCHEMES",
        default: Some("cursor,vscode,vscode-insiders,claude,windsurf,zed"),
        value_name: "SCHEME,…",
        help: "Schemes of applications to allow besides the known ones; -NAME takes one away, none all",
        readme: (Some("Cursor's, VS Code's, Claude's …"), "schemes of applications that may receive answers: `my-agent` adds one, `-cursor` takes one away, `none` takes all away"),
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::private_schemes);

    /// Whose clients may describe themselves by a document at their address.
    client_documents: DocumentPolicy = Setting {
        environment: "VESTIBULE_CLIENT_DOCUMENTS",
        default: Some("on"),
        value_name: "on|off|HOST,…",
        help: "Whose clients may come with a metadata document",
        readme: (None, "`off` refuses clients with a metadata document, `claude.ai,.example.com` accepts those of these hosts"),
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::client_documents);

    /// Whether any rate limit holds.
    rate_limits: bool = Setting {
        environment: "VESTIBULE_RATE_LIMITS",
        default: Some("on"),
        value_name: "on|off",
        help: "Every rate limit at once; off is for tests",
        readme: (None, "`off` removes every limit, for tests"),
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, parse::switch).unwrap_or_default();

    /// How long an authorization code lives.
    code_lifetime: Duration = Setting {
        environment: "VESTIBULE_CODE_LIFETIME",
        default: Some("60s"),
        value_name: "TIME",
        help: "How long an authorization code lives",
        readme: (None, "authorization codes"),
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1s", "10m");

    /// How long an access token lives.
    access_token_lifetime: Duration = Setting {
        environment: "VESTIBULE_ACCESS_TOKEN_LIFETIME",
        default: Some("1h"),
        value_name: "TIME",
        help: "How long an access token lives",
        readme: (None, "access tokens"),
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1s", "1d");

    /// How long a refresh token lives.
    refresh_token_lifetime: Duration = Setting {
        environment: "VESTIBULE_REFRESH_TOKEN_LIFETIME",
        default: Some("90d"),
        value_name: "TIME",
        help: "How long a refresh token lives",
        readme: (None, "refresh tokens, from their own issue"),
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1s", "3650d");

    /// How long a used refresh token is answered with its successor.
    refresh_replay_window: Duration = Setting {
        environment: "VESTIBULE_REFRESH_REPLAY_WINDOW",
        default: Some("30s"),
        value_name: "TIME",
        help: "How long a used refresh token gets its successor again",
        readme: (None, "how long a rotated refresh token gives its successor again; 0 is strict"),
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "0s", "1h");

    /// How long consent is remembered; zero asks every time.
    consent_lifetime: Duration = Setting {
        environment: "VESTIBULE_CONSENT_LIFETIME",
        default: Some("90d"),
        value_name: "TIME",
        help: "How long an answer to an application is remembered, 0s asks every time",
        readme: (None, "how long the consent for a web application is remembered; 0 asks every time"),
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "0s", "3650d");

    /// How long an event stays in the audit log.
    audit_retention: Duration = Setting {
        environment: "VESTIBULE_AUDIT_RETENTION",
        default: Some("365d"),
        value_name: "TIME",
        help: "How long an event stays in the audit trail",
        readme: (None, "how long an event stays in the audit log"),
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1d", "3650d");

    /// Proxies whose `X-Forwarded-For` is believed.
    trusted_proxies: Vec<IpNet> = Setting {
        environment: "VESTIBULE_TRUSTED_PROXIES",
        default: Some(""),
        value_name: "CIDR,…",
        help: "Proxies whose X-Forwarded-For is believed",
        readme: (Some("none; this computer, when `listen` names nothing else"), "proxies whose `X-Forwarded-For` counts, as address ranges. Without them, all users behind a proxy share one rate limit"),
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::networks);

    /// A folder with the built pages' files; `None` takes those in the binary.
    site: Option<PathBuf> = Setting {
        environment: "VESTIBULE_SITE",
        default: None,
        value_name: "FOLDER",
        help: "A folder with the built pages' files [default: those in the binary]",
        readme: (Some("those in the binary"), "a folder with the pages' style, script and wasm"),
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));
}

//! Every setting, declared once. A row makes the member of [`Config`], the flag, the environment
//! variable, the key in the file and the lines of `vestibule help settings`. `[[resource]]`,
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
        default: Some("http://localhost:3000"),
        value_name: "URL",
        help: "The address of this server as clients know it; https unless it is this computer",
        changes: Changes::AtRestart,
    }, |reader, _| reader.issuer.clone();

    /// The server's name on its pages.
    server_name: String = Setting {
        default: Some("Vestibule"),
        value_name: "NAME",
        help: "The name shown on the pages",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, derived::server_name).unwrap_or_default();

    /// The colour of buttons and links.
    accent_color: Option<Accent> = Setting {
        default: None,
        value_name: "#RRGGBB",
        help: "The colour of buttons and links; text stays legible with any colour [default: green]",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, Accent::parse);

    /// The picture beside the name.
    logo: Option<Logo> = Setting {
        default: None,
        value_name: "FILE",
        help: "An SVG, PNG, JPEG or WebP picture of at most 256 KB beside the name [default: built in]",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, Logo::read);

    /// Where to listen.
    listen: Vec<ListenAddress> = Setting {
        default: None,
        value_name: "HOST:PORT",
        help: "Where to listen, comma-separated [default: the issuer's port on localhost]",
        changes: Changes::AtRestart,
    }, Reader::listen;

    /// Where records are stored.
    store: StoreLocation = Setting {
        default: Some("file:./vestibule-data"),
        value_name: "STORE",
        help: "file:FOLDER, memory:, redis://…, redis+sentinel://… or redis+cluster://…; over TLS rediss…",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::location).unwrap_or(StoreLocation::Memory);

    /// The key that seals the signing keys; `None` leaves it to the data folder.
    sealing_key: Option<SealingKeySource> = Setting {
        default: None,
        value_name: "KEY",
        help: "k4.local.…, or a file that holds it [default: a file in the data folder]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::sealing_key);

    /// Where the certificate authorities of Redis are.
    redis_tls_ca: Option<PathBuf> = Setting {
        default: None,
        value_name: "FILE",
        help: "Certificate authorities of Redis (PEM) [default: those of the system]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The certificate by which Redis knows this server.
    redis_tls_certificate: Option<PathBuf> = Setting {
        default: None,
        value_name: "FILE",
        help: "The certificate by which Redis knows this server (PEM)",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The private key of that certificate.
    redis_tls_key: Option<PathBuf> = Setting {
        default: None,
        value_name: "FILE",
        help: "The private key of that certificate (PEM)",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The name in the certificates of Redis.
    redis_server_name: Option<String> = Setting {
        default: None,
        value_name: "NAME",
        help: "The name in the certificates of Redis, where sentinels or a cluster name servers by address [default: the host]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::text);

    /// The user of Redis.
    redis_username: Option<String> = Setting {
        default: None,
        value_name: "USER",
        help: "The user of Redis [default: from the URL]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::text);

    /// The file with the password of Redis.
    redis_password_file: Option<PathBuf> = Setting {
        default: None,
        value_name: "FILE",
        help: "A file with the password of Redis, read again for each new connection [default: from the URL]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The number of the Redis database.
    redis_database: Option<i64> = Setting {
        default: None,
        value_name: "NUMBER",
        help: "The number of the Redis database [default: from the URL, or 0]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::database);

    /// How all keys in Redis begin.
    redis_prefix: String = Setting {
        default: Some("vestibule:"),
        value_name: "TEXT",
        help: "How all keys in Redis begin; another value is another, empty store",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::prefix).unwrap_or_default();

    /// The user of the sentinels.
    redis_sentinel_username: Option<String> = Setting {
        default: None,
        value_name: "USER",
        help: "The user of the sentinels",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::text);

    /// The password of the sentinels.
    redis_sentinel_password: Option<ConnectionPassword> = Setting {
        default: None,
        value_name: "PASSWORD",
        help: "The password of the sentinels",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(ConnectionPassword::new(text)));

    /// The file with the password of the sentinels.
    redis_sentinel_password_file: Option<PathBuf> = Setting {
        default: None,
        value_name: "FILE",
        help: "A file with the password of the sentinels",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// How long one attempt to connect to Redis may take.
    redis_connect_timeout: Duration = Setting {
        default: Some("1s"),
        value_name: "TIME",
        help: "How long one attempt to connect to Redis may take",
        changes: Changes::AtRestart,
    }, |reader, key| reader.duration(key, "1s", "30s");

    /// How long one answer of Redis may take.
    redis_response_timeout: Duration = Setting {
        default: Some("2s"),
        value_name: "TIME",
        help: "How long one answer of Redis may take, and how long a refused command is repeated",
        changes: Changes::AtRestart,
    }, |reader, key| reader.duration(key, "1s", "30s");

    /// How long a change waits for a replica of Redis; zero does not wait.
    redis_wait_for_replica: Duration = Setting {
        default: Some("0s"),
        value_name: "TIME",
        help: "How long a change waits until a replica of Redis has it too; 0s does not wait",
        changes: Changes::AtRestart,
    }, |reader, key| reader.duration(key, "0s", "30s");

    /// How many replicas of Redis must have a change.
    redis_wait_replicas: u32 = Setting {
        default: Some("1"),
        value_name: "NUMBER",
        help: "How many replicas of Redis must have a change that waits",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::replicas).unwrap_or(1);

    /// Who may make an account without an invitation.
    sign_up: SignUpPolicy = Setting {
        default: Some("invitation"),
        value_name: "invitation|open|DOMAIN,…",
        help: "Who may create an account without an invitation: invitation is nobody, open is everybody, a list of domains everybody with an address there (addresses are not verified)",
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::sign_up);

    /// Whether clients may register themselves (RFC 7591).
    registration: bool = Setting {
        default: Some("on"),
        value_name: "on|off",
        help: "Whether clients may register themselves; off closes dynamic registration",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, parse::switch).unwrap_or_default();

    /// Registrations per address and hour; 0 for no limit.
    registration_limit: u32 = Setting {
        default: Some("20"),
        value_name: "NUMBER",
        help: "Registrations per address and hour, each of which also allows 48 KB a day; 0 for no limit",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, derived::number).unwrap_or_default();

    /// Schemes of clients that may stand in a redirect URI.
    private_schemes: PrivateSchemes = Setting {
        default: Some("cursor,vscode,vscode-insiders,claude,windsurf,zed"),
        value_name: "SCHEME,…",
        help: "Schemes of applications that may receive answers: NAME adds one, -NAME removes one, none removes all [default: Cursor's, VS Code's, Claude's and others]",
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::private_schemes);

    /// Whose clients may describe themselves by a document at their address.
    client_documents: DocumentPolicy = Setting {
        default: Some("on"),
        value_name: "on|off|HOST,…",
        help: "Which clients may have a metadata document: on, off, or the hosts of their documents (.example.com is every subdomain)",
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::client_documents);

    /// Whether any rate limit holds.
    rate_limits: bool = Setting {
        default: Some("on"),
        value_name: "on|off",
        help: "off removes every rate limit, for tests",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, parse::switch).unwrap_or_default();

    /// How long an authorization code lives.
    code_lifetime: Duration = Setting {
        default: Some("60s"),
        value_name: "TIME",
        help: "How long an authorization code is valid",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1s", "10m");

    /// How long an access token lives.
    access_token_lifetime: Duration = Setting {
        default: Some("1h"),
        value_name: "TIME",
        help: "How long an access token is valid",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1s", "1d");

    /// How long a refresh token lives.
    refresh_token_lifetime: Duration = Setting {
        default: Some("90d"),
        value_name: "TIME",
        help: "How long a refresh token is valid after its own issue",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1s", "3650d");

    /// How long a used refresh token is answered with its successor.
    refresh_replay_window: Duration = Setting {
        default: Some("30s"),
        value_name: "TIME",
        help: "How long a rotated refresh token gives its successor again; 0s is strict",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "0s", "1h");

    /// How long consent is remembered; zero asks every time.
    consent_lifetime: Duration = Setting {
        default: Some("90d"),
        value_name: "TIME",
        help: "How long the consent for a web application is remembered; 0s asks every time",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "0s", "3650d");

    /// How long an event stays in the audit log.
    audit_retention: Duration = Setting {
        default: Some("365d"),
        value_name: "TIME",
        help: "How long an event stays in the audit log",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1d", "3650d");

    /// Proxies whose `X-Forwarded-For` is believed.
    trusted_proxies: Vec<IpNet> = Setting {
        default: Some(""),
        value_name: "CIDR,…",
        help: "Address ranges of proxies whose X-Forwarded-For counts; without them, all users behind a proxy share one rate limit [default: this computer, if the server listens only there]",
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::networks);

    /// A folder with the built pages' files; `None` takes those in the binary.
    site: Option<PathBuf> = Setting {
        default: None,
        value_name: "FOLDER",
        help: "A folder with the style, script and wasm of the pages [default: in the binary]",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));
}

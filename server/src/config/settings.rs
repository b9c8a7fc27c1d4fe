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
    /// The public URL of this server, which clients compare byte for byte (R-A18).
    issuer: Issuer = Setting {
        default: Some("http://localhost:3000"),
        value_name: "URL",
        help: "The public URL of this server; https is required unless it is localhost",
        changes: Changes::AtRestart,
    }, |reader, _| reader.issuer.clone();

    /// The server's name on its pages.
    server_name: String = Setting {
        default: Some("Vestibule"),
        value_name: "NAME",
        help: "The server name shown on pages",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, derived::server_name).unwrap_or_default();

    /// The color of buttons and links.
    accent_color: Option<Accent> = Setting {
        default: None,
        value_name: "#RRGGBB",
        help: "The color of buttons and links; text stays readable with any color [default: green]",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, Accent::parse);

    /// The picture beside the name.
    logo: Option<Logo> = Setting {
        default: None,
        value_name: "FILE",
        help: "The logo beside the name: SVG, PNG, JPEG or WebP, at most 256 KB [default: built in]",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, Logo::read);

    /// Where to listen.
    listen: Vec<ListenAddress> = Setting {
        default: None,
        value_name: "HOST:PORT",
        help: "Addresses to listen on, comma-separated [default: the port of the issuer on localhost]",
        changes: Changes::AtRestart,
    }, Reader::listen;

    /// Where records are stored.
    store: StoreLocation = Setting {
        default: Some("file:./vestibule-data"),
        value_name: "STORE",
        help: "Where data is stored: file:FOLDER, memory:, redis://…, redis+sentinel://… or redis+cluster://…; with TLS \
             rediss…",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::location).unwrap_or(StoreLocation::Memory);

    /// The key that seals the signing keys; `None` leaves it to the data folder.
    sealing_key: Option<SealingKeySource> = Setting {
        default: None,
        value_name: "KEY",
        help: "The key that encrypts the signing keys: k4.local.…, or a file that contains it [default: a file in the \
             data folder]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::sealing_key);

    /// Where the certificate authorities of Redis are.
    redis_tls_ca: Option<PathBuf> = Setting {
        default: None,
        value_name: "FILE",
        help: "Certificate authorities for Redis (PEM) [default: those of the system]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The client certificate for Redis.
    redis_tls_certificate: Option<PathBuf> = Setting {
        default: None,
        value_name: "FILE",
        help: "The client certificate for Redis (PEM)",
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
        help: "The server name in the Redis certificates, if sentinels or a cluster return addresses [default: the host]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::text);

    /// The user of Redis.
    redis_username: Option<String> = Setting {
        default: None,
        value_name: "USER",
        help: "The Redis user [default: from the URL]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::text);

    /// The file with the password of Redis.
    redis_password_file: Option<PathBuf> = Setting {
        default: None,
        value_name: "FILE",
        help: "A file with the Redis password, read for each new connection [default: from the URL]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// The number of the Redis database.
    redis_database: Option<i64> = Setting {
        default: None,
        value_name: "NUMBER",
        help: "The Redis database number [default: from the URL, or 0]",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::database);

    /// The prefix of all keys in Redis.
    redis_prefix: String = Setting {
        default: Some("vestibule:"),
        value_name: "TEXT",
        help: "The prefix of all Redis keys; a different prefix is a different, empty store",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::prefix).unwrap_or_default();

    /// The user of the sentinels.
    redis_sentinel_username: Option<String> = Setting {
        default: None,
        value_name: "USER",
        help: "The Sentinel user",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::text);

    /// The password of the sentinels.
    redis_sentinel_password: Option<ConnectionPassword> = Setting {
        default: None,
        value_name: "PASSWORD",
        help: "The Sentinel password",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(ConnectionPassword::new(text)));

    /// The file with the password of the sentinels.
    redis_sentinel_password_file: Option<PathBuf> = Setting {
        default: None,
        value_name: "FILE",
        help: "A file with the Sentinel password",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));

    /// How long one attempt to connect to Redis may take.
    redis_connect_timeout: Duration = Setting {
        default: Some("1s"),
        value_name: "TIME",
        help: "Timeout for connecting to Redis",
        changes: Changes::AtRestart,
    }, |reader, key| reader.duration(key, "1s", "30s");

    /// How long one answer of Redis may take.
    redis_response_timeout: Duration = Setting {
        default: Some("2s"),
        value_name: "TIME",
        help: "Timeout for a Redis response, and for retrying a refused command",
        changes: Changes::AtRestart,
    }, |reader, key| reader.duration(key, "1s", "30s");

    /// How long a change waits for a replica of Redis; zero does not wait.
    redis_wait_for_replica: Duration = Setting {
        default: Some("0s"),
        value_name: "TIME",
        help: "How long a change waits until a Redis replica has it; 0s does not wait",
        changes: Changes::AtRestart,
    }, |reader, key| reader.duration(key, "0s", "30s");

    /// How many replicas of Redis must have a change.
    redis_wait_replicas: u32 = Setting {
        default: Some("1"),
        value_name: "NUMBER",
        help: "How many Redis replicas must have a change",
        changes: Changes::AtRestart,
    }, |reader, key| reader.read(key, derived::replicas).unwrap_or(1);

    /// Who can create an account.
    sign_up: SignUpPolicy = Setting {
        default: Some("invitation"),
        value_name: "invitation|open|DOMAIN,…",
        help: "Who can create an account: invitation (only invited people), open (everyone), or a list of email domains \
             (addresses are not verified)",
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::sign_up);

    /// Whether clients may register themselves (RFC 7591).
    registration: bool = Setting {
        default: Some("on"),
        value_name: "on|off",
        help: "Whether applications can register themselves (dynamic client registration)",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, parse::switch).unwrap_or_default();

    /// Registrations per address and hour; 0 for no limit.
    registration_limit: u32 = Setting {
        default: Some("20"),
        value_name: "NUMBER",
        help: "Registrations per network address and hour, each of which also allows 48 KB per day; 0 for no limit",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, derived::number).unwrap_or_default();

    /// Private URI schemes that are allowed in redirect URIs.
    private_schemes: PrivateSchemes = Setting {
        default: Some("cursor,vscode,vscode-insiders,claude,windsurf,zed"),
        value_name: "SCHEME,…",
        help: "Private URI schemes allowed in redirect URIs: NAME adds one, -NAME removes one, none removes all [default: \
             those of Cursor, VS Code, Claude and others]",
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::private_schemes);

    /// Which clients can use a client metadata document.
    client_documents: DocumentPolicy = Setting {
        default: Some("on"),
        value_name: "on|off|HOST,…",
        help: "Which applications can use a client metadata document: on, off, or a list of hosts (.example.com means \
             every subdomain)",
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::client_documents);

    /// Whether rate limits apply.
    rate_limits: bool = Setting {
        default: Some("on"),
        value_name: "on|off",
        help: "Whether rate limits apply; turn off only for tests",
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
        help: "How long a refresh token is valid after it was issued",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1s", "3650d");

    /// How long a used refresh token is answered with its successor.
    refresh_replay_window: Duration = Setting {
        default: Some("30s"),
        value_name: "TIME",
        help: "How long a rotated refresh token can be used again to get its successor; 0s allows no reuse",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "0s", "1h");

    /// How long consent is remembered; zero asks every time.
    consent_lifetime: Duration = Setting {
        default: Some("90d"),
        value_name: "TIME",
        help: "How long permission for a web application is remembered; 0s asks every time",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "0s", "3650d");

    /// How long an event stays in the audit log.
    audit_retention: Duration = Setting {
        default: Some("365d"),
        value_name: "TIME",
        help: "How long events stay in the audit log",
        changes: Changes::AtReload,
    }, |reader, key| reader.duration(key, "1d", "3650d");

    /// Proxies whose `X-Forwarded-For` is trusted.
    trusted_proxies: Vec<IpNet> = Setting {
        default: Some(""),
        value_name: "CIDR,…",
        help: "Addresses of proxies whose X-Forwarded-For is trusted; without it, all users behind a proxy share one rate \
             limit [default: this computer, if the server listens only there]",
        changes: Changes::AtReload,
    }, |reader, key| reader.list(key, parse::networks);

    /// A folder with the built pages' files; `None` takes those in the binary.
    site: Option<PathBuf> = Setting {
        default: None,
        value_name: "FOLDER",
        help: "A folder with the style, script and wasm files of the pages [default: built in]",
        changes: Changes::AtReload,
    }, |reader, key| reader.read(key, |text| Ok(PathBuf::from(text)));
}

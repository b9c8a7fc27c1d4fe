//! Connecting to one server.

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, PushInfo, PushKind, RedisConnectionInfo, RedisError, RedisFuture,
    TlsCertificates, aio::MultiplexedConnection, io::AsyncDNSResolver,
};

use super::RedisOptions;
use crate::{Error, Result, location::RedisUrl};

/// How long sent bytes may stay unacknowledged before the connection counts as lost, for example to
/// a machine that has failed.
#[cfg(target_os = "linux")]
const ACKNOWLEDGE: Duration = Duration::from_secs(5);

/// How many commands may wait for the socket.
const WAITING: usize = 1024;

/// Host and port of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    pub(super) fn new(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        Self { host, port }
    }

    /// From the text `HOST:PORT`, as in the answers of a cluster.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self::new(host.trim_matches(['[', ']']), port.parse().ok()?))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A connection, and whether the other side has closed it since.
#[derive(Clone)]
pub(super) struct Dialed {
    pub(super) connection: MultiplexedConnection,
    pub(super) closed: Arc<AtomicBool>,
}

/// Everything that all connections to servers of one kind have in common.
#[derive(Clone)]
pub(super) struct Dialer {
    tls: bool,
    settings: RedisConnectionInfo,
    password_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    certificate: Option<(PathBuf, PathBuf)>,
    server_name: Option<String>,
    connect: Duration,
    response: Duration,
}

impl Dialer {
    /// For the servers that hold the data.
    pub(super) fn new(url: &RedisUrl, options: &RedisOptions) -> Result<Self> {
        let mut settings = url.settings.clone();
        let twice = |what: &str| {
            Error::Location(format!(
                "{what} is set both in the URL of the store and in [redis]; remove one of them"
            ))
        };
        if let Some(user) = &options.username {
            if settings.username().is_some() {
                return Err(twice("the user name"));
            }
            settings = settings.set_username(user);
        }
        if options.password_file.is_some() && settings.password().is_some() {
            return Err(twice("the password"));
        }
        if let Some(database) = options.database {
            if ![0, database].contains(&settings.db()) {
                return Err(twice("the database"));
            }
            settings = settings.set_db(database);
        }
        if options.tls_ca.is_some() && url.ca.is_some() {
            return Err(twice("the file of certificate authorities"));
        }
        let dialer = Self {
            tls: url.tls,
            // With RESP3 a closed connection is noticed before the next command needs it.
            settings: settings.set_protocol(ProtocolVersion::RESP3),
            password_file: options.password_file.clone(),
            ca: url.ca.clone().or_else(|| options.tls_ca.clone()),
            certificate: certificate(options)?,
            server_name: options.server_name.clone(),
            connect: options.connect_timeout,
            response: options.response_timeout,
        };
        if !dialer.tls && (dialer.ca.is_some() || dialer.certificate.is_some()) {
            return Err(Error::Location(
                "tls_ca, tls_certificate and tls_key require a store URL that starts with rediss"
                    .to_owned(),
            ));
        }
        // Faults of files are told at the start, not at the first connection alone.
        dialer.password()?;
        dialer.certificates()?;
        Ok(dialer)
    }

    /// For sentinels: they have users of their own, and no databases.
    pub(super) fn for_sentinels(&self, options: &RedisOptions) -> Result<Self> {
        let mut settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = &options.sentinel_username {
            settings = settings.set_username(user);
        }
        if let Some(password) = &options.sentinel_password {
            settings = settings.set_password(password.expose());
        }
        let dialer = Self {
            settings,
            password_file: options.sentinel_password_file.clone(),
            response: self.connect,
            ..self.clone()
        };
        dialer.password()?;
        Ok(dialer)
    }

    /// The same with more time for an answer.
    pub(super) fn patient(&self, more: Duration) -> Self {
        let response = self.response + more;
        Self {
            response,
            ..self.clone()
        }
    }

    /// How long one answer may take.
    pub(super) fn response(&self) -> Duration {
        self.response
    }

    pub(super) async fn dial(&self, address: &Address) -> Result<Dialed, RedisError> {
        let told = |fault: Error| {
            RedisError::from((
                ErrorKind::InvalidClientConfig,
                "the settings of the connection",
                fault.to_string(),
            ))
        };
        let client = self.client(address).map_err(told)?;
        let closed = Arc::new(AtomicBool::new(false));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect))
            .set_response_timeout(Some(self.response))
            .set_pipeline_buffer_size(WAITING)
            .set_dns_resolver(Host(address.host.clone()))
            .set_push_sender(on_close(&closed));
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        // Name resolution and the greeting are part of the attempt.
        let connection = tokio::time::timeout(self.connect * 2, connecting).await;
        let connection = connection
            .map_err(|_| RedisError::from(io::Error::from(io::ErrorKind::TimedOut)))??;
        Ok(Dialed { connection, closed })
    }

    fn client(&self, address: &Address) -> Result<Client> {
        let host = self.server_name.clone().filter(|_| self.tls);
        let host = host.unwrap_or_else(|| address.host.clone());
        let port = address.port;
        let to = if self.tls {
            ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let mut settings = self.settings.clone();
        if let Some(password) = self.password()? {
            settings = settings.set_password(password);
        }
        let info = to.into_connection_info().map_err(super::unavailable)?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        #[cfg(target_os = "linux")]
        let tcp = tcp.set_user_timeout(ACKNOWLEDGE);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        match self.certificates()? {
            None => Client::open(info),
            Some(certificates) => Client::build_with_tls(info, certificates),
        }
        .map_err(super::unavailable)
    }

    fn password(&self) -> Result<Option<String>> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| unreadable("password", path, &error.to_string()))?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(unreadable("password", path, "it is empty")),
            password => Ok(Some(password.to_owned())),
        }
    }

    fn certificates(&self) -> Result<Option<TlsCertificates>> {
        if self.ca.is_none() && self.certificate.is_none() {
            return Ok(None);
        }
        let root_cert = self
            .ca
            .as_ref()
            .map(|path| read_pem("certificate authorities", path, CERTIFICATE));
        let client_tls = self.certificate.as_ref().map(|(certificate, key)| {
            Ok::<_, Error>(ClientTlsConfig {
                client_cert: read_pem("certificate", certificate, CERTIFICATE)?,
                client_key: read_pem("key", key, PRIVATE_KEY)?,
            })
        });
        Ok(Some(TlsCertificates {
            client_tls: client_tls.transpose()?,
            root_cert: root_cert.transpose()?,
        }))
    }
}

/// Marks a connection that the other side has closed.
fn on_close(closed: &Arc<AtomicBool>) -> impl redis::aio::AsyncPushSender + use<> {
    let closed = Arc::clone(closed);
    move |info: PushInfo| {
        if info.kind == PushKind::Disconnection {
            closed.store(true, Ordering::Release);
        }
        Ok::<(), std::convert::Infallible>(())
    }
}

fn certificate(options: &RedisOptions) -> Result<Option<(PathBuf, PathBuf)>> {
    match (&options.tls_certificate, &options.tls_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some((certificate.clone(), key.clone()))),
        (Some(_), None) | (None, Some(_)) => Err(Error::Location(
            "tls_certificate and tls_key must be set together".to_owned(),
        )),
    }
}

fn unreadable(what: &str, path: &Path, why: &str) -> Error {
    Error::Location(format!("cannot use the {what} {}: {why}", path.display()))
}

/// How PEM begins a certificate.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// How the lines end with which PEM begins a private key, whatever its format.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// A PEM file that contains something of this kind.
fn read_pem(what: &str, path: &Path, begins: &str) -> Result<Vec<u8>> {
    let pem = std::fs::read(path).map_err(|error| unreadable(what, path, &error.to_string()))?;
    if pem
        .windows(begins.len())
        .any(|part| part == begins.as_bytes())
    {
        return Ok(pem);
    }
    let kind = if begins == PRIVATE_KEY {
        "it contains no private key (PEM)"
    } else {
        "it contains no certificate (PEM)"
    };
    Err(unreadable(what, path, kind))
}

/// Resolves this host, whatever name the certificate is expected to have.
struct Host(String);

impl AsyncDNSResolver for Host {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        _certified: &'b str,
        port: u16,
    ) -> RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((self.0.as_str(), port)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter())
                as Box<dyn Iterator<Item = _> + Send>)
        })
    }
}

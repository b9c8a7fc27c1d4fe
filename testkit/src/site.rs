//! Web servers of other hosts: https on this computer under any host name, with any response.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

/// A web server with one or several host names. Clones share one server, which ends with the test.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    hosts: Vec<String>,
    certificate: Vec<u8>,
    replies: Mutex<HashMap<String, Reply>>,
    requests: Mutex<Vec<String>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
    is_up: AtomicBool,
}

/// A response: its bytes and how they are sent.
#[derive(Clone, Debug)]
pub struct Reply {
    head: String,
    body: Vec<u8>,
    pace: Option<Duration>,
    gate: Option<Arc<Semaphore>>,
}

impl Reply {
    /// A response with this status line, such as `404 Not Found`.
    pub fn new(status: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        Self {
            head,
            body,
            pace: None,
            gate: None,
        }
    }

    /// A JSON document.
    pub fn json(body: &str) -> Self {
        Self::new("200 OK", body).with("content-type", "application/json")
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.head += &[name, ": ", value, "\r\n"].concat();
        self
    }

    /// Sends one chunk, without a `Content-Length`.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.head = self.head.replace(
            &format!("content-length: {}", self.body.len()),
            "transfer-encoding: chunked",
        );
        self.body = [
            format!("{:x}\r\n", self.body.len()).as_bytes(),
            &self.body,
            b"\r\n0\r\n\r\n",
        ]
        .concat();
        self
    }

    /// Sends a wrong `Content-Length`.
    #[must_use]
    pub fn claiming(mut self, length: usize) -> Self {
        self.head = self.head.replace(
            &format!("content-length: {}", self.body.len()),
            &format!("content-length: {length}"),
        );
        self
    }

    /// Sends the body byte by byte, at this interval.
    #[must_use]
    pub fn dripping(mut self, pace: Duration) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Waits for a permit of the gate, which is used up.
    #[must_use]
    pub fn behind(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    async fn admitted(&self) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            gate.acquire().await.map_err(io::Error::other)?.forget();
        }
        Ok(())
    }
}

impl Site {
    /// Starts a server with a certificate for these hosts. It answers 404 by default.
    pub async fn open(hosts: &[&str]) -> Self {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let own = rcgen::generate_simple_self_signed(hosts.clone()).expect("a certificate");
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
        let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(vec![own.cert.der().clone()], key)
            })
            .expect("a TLS server");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let site = Self(Arc::new(Inner {
            address: listener.local_addr().expect("an address"),
            hosts,
            certificate: own.cert.der().to_vec(),
            replies: Mutex::default(),
            requests: Mutex::default(),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            is_up: AtomicBool::new(true),
        }));
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        tokio::spawn(site.clone().listen(listener, acceptor));
        site
    }

    /// The resolver and root certificate with which a provider reaches this server. Its address is
    /// reachable from loopback issuers only.
    #[cfg(feature = "provider")]
    pub fn web(&self) -> provider::Web {
        provider::Web {
            names: Arc::new(self.clone()),
            authorities: vec![self.certificate()],
        }
    }

    /// Its certificate, in DER.
    pub fn certificate(&self) -> Vec<u8> {
        self.0.certificate.clone()
    }

    /// The addresses of a host: this server for its own hosts, none for others or while its names
    /// do not resolve.
    pub fn addresses(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let is_up = self.0.is_up.load(Ordering::SeqCst);
        if is_up && self.0.hosts.iter().any(|own| own == host) {
            Ok(vec![self.0.address])
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Sets the response for a URL.
    pub fn put(&self, url: &str, reply: Reply) {
        lock(&self.0.replies).insert(url.to_owned(), reply);
    }

    /// Sets whether the names of its hosts resolve.
    pub fn set_up(&self, is_up: bool) {
        self.0.is_up.store(is_up, Ordering::SeqCst);
    }

    /// How often a URL was requested.
    pub fn requests(&self, url: &str) -> usize {
        lock(&self.0.requests)
            .iter()
            .filter(|asked| *asked == url)
            .count()
    }

    /// The maximum number of concurrent requests.
    pub fn most_at_once(&self) -> usize {
        self.0.most_open.load(Ordering::SeqCst)
    }

    async fn listen(self, listener: TcpListener, acceptor: TlsAcceptor) {
        while let Ok((stream, _)) = listener.accept().await {
            let site = self.clone();
            let acceptor = acceptor.clone();
            tokio::spawn(async move { site.serve(stream, acceptor).await });
        }
    }

    async fn serve(self, stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
        let mut stream = acceptor.accept(stream).await?;
        let url = asked(&mut stream).await?;
        let open = self.0.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most_open.fetch_max(open, Ordering::SeqCst);
        lock(&self.0.requests).push(url.clone());
        let reply = lock(&self.0.replies).get(&url).cloned();
        let reply = reply.unwrap_or_else(|| Reply::new("404 Not Found", ""));
        let admitted = reply.admitted().await;
        // Before the response begins: a client that has received it may send the next request at
        // once.
        self.0.open.fetch_sub(1, Ordering::SeqCst);
        admitted?;
        send_reply(&mut stream, reply).await
    }
}

#[cfg(feature = "provider")]
impl provider::Names for Site {
    fn addresses(
        &self,
        host: &str,
    ) -> futures_util::future::BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let found = Self::addresses(self, host);
        Box::pin(async { found })
    }
}

/// The path of a request.
async fn asked(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let host = request
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap_or_default();
    Ok(format!("https://{host}{path}"))
}

async fn send_reply(stream: &mut (impl AsyncWrite + Unpin), reply: Reply) -> io::Result<()> {
    stream
        .write_all(format!("{}\r\n", reply.head).as_bytes())
        .await?;
    match reply.pace {
        None => stream.write_all(&reply.body).await?,
        Some(pace) => {
            for byte in reply.body {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                sleep(pace).await;
            }
        }
    }
    stream.shutdown().await
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

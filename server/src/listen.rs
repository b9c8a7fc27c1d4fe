//! Sockets: binding them, accepting connections with bounded patience and number, and stopping gracefully.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

use crate::config::ListenAddress;

/// More connections than this wait in the kernel's queue.
const MOST_CONNECTIONS: u32 = 8192;
/// A client that sends its request line and headers slower than this is let go; so is a connection idle for as long.
const HEADER_PATIENCE: Duration = Duration::from_secs(30);
/// How long requests under way may take to finish at shutdown.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(10);

/// Binds every address that the settings name. A name stands for all its addresses, of which those that this machine does
/// not have (no IPv6, say) are left out. The error is a sentence for the terminal.
pub async fn bind(addresses: &[ListenAddress]) -> Result<Vec<TcpListener>, String> {
    let mut listeners = Vec::new();
    for address in addresses {
        let before = listeners.len();
        let mut missing = None;
        for socket in resolve(address).await? {
            match TcpListener::bind(socket).await {
                Ok(listener) => listeners.push(listener),
                Err(error) if is_missing(&error) => missing = Some(error),
                Err(error) => return Err(explain(&error, socket)),
            }
        }
        if listeners.len() == before {
            let reason = missing.map_or_else(|| "the name has no address".to_owned(), |error| error.to_string());
            return Err(format!("Cannot listen at {address}: {reason}."));
        }
    }
    Ok(listeners)
}

async fn resolve(address: &ListenAddress) -> Result<Vec<SocketAddr>, String> {
    let ListenAddress { host, port } = address;
    // Not left to the resolver: machines differ in whether their localhost has both.
    if host.eq_ignore_ascii_case("localhost") {
        let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(both.map(|ip| SocketAddr::new(ip, *port)).into());
    }
    let found = tokio::net::lookup_host((host.as_str(), *port)).await;
    let mut sockets: Vec<_> = found.map_err(|error| format!("Cannot listen at {address}: {error}."))?.collect();
    sockets.sort_unstable();
    sockets.dedup();
    Ok(sockets)
}

/// Whether the machine lacks this address, or its whole family.
fn is_missing(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = if cfg!(target_os = "linux") { 97 } else { 47 };
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}

fn explain(error: &io::Error, socket: SocketAddr) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "Port {} of {} is taken by another program (perhaps another vestibule). Stop it, or choose another port with --issuer and --listen.",
            socket.port(),
            socket.ip()
        ),
        io::ErrorKind::PermissionDenied => {
            format!(
                "Port {} of {} may not be opened by this user; ports below 1024 are often reserved.",
                socket.port(),
                socket.ip()
            )
        }
        _ => format!("Cannot listen at {socket}: {error}."),
    }
}

/// Serves on all listeners until `stop` turns true, then lets requests under way finish.
pub async fn serve(listeners: Vec<TcpListener>, router: Router, stop: watch::Receiver<bool>) {
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS as usize));
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, router.clone(), Arc::clone(&connections), stop.clone()));
    }
    while accepting.join_next().await.is_some() {}
    // All permits are back when all connections are closed.
    if tokio::time::timeout(SHUTDOWN_PATIENCE, connections.acquire_many(MOST_CONNECTIONS)).await.is_err() {
        tracing::warn!("some connections did not finish in time");
    }
}

async fn accept(listener: TcpListener, router: Router, connections: Arc<Semaphore>, mut stop: watch::Receiver<bool>) {
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(drive(stream, peer, router.clone(), permit, stop.clone()));
            }
            // Out of file descriptors, or a connection already gone.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn drive(stream: TcpStream, peer: SocketAddr, router: Router, permit: OwnedSemaphorePermit, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |request: http::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_PATIENCE)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
    );
    let stopped = tokio::select! {
        _ = connection.as_mut() => false,
        _ = stop.wait_for(|stop| *stop) => true,
    };
    if stopped {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
    drop(permit);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn at(host: &str, port: u16) -> ListenAddress {
        ListenAddress { host: host.to_owned(), port }
    }

    #[tokio::test]
    async fn localhost_means_both_loopback_addresses() {
        let sockets = resolve(&at("localhost", 3000)).await.expect("addresses");
        assert_eq!(sockets.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.1:3000", "[::1]:3000"]);
    }

    #[tokio::test]
    async fn a_taken_port_is_explained() {
        let held = bind(&[at("127.0.0.1", 0)]).await.expect("a free port");
        let port = held[0].local_addr().expect("bound").port();
        let fault = bind(&[at("127.0.0.1", port)]).await.expect_err("bound twice");
        assert!(fault.contains(&port.to_string()) && fault.contains("taken"), "{fault}");
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_a_fault() {
        assert!(bind(&[at("192.0.2.1", 0)]).await.is_err());
    }

    #[tokio::test]
    async fn stopping_waits_for_the_request_under_way() {
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "done"
        };
        let router = Router::new().route("/", axum::routing::get(slow));
        let listeners = bind(&[at("127.0.0.1", 0)]).await.expect("a free port");
        let address = listeners[0].local_addr().expect("bound");
        let (stopper, stop) = watch::channel(false);
        let server = tokio::spawn(serve(listeners, router, stop));

        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        tokio::time::sleep(Duration::from_millis(100)).await;
        stopper.send_replace(true);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
        server.await.expect("the server ended by itself");
    }
}

//! Binding the sockets that the settings name.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::config::ListenAddress;

/// How many connections the kernel keeps ready until they are accepted.
const BACKLOG: i32 = 1024;

/// Binds every address that the settings name. A name means all its addresses, of which those
/// that this machine does not have (no IPv6, say) are left out. An address that is named twice, or
/// that another one includes, is bound once.
///
/// # Errors
/// A sentence for the terminal.
pub(crate) async fn bind(addresses: &[ListenAddress]) -> Result<Vec<TcpListener>, String> {
    let mut named = Vec::new();
    for address in addresses {
        named.push((address, resolve(address).await?));
    }
    let all: Vec<SocketAddr> = named
        .iter()
        .flat_map(|(_, sockets)| sockets.iter().copied())
        .collect();
    let mut listeners = Vec::new();
    let mut done = Vec::new();
    for (address, sockets) in named {
        let mut served = false;
        let mut missing = None;
        for socket in sockets {
            if done.contains(&socket) || is_included(socket, &all) {
                served = true;
                continue;
            }
            match listener(socket, has_ipv4(socket.port(), &all)) {
                Ok(listener) => listeners.push(listener),
                Err(error) if is_missing(&error) => {
                    missing = Some(error);
                    continue;
                }
                Err(error) => return Err(explain(&error, socket)),
            }
            served = true;
            // Port 0 is another port each time.
            done.extend((socket.port() != 0).then_some(socket));
        }
        if !served {
            let reason = missing.map_or_else(
                || "the name has no address".to_owned(),
                |error| error.to_string(),
            );
            return Err(format!("Cannot listen on {address}: {reason}."));
        }
    }
    Ok(listeners)
}

/// Opens one socket. A socket of IPv6 takes IPv4 connections too where nothing else does:
/// `[::]:3000` alone is both.
fn listener(address: SocketAddr, ipv4_apart: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(ipv4_apart)?;
    }
    // The port is free again at once after a restart.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Whether a socket of IPv4 has this port too.
fn has_ipv4(port: u16, all: &[SocketAddr]) -> bool {
    all.iter()
        .any(|socket| socket.is_ipv4() && socket.port() == port)
}

/// Whether the address is one of those that `0.0.0.0` or `[::]` with the same port means.
fn is_included(socket: SocketAddr, all: &[SocketAddr]) -> bool {
    let includes = |other: &SocketAddr| {
        other.port() == socket.port() && other.is_ipv4() == socket.is_ipv4() && is_every(*other)
    };
    socket.port() != 0 && !is_every(socket) && all.iter().any(includes)
}

fn is_every(socket: SocketAddr) -> bool {
    socket.ip().is_unspecified()
}

async fn resolve(address: &ListenAddress) -> Result<Vec<SocketAddr>, String> {
    let ListenAddress { host, port } = address;
    // Not left to the resolver: machines differ in whether their localhost has both.
    if host.eq_ignore_ascii_case("localhost") {
        let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(both.map(|ip| SocketAddr::new(ip, *port)).into());
    }
    let found = tokio::net::lookup_host((host.as_str(), *port)).await;
    let found = found.map_err(|error| format!("Cannot listen on {address}: {error}."))?;
    // An IPv4 address in the spelling of IPv6 is bound as what it is.
    let mut sockets: Vec<_> = found.map(canonical).collect();
    sockets.sort_unstable();
    sockets.dedup();
    Ok(sockets)
}

fn canonical(socket: SocketAddr) -> SocketAddr {
    match socket.ip().to_canonical() {
        IpAddr::V4(address) => SocketAddr::new(address.into(), socket.port()),
        // With its scope.
        IpAddr::V6(_) => socket,
    }
}

/// Whether the machine lacks this address, or its whole family.
fn is_missing(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = if cfg!(target_os = "linux") { 97 } else { 47 };
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}

fn explain(error: &io::Error, socket: SocketAddr) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "Port {} on {} is already in use, perhaps by another Vestibule. Stop that program, or choose another port \
             with --issuer and --listen.",
            socket.port(),
            socket.ip()
        ),
        io::ErrorKind::PermissionDenied => {
            format!(
                "This user is not allowed to open port {} on {}. Ports below 1024 are often reserved.",
                socket.port(),
                socket.ip()
            )
        }
        _ => format!("Cannot listen on {socket}: {error}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, port: u16) -> ListenAddress {
        ListenAddress {
            host: host.to_owned(),
            port,
        }
    }

    async fn bound(hosts: &[&str], port: u16) -> Vec<String> {
        let addresses: Vec<_> = hosts.iter().map(|host| at(host, port)).collect();
        let listeners = bind(&addresses).await.expect("free addresses");
        listeners
            .iter()
            .map(|listener| listener.local_addr().expect("bound").ip().to_string())
            .collect()
    }

    async fn free_port() -> u16 {
        let listeners = bind(&[at("127.0.0.1", 0)]).await.expect("a free port");
        listeners[0].local_addr().expect("bound").port()
    }

    #[tokio::test]
    async fn localhost_means_both_loopback_addresses() {
        let sockets = resolve(&at("localhost", 3000)).await.expect("addresses");
        assert_eq!(
            sockets.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["127.0.0.1:3000", "[::1]:3000"]
        );
    }

    #[tokio::test]
    async fn a_taken_port_is_explained() {
        let held = bind(&[at("127.0.0.1", 0)]).await.expect("a free port");
        let port = held[0].local_addr().expect("bound").port();
        let fault = bind(&[at("127.0.0.1", port)])
            .await
            .expect_err("bound twice");
        assert!(
            fault.contains(&port.to_string()) && fault.contains("in use"),
            "{fault}"
        );
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_a_fault() {
        assert!(bind(&[at("192.0.2.1", 0)]).await.is_err());
    }

    #[tokio::test]
    async fn every_address_of_both_families_may_be_named_side_by_side() {
        let port = free_port().await;
        for order in [["0.0.0.0", "::"], ["::", "0.0.0.0"]] {
            let mut both = bound(&order, port).await;
            both.sort();
            assert_eq!(both, ["0.0.0.0", "::"]);
        }
    }

    #[tokio::test]
    async fn an_address_that_is_named_twice_or_included_is_bound_once() {
        let port = free_port().await;
        assert_eq!(
            bound(&["127.0.0.1", "127.0.0.1"], port).await,
            ["127.0.0.1"]
        );
        assert_eq!(
            bound(&["127.0.0.1", "::ffff:127.0.0.1"], port).await,
            ["127.0.0.1"]
        );
        assert_eq!(
            bound(&["localhost", "127.0.0.1", "::1"], port).await,
            ["127.0.0.1", "::1"]
        );
        assert_eq!(
            bound(&["127.0.0.1", "0.0.0.0", "localhost"], port).await,
            ["0.0.0.0", "::1"]
        );
        assert_eq!(bound(&["127.0.0.1", "::"], port).await, ["127.0.0.1", "::"]);
        assert_eq!(
            bound(&["127.0.0.1", "127.0.0.1"], 0).await.len(),
            2,
            "each is another port"
        );
    }

    #[tokio::test]
    async fn ipv6_alone_takes_ipv4_too() {
        let listeners = bind(&[at("::", 0)]).await.expect("a free port");
        let port = listeners[0].local_addr().expect("bound").port();
        tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .expect("connected over IPv4");
        tokio::net::TcpStream::connect((Ipv6Addr::LOCALHOST, port))
            .await
            .expect("connected over IPv6");
    }
}

//! An address with a changeable target.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    thread,
};

/// A port of 127.0.0.1 that forwards to another one. When the target changes, open connections
/// stay, as when a DNS name changes.
pub struct Redirect {
    port: u16,
    target: Arc<AtomicU16>,
    connections: Arc<AtomicUsize>,
}

impl Redirect {
    /// Forwards to a port of 127.0.0.1.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let target = Arc::new(AtomicU16::new(target));
        let connections = Arc::new(AtomicUsize::new(0));
        let leads = (Arc::clone(&target), Arc::clone(&connections));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                leads.1.fetch_add(1, Ordering::SeqCst);
                let target = leads.0.load(Ordering::SeqCst);
                thread::spawn(move || connect(&client, target));
            }
        });
        Self {
            port,
            target,
            connections,
        }
    }

    /// Forwards new connections to another port.
    pub fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The address as a Redis URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

/// Forwards bytes in both directions, until one side closes.
fn connect(client: &TcpStream, target: u16) -> io::Result<()> {
    let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, target)))?;
    let mut from_client = client.try_clone()?;
    let mut to_server = server.try_clone()?;
    let mut from_server = server;
    let mut to_client = client.try_clone()?;
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Both)
    });
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Both);
    let _ = there.join();
    Ok(())
}

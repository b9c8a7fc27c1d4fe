//! An address whose meaning changes.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    thread,
};

/// A port of 127.0.0.1 that leads to another one. When it is to lead elsewhere, the connections
/// that are open stay what they are, as with a name that is looked up once for each.
pub struct Redirect {
    port: u16,
    target: Arc<AtomicU16>,
    connections: Arc<AtomicUsize>,
}

impl Redirect {
    /// Leads to a port of 127.0.0.1.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let (target, connections) = (
            Arc::new(AtomicU16::new(target)),
            Arc::new(AtomicUsize::new(0)),
        );
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

    /// Leads new connections to another port.
    pub fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Where it listens, as the address of a Redis server.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

/// Passes on what comes from either side, until one of them ends.
fn connect(client: &TcpStream, target: u16) -> io::Result<()> {
    let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, target)))?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let (mut from_server, mut to_client) = (server, client.try_clone()?);
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Both)
    });
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Both);
    let _ = there.join();
    Ok(())
}

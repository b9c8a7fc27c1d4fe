//! A proxy that loses answers.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A port of 127.0.0.1 that forwards to another one. It passes on every request, and can close the
/// connection instead of passing on the answer.
pub struct Deaf {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Requests that contain this text get no answer, and how many of them.
    deaf_to: Mutex<Option<(String, usize)>>,
    swallowed: AtomicUsize,
}

impl Deaf {
    /// Forwards to a port of 127.0.0.1.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || forward(&client, target, &state));
            }
        });
        Self { port, state }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address as a Redis URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on, a request with this text is carried out, and its connection is closed.
    pub fn swallow_answers_to(&self, text: &str) {
        self.be_deaf(Some((text.to_owned(), usize::MAX)));
    }

    /// The same for one request.
    pub fn swallow_one_answer_to(&self, text: &str) {
        self.be_deaf(Some((text.to_owned(), 1)));
    }

    /// From now on, every answer is passed on.
    pub fn hear(&self) {
        self.be_deaf(None);
    }

    /// The number of answers that were lost.
    pub fn swallowed(&self) -> usize {
        self.state.swallowed.load(Ordering::SeqCst)
    }

    fn be_deaf(&self, to: Option<(String, usize)>) {
        *self
            .state
            .deaf_to
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = to;
    }
}

impl State {
    fn swallows(&self, request: &[u8]) -> bool {
        let mut deaf_to = self.deaf_to.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((text, left)) = deaf_to.as_mut() else {
            return false;
        };
        let text = text.as_bytes();
        let swallows = *left > 0 && request.windows(text.len()).any(|part| part == text);
        if swallows {
            *left -= 1;
            self.swallowed.fetch_add(1, Ordering::SeqCst);
        }
        swallows
    }
}

/// Forwards requests and their answers. A request whose answer is lost is answered by the server
/// before the connection is closed.
fn forward(client: &TcpStream, target: u16, state: &State) -> std::io::Result<()> {
    let mut server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, target)))?;
    let (mut from_client, mut to_client) = (client.try_clone()?, client.try_clone()?);
    let mut from_server = server.try_clone()?;
    let deaf = Arc::new(AtomicUsize::new(0));
    let is_deaf = Arc::clone(&deaf);
    let back = thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(length @ 1..) = from_server.read(&mut buffer) {
            if is_deaf.load(Ordering::SeqCst) > 0 || to_client.write_all(&buffer[..length]).is_err()
            {
                break;
            }
        }
        to_client.shutdown(Shutdown::Both)
    });
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from_client.read(&mut buffer) {
        if state.swallows(&buffer[..length]) {
            deaf.store(1, Ordering::SeqCst);
        }
        server.write_all(&buffer[..length])?;
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = back.join();
    Ok(())
}

//! Sockets: binding them, accepting connections with bounded patience and number, and stopping
//! gracefully.

mod activity;
mod connections;
mod descriptors;
mod patient;
mod sockets;

use std::{
    convert::Infallible,
    future::{Future as _, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tower::Service as _;

pub(crate) use connections::Bounds;
pub(crate) use descriptors::connections_that_fit;
pub(crate) use patient::WritePatience;
pub(crate) use sockets::bind;

use crate::{log_throttle::LogThrottle, swap::Current};
use activity::{Activity, Order};
use connections::{ConnectionSlot, Connections};
use patient::Patient;

/// The largest head of a request, in bytes: request line and headers. A larger one is answered by
/// 431.
pub(crate) const LARGEST_HEAD: usize = 32 * 1024;
/// No file descriptor is left: for this process, or for the whole system.
const NO_DESCRIPTORS: [i32; 2] = [24, 23];
/// How long accepting waits after a failure, and how often a connection is looked at while the
/// server stops.
const A_MOMENT: Duration = Duration::from_millis(50);

/// How long clients may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// To send a request up to its body; a connection may be idle for as long.
    pub head: Duration,
    /// To read what is sent.
    pub write: WritePatience,
    /// For requests under way to finish at shutdown.
    pub shutdown: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            write: WritePatience {
                stall: Duration::from_secs(30),
                whole: Duration::from_mins(5),
            },
            shutdown: Duration::from_secs(10),
        }
    }
}

/// What every connection is served with.
struct Server {
    router: Current<Router>,
    connections: Arc<Connections>,
    patience: Patience,
    log: LogThrottle,
}

/// Serves on all listeners until `stop` turns true, then lets requests under way finish. Each
/// request goes to the router that is the current one when it comes.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    router: Current<Router>,
    bounds: Bounds,
    patience: Patience,
    stop: watch::Receiver<bool>,
) {
    let server = Arc::new(Server {
        router,
        connections: Connections::new(bounds),
        patience,
        log: LogThrottle::new(Duration::from_mins(1)),
    });
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, Arc::clone(&server), stop.clone()));
    }
    let impatience = tokio::spawn(hurry(Arc::clone(&server)));
    while accepting.join_next().await.is_some() {}
    impatience.abort();
    server.connections.stop();
    let closed = timeout(patience.shutdown, server.connections.all_closed());
    if closed.await.is_err() {
        tracing::warn!("some connections did not finish in time");
    }
}

async fn accept(listener: TcpListener, server: Arc<Server>, mut stop: watch::Receiver<bool>) {
    loop {
        let next = async {
            let (stream, peer) = listener.accept().await?;
            io::Result::Ok((stream, peer, server.connections.acquire(peer).await))
        };
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = next => accepted,
        };
        match accepted {
            Ok((stream, peer, Some(slot))) => {
                tokio::spawn(drive(stream, peer, slot, Arc::clone(&server)));
            }
            Ok((_, peer, None)) => server.note_refused(peer),
            Err(error) => server.cannot_accept(&error).await,
        }
    }
}

impl Server {
    fn note_refused(&self, peer: SocketAddr) {
        if self.log.allows("address") {
            tracing::warn!(address = %peer.ip(), "an address has too many connections; refusing another one");
        }
    }

    /// A connection that is gone already is none of our business; without descriptors, one that is
    /// idle makes room.
    async fn cannot_accept(&self, error: &io::Error) {
        if error
            .raw_os_error()
            .is_some_and(|code| NO_DESCRIPTORS.contains(&code))
        {
            if self.log.allows("descriptors") {
                tracing::error!(%error, "cannot accept connections: raise the open file limit (ulimit -n, LimitNOFILE)");
            }
            self.connections.make_room(None);
        }
        sleep(A_MOMENT).await;
    }
}

/// Closes connections whose next request takes too long. One look at all of them from time to time
/// costs less than a timer for each request.
async fn hurry(server: Arc<Server>) {
    let patience = server.patience.head;
    loop {
        sleep(patience / 16).await;
        server.connections.hurry(patience);
    }
}

async fn drive(stream: TcpStream, peer: SocketAddr, slot: ConnectionSlot, server: Arc<Server>) {
    let _ = stream.set_nodelay(true);
    let activity = &slot.activity;
    let stream = Patient::new(stream, server.patience.write, Arc::clone(activity));
    let service = service_fn(|request| answer(server.router.get(), activity, peer, request));
    let mut connection = pin!(
        http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service)
    );
    let order = poll_fn(|context| match connection.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(Order::Close),
        Poll::Pending => activity.poll_order(context),
    });
    match order.await {
        Order::Close => return,
        Order::Finish => connection.as_mut().graceful_shutdown(),
    }
    // hyper waits for the rest of a head that has begun: here, only requests under way are waited
    // for.
    while timeout(A_MOMENT, connection.as_mut()).await.is_err() {
        if activity.is_leaving() || activity.expendable(Instant::now()).is_some() {
            return;
        }
    }
}

/// Sends one request into the router.
async fn answer(
    mut router: Router,
    activity: &Arc<Activity>,
    peer: SocketAddr,
    request: http::Request<hyper::body::Incoming>,
) -> Result<http::Response<activity::AnswerBody>, Infallible> {
    let mut request = request.map(|body| activity.request(body));
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router.call(request).await?;
    Ok(response.map(|body| activity.answer(body)))
}

#[cfg(test)]
mod tests;

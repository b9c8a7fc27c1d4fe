//! Connections without valid requests: clients that never read, incomplete request heads, more
//! connections than file descriptors, and an incomplete request during shutdown.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};

use super::{Target, milliseconds};
use crate::{Outcome, context, process};

const NEVER_READ: usize = 200;
const HEADS: usize = 1000;
/// The size of an incomplete head in bytes: more than the limit, and within it.
const HEAD_SIZES: [usize; 2] = [400_000, 30_000];
const FEW: u32 = 256;
const MORE_THAN_FEW: usize = 400;
/// A server has closed such connections by then.
const UNTIL_CLOSED: Duration = Duration::from_secs(40);
const HALF: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nx-half: ";

/// Prints one row of a table.
pub(crate) async fn run() -> Outcome<()> {
    let never_read = never_read().await?;
    let mut heads = Vec::new();
    for size in HEAD_SIZES {
        heads.push(unfinished_heads(size).await?);
    }
    let (live, ready) = few_descriptors().await?;
    let stopped = incomplete_request().await?;
    println!(
        "| {NEVER_READ} clients that never read, held after {} s | {HEADS} unfinished heads of 400 KB, of 30 KB: memory before and after, MB | {FEW} descriptors, {MORE_THAN_FEW} connections: live, ready, ms | stopping with half a request, ms |\n|---|---|---|---|",
        UNTIL_CLOSED.as_secs()
    );
    println!(
        "| {never_read} | {} | {}, {} | {} |",
        heads.join(", "),
        milliseconds(live),
        milliseconds(ready),
        milliseconds(stopped)
    );
    Ok(())
}

/// How many of the clients that never read are still connected after [`UNTIL_CLOSED`].
async fn never_read() -> Outcome<usize> {
    let target = Target::start(None)?;
    let before = process::descriptors(target.server.id());
    // Requests whose responses are larger than the kernel's buffers, and cheap.
    let requests = target
        .get("/.well-known/oauth-authorization-server")
        .repeat(4000);
    let mut held = Vec::new();
    for _ in 0..NEVER_READ {
        let mut stream = with_small_buffer(target.server.address()).await?;
        let _ = timeout(Duration::from_millis(100), stream.write_all(&requests)).await;
        held.push(stream);
    }
    until_idle(target.server.id()).await;
    sleep(UNTIL_CLOSED).await;
    let after = process::descriptors(target.server.id());
    drop(held);
    Ok(after.saturating_sub(before))
}

/// A connection with a small receive buffer.
async fn with_small_buffer(address: SocketAddr) -> Outcome<TcpStream> {
    let socket = TcpSocket::new_v4().map_err(context("a socket"))?;
    let limited = socket.set_recv_buffer_size(4096);
    limited.map_err(context("a socket"))?;
    socket.connect(address).await.map_err(context("connecting"))
}

/// Waits until the server is idle, for two minutes at most.
async fn until_idle(server: u32) {
    for _ in 0..60 {
        let before = process::cpu(server);
        sleep(Duration::from_secs(2)).await;
        if process::cpu(server).saturating_sub(before) < Duration::from_millis(100) {
            return;
        }
    }
}

/// The memory of the server before and during incomplete heads of this size.
async fn unfinished_heads(size: usize) -> Outcome<String> {
    let target = Target::start(None)?;
    let before = process::memory(target.server.id()).resident;
    let filling = vec![b'a'; size];
    let mut held = Vec::new();
    for _ in 0..HEADS {
        let mut stream = begin(target.server.address()).await?;
        let _ = timeout(Duration::from_millis(200), stream.write_all(&filling)).await;
        held.push(stream);
    }
    sleep(Duration::from_secs(1)).await;
    let after = process::memory(target.server.id()).resident;
    drop(held);
    Ok(format!("{before:.0} and {after:.0}"))
}

/// How long health checks take while there are more connections than file descriptors.
async fn few_descriptors() -> Outcome<(Option<Duration>, Option<Duration>)> {
    let target = Target::start(Some(FEW))?;
    let mut held = Vec::new();
    for _ in 0..MORE_THAN_FEW {
        held.push(begin(target.server.address()).await?);
    }
    let answers = (
        target.answers("/health/live").await,
        target.answers("/health/ready").await,
    );
    drop(held);
    Ok(answers)
}

/// How long the server takes to stop during an incomplete request.
async fn incomplete_request() -> Outcome<Option<Duration>> {
    let target = Target::start(None)?;
    let held = begin(target.server.address()).await?;
    sleep(Duration::from_millis(200)).await;
    let took = target.server.terminate()?;
    drop(held);
    Ok(took)
}

/// A connection with an incomplete head.
async fn begin(address: SocketAddr) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(context("connecting"))?;
    stream.write_all(HALF).await.map_err(context("sending"))?;
    Ok(stream)
}

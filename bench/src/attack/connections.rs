//! Connections that do nothing good: clients that never read, heads that never end, more than there
//! are descriptors, and half a request when the server is to stop.

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
/// What one unfinished head sends, in bytes: as much as a server might keep, and as much as this
/// one takes.
const HEAD_SIZES: [usize; 2] = [400_000, 30_000];
const FEW: u32 = 256;
const MORE_THAN_FEW: usize = 400;
/// A server that gives up on clients does so by then.
const UNTIL_GIVEN_UP: Duration = Duration::from_secs(40);
const HALF: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nx-half: ";

/// Prints one row of a table.
pub(crate) async fn run() -> Outcome<()> {
    let never_read = never_read().await?;
    let mut heads = Vec::new();
    for size in HEAD_SIZES {
        heads.push(unfinished_heads(size).await?);
    }
    let (live, ready) = few_descriptors().await?;
    let stopped = half_a_request().await?;
    println!(
        "| {NEVER_READ} clients that never read, held after {} s | {HEADS} unfinished heads of 400 KB, of 30 KB: memory before and after, MB | {FEW} descriptors, {MORE_THAN_FEW} connections: live, ready, ms | stopping with half a request, ms |\n|---|---|---|---|",
        UNTIL_GIVEN_UP.as_secs()
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

/// How many of the clients that never read are still connected after a while.
async fn never_read() -> Outcome<usize> {
    let target = Target::start(None)?;
    let before = process::descriptors(target.server.id());
    // Answers of more than the kernel keeps for one connection, and cheap ones.
    let requests = target
        .get("/.well-known/oauth-authorization-server")
        .repeat(4000);
    let mut held = Vec::new();
    for _ in 0..NEVER_READ {
        let socket = TcpSocket::new_v4().map_err(context("a socket"))?;
        socket
            .set_recv_buffer_size(4096)
            .map_err(context("a socket"))?;
        let mut stream = socket
            .connect(target.server.address())
            .await
            .map_err(context("connecting"))?;
        let _ = timeout(Duration::from_millis(100), stream.write_all(&requests)).await;
        held.push(stream);
    }
    settled(target.server.id()).await;
    sleep(UNTIL_GIVEN_UP).await;
    let after = process::descriptors(target.server.id());
    drop(held);
    Ok(after.saturating_sub(before))
}

/// Waits until the server has answered as much as it can, which is when it has next to nothing to
/// do; two minutes at the most.
async fn settled(server: u32) {
    for _ in 0..60 {
        let before = process::cpu(server);
        sleep(Duration::from_secs(2)).await;
        if process::cpu(server).saturating_sub(before) < Duration::from_millis(100) {
            return;
        }
    }
}

/// The memory of the server before, and while so many heads have begun.
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

/// How long health checks take while more connections are open than the server has descriptors.
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

/// How long the server takes to stop while half a request is there.
async fn half_a_request() -> Outcome<Option<Duration>> {
    let target = Target::start(None)?;
    let held = begin(target.server.address()).await?;
    sleep(Duration::from_millis(200)).await;
    let took = target.server.terminate()?;
    drop(held);
    Ok(took)
}

/// A connection over which a head has begun.
async fn begin(address: SocketAddr) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(context("connecting"))?;
    stream.write_all(HALF).await.map_err(context("sending"))?;
    Ok(stream)
}

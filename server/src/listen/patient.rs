//! A stream that gives up on a peer who does not read.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::activity::Activity;

/// How long a peer may take to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WritePatience {
    /// Until it takes the next bytes.
    pub stall: Duration,
    /// Until it has taken everything that waits for it.
    pub whole: Duration,
}

/// A stream whose writes fail with [`io::ErrorKind::TimedOut`] when the peer does not read in time.
/// hyper's HTTP/1 server has no such limit, and would keep such a connection open.
pub(super) struct Patient<S> {
    stream: S,
    patience: WritePatience,
    activity: Arc<Activity>,
    /// Since when something waits to be written.
    backlog_since: Option<Instant>,
    /// Runs while a write is pending.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, patience: WritePatience, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            patience,
            activity,
            backlog_since: None,
            timer: None,
        }
    }

    fn with_timeout(
        &mut self,
        polled: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if polled.is_ready() {
            if self.timer.take().is_some() {
                self.activity.moves_on();
            }
            return polled;
        }
        let now = Instant::now();
        let since = *self.backlog_since.get_or_insert(now);
        let activity = &self.activity;
        let patience = self.patience;
        let timer = self.timer.get_or_insert_with(|| {
            activity.is_stuck(now);
            Box::pin(sleep_until(
                (now + patience.stall).min(since + patience.whole),
            ))
        });
        timer
            .as_mut()
            .poll(context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.with_timeout(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.with_timeout(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has written all that it has.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        if polled.is_ready() {
            self.backlog_since = None;
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const PATIENCE: WritePatience = WritePatience {
        stall: Duration::from_millis(400),
        whole: Duration::from_millis(1500),
    };

    fn stream() -> (Patient<DuplexStream>, DuplexStream) {
        let (own, peer) = duplex(8);
        (Patient::new(own, PATIENCE, Arc::default()), peer)
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_given_up_after_a_while() {
        let (mut own, _peer) = stream();
        let started = Instant::now();
        let error = own.write_all(&[0; 9]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(started.elapsed() >= PATIENCE.stall);
    }

    #[tokio::test]
    async fn a_slow_reader_is_waited_for_and_one_that_never_ends_is_not() {
        for (bytes, ends) in [(8 * 6, true), (8 * 1000, false)] {
            let (mut own, mut peer) = stream();
            let reading = tokio::spawn(async move {
                let mut buffer = [0; 8];
                while peer.read_exact(&mut buffer).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            });
            let written = own.write_all(&vec![0; bytes]).await;
            assert_eq!(written.is_ok(), ends, "{bytes}");
            drop(own);
            reading.abort();
        }
    }
}

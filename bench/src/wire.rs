//! A minimal HTTP/1.1 client: one connection, kept alive, one request at a time. It supports only
//! the responses of the servers that are measured.

use std::{
    borrow::Cow,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::{Outcome, context};

/// The path of an authorization server's metadata (RFC 8414 section 3).
pub(crate) const METADATA: &str = "/.well-known/oauth-authorization-server";

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

/// A complete response.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a str,
    body: Cow<'a, [u8]>,
}

/// How the end of a body is determined.
enum Framing {
    Length(usize),
    Chunks,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Outcome<Self> {
        Self::connect_from(Ipv4Addr::LOCALHOST, address).await
    }

    /// A connection from a given address of this computer.
    pub(crate) async fn connect_from(from: Ipv4Addr, address: SocketAddr) -> Outcome<Self> {
        let socket = TcpSocket::new_v4().map_err(context("connecting"))?;
        socket
            .bind((from, 0).into())
            .map_err(context("connecting"))?;
        let stream = socket
            .connect(address)
            .await
            .map_err(context("connecting"))?;
        stream.set_nodelay(true).map_err(context("connecting"))?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(16 * 1024),
        })
    }

    /// Sends a request, and closes the connection without reading the response.
    pub(crate) async fn abandon(mut self, request: &[u8]) -> Outcome<()> {
        self.stream
            .write_all(request)
            .await
            .map_err(context("sending"))
    }

    /// Sends a request and reads the response.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Outcome<Answer<'_>> {
        self.stream
            .write_all(request)
            .await
            .map_err(context("sending"))?;
        self.received.clear();
        let end = self.receive_head().await?;
        let body = end + 4;
        let chunks = self.receive_body(end, body).await?;
        let head = text(&self.received[..end])?;
        let rest = &self.received[body..];
        let status = head
            .get(9..12)
            .and_then(|status| status.parse().ok())
            .ok_or("an answer without a status")?;
        Ok(Answer {
            status,
            head,
            body: chunks.map_or(Cow::Borrowed(rest), Cow::Owned),
        })
    }

    /// Receives until the head is there; where it ends.
    async fn receive_head(&mut self) -> Outcome<usize> {
        loop {
            self.receive().await?;
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                return Ok(end);
            }
        }
    }

    /// Receives the rest; the body, if it came in chunks.
    async fn receive_body(&mut self, head: usize, body: usize) -> Outcome<Option<Vec<u8>>> {
        match framing(text(&self.received[..head])?) {
            Framing::Length(length) => {
                while self.received.len() < body + length {
                    self.receive().await?;
                }
                Ok(None)
            }
            Framing::Chunks => loop {
                match unchunked(&self.received[body..]) {
                    Some(whole) => return Ok(Some(whole)),
                    None => self.receive().await?,
                }
            },
        }
    }

    async fn receive(&mut self) -> Outcome<()> {
        match self.stream.read_buf(&mut self.received).await {
            Ok(0) => Err("the connection was closed".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("receiving: {error}")),
        }
    }
}

impl<'a> Answer<'a> {
    /// The body, if it is text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// The values of a header, whose name is given in lower case.
    pub(crate) fn headers(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self
            .head
            .split("\r\n")
            .filter_map(|line| line.split_once(": "));
        pairs
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The text value of a member of a JSON body without escapes. It is fast, for known bodies.
    pub(crate) fn member(&self, name: &str) -> Outcome<&str> {
        between(self.text(), &format!("\"{name}\":\""), "\"").ok_or_else(|| self.unexpected())
    }

    /// The target of a redirect.
    pub(crate) fn location(&self) -> Outcome<&'a str> {
        let location = matches!(self.status, 302 | 303)
            .then(|| self.headers("location").next())
            .flatten();
        location.ok_or_else(|| self.unexpected())
    }

    /// An error message for an unexpected response.
    pub(crate) fn unexpected(&self) -> String {
        format!(
            "an unexpected answer:\n{}\n{}",
            self.head,
            self.text().chars().take(2000).collect::<String>()
        )
    }
}

/// The text between two marks, at their first occurrence.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn framing(head: &str) -> Framing {
    let value = |name: &str| {
        let pairs = head.split("\r\n").filter_map(|line| line.split_once(": "));
        pairs
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    };
    match value("content-length") {
        Some(length) => Framing::Length(length.parse().unwrap_or(0)),
        None if value("transfer-encoding") == Some("chunked") => Framing::Chunks,
        None => Framing::Length(0),
    }
}

/// The body of the chunks; `None` while some are missing.
fn unchunked(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = find(chunks, b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&chunks[..end]).ok()?, 16).ok()?;
        let (chunk, rest) = chunks[end + 2..].split_at_checked(size)?;
        body.extend_from_slice(chunk);
        chunks = rest.strip_prefix(b"\r\n")?;
        if size == 0 {
            return Some(body);
        }
    }
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

fn text(bytes: &[u8]) -> Outcome<&str> {
    std::str::from_utf8(bytes).map_err(|_| "an answer whose head is not text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_read_when_they_are_complete() {
        assert_eq!(
            unchunked(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").as_deref(),
            Some(&b"abcde"[..])
        );
        assert_eq!(unchunked(b"3\r\nabc\r\n2\r\nd"), None);
        assert_eq!(unchunked(b"3\r\nabc\r\n"), None);
    }

    #[test]
    fn the_length_header_ignores_case() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y";
        assert!(matches!(framing(head), Framing::Length(12)));
        assert!(matches!(
            framing("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked"),
            Framing::Chunks
        ));
    }
}

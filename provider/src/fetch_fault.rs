//! What is wrong with an address that is fetched from, or with its answer.

use std::fmt;

use jose::KeySetError;
use reqwest::StatusCode;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchFault {
    /// The address is no URL.
    NotAUrl,
    /// The address is not https.
    NotHttps,
    /// The port is neither 443 nor unprivileged.
    PortNotAllowed,
    /// The host has no public address.
    NotPublic,
    /// The host name does not resolve.
    NoAddress,
    /// The certificate is not trusted.
    Untrusted,
    /// The connection failed.
    NoAnswer,
    /// The answer takes too long.
    Timeout,
    /// There was no answer within the last minute either.
    RecentlyFailed,
    /// The status is not 200.
    Status(StatusCode),
    /// The content is compressed.
    Compressed,
    /// The content type is not JSON.
    ContentType,
    /// The content is too large.
    TooLarge,
    /// The content is not JSON.
    NotJson,
    /// The content is not a usable key set.
    KeySet(KeySetError),
    /// The task of the fetch ended.
    Interrupted,
    /// This server is stopping.
    Stopping,
    /// This server has no certificate authorities.
    NoCertificates,
}

impl FetchFault {
    /// The text, for developers of clients: in errors of the protocol, in failed requests, and in
    /// the log.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NotAUrl => "its address is no URL",
            Self::NotHttps => "its address is not https",
            Self::PortNotAllowed => "its port is neither 443 nor above 1023",
            Self::NotPublic => "its host has no public address",
            Self::NoAddress => "its name leads to no address",
            Self::Untrusted => "its certificate is not trusted here",
            Self::NoAnswer => "its server does not answer",
            Self::Timeout => "it does not answer in time",
            Self::RecentlyFailed => "it gave no answer just now",
            Self::Status(status) => words_of_status(status),
            Self::Compressed => "its server compresses it",
            Self::ContentType => "its content type is not application/json",
            Self::TooLarge => "it is too large",
            Self::NotJson => "it is not JSON",
            Self::KeySet(fault) => fault.words(),
            Self::Interrupted => "the fetch was interrupted",
            Self::Stopping => "this server is stopping",
            Self::NoCertificates => "this server cannot fetch anything",
        }
    }
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// The meaning of a status for the fetch.
fn words_of_status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        301 => "its server answers with a redirect (HTTP 301)",
        302 => "its server answers with a redirect (HTTP 302)",
        303 => "its server answers with a redirect (HTTP 303)",
        307 => "its server answers with a redirect (HTTP 307)",
        308 => "its server answers with a redirect (HTTP 308)",
        _ if status.is_redirection() => "its server answers with a redirect (another HTTP 3xx)",
        401 => "its server wants a sign-in (HTTP 401)",
        403 => "its server refuses access to it (HTTP 403)",
        404 => "its server does not find it (HTTP 404)",
        406 => "its server does not have it as JSON (HTTP 406)",
        408 => "its server is busy (HTTP 408)",
        410 => "its server says that it is gone (HTTP 410)",
        429 => "its server is busy (HTTP 429)",
        _ if status.is_client_error() => "its server refuses the request (another HTTP 4xx)",
        500 => "its server has a fault (HTTP 500)",
        502 => "its server has a fault (HTTP 502)",
        503 => "its server has a fault (HTTP 503)",
        504 => "its server has a fault (HTTP 504)",
        _ if status.is_server_error() => "its server has a fault (another HTTP 5xx)",
        _ => "its server answers with neither 200 nor an error (another HTTP status)",
    }
}

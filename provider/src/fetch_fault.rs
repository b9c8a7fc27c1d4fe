//! What is wrong with an address that is fetched from, or with its response.

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
            Self::NotAUrl => "its address is not a URL",
            Self::NotHttps => "its address does not use https",
            Self::PortNotAllowed => "its port is neither 443 nor above 1023",
            Self::NotPublic => "its host has no public address",
            Self::NoAddress => "its host name does not resolve",
            Self::Untrusted => "its certificate is not trusted",
            Self::NoAnswer => "its server does not respond",
            Self::Timeout => "its server did not respond in time",
            Self::RecentlyFailed => "it failed a moment ago",
            Self::Status(status) => words_of_status(status),
            Self::Compressed => "the response is compressed",
            Self::ContentType => "the content type is not application/json",
            Self::TooLarge => "the response is too large",
            Self::NotJson => "the response is not JSON",
            Self::KeySet(fault) => fault.words(),
            Self::Interrupted => "the fetch was interrupted",
            Self::Stopping => "Vestibule is stopping",
            Self::NoCertificates => "Vestibule has no certificate authorities to trust",
        }
    }
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// Declares the text of each status, which has to be static.
macro_rules! status_texts {
    ($($status:literal)+) => {
        fn words_of_status(status: StatusCode) -> &'static str {
            match status.as_u16() {
                $($status => concat!("HTTP ", $status),)+
                _ if status.is_informational() => "HTTP 1xx",
                _ if status.is_success() => "HTTP 2xx instead of 200",
                _ if status.is_redirection() => "HTTP 3xx (redirect)",
                _ if status.is_client_error() => "HTTP 4xx",
                _ if status.is_server_error() => "HTTP 5xx",
                _ => "an unknown HTTP status",
            }
        }
    };
}

status_texts! {
    201 202 203 204 205 206
    300 301 302 303 304 307 308
    400 401 402 403 404 405 406 407 408 409 410 411 412 413 414 415 416 417 418 421 422 423 424
    425 426 428 429 431 451
    500 501 502 503 504 505 506 507 508 511 520 521 522 523 524 525 526 530
}

//! Fetching from URLs of unauthenticated clients: metadata documents and key sets (R-C7, R-C8,
//! draft -02 section 8, T-E37).
//!
//! Connections use exactly the checked addresses, since the check is the resolver. Redirects are
//! not followed, content is not decompressed, cookies are not stored.

mod guard;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, hash_map::Entry},
    error::Error,
    future::Future,
    iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use oauth_clients::document;
use reqwest::{
    Client, Response, StatusCode,
    header::{self, HeaderValue},
    redirect::Policy,
};
use rustls::{ClientConfig, crypto::ring, pki_types::CertificateDer};
use rustls_platform_verifier::Verifier;
use thiserror::Error;
use tokio::{
    sync::{OnceCell, Semaphore, oneshot},
    time::timeout,
};
use url::Url;

use self::guard::{Forbidden, Guard, Guarded};
use crate::{environment::Web, fetch_fault::FetchFault, unavailable::Unavailable};

/// The maximum time of a fetch, including its wait in the queue, since a user waits for the page.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many run at once.
const AT_ONCE: usize = 32;

/// What an address gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// The body, all of it.
    pub(crate) body: Vec<u8>,
    /// How long it is fresh.
    pub(crate) fresh_for: Duration,
}

/// Why a fetch failed. Errors are never cached (draft -02 section 5.2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum FetchError {
    /// A permanent error of the URL's owner.
    #[error("{0}")]
    Fault(FetchFault),
    /// A temporary error.
    #[error("{0}")]
    Transient(FetchFault),
    /// Not fetched, since the limit is reached until this time.
    #[error("too many requests")]
    TooMany(Duration),
    /// Not fetched, since the store does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The only HTTP client of this server, shared by all clones.
#[derive(Clone)]
pub(crate) struct Fetcher(Arc<Inner>);

struct Inner {
    web: Web,
    guard: Guard,
    patience: Duration,
    client: OnceCell<Client>,
    slots: Semaphore,
    in_flight: Mutex<HashMap<String, SharedFetch>>,
}

/// A running fetch, which all requests for the same URL share.
type SharedFetch = Shared<BoxFuture<'static, Result<Arc<Fetched>, FetchError>>>;

impl Fetcher {
    /// Nothing is sent, and no certificate is read, before the first fetch. Addresses of this
    /// computer are reached only while the server itself is on `loopback` (draft -02 section 8.6).
    pub(crate) fn new(web: Web, loopback: bool) -> Self {
        Self::with(web, loopback, PATIENCE, AT_ONCE)
    }

    fn with(web: Web, loopback: bool, patience: Duration, at_once: usize) -> Self {
        let guard = Guard { loopback };
        let client = OnceCell::new();
        let slots = Semaphore::new(at_once);
        Self(Arc::new(Inner {
            web,
            guard,
            patience,
            client,
            slots,
            in_flight: Mutex::default(),
        }))
    }

    /// Fetches at most `largest` bytes of JSON. Concurrent requests for the same URL share the
    /// response; `admit` is called for the first of them only.
    ///
    /// A fetch continues when its callers are gone, since others may have joined.
    pub(crate) async fn fetch(
        &self,
        url: &Url,
        largest: usize,
        admit: impl Future<Output = Result<(), FetchError>> + Send + 'static,
    ) -> Result<Arc<Fetched>, FetchError> {
        self.0.guard.admits(url)?;
        self.join(url, largest, admit).await
    }

    fn join(
        &self,
        url: &Url,
        largest: usize,
        admit: impl Future<Output = Result<(), FetchError>> + Send + 'static,
    ) -> SharedFetch {
        let name = format!("{largest} {url}");
        let (sender, receiver) = oneshot::channel();
        let fetch = receiver
            .map(|received| received.unwrap_or(Err(FetchError::Transient(FetchFault::Interrupted))))
            .boxed()
            .shared();
        match self.0.in_flight().entry(name.clone()) {
            Entry::Occupied(running) => return running.get().clone(),
            Entry::Vacant(vacant) => vacant.insert(fetch.clone()),
        };
        let guard = InFlightGuard {
            fetcher: self.clone(),
            name,
        };
        let fetcher = self.clone();
        let url = url.clone();
        // The lock is free at this point: a runtime that is shutting down drops the task, and
        // with it the guard, at once.
        tokio::spawn(async move {
            let answer = fetcher.0.answer(&url, largest, admit).await;
            drop(guard);
            sender.send(answer).ok();
        });
        fetch
    }
}

/// Removes a fetch from the list when it ends, in any way.
struct InFlightGuard {
    fetcher: Fetcher,
    name: String,
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.fetcher.0.in_flight().remove(&self.name);
    }
}

impl Inner {
    fn in_flight(&self) -> MutexGuard<'_, HashMap<String, SharedFetch>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(
        &self,
        url: &Url,
        largest: usize,
        admit: impl Future<Output = Result<(), FetchError>>,
    ) -> Result<Arc<Fetched>, FetchError> {
        admit.await?;
        let answer = timeout(self.patience, self.run(url, largest)).await;
        answer
            .unwrap_or(Err(FetchError::Transient(FetchFault::Timeout)))
            .map(Arc::new)
    }

    async fn run(&self, url: &Url, largest: usize) -> Result<Fetched, FetchError> {
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|_| FetchError::Transient(FetchFault::Stopping))?;
        let client = self
            .client
            .get_or_try_init(|| async { client(&self.web, self.guard) })
            .await
            .map_err(|error| {
                tracing::error!(%error, "cannot fetch anything: no trusted certificate authorities");
                FetchError::Transient(FetchFault::NoCertificates)
            })?;
        let response = client
            .get(url.clone())
            .header(header::ACCEPT, "application/json")
            .send()
            .await;
        let mut response = response.map_err(|error| failure(url, &error))?;
        validate(&response)?;
        let body = read(&mut response, url, largest).await?;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let lines = |name| {
            response
                .headers()
                .get_all(name)
                .iter()
                .map(text)
                .collect::<Vec<_>>()
        };
        // Several lines are one list (RFC 9110 section 5.3); an age is one number.
        let caching = lines(header::CACHE_CONTROL);
        let ages = lines(header::AGE);
        let caching = (!caching.is_empty()).then(|| caching.join(", "));
        Ok(Fetched {
            body,
            fresh_for: document::fresh_for(caching.as_deref(), ages.first().map(String::as_str)),
        })
    }
}

/// Its own TLS configuration, so that no provider need be installed for the whole process. It
/// trusts what the system trusts, `SSL_CERT_FILE` included.
fn client(web: &Web, guard: Guard) -> Result<Client, Box<dyn Error + Send + Sync>> {
    let provider = Arc::new(ring::default_provider());
    let extra = web
        .authorities
        .iter()
        .map(|der| CertificateDer::from(der.clone()));
    let verifier = Verifier::new_with_extra_roots(extra, provider.clone())?;
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .dns_resolver(Arc::new(Guarded {
            names: web.names.clone(),
            guard,
        }))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        // Also where another crate switches these features on for all.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .referer(false)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("Vestibule/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

/// Only 200 is an answer (draft -02 section 5), only JSON is a document, and only as it is.
fn validate(response: &Response) -> Result<(), FetchError> {
    match response.status() {
        StatusCode::OK => {}
        status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) => {
            return Err(FetchError::Transient(FetchFault::Status(status)));
        }
        status if status.is_server_error() => {
            return Err(FetchError::Transient(FetchFault::Status(status)));
        }
        status => return Err(FetchError::Fault(FetchFault::Status(status))),
    }
    if response
        .headers()
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|encoding| encoding != "identity")
    {
        return Err(FetchError::Fault(FetchFault::Compressed));
    }
    match response
        .headers()
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
    {
        Some(media_type) if is_json(&media_type) => Ok(()),
        _ => Err(FetchError::Fault(FetchFault::ContentType)),
    }
}

/// `application/json`, or a `+json` type, with any parameters.
fn is_json(media_type: &str) -> bool {
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.len() > 17 && essence.ends_with("+json"))
}

/// The limit applies to the bytes read, independent of `Content-Length` (draft -02 section 8.7).
async fn read(response: &mut Response, url: &Url, largest: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| failure(url, &error))?
    {
        if body.len() + chunk.len() > largest {
            return Err(FetchError::Fault(FetchFault::TooLarge));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error with its causes, which the Display of reqwest omits. A name without a public address
/// is a permanent error; all others are temporary.
fn failure(url: &Url, error: &reqwest::Error) -> FetchError {
    let causes: Vec<&(dyn Error + 'static)> =
        iter::successors(Some(error as &(dyn Error + 'static)), |&error| {
            error.source()
        })
        .collect();
    if causes
        .iter()
        .any(|cause| cause.downcast_ref::<Forbidden>().is_some())
    {
        return guard::FORBIDDEN;
    }
    let cause = causes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ");
    tracing::info!(
        host = url.host_str().unwrap_or_default(),
        cause,
        "fetch failed"
    );
    FetchError::Transient(fault_of(&cause))
}

/// What failed, by the words of the libraries, which have no type for it.
fn fault_of(cause: &str) -> FetchFault {
    if cause.contains("invalid peer certificate") {
        FetchFault::Untrusted
    } else if cause.contains("dns error") {
        FetchFault::NoAddress
    } else {
        FetchFault::NoAnswer
    }
}

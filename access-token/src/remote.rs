//! The keys of a remote issuer, over HTTP.

use std::{marker::PhantomData, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use jose::Jwks;
use reqwest::{Client, StatusCode, Url, redirect::Policy};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use serde::de::DeserializeOwned;

use crate::{KeyDocument, KeySet, KeySetSource, SourceError};

/// A document of a few keys is smaller than 2 KiB.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches a document of public keys of an issuer. Trusts the system's certificate authorities
/// (`SSL_CERT_FILE` included), follows no redirect, and stops after five seconds or 64 KiB.
#[derive(Clone, Debug)]
pub struct RemoteKeys<K = KeySet> {
    url: Url,
    client: Client,
    document: PhantomData<fn() -> K>,
}

impl RemoteKeys {
    /// The PASETO keys of this issuer, which must be https, or http on a loopback host. Sends no
    /// request.
    pub fn new(issuer: &str) -> Result<Self, SourceError> {
        Self::of(issuer)
    }
}

impl RemoteKeys<Jwks> {
    /// Like [`new`](RemoteKeys::new), the keys of JWTs.
    pub fn jwks(issuer: &str) -> Result<Self, SourceError> {
        Self::of(issuer)
    }
}

impl<K: KeyDocument> RemoteKeys<K> {
    fn of(issuer: &str) -> Result<Self, SourceError> {
        let url = format!("{}{}", issuer.trim_end_matches('/'), K::PATH);
        let url = Url::parse(&url).map_err(|_| SourceError("the issuer is not a URL".into()))?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(SourceError(
                "the issuer must use https unless it is localhost".into(),
            ));
        }
        Ok(Self {
            url,
            client: client().map_err(|fault| SourceError(fault.to_string()))?,
            document: PhantomData,
        })
    }

    async fn document(&self) -> Result<Vec<u8>, String> {
        let mut response = self
            .client
            .get(self.url.clone())
            .send()
            .await
            .map_err(|fault| with_causes(&fault))?;
        if response.status() != StatusCode::OK {
            return Err(format!("{} answered {}", self.url, response.status()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|fault| with_causes(&fault))?
        {
            if document.len() + chunk.len() > MAX_DOCUMENT_BYTES {
                return Err(format!(
                    "{} is larger than {MAX_DOCUMENT_BYTES} bytes",
                    self.url
                ));
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }
}

#[async_trait]
impl<K: KeyDocument + DeserializeOwned> KeySetSource<K> for RemoteKeys<K> {
    async fn fetch(&self) -> Result<K, SourceError> {
        let document = self.document().await.map_err(SourceError)?;
        serde_json::from_slice(&document)
            .map_err(|fault| SourceError(format!("{} is not a key document: {fault}", self.url)))
    }
}

/// A separate TLS configuration, so that no crypto provider has to be installed for the process.
fn client() -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .build()?;
    Ok(client)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The error with its causes, which the Display of reqwest omits.
fn with_causes(fault: &reqwest::Error) -> String {
    let causes = std::iter::successors(Some(fault as &dyn std::error::Error), |fault| {
        fault.source()
    });
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

//! The files of the pages inside the binary.

use std::fmt;

use axum::{Router, routing::get};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use super::file::{self, File};

/// The built site as a part of the binary. `scripts/build` writes the value as `target/site.rs`.
#[derive(Clone, Copy)]
pub struct EmbeddedSite {
    /// What the names of script, wasm and style begin with. It follows from their content, so that
    /// a name never has two contents.
    pub output_name: &'static str,
    /// Every file.
    pub files: &'static [EmbeddedFile],
}

/// A file of the site, and its compressed variants where they are smaller.
#[derive(Clone, Copy)]
pub struct EmbeddedFile {
    /// The path of its address, from the first slash on.
    pub path: &'static str,
    /// Identifies the content, in quotation marks.
    pub etag: &'static str,
    /// The content as it is.
    pub identity: &'static [u8],
    /// The content in Brotli.
    pub brotli: Option<&'static [u8]>,
    /// The content in gzip.
    pub gzip: Option<&'static [u8]>,
}

impl fmt::Debug for EmbeddedSite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbeddedSite")
            .field("output_name", &self.output_name)
            .field("files", &self.files.len())
            .finish()
    }
}

impl EmbeddedSite {
    /// A route for each file.
    pub(super) fn routes<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        self.files.iter().fold(Router::new(), |router, embedded| {
            let file = File::from(*embedded);
            let answer = move |headers: HeaderMap| async move { file.response(&headers) };
            router.route(embedded.path, get(answer))
        })
    }
}

impl From<EmbeddedFile> for File {
    fn from(embedded: EmbeddedFile) -> Self {
        Self {
            content_type: file::content_type(embedded.path),
            etag: HeaderValue::from_static(embedded.etag),
            identity: Bytes::from_static(embedded.identity),
            brotli: embedded.brotli.map(Bytes::from_static),
            gzip: embedded.gzip.map(Bytes::from_static),
        }
    }
}

//! The files that pages load: style, script, wasm and pictures, as the build left them. They are a
//! part of the release binary; during development they are in a folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use app::Brand;
use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use leptos::config::{Env, LeptosOptions};

use crate::brand::Branding;

mod embedded;
mod file;
mod folder;

pub use embedded::{EmbeddedFile, EmbeddedSite};

/// The name that cargo-leptos gives to the script, the wasm and the style in a folder.
const OUTPUT_NAME: &str = "vestibule";
/// Names the files of a folder by their content; cargo-leptos writes it beside the binary, and
/// Leptos reads it there.
const HASHES: &str = "hash.txt";

/// The site, and what its pages are called.
#[derive(Clone, Debug)]
pub struct PageFiles {
    /// Shared, since every request brings a copy.
    options: Arc<LeptosOptions>,
    /// Used instead of a folder.
    embedded: Option<EmbeddedSite>,
    server_name: Arc<str>,
    branding: Branding,
    brand: Brand,
}

impl PageFiles {
    /// The site in `folder`; without one the embedded site, and without either the folder `site`
    /// beside the folder of the binary (`target/site` for `target/debug/vestibule`).
    pub fn new(folder: Option<&Path>, embedded: Option<EmbeddedSite>, server_name: &str) -> Self {
        let embedded = embedded.filter(|_| folder.is_none());
        let options = embedded.map_or_else(|| folder_options(folder), embedded_options);
        Self {
            options: Arc::new(options),
            embedded,
            server_name: server_name.into(),
            branding: Branding::default(),
            brand: Brand::default(),
        }
    }

    /// The same with another appearance.
    #[must_use]
    pub fn with_branding(self, branding: Branding) -> Self {
        Self {
            brand: branding.addresses(),
            branding,
            ..self
        }
    }

    /// What Leptos wants to know of it.
    pub(crate) fn options(&self) -> &LeptosOptions {
        &self.options
    }

    /// The server's name on its pages.
    pub(crate) fn server_name(&self) -> &str {
        &self.server_name
    }

    /// Where its pages find what makes them look different.
    pub(crate) fn brand(&self) -> &Brand {
        &self.brand
    }

    /// Whether the build's files are there; without them pages have no style and no passkeys.
    pub(crate) fn is_built(&self) -> bool {
        self.embedded.is_some() || self.root().join(&*self.options.site_pkg_dir).is_dir()
    }

    /// Serves `/pkg/*`, the other files of the site, and those of the branding. Compressed variants
    /// are used where they exist.
    pub(crate) fn files<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let files = match self.embedded {
            Some(site) => site.routes(),
            None => folder::routes(&self.root(), &self.options.site_pkg_dir),
        };
        let named_by_content = self.options.hash_files || &*self.options.output_name != OUTPUT_NAME;
        files
            .layer(middleware::from_fn_with_state(named_by_content, cacheable))
            .merge(self.branding.files())
    }

    fn root(&self) -> PathBuf {
        PathBuf::from(&*self.options.site_root)
    }
}

fn folder_options(folder: Option<&Path>) -> LeptosOptions {
    let binary = std::env::current_exe().ok();
    let beside = binary.as_deref().and_then(Path::parent);
    let root = folder
        .map(Path::to_owned)
        .or_else(|| beside.map(|folder| folder.join("../site")));
    let hashed = beside.is_some_and(|folder| folder.join(HASHES).is_file());
    let root = root.unwrap_or_default();
    LeptosOptions::builder()
        .output_name(folder::output_name(&root).unwrap_or_else(|| OUTPUT_NAME.to_owned()))
        .site_root(root.display().to_string())
        .hash_files(hashed)
        .env(Env::PROD)
        .build()
}

/// The names of an embedded site already follow from the content, so that Leptos reads no file.
fn embedded_options(site: EmbeddedSite) -> LeptosOptions {
    LeptosOptions::builder()
        .output_name(site.output_name)
        .env(Env::PROD)
        .build()
}

/// Files whose names follow from their content never change.
async fn cacheable(State(named_by_content): State<bool>, request: Request, next: Next) -> Response {
    let forever = named_by_content && request.uri().path().starts_with("/pkg/");
    let mut response = next.run(request).await;
    if matches!(response.status(), StatusCode::OK | StatusCode::NOT_MODIFIED) {
        let policy = if forever {
            "public, max-age=31536000, immutable"
        } else {
            "public, max-age=300"
        };
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static(policy));
        response
            .headers_mut()
            .insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

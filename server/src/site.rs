//! The files that pages load: style, script, wasm and pictures, as the build left them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::Brand;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use leptos::config::{Env, LeptosOptions};
use leptos_axum::site_pkg_dir_service;

use crate::brand::Branding;

/// The name the build gives to the script, the wasm and the style.
const OUTPUT_NAME: &str = "vestibule";
/// Names files by their content; the build writes it beside the binary, and Leptos reads it there.
const HASHES: &str = "hash.txt";

/// The site, and what its pages are called.
#[derive(Clone, Debug)]
pub struct Site {
    /// Shared, since every request brings a copy.
    options: Arc<LeptosOptions>,
    server_name: Arc<str>,
    branding: Branding,
    brand: Brand,
}

impl Site {
    /// The site in `folder`, or in `site` beside the folder of the binary (`target/site` for
    /// `target/release/vestibule`).
    pub fn new(folder: Option<&Path>, server_name: &str) -> Self {
        let binary = std::env::current_exe().ok();
        let beside = binary.as_deref().and_then(Path::parent);
        let root = folder
            .map(Path::to_owned)
            .or_else(|| beside.map(|folder| folder.join("../site")));
        let hashed = beside.is_some_and(|folder| folder.join(HASHES).is_file());
        let options = LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(root.unwrap_or_default().display().to_string())
            .hash_files(hashed)
            .env(Env::PROD)
            .build();
        let (branding, brand) = (Branding::default(), Brand::default());
        Self {
            options: Arc::new(options),
            server_name: server_name.into(),
            branding,
            brand,
        }
    }

    /// The same, looking as this house wants it.
    #[must_use]
    pub fn with_branding(self, branding: Branding) -> Self {
        Self {
            brand: branding.addresses(),
            branding,
            ..self
        }
    }

    /// What Leptos wants to know of it.
    pub fn options(&self) -> &LeptosOptions {
        &self.options
    }

    /// The server's name on its pages.
    pub fn server_name(&self) -> &str {
        &self.server_name
    }

    /// Where its pages find what makes them look different.
    pub fn brand(&self) -> &Brand {
        &self.brand
    }

    /// Whether the build's files are there; without them pages have no style and no passkeys.
    pub fn is_built(&self) -> bool {
        self.root().join(&*self.options.site_pkg_dir).is_dir()
    }

    /// Serves `/pkg/*`, the files that lie directly in the site's folder, and those of the
    /// branding. Compressed twins are used where they exist.
    pub fn files<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let mut files =
            Router::new().route_service("/pkg/{*path}", site_pkg_dir_service(&self.options));
        for name in self.loose_files() {
            files = files.route_service(&format!("/{name}"), site_pkg_dir_service(&self.options));
        }
        files
            .layer(middleware::from_fn_with_state(
                self.options.hash_files,
                cacheable,
            ))
            .merge(self.branding.files())
    }

    fn loose_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root())
            .into_iter()
            .flatten()
            .flatten();
        let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        files
            .filter_map(|file| file.file_name().into_string().ok())
            .filter(|name| is_plain(name))
            .collect()
    }

    fn root(&self) -> PathBuf {
        PathBuf::from(&*self.options.site_root)
    }
}

/// A name that is safe as a route; compressed twins are not files of their own.
fn is_plain(name: &str) -> bool {
    let compressed = [".br", ".gz"].iter().any(|suffix| name.ends_with(suffix));
    !compressed
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Files whose names follow from their content never change.
async fn cacheable(State(hashed): State<bool>, request: Request, next: Next) -> Response {
    let forever = hashed && request.uri().path().starts_with("/pkg/");
    let mut response = next.run(request).await;
    if matches!(
        response.status(),
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
    ) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_become_routes() {
        assert!(is_plain("favicon.svg") && is_plain("robots.txt"));
        for other in ["favicon.svg.br", "a.gz", ".env", "{x}", "a b", "*"] {
            assert!(!is_plain(other), "{other}");
        }
    }
}

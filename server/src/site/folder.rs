//! The files of the pages in a folder, read at each request: cargo-leptos changes them while
//! the server runs.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::fs;

use super::file::{self, File};

/// Serves the package folder, and the files directly in the site's folder.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(root: &Path, package: &str) -> Router<S> {
    let root: Arc<Path> = root.into();
    let folder: Arc<Path> = root.join(package).into();
    let packaged = get(packaged).with_state(folder);
    let router = Router::new().route(&format!("/{package}/{{*path}}"), packaged);
    loose_files(&root).into_iter().fold(router, |router, name| {
        let path = root.join(&name);
        let answer = move |headers: HeaderMap| async move { answer(&path, &headers).await };
        router.route(&format!("/{name}"), get(answer))
    })
}

async fn packaged(
    State(folder): State<Arc<Path>>,
    UrlPath(path): UrlPath<String>,
    headers: HeaderMap,
) -> Response {
    if path.split('/').all(is_plain) {
        answer(&folder.join(path), &headers).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn answer(path: &Path, headers: &HeaderMap) -> Response {
    match read(path).await {
        Ok(file) => file.response(headers),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn read(path: &Path) -> io::Result<File> {
    let identity = fs::read(path).await?;
    let mut hasher = DefaultHasher::new();
    identity.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    Ok(File {
        content_type: file::content_type(&path.display().to_string()),
        etag: HeaderValue::try_from(etag).map_err(io::Error::other)?,
        identity: identity.into(),
        brotli: variant(path, ".br").await,
        gzip: variant(path, ".gz").await,
    })
}

async fn variant(path: &Path, suffix: &str) -> Option<Bytes> {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    let content = fs::read(PathBuf::from(name)).await.ok()?;
    Some(content.into())
}

/// What the names of script, wasm and style begin with, where `frontend/build.mjs` made them. The
/// names that cargo-leptos makes out of a hash have two dots too, but one hash for each file.
pub(super) fn output_name(root: &Path) -> Option<String> {
    let entries = std::fs::read_dir(root.join("pkg")).ok()?.flatten();
    let names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names
        .iter()
        .filter_map(|name| name.strip_suffix(".js"))
        .find(|name| names.contains(&format!("{name}.css")))
        .map(str::to_owned)
}

fn loose_files(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    files
        .filter_map(|file| file.file_name().into_string().ok())
        .filter(|name| is_plain(name))
        .collect()
}

/// A name that is safe as a route; compressed variants are not files of their own.
fn is_plain(name: &str) -> bool {
    let compressed = [".br", ".gz"].iter().any(|suffix| name.ends_with(suffix));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !compressed && !name.is_empty() && !name.starts_with('.') && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_become_routes() {
        assert!(is_plain("favicon.svg") && is_plain("robots.txt"));
        for other in [
            "favicon.svg.br",
            "a.gz",
            ".env",
            "..",
            "",
            "{x}",
            "a b",
            "*",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn the_names_of_a_folder_follow_from_its_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let package = folder.path().join("pkg");
        std::fs::create_dir(&package).expect("a folder");
        assert_eq!(output_name(folder.path()), None);
        for name in ["vestibule.1.js", "vestibule.2.css"] {
            std::fs::write(package.join(name), "").expect("written");
        }
        assert_eq!(output_name(folder.path()), None);
        std::fs::write(package.join("vestibule.1.css"), "").expect("written");
        let name = output_name(folder.path());
        assert_eq!(name.as_deref(), Some("vestibule.1"));
    }

    #[tokio::test]
    async fn a_file_is_read_with_its_compressed_variants() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.js");
        std::fs::write(&path, "script").expect("written");
        std::fs::write(folder.path().join("a.js.br"), "small").expect("written");
        let file = read(&path).await.expect("the file");
        assert_eq!(file.content_type, "text/javascript");
        assert_eq!(file.identity, "script");
        assert_eq!(file.brotli.as_deref(), Some(&b"small"[..]));
        assert_eq!(file.gzip, None);
        assert!(read(&folder.path().join("b.js")).await.is_err());
    }
}

//! The branding of the pages: its accent, and its logo, served as files whose names follow
//! from their content.

mod accent;
mod logo;
mod oklch;

use app::Brand;
use axum::{Router, body::Body, response::Response, routing::get};
use bytes::Bytes;
use http::{HeaderValue, header};
use oauth::Digest;

pub use accent::Accent;
pub use logo::{LARGEST_LOGO, Logo};

/// A drawing may style itself. It runs nothing and loads nothing, also when it is opened as a page
/// by itself.
const DRAWING_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

/// What a deployment changes about the look of its pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branding {
    /// The colour in place of pine.
    pub accent: Option<Accent>,
    /// The picture in place of the built-in mark.
    pub logo: Option<Logo>,
}

impl Branding {
    /// Where pages find it.
    pub fn addresses(&self) -> Brand {
        Brand {
            sheet: self.sheet().map(|sheet| sheet.address().into()),
            logo: self.picture().map(|picture| picture.address().into()),
        }
    }

    /// Serves both.
    pub(crate) fn files<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let files = [self.sheet(), self.picture()].into_iter().flatten();
        files.fold(Router::new(), |router, file| {
            let address = file.address();
            router.route(&address, get(move || async move { file.response() }))
        })
    }

    fn sheet(&self) -> Option<File> {
        let accent = self.accent?;
        let content = accent.sheet().into();
        Some(File {
            content,
            content_type: "text/css; charset=utf-8",
            extension: "css",
            policy: None,
        })
    }

    fn picture(&self) -> Option<File> {
        let logo = self.logo.as_ref()?;
        let policy = logo.is_drawing().then_some(DRAWING_POLICY);
        Some(File {
            content: logo.content(),
            content_type: logo.content_type(),
            extension: logo.extension(),
            policy,
        })
    }
}

/// A file that is named by its content, and so never changes.
#[derive(Clone)]
struct File {
    content: Bytes,
    content_type: &'static str,
    extension: &'static str,
    policy: Option<&'static str>,
}

impl File {
    fn address(&self) -> String {
        format!(
            "/brand/{}.{}",
            Digest::of(&self.content).as_str(),
            self.extension
        )
    }

    fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.content.clone()));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        );
        if let Some(policy) = self.policy {
            headers.insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(policy),
            );
        }
        response
    }
}

#[cfg(test)]
mod tests;

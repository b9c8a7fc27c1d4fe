//! `GET /admin/resources/recipe`: what protects a resource on a stack, as plain text.

use app::{
    ErrorPage,
    pages::AdminPage,
    recipes::{Stack, name_of, recipe as written},
};
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{header, request::Parts};
use provider::BrowserContext;
use url::form_urlencoded;

use crate::{extract::Service, problem, routes::administrators};

/// The recipe `?for=` of `?resource=`, for administrators with a recent sign-in.
pub(crate) async fn recipe(
    State(service): State<Service>,
    Extension(browser): Extension<BrowserContext>,
    parts: Parts,
) -> Response {
    if let Err(error) = service.provider.administrator(&browser).await {
        return administrators::refused(&service, &parts, error, AdminPage::Resources);
    }
    let query = parts.uri.query().unwrap_or_default();
    let value = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(own, _)| own == name).map(|(_, value)| value)
    };
    let settings = service.provider.settings();
    let stack = value("for").and_then(|name| Stack::parse(&name));
    let resource = value("resource").and_then(|name| {
        let mut all = settings.resources.iter();
        all.find(|resource| name_of(resource) == name)
    });
    match (stack, resource) {
        (Some(stack), Some(resource)) => {
            let text = written(stack, resource, &settings.issuer);
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (kind, text).into_response()
        }
        _ => problem::respond(&service.site, &parts, ErrorPage::not_found()),
    }
}

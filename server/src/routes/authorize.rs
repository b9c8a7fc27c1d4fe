//! `GET|POST /authorize` (OAuth 2.1 section 4.1.1).

use std::time::Duration;

use app::{ErrorPage, pages::PagePath};
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use oauth::Parameters;
use provider::{AuthorizeError, AuthorizeOutcome, BrowserContext};

use crate::{
    endpoints::Endpoint,
    extract::{Form, Service},
    layers::{OtherHost, is_cross_site, marked},
    problem, respond,
};

/// When it makes sense to ask again for a document whose host gave no answer.
const RETRY_DOCUMENT: Duration = Duration::from_secs(30);

/// The request as a query.
pub(crate) async fn by_query(
    State(service): State<Service>,
    Extension(browser): Extension<BrowserContext>,
    parts: Parts,
) -> Response {
    let parameters = Parameters::parse(parts.uri.query().unwrap_or_default().as_bytes());
    authorize(&service, &browser, &parts, &parameters).await
}

/// The request as a form; what the query says does not count. From another site, or under another
/// name of this server, it comes without the cookies of the browser, and begins again as a query,
/// which has them.
pub(crate) async fn by_form(
    State(service): State<Service>,
    Extension(browser): Extension<BrowserContext>,
    parts: Parts,
    Form(parameters): Form,
) -> Response {
    if parts.extensions.get::<OtherHost>().is_some() {
        return see_other(&marked(
            &service.provider.settings().issuer,
            Endpoint::Authorize.path(),
            Some(&parameters.to_query()),
        ));
    }
    if is_cross_site(&parts.headers) {
        return see_other(&format!(
            "{}?{}",
            Endpoint::Authorize.path(),
            parameters.to_query()
        ));
    }
    authorize(&service, &browser, &parts, &parameters).await
}

async fn authorize(
    service: &Service,
    browser: &BrowserContext,
    parts: &Parts,
    parameters: &Parameters,
) -> Response {
    match service
        .provider
        .authorization()
        .authorize(parameters, browser)
        .await
    {
        Ok(AuthorizeOutcome::Pending { request, next }) => {
            see_other(&PagePath::of_request(next, &request).to_string())
        }
        Ok(AuthorizeOutcome::Issued(location)) | Err(AuthorizeError::Redirect(location)) => {
            see_other(location.as_str())
        }
        Err(AuthorizeError::Problem(problem)) => {
            problem::respond(&service.site, parts, ErrorPage::from_problem(&problem))
        }
        Err(AuthorizeError::TooMany { retry_after }) => {
            let page = problem::respond(&service.site, parts, ErrorPage::too_many(retry_after));
            respond::with_retry_after(page, retry_after)
        }
        Err(AuthorizeError::Unreachable { host }) => {
            let page =
                problem::respond(&service.site, parts, ErrorPage::document_unreachable(&host));
            respond::with_retry_after(page, RETRY_DOCUMENT)
        }
        Err(AuthorizeError::Unavailable(cause)) => {
            problem::respond(&service.site, parts, cause.into())
        }
    }
}

/// 303: a GET follows any method (R-O16).
fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(value) => (StatusCode::SEE_OTHER, [(header::LOCATION, value)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

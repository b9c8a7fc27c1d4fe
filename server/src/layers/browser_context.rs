//! Browsers: their cookies, and their redirects.

use app::cookies::{self, SetCookie};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use provider::{BrowserContext, Presence};

use crate::{extract::Service, user_agent};

/// Puts the `BrowserContext` of the request into its extensions, and gives a new browser its
/// cookie. Only for pages, server functions and `/authorize`: machines have no cookies.
///
/// A post from another site comes without the cookies it has (SameSite=Lax), so no browser counts
/// as new by it: another cookie would take from this one the requests that wait for its user.
pub(crate) async fn browser_context(
    State(service): State<Service>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = service
        .proxies
        .client_address(request.headers(), request.extensions());
    let presented = cookies(request.headers());
    let user_agent = request
        .headers()
        .get(header::USER_AGENT)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let device = user_agent::device_name(&String::from_utf8_lossy(user_agent));
    let (state, set) = cookies::read(&presented, || service.provider.fresh_secret());
    let mut browser = BrowserContext::new(state, &device, address);
    let has_cookies = request.method() != Method::POST || !is_cross_site(request.headers());
    if let Some(presence) = request.extensions().get::<Presence>() {
        browser = browser.with_presence(presence.clone());
    }
    request.extensions_mut().insert(browser);
    let mut response = next.run(request).await;
    if has_cookies {
        set_first(response.headers_mut(), &set);
    }
    response
}

/// Puts cookies before those that the answer sets: of two with the same name the later one counts.
fn set_first(headers: &mut HeaderMap, cookies: &[SetCookie]) {
    let own = cookies
        .iter()
        .filter_map(|cookie| HeaderValue::from_str(&cookie.header_value()).ok());
    let all: Vec<_> = own
        .chain(headers.get_all(header::SET_COOKIE).iter().cloned())
        .collect();
    headers.remove(header::SET_COOKIE);
    for cookie in all {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Whether a browser says that another site sent it here.
pub(crate) fn is_cross_site(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site")
}

/// A redirect after a post is 303: 302 leaves it to the browser whether the password is sent on
/// (R-O16, T-A9).
pub(crate) async fn see_other_after_post(request: Request, next: Next) -> Response {
    let posted = request.method() == Method::POST;
    let mut response = next.run(request).await;
    if posted
        && matches!(
            response.status(),
            StatusCode::FOUND | StatusCode::TEMPORARY_REDIRECT
        )
    {
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}

/// All cookies in one line; HTTP allows several headers. Those of other programs on the same host
/// may be no text at all.
fn cookies(headers: &HeaderMap) -> Vec<u8> {
    let lines: Vec<_> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    lines.join(&b"; "[..])
}

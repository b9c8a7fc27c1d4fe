//! Posts that come twice, such as from a double click.

use app::{actions::is_done_once, context::Settled, cookies};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header, response::Parts};
use provider::{BrowserContext, ClaimResult, PostAnswer};
use serde::{Deserialize, Serialize};

use crate::{
    extract::{LARGEST_BODY, Service},
    respond,
};

/// A response, as it is kept for an identical post.
#[derive(Serialize, Deserialize)]
struct StoredResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl StoredResponse {
    fn into_answer(self) -> Option<PostAnswer> {
        let cookies = self
            .headers
            .iter()
            .filter(|(name, _)| name == header::SET_COOKIE.as_str());
        let session = cookies
            .filter_map(|(_, value)| cookies::session_begun_by(value))
            .next_back();
        let content = serde_json::to_value(&self).ok()?;
        Some(PostAnswer { content, session })
    }
}

/// Gives an identical post within the repeat window the same answer.
pub(crate) async fn repeated_posts(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let browser = request.extensions().get::<BrowserContext>().cloned();
    let Some(browser) = browser.filter(|_| is_once(&request)) else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return respond::error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The body could not be read.",
        );
    };
    match service
        .provider
        .repeated_posts()
        .claim(&browser, parts.uri.path(), &body)
        .await
    {
        ClaimResult::Repeated(answer) => match serde_json::from_value(answer) {
            Ok(answer) => replayed(answer),
            Err(_) => next.run(Request::from_parts(parts, body.into())).await,
        },
        ClaimResult::Alone => next.run(Request::from_parts(parts, body.into())).await,
        ClaimResult::First(claim) => {
            let settled = Settled::default();
            parts.extensions.insert(settled.clone());
            let response = next.run(Request::from_parts(parts, body.into())).await;
            let (response, answer) = captured(response).await;
            let answer = answer.filter(|_| settled.is_settled());
            let answer = answer.and_then(StoredResponse::into_answer);
            service
                .provider
                .repeated_posts()
                .finish(claim, answer)
                .await;
            response
        }
    }
}

fn is_once(request: &Request) -> bool {
    request.method() == Method::POST && is_done_once(request.uri().path())
}

/// A response, and its stored form, if it is text.
async fn captured(response: Response) -> (Response, Option<StoredResponse>) {
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return (respond::unavailable(), None);
    };
    let answer = as_text(&parts, &body);
    (Response::from_parts(parts, body.into()), answer)
}

fn as_text(parts: &Parts, body: &[u8]) -> Option<StoredResponse> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), text(value.as_bytes())?))
    };
    Some(StoredResponse {
        status: parts.status.as_u16(),
        headers: parts.headers.iter().map(header).collect::<Option<_>>()?,
        body: text(body)?,
    })
}

fn replayed(answer: StoredResponse) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Body::from(Bytes::from(answer.body))).into_response();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use app::actions::paths;
    use leptos::server_fn::axum::server_fn_paths;

    #[test]
    fn every_action_says_whether_it_is_done_once() {
        let mut table: Vec<_> = paths().collect();
        table.sort_unstable();
        let mut routed: Vec<_> = server_fn_paths().map(|(path, _)| path).collect();
        routed.sort_unstable();
        assert_eq!(table, routed);
    }
}

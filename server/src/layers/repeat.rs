//! Posts that come twice, as of a double click.

use app::context::Settled;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use provider::{BrowserContext, PostAnswer, Turn};

use crate::extract::{LARGEST_BODY, Service};
use crate::respond;

/// What cannot be done twice, or must not be: it uses something up, ends something, or shows
/// something once. What can be repeated without harm, such as disabling an account, is not here;
/// nor are guesses at passwords, and the consent, which remembers its answer itself.
const ONCE: [&str; 23] = [
    "accept_invitation",
    "add_client",
    "change_email",
    "change_password",
    "disconnect",
    "disconnect_all",
    "disconnect_client",
    "end_other_sessions",
    "end_session",
    "finish_accept_with_passkey",
    "finish_adding_passkey",
    "finish_passkey_sign_in",
    "invite",
    "make_recovery_codes",
    "recover",
    "remove_account",
    "remove_client",
    "remove_passkey",
    "remove_password",
    "reset_account",
    "revoke_key",
    "rotate_keys",
    "withdraw_link",
];

/// Gives a post that is identical to one that was answered a moment ago the same answer.
pub async fn repeated_posts(
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
        .begin_turn(&browser, parts.uri.path(), &body)
        .await
    {
        Turn::Repeated(answer) => said_again(answer),
        Turn::Alone => next.run(Request::from_parts(parts, body.into())).await,
        Turn::First(ticket) => {
            let settled = Settled::default();
            parts.extensions.insert(settled.clone());
            let response = next.run(Request::from_parts(parts, body.into())).await;
            let (response, answer) = kept(response).await;
            let answer = answer.filter(|_| settled.is_settled());
            service.provider.end_turn(ticket, answer.as_ref()).await;
            response
        }
    }
}

fn is_once(request: &Request) -> bool {
    let action = request.uri().path().strip_prefix("/actions/");
    request.method() == Method::POST && action.is_some_and(|action| ONCE.contains(&action))
}

/// A response, and what is to be kept of it, if it is text.
async fn kept(response: Response) -> (Response, Option<PostAnswer>) {
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return (respond::unavailable(), None);
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.as_str().to_owned(), text(value.as_bytes())?))
    };
    let headers: Option<Vec<_>> = parts.headers.iter().map(header).collect();
    let answer = headers.zip(text(&body)).map(|(headers, body)| PostAnswer {
        status: parts.status.as_u16(),
        headers,
        body,
    });
    (Response::from_parts(parts, body.into()), answer)
}

fn said_again(answer: PostAnswer) -> Response {
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
    use leptos::server_fn::axum::server_fn_paths;

    use super::*;

    #[test]
    fn every_action_that_is_done_once_exists() {
        let paths: Vec<_> = server_fn_paths().map(|(path, _)| path).collect();
        for action in ONCE {
            let there = paths
                .iter()
                .any(|path| path.strip_prefix("/actions/") == Some(action));
            assert!(there, "{action}: {paths:?}");
        }
    }
}

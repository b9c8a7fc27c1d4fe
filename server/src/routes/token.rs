//! `POST /token` (OAuth 2.1 section 3.2). Parameters count in the body only.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use provider::{Provider, TokenError};

use crate::extract::Form;
use crate::respond;

/// Exchanges a code or a refresh token.
pub async fn exchange(State(provider): State<Provider>, headers: HeaderMap, Form(parameters): Form) -> Response {
    let authorization = authorization(&headers);
    match provider.token(&parameters, authorization.as_deref()).await {
        Ok(tokens) => respond::json(StatusCode::OK, &tokens),
        Err(TokenError::Refused(refusal)) => refused(&provider, &refusal, authorization.is_some()),
        Err(TokenError::Unavailable(_)) => respond::unavailable(),
    }
}

/// 401 answers an Authorization header with the scheme that would have been right (O12).
fn refused(provider: &Provider, refusal: &oauth::token::Refusal, by_header: bool) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let response = respond::error(status, refusal.code(), &refusal.description());
    if refusal.challenges() || (by_header && status == StatusCode::UNAUTHORIZED) {
        return respond::with_basic_challenge(response, provider.settings().issuer.as_str());
    }
    response
}

/// The header as it came. Two of them, or one that is not text, become what no scheme can read.
fn authorization(headers: &HeaderMap) -> Option<String> {
    let values: Vec<_> = headers.get_all(header::AUTHORIZATION).iter().collect();
    match values.as_slice() {
        [] => None,
        [one] => Some(one.to_str().unwrap_or_default().to_owned()),
        _ => Some(String::new()),
    }
}

//! The layer that requires a valid token.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Request, StatusCode, header, request::Parts};
use tower::{Layer, Service};

use crate::{Challenge, Claims, Clock, Verifier, challenge::Rejection};

/// Protects routes: a request passes with a valid access token in its Authorization header that has
/// every required scope. The token's [`Claims`] are then an extension of the request. Tokens
/// elsewhere, as in the query, are ignored (R-P11).
#[derive(Clone)]
pub struct RequireToken {
    gate: Arc<Gate>,
}

#[derive(Clone)]
struct Gate {
    verifier: Arc<Verifier>,
    clock: Clock,
    challenge: Challenge,
    needed: Vec<String>,
    liveness: Option<Arc<dyn Liveness>>,
}

/// Checks whether the grant of a token is still valid. A resource without it accepts a token until
/// it expires.
#[async_trait]
pub trait Liveness: Send + Sync {
    /// Checks a token that is otherwise valid.
    async fn is_live(&self, claims: &Claims) -> Result<bool, LivenessUnknown>;
}

/// The grant could not be checked. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot check whether the token is still valid: {0}")]
pub struct LivenessUnknown(pub String);

/// A service behind [`RequireToken`].
#[derive(Clone)]
pub struct Guarded<S> {
    inner: S,
    gate: Arc<Gate>,
}

/// The claims of the caller, for handlers behind [`RequireToken`].
#[derive(Clone, Debug)]
pub struct Bearer(pub Claims);

impl RequireToken {
    /// A layer that requires a token with all scopes in `needed`. Refused requests get `challenge`.
    pub fn new(
        verifier: Arc<Verifier>,
        clock: Clock,
        challenge: Challenge,
        needed: &[&str],
    ) -> Self {
        let needed = needed.iter().map(ToString::to_string).collect();
        Self {
            gate: Arc::new(Gate {
                verifier,
                clock,
                challenge,
                needed,
                liveness: None,
            }),
        }
    }

    /// Also checks the grant of each token, so that a revoked one is refused at once, at the cost
    /// of one check for each request.
    #[must_use]
    pub fn asking(mut self, liveness: Arc<dyn Liveness>) -> Self {
        Arc::make_mut(&mut self.gate).liveness = Some(liveness);
        self
    }

    /// The claims of the caller, for a handler that decides by itself what to answer.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<Claims, Rejection> {
        self.gate.admit(headers).await
    }
}

impl<S> Layer<S> for RequireToken {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            gate: Arc::clone(&self.gate),
        }
    }
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that was polled ready moves into the future; its clone stays.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            match gate.admit(request.headers()).await {
                Ok(claims) => {
                    request.extensions_mut().insert(claims);
                    inner.call(request).await
                }
                Err(rejection) => Ok(gate.challenge.answer(&rejection, &gate.needed)),
            }
        })
    }
}

impl Gate {
    // The token is copied out of the headers, because a borrow across the await would require
    // `Sync` of every body.
    fn admit(
        &self,
        headers: &HeaderMap,
    ) -> impl Future<Output = Result<Claims, Rejection>> + Send + use<'_> {
        let token = bearer(headers).map(str::to_owned);
        async move {
            let claims = self
                .verifier
                .verify(&token?, (self.clock)())
                .await
                .map_err(Rejection::Refused)?;
            if let Some(liveness) = &self.liveness
                && !liveness
                    .is_live(&claims)
                    .await
                    .map_err(Rejection::LivenessUnknown)?
            {
                return Err(Rejection::Revoked);
            }
            if self.needed.iter().all(|scope| claims.has_scope(scope)) {
                Ok(claims)
            } else {
                Err(Rejection::InsufficientScope)
            }
        }
    }
}

/// The token of the only Authorization header (RFC 6750 §2.1). Another scheme than Bearer counts as
/// no token.
fn bearer(headers: &HeaderMap) -> Result<&str, Rejection> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Rejection::NoToken)?;
    if values.next().is_some() {
        return Err(Rejection::Malformed(
            "there is more than one Authorization header",
        ));
    }
    let value = value
        .to_str()
        .map_err(|_| Rejection::Malformed("the Authorization header is not text"))?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Rejection::NoToken);
    }
    let token = token.trim_matches(' ');
    if is_b64token(token) {
        Ok(token)
    } else {
        Err(Rejection::Malformed(
            "the Authorization header must contain a single token",
        ))
    }
}

fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = Response;

    /// Answers 500 on a route without the layer, and logs an error.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts
            .extensions
            .get::<Claims>()
            .cloned()
            .map(Self)
            .ok_or_else(|| {
                tracing::error!(
                    "a handler asks for claims, but its route has no RequireToken layer"
                );
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            })
    }
}

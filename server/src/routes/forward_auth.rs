//! `/forward-auth/{id}` and `/ext-authz/{id}`: whether a request to a protected resource may pass,
//! for a reverse proxy in front of a server that knows nothing of tokens. The answer to a refused
//! request is the one that MCP demands, for the proxy to return as it is.

use std::{collections::HashMap, sync::Arc};

use access_token::{Audience, Challenge, Rejection, RequireToken, Verifier};
use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use guard::{Labels, MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, Rules};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use oauth::resource::Resource;
use provider::Provider;

use crate::{
    extract::{PathId, Service},
    layers,
    liveness::{liveness, renewal},
    respond,
    time::clock,
    told::{self, ABOUT, ASSERTION},
};

/// Where proxies say with which method a request came: Traefik and Caddy; nginx and others.
const SAID_METHOD: [&str; 2] = ["x-forwarded-method", "x-original-method"];

/// The resources that have an id, each with what decides about its requests.
#[derive(Clone)]
pub(crate) struct ForwardAuth(Arc<HashMap<String, Gate>>);

struct Gate {
    provider: Provider,
    resource: Resource,
    rules: Rules,
    tokens: RequireToken,
    challenge: Challenge,
}

impl ForwardAuth {
    /// What decides is made once, and not for each request.
    pub(crate) fn new(service: &Service) -> Self {
        let resources = service.provider.settings().resources.iter();
        let gate = |resource: &Resource| Some((resource.id.clone()?, Gate::new(service, resource)));
        Self(Arc::new(resources.filter_map(gate).collect()))
    }

    async fn answer(
        &self,
        id: &str,
        verb: Result<&str, &'static str>,
        headers: &HeaderMap,
    ) -> Response {
        let Some(gate) = self.0.get(id) else {
            return respond::not_found();
        };
        gate.validate(verb, headers)
            .await
            .unwrap_or_else(|mut refused| {
                // A script of another origin has to read where it gets a token.
                layers::open(refused.headers_mut());
                refused
            })
    }
}

/// For proxies that ask with a request of their own, and say in a header with which method the
/// original one came (Traefik, Caddy, nginx, `HAProxy`).
pub(crate) async fn forward_auth(
    State(asked): State<ForwardAuth>,
    PathId(id): PathId,
    method: Method,
    headers: HeaderMap,
) -> Response {
    asked
        .answer(&id, said_method(&method, &headers), &headers)
        .await
}

/// For Envoy, which asks with the method and the path of the original request. What its headers say
/// of a method comes from the client.
pub(crate) async fn ext_authz(
    State(asked): State<ForwardAuth>,
    PathId(id): PathId,
    method: Method,
    headers: HeaderMap,
) -> Response {
    asked.answer(&id, Ok(method.as_str()), &headers).await
}

impl Gate {
    fn new(service: &Service, resource: &Resource) -> Self {
        let provider = service.provider.clone();
        let identifier = &resource.identifier;
        let challenge = Challenge::new(
            &identifier.metadata_address(),
            &resource.default_scopes().collect::<Vec<_>>(),
        );
        let verifier = Verifier::beside(
            provider.tokens().as_ref().clone(),
            Audience::Exactly(identifier.as_str().to_owned()),
        )
        .only(resource.token_format)
        .renewing(renewal(provider.clone()));
        let tokens = RequireToken::new(
            Arc::new(verifier),
            clock(provider.clone()),
            challenge.clone(),
            &[],
        )
        .asking(liveness(provider.clone()));
        Self {
            rules: service.guards.rules(identifier),
            resource: resource.clone(),
            provider,
            tokens,
            challenge,
        }
    }

    /// The answer that lets a request pass, or the one that refuses it.
    async fn validate(
        &self,
        verb: Result<&str, &'static str>,
        headers: &HeaderMap,
    ) -> Result<Response, Response> {
        let malformed = |why| self.challenge.answer(&Rejection::Malformed(why), &[]);
        let verb = verb.map_err(malformed)?;
        if is_preflight(verb, headers) {
            return Ok(passed(Default::default(), ""));
        }
        let admitted = self.tokens.admit(headers).await;
        let claims = admitted.map_err(|rejection| self.challenge.answer(&rejection, &[]))?;
        let labels = labels(verb, headers);
        let needed = self.rules.needed_by_headers(&labels);
        let needed = needed.map_err(|fault| malformed(fault.words()))?;
        if !needed.is_met_by(&claims.scope) {
            return Err(self.challenge.insufficient_scope(needed.scopes()));
        }
        let endpoint = self.provider.token_endpoint();
        match endpoint.vouch(&claims, &self.resource).await {
            Ok(vouched) => Ok(passed(told::about(&vouched.claims), &vouched.assertion)),
            Err(_) => Err(respond::unavailable()),
        }
    }
}

/// The method of the original request, or why it is not known. The request of the proxy itself says
/// it where its method is another than those with which proxies ask. A client can send these headers
/// too, so whatever differs is refused. The answer is empty, which is no method, where nothing says
/// it: the request then has to say what it calls.
fn said_method<'a>(own: &'a Method, headers: &'a HeaderMap) -> Result<&'a str, &'static str> {
    let asks = [Method::GET, Method::HEAD].contains(own);
    let mut said = (!asks).then(|| own.as_str());
    for name in SAID_METHOD {
        for value in headers.get_all(name) {
            let value = value.to_str().map_err(|_| UNCLEAR_METHOD)?;
            if said.is_some_and(|said| said != value) {
                return Err(UNCLEAR_METHOD);
            }
            said = Some(value);
        }
    }
    Ok(said.unwrap_or_default())
}

const UNCLEAR_METHOD: &str = "the headers do not agree on the method of the request";

/// Whether a browser asks what a script may send. The server behind answers.
fn is_preflight(verb: &str, headers: &HeaderMap) -> bool {
    verb == "OPTIONS" && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn labels<'a>(verb: &'a str, headers: &'a HeaderMap) -> Labels<'a> {
    let values = |name| {
        let values = headers.get_all(name).iter();
        values.map(HeaderValue::as_bytes).collect()
    };
    Labels {
        verb,
        version: values(MCP_PROTOCOL_VERSION),
        method: values(MCP_METHOD),
        name: values(MCP_NAME),
    }
}

/// 200 with all headers about a user, of which those without a value are empty: the same ones in
/// every answer that lets a request pass, so that a proxy replaces all that a client has sent under
/// these names.
fn passed(about: [&str; ABOUT.len()], assertion: &str) -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let about = ABOUT.into_iter().zip(about);
    for (name, value) in about.chain([(ASSERTION, assertion)]) {
        let value = HeaderValue::from_bytes(value.as_bytes());
        headers.insert(name, value.unwrap_or(HeaderValue::from_static("")));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_is_what_all_say() {
        let said = |own: &str, headers: &[(&'static str, &'static str)]| {
            let own = Method::from_bytes(own.as_bytes()).expect("a method");
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            said_method(&own, &map).map(str::to_owned)
        };
        let is = |method: &str| Ok(method.to_owned());
        assert_eq!(said("GET", &[("x-forwarded-method", "POST")]), is("POST"));
        assert_eq!(
            said("HEAD", &[("x-original-method", "DELETE")]),
            is("DELETE")
        );
        assert_eq!(said("POST", &[]), is("POST"));
        assert_eq!(said("POST", &[("x-original-method", "POST")]), is("POST"));
        assert_eq!(said("GET", &[]), is(""));
        for (own, headers) in [
            (
                "GET",
                [("x-forwarded-method", "GET"), ("x-original-method", "POST")],
            ),
            (
                "GET",
                [("x-original-method", "GET"), ("x-original-method", "POST")],
            ),
            (
                "POST",
                [("x-forwarded-method", "GET"), ("x-original-method", "GET")],
            ),
        ] {
            assert_eq!(said(own, &headers), Err(UNCLEAR_METHOD));
        }
        let mut map = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"\xff").expect("a value");
        map.insert("x-original-method", value);
        assert_eq!(said_method(&Method::GET, &map), Err(UNCLEAR_METHOD));
    }
}

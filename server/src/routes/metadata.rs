//! The documents at well-known addresses (RFC 8414, RFC 9728, and the public keys), made once and
//! sent as they are.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};
use oauth::endpoint::PROTECTED_RESOURCE;
use oauth_clients::discovery::{ProtectedResource, issues_jwts, signs_jwts};
use provider::Provider;
use serde::Serialize;

use crate::{
    extract::PathId,
    layers::{self, Protection},
    respond,
    time::time_of,
};

/// The documents that do not change while the server runs.
#[derive(Clone)]
pub(crate) struct Documents(Arc<Made>);

struct Made {
    provider: Provider,
    authorization_server: Bytes,
    /// By the part of the path after the well-known prefix.
    protected_resources: HashMap<String, Bytes>,
    /// By the id of the resource, on whatever host it is.
    by_id: HashMap<String, Bytes>,
    headers: HeaderMap,
    key_headers: HeaderMap,
    fault_headers: HeaderMap,
}

impl Documents {
    /// Makes all of them.
    pub(crate) fn new(provider: Provider, protection: &Protection) -> Self {
        let paths = provider
            .settings()
            .resources
            .iter()
            .map(|resource| resource.identifier.path());
        let settings = provider.settings();
        let by_id = settings.resources.iter().filter_map(|resource| {
            let document = ProtectedResource::describe(&settings.issuer, resource);
            Some((resource.id.clone()?, bytes(&document)))
        });
        let described =
            |path: &str| Some((path.to_owned(), bytes(&provider.protected_resource(path)?)));
        Self(Arc::new(Made {
            authorization_server: bytes(provider.metadata()),
            protected_resources: std::iter::once("")
                .chain(paths)
                .filter_map(described)
                .collect(),
            by_id: by_id.collect(),
            headers: headers(protection, "public, max-age=300"),
            // A verifier that meets a new key asks for it at once, and must not get an old copy.
            key_headers: headers(protection, "no-cache"),
            fault_headers: headers(protection, "no-store"),
            provider,
        }))
    }

    fn protected_resource(&self, path: &str) -> Response {
        self.found(self.0.protected_resources.get(path))
    }

    fn found(&self, document: Option<&Bytes>) -> Response {
        match document {
            Some(document) => answer(&self.0.headers, document.clone()),
            None => self.fault(respond::not_found()),
        }
    }

    fn fault(&self, mut response: Response) -> Response {
        response.headers_mut().extend(self.0.fault_headers.clone());
        response
    }
}

/// `GET /.well-known/oauth-authorization-server`.
pub(crate) async fn authorization_server(State(documents): State<Documents>) -> Response {
    answer(
        &documents.0.headers,
        documents.0.authorization_server.clone(),
    )
}

/// `GET /.well-known/oauth-protected-resource`.
pub(crate) async fn protected_resource(State(documents): State<Documents>) -> Response {
    documents.protected_resource("")
}

/// `GET /.well-known/oauth-protected-resource/{path of the resource}`, compared as it is spelled.
pub(crate) async fn protected_resource_at(
    State(documents): State<Documents>,
    uri: Uri,
) -> Response {
    documents.protected_resource(
        uri.path()
            .strip_prefix(PROTECTED_RESOURCE)
            .unwrap_or_default(),
    )
}

/// `GET /forward-auth/{id}/metadata`: the metadata of the resource of this id, for a proxy that serves
/// it at the host of the resource.
pub(crate) async fn protected_resource_of(
    State(documents): State<Documents>,
    PathId(id): PathId,
) -> Response {
    documents.found(documents.0.by_id.get(&id))
}

/// `GET /.well-known/paseto-keys`: the current keys.
pub(crate) async fn keys(State(documents): State<Documents>) -> Response {
    let provider = &documents.0.provider;
    answer(
        &documents.0.key_headers,
        bytes(&provider.tokens().key_set(time_of(provider))),
    )
}

/// `GET /.well-known/jwks.json`: the current keys, while JWTs are signed.
pub(crate) async fn jwt_keys(State(documents): State<Documents>) -> Response {
    let provider = &documents.0.provider;
    if !signs_jwts(&provider.settings().resources) {
        return documents.fault(respond::not_found());
    }
    let keys = provider.tokens().ring().jwks(time_of(provider));
    answer(&documents.0.key_headers, bytes(&keys.to_published()))
}

/// `GET /.well-known/openid-configuration`: the metadata of the authorization server, while a
/// resource gets JWTs. Gateways that find no keys elsewhere look here.
pub(crate) async fn openid_configuration(State(documents): State<Documents>) -> Response {
    if issues_jwts(&documents.0.provider.settings().resources) {
        authorization_server(State(documents)).await
    } else {
        documents.fault(respond::not_found())
    }
}

/// Any other well-known address. Discovery goes on after 404, and stops at a server's fault.
pub(crate) async fn unknown(State(documents): State<Documents>, request: Request) -> Response {
    if layers::is_preflight(&request) {
        layers::preflight_answer()
    } else {
        documents.fault(respond::not_found())
    }
}

/// Another method than GET or HEAD.
pub(crate) async fn method_not_allowed(
    State(documents): State<Documents>,
    request: Request,
) -> Response {
    if layers::is_preflight(&request) {
        layers::preflight_answer()
    } else {
        documents.fault(respond::method_not_allowed())
    }
}

fn answer(headers: &HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.headers_mut() = headers.clone();
    response
}

fn headers(protection: &Protection, caching: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
    ]);
    protection.apply(&mut headers);
    layers::open(&mut headers);
    headers
}

fn bytes<T: Serialize>(document: &T) -> Bytes {
    serde_json::to_vec(document).unwrap_or_default().into()
}

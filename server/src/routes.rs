//! The endpoints: each handler is extract, call, respond.

mod administrators;
pub(crate) mod audit;
pub(crate) mod authorize;
pub(crate) mod forward_auth;
pub(crate) mod health;
pub(crate) mod introspect;
pub(crate) mod me;
pub(crate) mod metadata;
pub(crate) mod recipe;
pub(crate) mod register;
pub(crate) mod revoke;
pub(crate) mod token;

use axum::routing::{MethodRouter, any, get, post};
use forward_auth::ForwardAuth;
use metadata::Documents;

use crate::{endpoints::Endpoint, extract::Service};

/// What handles each endpoint.
pub(crate) fn handler(
    endpoint: Endpoint,
    service: &Service,
    documents: &Documents,
) -> MethodRouter {
    let of_service = |handler: MethodRouter<Service>| handler.with_state(service.clone());
    let of_documents = |handler: MethodRouter<Documents>| handler.with_state(documents.clone());
    match endpoint {
        Endpoint::Authorize => of_service(get(authorize::by_query).post(authorize::by_form)),
        Endpoint::AuditExport => of_service(get(audit::export)),
        Endpoint::Recipe => of_service(get(recipe::recipe)),
        Endpoint::Token => of_service(post(token::exchange)),
        Endpoint::Revoke => of_service(post(revoke::revoke)),
        Endpoint::Register => of_service(post(register::register)),
        Endpoint::Registration => of_service(
            get(register::read)
                .put(register::update)
                .delete(register::end),
        ),
        Endpoint::Introspect => of_service(post(introspect::introspect)),
        Endpoint::Me => get(me::me).layer(me::guard(&service.provider)),
        Endpoint::ForwardAuth => {
            any(forward_auth::forward_auth).with_state(ForwardAuth::new(service))
        }
        Endpoint::ExtAuthz | Endpoint::ExtAuthzRoot | Endpoint::ExtAuthzAt => {
            any(forward_auth::ext_authz).with_state(ForwardAuth::new(service))
        }
        Endpoint::Live => get(health::live),
        Endpoint::Ready => of_service(get(health::ready)),
        Endpoint::AuthorizationServer => of_documents(get(metadata::authorization_server)),
        Endpoint::ProtectedResource => of_documents(get(metadata::protected_resource)),
        Endpoint::ProtectedResourceAt => of_documents(get(metadata::protected_resource_at)),
        Endpoint::ProtectedResourceOf => of_documents(get(metadata::protected_resource_of)),
        Endpoint::Keys => of_documents(get(metadata::keys)),
        Endpoint::JwtKeys => of_documents(get(metadata::jwt_keys)),
        Endpoint::OpenidConfiguration => of_documents(get(metadata::openid_configuration)),
        Endpoint::OtherDocument => of_documents(any(metadata::unknown)),
    }
}

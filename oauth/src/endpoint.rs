//! The paths of the endpoints that the specifications name, below the issuer. Metadata, routes and
//! the guide for resource servers read them here.

/// Where a client's browser asks for authorization (OAuth 2.1 section 3.1).
pub const AUTHORIZE: &str = "/authorize";
/// Where codes and refresh tokens are exchanged (OAuth 2.1 section 3.2).
pub const TOKEN: &str = "/token";
/// Where a client ends a grant (RFC 7009 section 2).
pub const REVOKE: &str = "/revoke";
/// Where a resource asks about a token (RFC 7662 section 2).
pub const INTROSPECT: &str = "/introspect";
/// Where clients register (RFC 7591 section 3); what a client registered is below it, under its id
/// (RFC 7592 section 2).
pub const REGISTER: &str = "/register";
/// The metadata of the authorization server (RFC 8414 section 3).
pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
/// The metadata of a protected resource; the path of the resource follows (RFC 9728 section 3.1).
pub const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

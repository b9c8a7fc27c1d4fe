//! Every address of this server that is no page and no file: path and caller, declared once. The
//! router, the layers, the command line and the tests read them here; what handles each one is
//! [`crate::routes::handler`].

use access_token::{JWKS_PATH, KEYS_PATH};
use oauth::endpoint;

/// Who calls an endpoint, which decides the layers around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A browser that goes there: it has cookies, and a fault is a page.
    Browser,
    /// A client, which may be a script on any web page (CORS): no cookies.
    Client,
    /// A program that is no script: no cookies, no CORS.
    Program,
    /// A reverse proxy that asks about each request of a resource: no cookies, no CORS.
    Proxy,
    /// A program that asks whether the server is well, every few seconds.
    Probe,
    /// A program that reads a document that never changes.
    Reader,
}

/// Declares [`Endpoint`] from one table.
macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident = $path:expr, $caller:ident;)+) => {
        /// An address of this server that is no page and no file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Endpoint {
            $($(#[$doc])* $name,)+
        }

        impl Endpoint {
            /// Every endpoint.
            pub const ALL: [Self; [$($path),+].len()] = [$(Self::$name),+];

            /// Its path below the issuer, as the router reads it.
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$name => $path,)+
                }
            }

            /// Who calls it.
            pub const fn caller(self) -> Caller {
                match self {
                    $(Self::$name => Caller::$caller,)+
                }
            }
        }
    };
}

endpoints! {
    /// A client's browser asks for authorization (OAuth 2.1 section 4.1.1).
    Authorize = endpoint::AUTHORIZE, Browser;
    /// The audit log for export.
    AuditExport = app::AUDIT_EXPORT, Browser;
    /// What protects a resource on a stack, as plain text.
    Recipe = app::RECIPE, Browser;
    /// Codes and refresh tokens are exchanged (OAuth 2.1 section 3.2).
    Token = endpoint::TOKEN, Client;
    /// A client ends a grant (RFC 7009).
    Revoke = endpoint::REVOKE, Client;
    /// A client registers (RFC 7591).
    Register = endpoint::REGISTER, Client;
    /// A client reads, replaces or ends its registration (RFC 7592).
    Registration = "/register/{client_id}", Client;
    /// A resource asks about a token (RFC 7662).
    Introspect = endpoint::INTROSPECT, Program;
    /// What the caller's token says.
    Me = "/api/me", Program;
    /// A proxy asks whether a request may pass, and says with which method it came.
    ForwardAuth = "/forward-auth/{id}", Proxy;
    /// The same for a proxy that passes the method on, and the path.
    ExtAuthz = "/ext-authz/{id}", Proxy;
    /// The same for the path `/`.
    ExtAuthzRoot = "/ext-authz/{id}/", Proxy;
    /// The same for any other path.
    ExtAuthzAt = "/ext-authz/{id}/{*path}", Proxy;
    /// The process answers.
    Live = "/health/live", Probe;
    /// The store does its work.
    Ready = "/health/ready", Probe;
    /// Metadata of the authorization server (RFC 8414).
    AuthorizationServer = endpoint::AUTHORIZATION_SERVER, Reader;
    /// Metadata of the only protected resource (RFC 9728).
    ProtectedResource = endpoint::PROTECTED_RESOURCE, Reader;
    /// Metadata of a protected resource, by its path.
    ProtectedResourceAt = "/.well-known/oauth-protected-resource/{*path}", Reader;
    /// Metadata of a protected resource, by its id.
    ProtectedResourceOf = "/forward-auth/{id}/metadata", Reader;
    /// The public keys of PASETO tokens.
    Keys = KEYS_PATH, Reader;
    /// The public keys of JWTs (RFC 7517).
    JwtKeys = JWKS_PATH, Reader;
    /// Metadata of the authorization server where OpenID Connect Discovery has it.
    OpenidConfiguration = "/.well-known/openid-configuration", Reader;
    /// Any other well-known address.
    OtherDocument = "/.well-known/{*path}", Reader;
}

/// What lies below these is for programs, besides endpoints: the files of the pages, which browsers
/// load by themselves, and the demonstration server.
const FILES: [&str; 2] = ["/brand/", "/pkg/"];
const DEMONSTRATION: &str = "/mcp/";

impl Endpoint {
    /// The part of the path that it shares with others of its kind: `/api/` of `/api/me`, the whole
    /// path where it has one segment.
    fn area(self) -> &'static str {
        let path = self.path();
        path[1..].find('/').map_or(path, |end| &path[..=end + 1])
    }

    fn any_covers(path: &str, callers: &[Caller]) -> bool {
        Self::ALL
            .into_iter()
            .filter(|endpoint| callers.contains(&endpoint.caller()))
            .any(|endpoint| path.starts_with(endpoint.area()))
    }
}

/// Whether only programs call at this path: a fault is JSON there, and a page elsewhere.
pub(crate) fn is_for_programs(path: &str) -> bool {
    Endpoint::any_covers(path, &[Caller::Program, Caller::Proxy, Caller::Probe])
        || FILES
            .iter()
            .chain([&DEMONSTRATION])
            .any(|area| path.starts_with(area))
}

/// Whether this route is called so often that a line for each call hides all others: probes,
/// questions of proxies, documents and files.
pub(crate) fn is_routine(route: &str) -> bool {
    Endpoint::any_covers(route, &[Caller::Proxy, Caller::Probe, Caller::Reader])
        || FILES.iter().any(|area| route.starts_with(area))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_json_and_browsers_pages() {
        for path in [
            "/api/me",
            "/api/x",
            "/introspect",
            "/health/",
            "/forward-auth/notes",
            "/ext-authz/notes/mcp",
            "/mcp/x",
            "/pkg/a.js",
        ] {
            assert!(is_for_programs(path), "{path}");
        }
        for path in [
            "/",
            "/account",
            "/authorize",
            "/admin/audit.jsonl",
            "/mcp",
            "/token",
        ] {
            assert!(!is_for_programs(path), "{path}");
        }
    }

    #[test]
    fn probes_documents_and_files_are_routine() {
        for route in [
            "/health/live",
            "/forward-auth/{id}",
            "/pkg/{*path}",
            "/brand/logo",
            "/.well-known/{*path}",
        ] {
            assert!(is_routine(route), "{route}");
        }
        for route in ["/token", "/account", "/api/me", "/introspect", "(none)"] {
            assert!(!is_routine(route), "{route}");
        }
    }

    #[test]
    fn a_path_that_continues_another_begins_with_it() {
        let begins = |longer: Endpoint, shorter: Endpoint| {
            longer
                .path()
                .strip_prefix(shorter.path())
                .is_some_and(|rest| rest.starts_with("/{"))
        };
        assert!(begins(Endpoint::Registration, Endpoint::Register));
        assert!(begins(
            Endpoint::ProtectedResourceAt,
            Endpoint::ProtectedResource
        ));
    }
}

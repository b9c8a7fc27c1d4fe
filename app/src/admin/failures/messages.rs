//! Requests of clients that failed: what went wrong, and how to fix it.

use provider::{FailedStep, FailureKind};

use crate::{clean, messages::Template, messages::common::counted};

/// The title of the page.
pub(crate) const TITLE: &str = "Failures";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "Requests by applications that failed in the last seven days.";

pub(crate) const NONE: &str = "No failed requests in the last seven days. When an application cannot connect, the reason \
     and what you can do will appear here.";
pub(crate) const FIND: &str = "Search by request ID, application, address or requested value";
pub(crate) const FIND_IT: &str = "Search";
pub(crate) const NONE_FOUND: Template = Template::new("No failures match “{query}”.");
pub(crate) const SHOW_ALL: &str = "Show all failures";
/// Clients that an administrator added or that users use, and all others.
pub(crate) const IN_USE: &str = "Applications in use";
pub(crate) const OTHERS: &str = "New and unknown applications";
pub(crate) const OTHERS_EXPLAINED: &str = "Anyone can send requests in the name of an application. Change nothing for an \
     application that you do not expect.";

/// Declares [`what`] and [`fix`] from one table. A kind without its texts does not compile.
macro_rules! failure_texts {
    ($($kind:ident: $what:literal, $fix:literal;)+) => {
        /// What went wrong.
        pub(crate) const fn what(kind: FailureKind) -> Template {
            Template::new(match kind {
                $(FailureKind::$kind => $what,)+
            })
        }

        /// How to fix it, and who can.
        pub(crate) const fn fix(kind: FailureKind) -> &'static str {
            match kind {
                $(FailureKind::$kind => $fix,)+
            }
        }

        #[cfg(test)]
        const KINDS: &[FailureKind] = &[$(FailureKind::$kind,)+];
    };
}

failure_texts! {
    UnknownClient:
        "{client} is not registered here, or its registration has expired.",
        "What the user can do: remove the MCP server from the application, add it again and \
         connect. The application still uses a registration that has expired or was removed.";
    WrongRedirect:
        "{client} requested a redirect URI that is not registered for it.",
        "What you can do, if you added the application and recognize the redirect URI: add it. \
         What the developer can do: register the redirect URI exactly as it is sent, character \
         for character. Nothing was sent to it.";
    BadDocument:
        "The client metadata document of {client} cannot be used.",
        "What the developer can do: correct the document. The details say what is wrong with it.";
    Unreachable:
        "The client metadata document or keys of {client} could not be fetched.",
        "What the developer can do: correct the web server. The details say how it responded. \
         Vestibule tries again at the next request.";
    KeptOut:
        "{client} was refused: its host is blocked or not allowed by the configuration.",
        "What you can do, if it should be allowed: unblock its host under Applications, or add the \
         host to client_documents in the configuration.";
    NoCommonAuthentication:
        "{client} uses an authentication method that Vestibule does not support.",
        "What the developer can do: set token_endpoint_auth_method in the client metadata document \
         to none or private_key_jwt.";
    MalformedRequest:
        "{client} sent an incomplete or malformed request.",
        "What the developer can do: correct what the details name. Every request needs PKCE with \
         S256.";
    UnknownScope:
        "{client} requested scopes that do not exist.",
        "What you can do, if the scope should exist: add it to the resource in the configuration. \
         What the developer can do: request scopes that are configured.";
    ScopeNotGranted:
        "{client} requested scopes that the user has not allowed.",
        "What the developer can do: request more scopes in a new authorization request, not with \
         the code or refresh token.";
    UnknownResource:
        "{client} requested a resource that is not configured.",
        "What you can do, if the resource is yours: add it to the configuration exactly as it was \
         requested. What the user can do: correct the address of the MCP server in the \
         application.";
    ResourceNotGranted:
        "{client} requested a token for a different resource than the user allowed.",
        "What the developer can do: send the resource of the authorization request, or start a new \
         authorization request for the other resource.";
    MissingResource:
        "{client} did not say which resource it wants, and several are configured.",
        "What you can do: set default = true for one resource in the configuration. What the \
         developer can do: send the resource parameter, as the MCP specification requires.";
    SeveralResources:
        "{client} requested several resources at once.",
        "What the developer can do: send one request per resource. A token is valid for one \
         resource.";
    SchemeNotAllowed:
        "{client} uses a redirect URI with a scheme that the configuration does not allow.",
        "What you can do, if the application should be allowed: add the scheme to private_schemes \
         in the configuration. The user can then connect again.";
    PersonNeeded:
        "{client} asked not to show a page (prompt=none), but the user had to be asked.",
        "Usually no action is needed: the application then asks again with a page. If it keeps \
         happening, the developer can leave out prompt=none.";
    ClientProof:
        "{client} failed to authenticate.",
        "What you can do: check that the application uses the client secret or key that is \
         registered here. If the secret is lost, create a new one with \"vestibule client \
         secret\".";
    MalformedAuthentication:
        "{client} sent malformed credentials, or credentials in more than one place.",
        "What the developer can do: send client ID and client secret either in a Basic header, \
         each form-encoded, or in the body.";
    SecretOfPublicClient:
        "{client} is a public client, but sent a client secret.",
        "What you can do: leave the client secret empty in the application, or add the application \
         as a confidential client.";
    ResourceProof:
        "{client}, a resource, failed to authenticate for token introspection.",
        "What you can do: make the MCP server send its resource identifier and introspection \
         secret. In a Basic header the identifier has to be form-encoded, because it contains a \
         colon. Both can also be sent in the body.";
    BadCode:
        "{client} sent an authorization code that is unknown, expired or belongs to another application.",
        "What the user can do: connect again. What the developer can do: use each code once, \
         within a minute, and only in the application that requested it.";
    VerifierMismatch:
        "{client} sent a code verifier that does not match its request (PKCE).",
        "What the developer can do: send the code verifier that belongs to the code challenge. If \
         the user started twice at the same time, connecting again helps.";
    BadRefreshToken:
        "{client} sent a refresh token that is unknown, expired or revoked.",
        "What the user can do: connect again. This is expected after the application was \
         disconnected or not used for a long time.";
    Replayed:
        "{client} used a one-time code or an old refresh token again, so it was disconnected.",
        "What the user can do: check the computer that the application runs on, because someone \
         may have a copy of its token, and connect again. What the developer can do: make sure \
         that no two parts of the application use the same token at once.";
    AccountGone:
        "{client} used a token of an account that is disabled or removed.",
        "What you can do, if the person should have access: enable the account under Accounts, or \
         invite them again.";
    BadRegistration:
        "The registration of {client} was refused.",
        "What the developer can do: correct the member that the details name.";
    RegistrationClosed:
        "{client} tried to register, but registration is turned off.",
        "What you can do: add the application under Applications, or set registration = on in the \
         configuration.";
    TooMany:
        "{client} was refused because a limit was reached.",
        "No action is needed if this was an attack or a mistake. If your users share one network \
         address, you can raise the limit. If Vestibule is behind a proxy, set trusted_proxies.";
    RequestGone:
        "The page to allow {client} access was opened too late, or a second time.",
        "What the user can do: start again in the application. A request is valid for 30 minutes, \
         in the browser where it started.";
    Other:
        "A request by {client} failed for a reason that this version of Vestibule does not \
         recognize.",
        "What you can do: open this page on a server with the newer version.";
}

/// Where it failed.
pub(crate) const fn step(step: FailedStep) -> &'static str {
    match step {
        FailedStep::Register => "during registration",
        FailedStep::Authorize => "at the authorization endpoint",
        FailedStep::Page => "on a page for the user",
        FailedStep::Token => "at the token endpoint",
        FailedStep::Revoke => "at the revocation endpoint",
        FailedStep::Introspect => "at the introspection endpoint",
        FailedStep::Other => "elsewhere",
    }
}

pub(crate) fn times(times: u64) -> String {
    match times {
        0 | 1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => counted(many, "time", "times"),
    }
}

pub(crate) const LAST: Template = Template::new("last {when}");
pub(crate) const FIRST: Template = Template::new("first {when}");
pub(crate) const FROM: Template = Template::new("from {address}");

pub(crate) const DETAILS: &str = "Details for the developer";
pub(crate) const CODE: &str = "Error code";
pub(crate) const DESCRIPTION: &str = "Description";
pub(crate) const CLIENT_ID: &str = "Client ID";
pub(crate) const NO_CLIENT_ID: &str = "none";
pub(crate) const REQUEST_IDS: &str = "Request IDs, latest first";

/// What was requested, beside what is known.
pub(crate) const ASKED_REDIRECT: &str = "Requested redirect URI";
pub(crate) const ASKED_RESOURCE: &str = "Requested resource";
pub(crate) const ASKED_SCOPE: &str = "Requested scopes";
pub(crate) const SCHEME: &str = "Scheme";
pub(crate) const HOST: &str = "Host";
pub(crate) const REGISTERED: &str = "Registered";
pub(crate) const CONFIGURED: &str = "Configured";
pub(crate) const KNOWN_NONE: &str = "none";
pub(crate) const ALTERED: &str =
    "Characters that cannot be shown, or beyond the first 512, were left out.";
pub(crate) const NOT_SENT: &str = "not sent";

/// The fix for a redirect URI.
pub(crate) const ADD_REDIRECT: &str = "Add this redirect URI";
pub(crate) const ADD_CONSEQUENCE: Template = Template::new(
    "{client} can then also receive authorization codes at {uri}. \
     Anyone can send a request with any redirect URI, so only add one that you recognize.",
);
pub(crate) const ADD_IT: Template = Template::new("Add {uri}");

/// The outcome of adding a redirect URI.
pub(crate) fn redirect_uri_added(redirect_uri: &str) -> String {
    format!(
        "Redirect URI {} added. Connect the application again.",
        clean::sentence(redirect_uri)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Piece;

    #[test]
    fn every_failure_names_the_client_once_and_says_who_can_fix_it() {
        for &kind in KINDS {
            let pieces = what(kind).pieces();
            assert_eq!(
                pieces
                    .iter()
                    .filter(|piece| **piece == Piece::Slot("client"))
                    .count(),
                1,
                "{kind:?}"
            );
            assert!(
                pieces
                    .iter()
                    .all(|piece| matches!(piece, Piece::Words(_) | Piece::Slot("client"))),
                "{kind:?}"
            );
            let fix = fix(kind);
            assert!(fix.ends_with('.') && !fix.contains('!'), "{fix}");
            assert!(
                ["the developer", "the user", "you can", "o action"]
                    .iter()
                    .any(|who| fix.contains(who)),
                "{fix}"
            );
        }
    }

    #[test]
    fn how_often_reads_as_words() {
        assert_eq!([1, 2, 3].map(times), ["once", "twice", "3 times"]);
    }
}

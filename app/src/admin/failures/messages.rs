//! Requests of clients that failed: what went wrong, and what helps.

use provider::{FailedStep, FailureKind};

use crate::{clean, messages::Template, messages::common::counted};

/// The title of the page.
pub(crate) const TITLE: &str = "Failures";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "What applications asked for in the last seven days and did not get.";

pub(crate) const NONE: &str = "Nothing failed in the last seven days. When an application cannot connect, it appears here, with the reason and with \
     what helps.";
pub(crate) const FIND: &str = "Request ID, application, address, or what was asked for";
pub(crate) const FIND_IT: &str = "Find";
pub(crate) const NONE_FOUND: Template = Template::new("No failure matches {query}.");
pub(crate) const SHOW_ALL: &str = "Show all failures";
/// Clients that an administrator added, or that users use; and all others.
pub(crate) const IN_USE: &str = "Applications in use";
pub(crate) const OTHERS: &str = "New and unknown applications";
pub(crate) const OTHERS_EXPLAINED: &str = "Anybody can send requests in the name of an application. Change nothing for one that you do not expect.";

/// Declares [`what`] and [`fix`] from one table. A kind without its texts does not compile.
macro_rules! failure_texts {
    ($($kind:ident: $what:literal, $fix:literal;)+) => {
        /// What went wrong.
        pub(crate) const fn what(kind: FailureKind) -> Template {
            Template::new(match kind {
                $(FailureKind::$kind => $what,)+
            })
        }

        /// What helps, and who can do it.
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
        "What the user can do: remove this server in the application, add it again, and connect. \
         The application remembers a registration that has expired or was removed.";
    WrongRedirect:
        "{client} asked for a redirect URI that is not registered for it.",
        "What you can do, if you added the application and recognise the address: add it. \
         Otherwise the developer: the address has to be registered, character for character. \
         Nothing was sent to it.";
    BadDocument:
        "The client metadata document of {client} cannot be used.",
        "What the developer can do: mend the document. The details say what is wrong with it.";
    Unreachable:
        "The web server of {client} did not give what this server needs.",
        "What the developer can do: make the address answer. The details say what came instead. \
         This server asks again at the next request.";
    KeptOut:
        "{client} was refused: its host is blocked, or the configuration does not allow it.",
        "What you can do, if it should be allowed: unblock its host under Applications, or add the \
         host to client_documents in the configuration.";
    NoCommonAuthentication:
        "{client} and this server have no authentication method in common.",
        "What the developer can do: name none or private_key_jwt as token_endpoint_auth_method in \
         the document.";
    MalformedRequest:
        "{client} sent an incomplete or malformed request.",
        "What the developer can do: send what the details name. Every request needs PKCE with \
         S256.";
    UnknownScope:
        "{client} asked for scopes that do not exist here.",
        "What you can do, if the scope should exist: add it to the resource in the configuration. \
         Otherwise the developer: ask for scopes that are configured.";
    ScopeNotGranted:
        "{client} asked for scopes that the user has not allowed.",
        "What the developer can do: ask for more scopes in a new authorization request, not with \
         the code or refresh token.";
    UnknownResource:
        "{client} asked for a resource that is not configured here.",
        "What you can do, if the resource is yours: add it to the configuration exactly as it was \
         asked for. Otherwise the user: correct the address of the server in the application.";
    ResourceNotGranted:
        "{client} asked for a token for another resource than the user allowed.",
        "What the developer can do: send the resource of the authorization request, or begin a new \
         one for the other resource.";
    MissingResource:
        "{client} did not say which resource it wants, and there are several.",
        "What you can do: set default = true at the resource in the configuration that such \
         applications are meant to get. Or the developer: name the resource in the request, as the \
         MCP specification demands.";
    SeveralResources:
        "{client} asked for several resources at once.",
        "What the developer can do: send a request for each resource, since a token here is for \
         one of them.";
    SchemeNotAllowed:
        "{client} uses a redirect URI with a scheme that the configuration does not allow.",
        "What you can do, if the application should be allowed: add the scheme to private_schemes \
         in the configuration. Then the user connects again.";
    PersonNeeded:
        "{client} wanted an answer without a page, but the user had to be asked.",
        "Nobody has to do anything: such applications then show a page. If it goes on, the \
         developer can leave out prompt=none.";
    ClientProof:
        "{client} failed to authenticate.",
        "What you can do: compare its secret or key with the one you gave it. If the secret is \
         lost, remove the application and add it again.";
    MalformedAuthentication:
        "{client} sent credentials that cannot be read, or in more than one place.",
        "What the developer can do: send client id and secret either in a Basic header, each \
         form-encoded, or in the body.";
    SecretOfPublicClient:
        "{client} is a public client, and sent a client secret.",
        "What you can do: leave the client secret empty in the application, or add it here as a \
         confidential application.";
    ResourceProof:
        "A resource that calls itself {client} failed to authenticate at introspection.",
        "What you can do: send the identifier of the resource and its introspection secret. In a \
         Basic header the identifier has to be form-encoded, since it contains a colon; or send \
         both in the body.";
    BadCode:
        "{client} sent an authorization code that is unknown, expired, or of another application.",
        "What the user can do: connect again. If it goes on, the developer: a code is good for a \
         minute, once, and only for the application that asked for it.";
    VerifierMismatch:
        "{client} sent a code verifier that does not match its request (PKCE).",
        "What the developer can do: send the verifier of the challenge in the request. If the user \
         began twice at the same time, connecting again helps.";
    BadRefreshToken:
        "{client} sent a refresh token that is unknown, expired or revoked.",
        "What the user can do: connect again. This is expected after a disconnection, or after a \
         long time without use.";
    Replayed:
        "{client} used a one-time code or an old refresh token again, so its connection was \
         ended.",
        "What the user can do: check the computer that the application runs on, since somebody may \
         have a copy of its token, and connect again. If it goes on, the developer: two parts of \
         the application use the same token at once.";
    AccountGone:
        "{client} came with a token of an account that is disabled or removed.",
        "What you can do, if the person should have access: enable the account under Accounts, or \
         invite them again.";
    BadRegistration:
        "The registration of {client} was not accepted.",
        "What the developer can do: correct the member that the details name.";
    RegistrationClosed:
        "{client} tried to register, and registration is switched off.",
        "What you can do: add the application under Applications, or set registration = on in the \
         configuration.";
    TooMany:
        "{client} was refused because a limit was reached.",
        "Nobody has to do anything if it was an attack or a mistake. If your users share one \
         address, you can raise the limit, and set trusted_proxies if this server is behind a \
         proxy.";
    RequestGone:
        "A page on which a user allows {client} access was opened too late, or a second time.",
        "What the user can do: start again in the application. A request waits 30 minutes, in the \
         browser where it began.";
    Other:
        "A request of {client} failed, for a reason that this version of the server does not \
         know.",
        "What you can do: look at this page on a server of the newer version.";
}

/// Where it failed.
pub(crate) const fn step(step: FailedStep) -> &'static str {
    match step {
        FailedStep::Register => "during registration",
        FailedStep::Authorize => "when it asked for access",
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
pub(crate) const CLIENT_ID: &str = "Client id";
pub(crate) const NO_CLIENT_ID: &str = "none";
pub(crate) const REQUEST_IDS: &str = "Request IDs, latest first";

/// What was asked for, beside what is known.
pub(crate) const ASKED_REDIRECT: &str = "Redirect URI asked for";
pub(crate) const ASKED_RESOURCE: &str = "Resource asked for";
pub(crate) const ASKED_SCOPE: &str = "Scopes asked for";
pub(crate) const SCHEME: &str = "Scheme";
pub(crate) const HOST: &str = "Host";
pub(crate) const REGISTERED: &str = "Registered";
pub(crate) const CONFIGURED: &str = "Configured";
pub(crate) const KNOWN_NONE: &str = "none";
pub(crate) const ALTERED: &str =
    "Characters that cannot be shown, or beyond the first 512, were left out.";
pub(crate) const NOT_SENT: &str = "none was sent";

/// How to fix it.
pub(crate) const ADD_REDIRECT: &str = "Add this redirect URI";
pub(crate) const ADD_CONSEQUENCE: Template = Template::new(
    "{client} may then receive its answers at {uri} too. Anybody can ask for an address in the name of an application, so add only one \
     that you recognise.",
);
pub(crate) const ADD_IT: Template = Template::new("Add {uri}");

/// The outcome of adding a redirect URI.
pub(crate) fn redirect_uri_added(redirect_uri: &str) -> String {
    format!(
        "Added {}. Connect the application again.",
        clean::sentence(redirect_uri)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Piece;

    #[test]
    fn every_failure_names_the_client_once_and_says_who_mends_it() {
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
                ["the developer", "the user", "you can", "Nobody"]
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

//! Requests of applications that failed: what went wrong, and who can mend it how.

use provider::{FailedStep, FailureKind};

use super::counted;
use crate::words::Template;

pub(crate) const NONE: &str = "Nothing failed. When an application cannot connect, it stands here for seven days, with the reason and \
     with what helps.";

/// What went wrong.
pub(crate) const fn what(kind: FailureKind) -> Template {
    Template::new(match kind {
        FailureKind::UnknownClient => "{client} is not known here, or not any more.",
        FailureKind::WrongRedirect => "{client} wanted its answer sent to an address that it never named.",
        FailureKind::BadDocument => "What {client} says about itself at its web address cannot be used.",
        FailureKind::KeptOut => "{client} was kept out: its host is blocked, or the configuration does not take it.",
        FailureKind::NoCommonAuthentication => "{client} and this server know no common way for it to prove itself.",
        FailureKind::MalformedRequest => "{client} left out or garbled something that a request needs.",
        FailureKind::UnknownScope => "{client} asked for scopes that do not exist here, or that nobody has allowed it.",
        FailureKind::UnknownResource => "{client} asked for a resource that this server does not stand in front of.",
        FailureKind::MissingResource => "{client} did not say which resource it wants, and there are several.",
        FailureKind::SeveralResources => "{client} asked for several resources at once.",
        FailureKind::ResourceNotGranted => "{client} asked for another resource than its person allowed.",
        FailureKind::SchemeNotAllowed => "{client} takes its answers by a scheme that the configuration does not allow.",
        FailureKind::PersonNeeded => "{client} wanted an answer without a page, but a person had to be asked.",
        FailureKind::ClientProof => "{client} could not prove that it is itself.",
        FailureKind::BadCode => "{client} came with a code that is unknown, too old, or another application's.",
        FailureKind::VerifierMismatch => "{client} could not show that it had made the request that its code answers.",
        FailureKind::BadRefreshToken => "{client} wanted to stay connected, but that connection has ended.",
        FailureKind::Replayed => "{client} used something a second time that works once, which ended its connection.",
        FailureKind::AccountGone => "{client} came for an account that is disabled or removed.",
        FailureKind::BadRegistration => "{client} tried to register itself in a way that cannot be accepted.",
    })
}

/// What helps, and whose affair it is.
pub(crate) const fn fix(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::UnknownClient => {
            "Its person: remove this server in the application, add it again, and connect. It remembers a registration that has \
             lapsed or was removed."
        }
        FailureKind::WrongRedirect => {
            "If you added it, add it again with the address in the details. Otherwise its developer: the address has to be one \
             that it registered, letter for letter. If you do not know the application, there is nothing to do: nothing was sent."
        }
        FailureKind::BadDocument => "Its developer: the details say what is wrong with the document, or with the way to it.",
        FailureKind::KeptOut => {
            "You, if it should be let in: unblock its host under Applications, or add the host to client_documents in the \
             configuration."
        }
        FailureKind::NoCommonAuthentication => {
            "Its developer: the document has to name none or private_key_jwt as the way to authenticate."
        }
        FailureKind::MalformedRequest => {
            "Its developer: the details name what is missing or wrong. PKCE with S256 is needed in every request."
        }
        FailureKind::UnknownScope => {
            "You, if the scope should exist: add it to the resource in the configuration. Otherwise its developer: the scopes are \
             those that the resource's description names."
        }
        FailureKind::UnknownResource => {
            "You, if the resource is yours: add it to the configuration, spelled exactly as the application asks for it. \
             Otherwise its person: the address that was entered in the application is wrong."
        }
        FailureKind::MissingResource => {
            "You: set default = true at the resource in the configuration that such applications are meant to get. Or its \
             developer: the request has to name the resource, as the MCP specification demands."
        }
        FailureKind::SeveralResources => "Its developer: a token here is for one resource, so each needs a request of its own.",
        FailureKind::ResourceNotGranted => {
            "Its developer: a code or a refresh token is good for the resource that was asked for first. For another one, the \
             person has to be asked."
        }
        FailureKind::SchemeNotAllowed => {
            "You, if the application should be let in: add the scheme in the details to private_schemes in the configuration. Its \
             person then connects once more."
        }
        FailureKind::PersonNeeded => "Nobody, as a rule: such applications then show a page and ask. If it goes on, its developer.",
        FailureKind::ClientProof => {
            "Whoever set it up: its secret or its key is not the one this server knows. If the secret is lost, remove the \
             application and add it again."
        }
        FailureKind::BadCode => {
            "Its person: connect once more. If it goes on, its developer: a code is good for a minute, and for the application \
             that asked for it."
        }
        FailureKind::VerifierMismatch => {
            "Its developer: the verifier has to be the one whose challenge was sent. If its person began twice at the same time, \
             connecting once more helps."
        }
        FailureKind::BadRefreshToken => {
            "Its person: connect once more. That is so after they have disconnected it, or after a long time without use."
        }
        FailureKind::Replayed => {
            "Its person: connect once more, after a look at the computer it runs on, since somebody may have had a copy. If it goes \
             on, its developer: two of its parts may use the same token at once."
        }
        FailureKind::AccountGone => {
            "You, if the person should have access: enable the account under Accounts, or invite them again."
        }
        FailureKind::BadRegistration => "Its developer: the details say which part of the registration is not acceptable.",
    }
}

/// Where it failed.
pub(crate) const fn step(step: FailedStep) -> &'static str {
    match step {
        FailedStep::Register => "when it registered itself",
        FailedStep::Authorize => "when it asked for access",
        FailedStep::Token => "when it came for a token",
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

pub(crate) const DETAILS: &str = "Details for the application's developer";
pub(crate) const CODE: &str = "Error code";
pub(crate) const DESCRIPTION: &str = "Description";
pub(crate) const CLIENT_ID: &str = "What it called itself";
pub(crate) const NO_CLIENT_ID: &str = "nothing";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Piece;

    const KINDS: [FailureKind; 20] = [
        FailureKind::UnknownClient,
        FailureKind::WrongRedirect,
        FailureKind::BadDocument,
        FailureKind::KeptOut,
        FailureKind::NoCommonAuthentication,
        FailureKind::MalformedRequest,
        FailureKind::UnknownScope,
        FailureKind::UnknownResource,
        FailureKind::MissingResource,
        FailureKind::SeveralResources,
        FailureKind::ResourceNotGranted,
        FailureKind::SchemeNotAllowed,
        FailureKind::PersonNeeded,
        FailureKind::ClientProof,
        FailureKind::BadCode,
        FailureKind::VerifierMismatch,
        FailureKind::BadRefreshToken,
        FailureKind::Replayed,
        FailureKind::AccountGone,
        FailureKind::BadRegistration,
    ];

    #[test]
    fn every_failure_names_the_client_once_and_says_who_mends_it() {
        for kind in KINDS {
            let pieces = what(kind).pieces();
            assert_eq!(pieces.iter().filter(|piece| **piece == Piece::Slot("client")).count(), 1, "{kind:?}");
            assert!(pieces.iter().all(|piece| matches!(piece, Piece::Words(_) | Piece::Slot("client"))), "{kind:?}");
            let fix = fix(kind);
            assert!(fix.ends_with('.') && !fix.contains('!'), "{fix}");
            assert!(["developer", "person", "You,", "Whoever", "Nobody"].iter().any(|who| fix.contains(who)), "{fix}");
        }
    }

    #[test]
    fn how_often_reads_as_words() {
        assert_eq!([1, 2, 3].map(times), ["once", "twice", "3 times"]);
    }
}

//! The error page: which problem it is, in words for users, with a
//! fold of facts for the developer of the client.

pub(crate) mod messages;
pub mod page;

use std::time::Duration;

use provider::{Problem, ProblemKind, Unavailable};

use crate::{clean, error_page::messages::ErrorText};

/// Everything a problem page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPage {
    /// HTTP status of the page.
    pub status: u16,
    /// What happened, in one sentence.
    pub heading: String,
    /// What to do next.
    pub advice: String,
    /// Error code of the protocol, for developers.
    pub code: Option<String>,
    /// What exactly was wrong, for developers. May repeat what a request said; cleaned when it is
    /// shown.
    pub description: Option<String>,
    /// Names the request in the log of the server.
    pub request_id: Option<String>,
    /// A link to an address of this server.
    pub address: Option<String>,
    /// Whether it links to the account page: no client is waiting.
    pub leads_to_account: bool,
    /// Whether it is about a client, whose developer may want to know more.
    pub about_client: bool,
}

impl ErrorPage {
    /// There is no such page.
    pub fn not_found() -> Self {
        Self::new(404, &messages::NOT_FOUND).leading_to_account()
    }

    /// The store cannot be reached.
    pub fn unavailable() -> Self {
        Self::new(503, &messages::UNAVAILABLE).with_code("temporarily_unavailable")
    }

    /// The web server with the client metadata document does not respond.
    pub fn document_unreachable(host: &str) -> Self {
        let advice =
            messages::document_unreachable_advice(&clean::name(host, messages::NAMELESS_HOST));
        Self::saying(503, messages::DOCUMENT_UNREACHABLE, advice)
            .with_code("temporarily_unavailable")
            .with_description(messages::DOCUMENT_UNREACHABLE_DESCRIPTION)
            .about_client()
    }

    /// A pending request is unknown, used, expired or another browser's.
    pub fn request_gone() -> Self {
        Self::new(400, &messages::REQUEST_GONE)
            .with_code("invalid_request")
            .with_description(messages::REQUEST_GONE_DESCRIPTION)
            .about_client()
    }

    /// A one-time link was used, has expired or never was.
    pub fn link_gone() -> Self {
        Self::new(410, &messages::LINK_GONE).leading_to_account()
    }

    /// Too many requests came from the same part of the network.
    pub fn too_many(retry_after: Duration) -> Self {
        let advice = messages::too_many_advice(retry_after.as_secs().div_ceil(60));
        Self::saying(429, messages::TOO_MANY, advice)
            .with_code("temporarily_unavailable")
            .about_client()
    }

    /// The queue of passwords to be checked is full; `own` when this browser's own network or
    /// account fills it.
    pub fn busy(own: bool) -> Self {
        if own {
            Self::new(429, &messages::BUSY_FOR_YOU).with_code("temporarily_unavailable")
        } else {
            Self::new(503, &messages::BUSY).with_code("temporarily_unavailable")
        }
    }

    /// A post that did not come from a page of this server (wrong `Origin`).
    pub fn foreign_form() -> Self {
        Self::new(403, &messages::FOREIGN_FORM)
    }

    /// The server was opened under another name than `issuer`; `address` is the same page there.
    pub fn other_address(issuer: &str, address: &str) -> Self {
        let error = Self::saying(
            421,
            messages::OTHER_ADDRESS,
            messages::other_address_advice(issuer),
        );
        Self {
            address: Some(address.to_owned()),
            ..error.with_code("invalid_request")
        }
    }

    /// A page for administrators was requested by another user.
    pub fn for_administrators() -> Self {
        Self::new(403, &messages::FOR_ADMINISTRATORS).leading_to_account()
    }

    /// The page for a fault of the client that asked.
    pub fn from_problem(problem: &Problem) -> Self {
        Self::new(400, text_for(problem.kind))
            .with_code(problem.code)
            .with_description(&problem.description)
            .about_client()
    }

    /// Adds the id of this request in the log.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Self {
        self.request_id = Some(clean::sentence(id)).filter(|id| !id.is_empty());
        self
    }

    fn new(status: u16, words: &ErrorText) -> Self {
        Self::saying(status, words.heading, words.advice.to_owned())
    }

    fn saying(status: u16, heading: &str, advice: String) -> Self {
        Self {
            status,
            heading: heading.to_owned(),
            advice,
            code: None,
            description: None,
            request_id: None,
            address: None,
            leads_to_account: false,
            about_client: false,
        }
    }

    fn with_code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    fn with_description(mut self, description: &str) -> Self {
        self.description = Some(clean::sentence(description));
        self
    }

    const fn leading_to_account(mut self) -> Self {
        self.leads_to_account = true;
        self
    }

    const fn about_client(mut self) -> Self {
        self.about_client = true;
        self
    }
}

impl From<Unavailable> for ErrorPage {
    fn from(_: Unavailable) -> Self {
        Self::unavailable()
    }
}

const fn text_for(kind: ProblemKind) -> &'static ErrorText {
    match kind {
        ProblemKind::UnknownClient => &messages::UNKNOWN_CLIENT,
        ProblemKind::WrongRedirect => &messages::WRONG_REDIRECT,
        ProblemKind::BadDocument => &messages::BAD_DOCUMENT,
        ProblemKind::NotAllowed => &messages::NOT_ALLOWED,
        ProblemKind::NoCommonAuthentication => &messages::NO_COMMON_AUTHENTICATION,
        ProblemKind::BadRequest => &messages::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_told_in_minutes() {
        for (seconds, words) in [
            (0, "Wait a minute,"),
            (60, "Wait a minute,"),
            (61, "Wait 2 minutes,"),
            (900, "Wait 15 minutes,"),
        ] {
            assert!(
                ErrorPage::too_many(Duration::from_secs(seconds))
                    .advice
                    .contains(words),
                "{seconds}"
            );
        }
    }

    #[test]
    fn t_d30_a_host_that_gives_no_answer_is_shown_clean() {
        let error = ErrorPage::document_unreachable("app.example\u{202e}");
        assert_eq!(error.status, 503);
        assert!(
            error
                .advice
                .contains("at app.example, which isn't responding"),
            "{}",
            error.advice
        );
    }

    #[test]
    fn t_d30_descriptions_are_cleaned() {
        let problem = Problem {
            code: "invalid_request",
            description: format!("redirect_uri \u{202e}{}\u{0}", "x".repeat(10_000)),
            kind: ProblemKind::WrongRedirect,
        };
        let description = ErrorPage::from_problem(&problem)
            .description
            .expect("a description");
        assert!(description.starts_with("redirect_uri xxx") && description.chars().count() < 500);
    }
}

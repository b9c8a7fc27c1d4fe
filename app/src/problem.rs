//! What stands in for a page that cannot be shown: the catalogue of problems, in words for people, with a fold of
//! facts for whoever develops the application.

use std::time::Duration;

use provider::{Problem, ProblemKind, Unavailable};

use crate::clean;

/// Everything a problem page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemFacts {
    /// HTTP status of the page.
    pub status: u16,
    /// What happened, in one sentence.
    pub heading: String,
    /// What to do next.
    pub advice: String,
    /// Error code of the protocol, for developers.
    pub code: Option<String>,
    /// What exactly was wrong, for developers. May repeat what a request said; cleaned when it is shown.
    pub description: Option<String>,
    /// Names the request in the log of the server.
    pub request_id: Option<String>,
}

impl ProblemFacts {
    /// There is no such page.
    pub fn not_found() -> Self {
        Self::new(404, "There is no page at this address.", "Check the address, or start again from the application you came from.")
    }

    /// The store cannot be reached.
    pub fn unavailable() -> Self {
        Self::new(
            503,
            "The server cannot reach its records just now.",
            "Nothing was lost. Wait a moment and load this page again; if it stays, tell whoever runs this server.",
        )
        .with_code("temporarily_unavailable")
    }

    /// The web server that vouches for the application gives no answer.
    pub fn document_unreachable(host: &str) -> Self {
        Self::new(
            503,
            "The application cannot be recognised just now.",
            &format!(
                "It is known by its web address at {}, which does not answer. Nothing was sent. Wait a moment, then go back to \
                 the application and connect again.",
                clean::name(host, "another server")
            ),
        )
        .with_code("temporarily_unavailable")
        .with_description("The client's metadata document cannot be fetched just now.")
    }

    /// A waiting request is unknown, used, expired or another browser's.
    pub fn request_gone() -> Self {
        Self::new(
            400,
            "This request to connect has ended.",
            "It was answered already, took too long, or began in another browser. Go back to the application and \
             connect again.",
        )
        .with_code("invalid_request")
        .with_description("The authorization request is unknown, expired, used, or bound to another browser.")
    }

    /// A one-time link was used, has expired or never was.
    pub fn link_gone() -> Self {
        Self::new(
            410,
            "This link has been used or has expired.",
            "Each link works once and for a limited time. Ask whoever runs this server for a new one, or sign in if \
             you have an account already.",
        )
    }

    /// Too many requests came from the same part of the network.
    pub fn too_many(retry_after: Duration) -> Self {
        let wait = match retry_after.as_secs().div_ceil(60) {
            0 | 1 => "a minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        };
        Self::new(
            429,
            "Too many requests came from your network.",
            &format!("Nothing was sent. Wait {wait}, then go back to the application and connect again."),
        )
        .with_code("temporarily_unavailable")
    }

    /// A post that did not come from a page of this server (wrong `Origin`).
    pub fn foreign_form() -> Self {
        Self::new(
            403,
            "This form did not come from this server.",
            "Nothing was done. Open the page again from the application you came from, and answer there.",
        )
    }

    /// The page for a fault of the application that asked.
    pub fn from_problem(problem: &Problem) -> Self {
        let (heading, advice) = words_for(problem.kind);
        Self::new(400, heading, advice).with_code(problem.code).with_description(&problem.description)
    }

    /// Adds the id under which the log speaks of this request.
    #[must_use]
    pub fn with_request_id(mut self, id: &str) -> Self {
        self.request_id = Some(clean::sentence(id)).filter(|id| !id.is_empty());
        self
    }

    fn new(status: u16, heading: &str, advice: &str) -> Self {
        let (heading, advice) = (heading.to_owned(), advice.to_owned());
        Self { status, heading, advice, code: None, description: None, request_id: None }
    }

    fn with_code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    fn with_description(mut self, description: &str) -> Self {
        self.description = Some(clean::sentence(description));
        self
    }
}

impl From<Unavailable> for ProblemFacts {
    fn from(_: Unavailable) -> Self {
        Self::unavailable()
    }
}

const fn words_for(kind: ProblemKind) -> (&'static str, &'static str) {
    match kind {
        ProblemKind::UnknownClient => (
            "This application is not known here.",
            "It may remember a connection that no longer exists. Remove this server in the application, add it again, \
             and connect.",
        ),
        ProblemKind::WrongRedirect => (
            "The application wants the answer sent to an address it never named.",
            "That can be a mistake or an attempt to mislead you, so nothing was sent. Tell whoever makes the \
             application.",
        ),
        ProblemKind::BadDocument => (
            "What the application says about itself cannot be used.",
            "It is known by a description at its own web address, and there is a fault in it or on the way to it. Nothing was \
             sent. Tell whoever makes the application.",
        ),
        ProblemKind::NotAllowed => (
            "This server does not take this application.",
            "Whoever runs this server decides which applications may connect. Ask them if you need this one.",
        ),
        ProblemKind::NoCommonAuthentication => (
            "The application and this server know no common way for the application to prove itself.",
            "Nothing was sent. Tell whoever makes the application.",
        ),
        ProblemKind::BadRequest => (
            "The application asked in a way that cannot be answered.",
            "Nothing was sent. Go back to the application and connect again; if this page returns, tell whoever makes \
             the application.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_told_in_minutes() {
        for (seconds, words) in [(0, "Wait a minute,"), (60, "Wait a minute,"), (61, "Wait 2 minutes,"), (900, "Wait 15 minutes,")]
        {
            assert!(ProblemFacts::too_many(Duration::from_secs(seconds)).advice.contains(words), "{seconds}");
        }
    }

    #[test]
    fn d30_a_host_that_gives_no_answer_is_shown_clean() {
        let facts = ProblemFacts::document_unreachable("app.example\u{202e}");
        assert_eq!(facts.status, 503);
        assert!(facts.advice.contains("at app.example, which does not answer"), "{}", facts.advice);
    }

    #[test]
    fn d30_descriptions_are_cleaned() {
        let problem = Problem {
            code: "invalid_request",
            description: format!("redirect_uri \u{202e}{}\u{0}", "x".repeat(10_000)),
            kind: ProblemKind::WrongRedirect,
        };
        let description = ProblemFacts::from_problem(&problem).description.expect("a description");
        assert!(description.starts_with("redirect_uri xxx") && description.chars().count() < 500);
    }
}

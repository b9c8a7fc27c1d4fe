//! What stands in for a page that cannot be shown.

/// What happened, in one sentence, and what to do next.
pub(crate) struct ErrorText {
    pub(crate) heading: &'static str,
    pub(crate) advice: &'static str,
}

pub(crate) const NOT_FOUND: ErrorText = ErrorText {
    heading: "There is no page at this address.",
    advice: "Check the address, or start again from the application you came from.",
};
pub(crate) const UNAVAILABLE: ErrorText = ErrorText {
    heading: "The server cannot reach its records just now.",
    advice: "Nothing was lost. Wait a moment and load this page again; if it stays, tell whoever runs this server.",
};
pub(crate) const REQUEST_GONE: ErrorText = ErrorText {
    heading: "This request to connect is not open any more.",
    advice: "It was answered already, took too long, or began in another browser. If you allowed it, the application goes on by \
             itself, and you can close this page. Otherwise go back to the application and connect again.",
};
pub(crate) const LINK_GONE: ErrorText = ErrorText {
    heading: "This link has been used or has expired.",
    advice: "Each link works once and for a limited time. Ask whoever runs this server for a new one, or sign in if you have an \
             account already.",
};
pub(crate) const BUSY: ErrorText = ErrorText {
    heading: "The server is checking many passwords just now.",
    advice: "Nothing was done. Wait a few seconds, go back, and try again.",
};
pub(crate) const BUSY_FOR_YOU: ErrorText = ErrorText {
    heading: "Too many passwords from your network are being checked just now.",
    advice: "Nothing was done. Wait a few seconds, go back, and try again.",
};
pub(crate) const FOREIGN_FORM: ErrorText = ErrorText {
    heading: "This form did not come from this server.",
    advice: "Nothing was done. Open the page again from the application you came from, and answer there.",
};
/// In place of a page that only administrators see.
pub(crate) const FOR_ADMINISTRATORS: ErrorText = ErrorText {
    heading: "This page is for whoever runs this server.",
    advice: "Your account is not an administrator's. If you need something here, ask one of them.",
};
pub(crate) const UNKNOWN_CLIENT: ErrorText = ErrorText {
    heading: "This application is not known here.",
    advice: "It may remember a connection that no longer exists. Remove this server in the application, add it again, and connect.",
};
pub(crate) const WRONG_REDIRECT: ErrorText = ErrorText {
    heading: "The application wants the answer sent to an address it never named.",
    advice: "That can be a mistake or an attempt to mislead you, so nothing was sent. Tell whoever makes the application.",
};
pub(crate) const BAD_DOCUMENT: ErrorText = ErrorText {
    heading: "What the application says about itself cannot be used.",
    advice: "It is known by a description at its own web address, and there is a fault in it or on the way to it. Nothing was \
             sent. Tell whoever makes the application.",
};
pub(crate) const NOT_ALLOWED: ErrorText = ErrorText {
    heading: "This server does not take this application.",
    advice: "Whoever runs this server decides which applications may connect. Ask them if you need this one.",
};
pub(crate) const NO_COMMON_AUTHENTICATION: ErrorText = ErrorText {
    heading: "The application and this server know no common way for the application to prove itself.",
    advice: "Nothing was sent. Tell whoever makes the application.",
};
pub(crate) const BAD_REQUEST: ErrorText = ErrorText {
    heading: "The application asked in a way that cannot be answered.",
    advice: "Nothing was sent. Go back to the application and connect again; if this page returns, tell whoever makes the \
             application.",
};

pub(crate) const OTHER_ADDRESS: &str = "This server has another address.";

pub(crate) fn other_address_advice(issuer: &str) -> String {
    format!(
        "Its address is {issuer}. Signing in works there only, so nothing was done here. If your browser cannot open that address \
         from this computer, ask whoever runs this server to set it up under an address that others can reach."
    )
}

/// Leads to the same page at the right address.
pub(crate) const OPEN_THERE: &str = "Open it at its address";

pub(crate) const TOO_MANY: &str = "Too many requests came from your network.";

pub(crate) fn too_many_advice(minutes: u64) -> String {
    let wait = if minutes <= 1 {
        "a minute".to_owned()
    } else {
        format!("{minutes} minutes")
    };
    format!("Nothing was sent. Wait {wait}, then go back to the application and connect again.")
}

pub(crate) const DOCUMENT_UNREACHABLE: &str = "The application cannot be recognised just now.";
/// In place of a host with nothing to see in it.
pub(crate) const NAMELESS_HOST: &str = "another server";

pub(crate) fn document_unreachable_advice(host: &str) -> String {
    format!(
        "It is known by its web address at {host}, which does not answer. Nothing was sent. Wait a moment, then go back to the \
         application and connect again."
    )
}

/// The way on, where there is one.
pub(crate) const TO_YOUR_ACCOUNT: &str = "Go to your account";

/// For the client's developer; or, where no client is involved, for the administrator.
pub(crate) const DETAILS: &str = "Details for the application's developer";
pub(crate) const DETAILS_FOR_SUPPORT: &str = "Details for support";
pub(crate) const ERROR_CODE: &str = "Error code";
pub(crate) const DESCRIPTION: &str = "Description";
pub(crate) const REQUEST_ID: &str = "Request id";
pub(crate) const DOCUMENT_UNREACHABLE_DESCRIPTION: &str =
    "The client's metadata document cannot be fetched just now.";
pub(crate) const REQUEST_GONE_DESCRIPTION: &str =
    "The authorization request is unknown, expired, used, or bound to another browser.";

//! The pages for errors.

/// What happened, in one sentence, and what to do next.
pub(crate) struct ErrorText {
    pub(crate) heading: &'static str,
    pub(crate) advice: &'static str,
}

pub(crate) const NOT_FOUND: ErrorText = ErrorText {
    heading: "This page doesn't exist.",
    advice: "Check the address, or go back to the application you came from and start again.",
};
pub(crate) const UNAVAILABLE: ErrorText = ErrorText {
    heading: "The service is temporarily unavailable.",
    advice: "Nothing was lost. Wait a moment and reload this page. If the problem continues, contact your administrator.",
};
pub(crate) const REQUEST_GONE: ErrorText = ErrorText {
    heading: "This request to connect is no longer open.",
    advice: "It was already answered, has expired, or was started in another browser. If you allowed it, the application continues on \
             its own, and you can close this page. Otherwise, go back to the application and connect again.",
};
pub(crate) const LINK_GONE: ErrorText = ErrorText {
    heading: "This link has been used or has expired.",
    advice: "Each link works once and for a limited time. If you already have an account, sign in. Otherwise, ask your \
             administrator for a new link.",
};
pub(crate) const BUSY: ErrorText = ErrorText {
    heading: "The server is busy right now.",
    advice: "Nothing was changed. Wait a few seconds, go back, and try again.",
};
pub(crate) const BUSY_FOR_YOU: ErrorText = ErrorText {
    heading: "Too many requests from your network right now.",
    advice: "Nothing was changed. Wait a few seconds, go back, and try again.",
};
pub(crate) const FOREIGN_FORM: ErrorText = ErrorText {
    heading: "We couldn't verify where this form came from.",
    advice: "Nothing was changed. Go back to the application you came from, open the page again and try again.",
};
/// In place of a page for administrators.
pub(crate) const FOR_ADMINISTRATORS: ErrorText = ErrorText {
    heading: "This page is for administrators only.",
    advice: "Your account doesn't have the administrator role. If you need something here, ask an administrator.",
};
pub(crate) const UNKNOWN_CLIENT: ErrorText = ErrorText {
    heading: "This application isn't registered with this server.",
    advice: "It may be using a connection that no longer exists. Remove this server in the application, add it again, and connect.",
};
pub(crate) const WRONG_REDIRECT: ErrorText = ErrorText {
    heading: "The application asked to send you to an unregistered address.",
    advice: "This may be a mistake or an attempt to mislead you, so nothing was sent. Tell the developer of the application.",
};
pub(crate) const BAD_DOCUMENT: ErrorText = ErrorText {
    heading: "The application could not be identified.",
    advice: "Its description at its own web address has an error or could not be loaded. Nothing was sent. Tell the developer of the \
             application.",
};
pub(crate) const NOT_ALLOWED: ErrorText = ErrorText {
    heading: "This application isn't allowed on this server.",
    advice: "Your administrator decides which applications can connect. Ask them if you need this one.",
};
pub(crate) const NO_COMMON_AUTHENTICATION: ErrorText = ErrorText {
    heading: "The application and this server have no authentication method in common.",
    advice: "Nothing was sent. Tell the developer of the application.",
};
pub(crate) const BAD_REQUEST: ErrorText = ErrorText {
    heading: "The application sent a request that can't be answered.",
    advice: "Nothing was sent. Go back to the application and connect again. If this page appears again, tell the developer of the \
             application.",
};

pub(crate) const OTHER_ADDRESS: &str = "This server has a different address.";

pub(crate) fn other_address_advice(issuer: &str) -> String {
    format!(
        "Its address is {issuer}. You can sign in only there, so nothing was changed here. If your browser can't open that address, \
         ask your administrator to set up an address that other computers can reach."
    )
}

/// The link to the same page at the right address.
pub(crate) const OPEN_THERE: &str = "Open this page at the right address";

pub(crate) const TOO_MANY: &str = "Too many requests from your network.";

pub(crate) fn too_many_advice(minutes: u64) -> String {
    if minutes <= 1 {
        "Nothing was sent. Wait a minute, then go back to the application and connect again."
            .to_owned()
    } else {
        format!(
            "Nothing was sent. Wait {minutes} minutes, then go back to the application and connect again."
        )
    }
}

pub(crate) const DOCUMENT_UNREACHABLE: &str = "The application can't be identified right now.";
/// In place of a host without visible characters.
pub(crate) const NAMELESS_HOST: &str = "another server";

pub(crate) fn document_unreachable_advice(host: &str) -> String {
    format!(
        "It is identified by its web address at {host}, which isn't responding. Nothing was sent. Wait a moment, then go back to \
         the application and connect again."
    )
}

/// The link to the account, where no application is waiting.
pub(crate) const TO_YOUR_ACCOUNT: &str = "Go to your account";

/// For the client's developer; or, where no client is involved, for the administrator.
pub(crate) const DETAILS: &str = "Details for the application's developer";
pub(crate) const DETAILS_FOR_SUPPORT: &str = "Details for support";
pub(crate) const ERROR_CODE: &str = "Error code";
pub(crate) const DESCRIPTION: &str = "Description";
pub(crate) const REQUEST_ID: &str = "Request ID";
pub(crate) const DOCUMENT_UNREACHABLE_DESCRIPTION: &str =
    "The client metadata document could not be fetched.";
pub(crate) const REQUEST_GONE_DESCRIPTION: &str =
    "The authorization request is unknown, expired, used, or bound to another browser.";

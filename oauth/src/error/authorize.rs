//! Faults of an authorization request. Whether the client may be told by redirect is in the type
//! (OAuth 2.1 section 4.1.2.1).

use primitives::faults;

use super::{ParameterError, ResourceError};
use crate::step_error;

step_error! {
    /// A fault before client and redirect URI are validated: told to the user on a page of this
    /// server, never by redirect (R-O2).
    LocalError from [
        /// The client or its redirect URI is not named, or named twice.
        Parameter(ParameterError),
        /// The settings of today do not let a redirect URI of the client in.
        RedirectUri(RedirectUriError),
    ] {
        /// No such client.
        UnknownClient => InvalidClient, "the client is unknown";
        /// An administrator keeps clients of its host out.
        ClientBlocked => InvalidClient, "applications from this host are blocked";
        /// It is not one of the client's (R-O1, R-A12).
        UnregisteredRedirectUri => InvalidRequest, "the redirect URI is not registered for this client";
        /// No answer could carry it.
        StateTooLong => InvalidRequest, "the state is longer than 8192 bytes";
    }
}

step_error! {
    /// A redirect URI that cannot be registered (R-A11, R-O24).
    RedirectUriError from [] {
        /// It is not safe to send an answer to.
        Unsafe(#[from] RedirectUriFault) => InvalidRedirectUri, "invalid redirect URI: {0}";
        /// It has a private-use scheme that the settings do not let in.
        SchemeNotAllowed(String) => InvalidRedirectUri, "invalid redirect URI: the scheme {0} is not allowed by the configuration";
    }
}

faults! {
    /// What makes a redirect URI, or the list that it is in, unacceptable whatever the settings.
    RedirectUriFault {
        TooLong: "it is too long",
        ForbiddenCharacter: "it contains a character that is not allowed",
        NotAbsolute: "it is not an absolute URI",
        Fragment: "it has a fragment",
        UserPart: "it has a user part",
        DotSegments: "its path has dot segments or encoded separators",
        AnswerParameter: "its query contains a parameter of the response",
        HostNotPlain: "its host or port is not in normalized form",
        NotLoopback: "http is only allowed for 127.0.0.1, [::1] and localhost",
        ForbiddenScheme: "its scheme is not allowed",
        NotAString: "it is not a string",
        NoneGiven: "at least one is required",
        TooMany: "there are too many",
        HostBlocked: "its host is blocked",
    }
}

step_error! {
    /// A fault of an authorization request whose client and redirect URI are valid: told to the
    /// client by redirect.
    RedirectError from [
        /// A parameter is missing, or came twice.
        Parameter(ParameterError),
        /// No resource can be chosen (R-A19).
        Resource(ResourceError),
    ] {
        /// A response type other than `code`.
        UnsupportedResponseType => UnsupportedResponseType, "the response type is not code";
        /// A response mode other than `query`.
        UnsupportedResponseMode => InvalidRequest, "the response mode is not query";
        /// Absent, or other than `S256` (R-O3).
        UnsupportedChallengeMethod => InvalidRequest, "the code challenge method is not S256";
        /// Nothing that S256 can produce.
        MalformedChallenge => InvalidRequest, "the code challenge is not a SHA-256 digest in base64url";
        /// It is too long to be kept.
        StateTooLong => InvalidRequest, "the state is longer than 8192 bytes";
        /// Scopes were asked for.
        NoGrantableScope => InvalidScope, "none of the requested scopes exists";
        /// The user denied the request.
        Denied => AccessDenied, "the user denied the request";
        /// The answer would go where the user is asked every time (R-O19).
        InteractionRequired => InteractionRequired, "prompt=none, but the user is asked every time for this redirect URI";
        /// No user is signed in.
        LoginRequired => LoginRequired, "prompt=none, but the user has to sign in";
        /// The user has not consented, or not any longer, or is to be asked.
        ConsentRequired => ConsentRequired, "prompt=none, but the user has to be asked";
        /// OpenID Connect Core section 3.1.2.1.
        PromptNoneWithOthers => InvalidRequest, "the prompt none cannot be combined with others";
    }
}

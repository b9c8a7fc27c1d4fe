//! What the rules see of a client. How it described itself, how it is stored and how it
//! authenticates is the business of the crate `oauth-clients`.

use crate::redirect::RedirectUri;

/// The longest client identifier that is looked up, in bytes.
const LONGEST_ID: usize = 2048;

/// A client, as far as authorization depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientProfile<'a> {
    /// Its identifier.
    pub id: &'a str,
    /// Where answers to it may go.
    pub redirect_uris: &'a [RedirectUri],
    /// Whether it may hold refresh tokens.
    pub may_refresh: bool,
}

/// Whether a text can be a client identifier at all (RFC 6749 appendix A.1), which bounds what is
/// looked up.
pub fn is_client_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

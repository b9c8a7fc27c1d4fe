//! What makes a redirect URI unsafe, whatever the settings (R-A11).

use primitives::web_address::{AddressParts, LOOPBACK_HOSTS};
use url::Url;

use super::schemes;
use crate::error::RedirectUriFault;

const LONGEST: usize = 2048;
const FORBIDDEN: [char; 13] = [
    '\\', '<', '>', '"', '*', '^', '`', '{', '|', '}', '\'', ';', ',',
];
/// What an answer carries: in a registered query each would come twice, and a client could read the
/// wrong one.
const ANSWER_PARAMETERS: [&str; 6] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

/// Validates a redirect URI by itself.
///
/// # Errors
/// The first fault.
pub(super) fn check(text: &str) -> Result<(), RedirectUriFault> {
    if text.len() > LONGEST {
        return Err(RedirectUriFault::TooLong);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(FORBIDDEN) {
        return Err(RedirectUriFault::ForbiddenCharacter);
    }
    let url = Url::parse(text).map_err(|_| RedirectUriFault::NotAbsolute)?;
    if url.fragment().is_some() {
        return Err(RedirectUriFault::Fragment);
    }
    let parts = AddressParts::split(text);
    if parts.has_user_part() {
        return Err(RedirectUriFault::UserPart);
    }
    if parts.has_dot_segments() || has_encoded_separators(text) {
        return Err(RedirectUriFault::DotSegments);
    }
    if url
        .query_pairs()
        .any(|(name, _)| ANSWER_PARAMETERS.contains(&name.as_ref()))
    {
        return Err(RedirectUriFault::AnswerParameter);
    }
    check_place(parts, &url)
}

/// Validates scheme, host and port. Users and policies are shown these as written, so browsers have to
/// read them as written: `http:/evil.example://localhost/` leads to `evil.example`.
fn check_place(parts: AddressParts<'_>, url: &Url) -> Result<(), RedirectUriFault> {
    match parts.scheme {
        "https" | "http" if !parts.is_written_plainly(url) => Err(RedirectUriFault::HostNotPlain),
        "http" if !LOOPBACK_HOSTS.contains(&url.host_str().unwrap_or_default()) => {
            Err(RedirectUriFault::NotLoopback)
        }
        "https" | "http" => Ok(()),
        scheme if schemes::is_scheme(scheme) => Ok(()),
        _ => Err(RedirectUriFault::ForbiddenScheme),
    }
}

/// Whether dots, slashes, backslashes, percent signs or zeros are encoded before the query, which
/// servers read in different ways.
fn has_encoded_separators(text: &str) -> bool {
    let before_query = text.split('?').next().unwrap_or_default();
    let before_query = before_query.to_ascii_lowercase();
    ["%2e", "%2f", "%5c", "%25", "%00"]
        .iter()
        .any(|part| before_query.contains(part))
}

//! What a server behind is told of the user, by proxies that ask and by the one of this program: the
//! one list of these headers.

use access_token::Claims;

/// The beginning of all of these headers. What a client sends under it is dropped.
pub(crate) const BEGINNING: &str = "vestibule-";

/// Proof for a server that does not just trust its network. Proxies that ask get it.
pub(crate) const ASSERTION: &str = "vestibule-assertion";

/// The headers about the user.
pub(crate) const ABOUT: [&str; 6] = [
    "vestibule-subject",
    "vestibule-email",
    "vestibule-name",
    "vestibule-client",
    "vestibule-scope",
    "vestibule-device",
];

/// The values of [`ABOUT`], empty where one is unknown. Address and name may have any letters, and
/// are written in UTF-8.
pub(crate) fn about(claims: &Claims) -> [&str; ABOUT.len()] {
    [
        &claims.sub,
        claims.email.as_deref().unwrap_or_default(),
        claims.name.as_deref().unwrap_or_default(),
        &claims.client_id,
        &claims.scope,
        &claims.device_id,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_begin_alike() {
        let all = ABOUT.iter().chain([&ASSERTION]);
        assert!(all.into_iter().all(|name| name.starts_with(BEGINNING)));
    }
}

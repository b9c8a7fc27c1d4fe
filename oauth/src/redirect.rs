//! Redirect URIs: what may be registered, what matches, and the only maker of a `Location` (R-O1,
//! R-O2, R-O6, R-A11–R-A14, RFC 8252).

mod safety;
mod schemes;

use std::fmt;

use primitives::web_address::{self, AddressParts, LoopbackUri};
pub use schemes::{KNOWN_PRIVATE_SCHEMES, PrivateSchemes};
use url::form_urlencoded;

use crate::{
    error::{LocalError, ProtocolError as _, RedirectError, RedirectUriError},
    issuer::Issuer,
};

/// The longest scheme that a refusal repeats.
const LONGEST_SCHEME: usize = 64;

/// A redirect URI that was safe to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Validates a redirect URI that a client wants to register.
    ///
    /// Accepted are https URLs, http URLs on loopback, and private-use schemes with a dot or among
    /// `schemes`.
    ///
    /// # Errors
    /// [`RedirectUriError::Unsafe`] with what is wrong; [`RedirectUriError::SchemeNotAllowed`]
    /// where only the settings are in the way.
    pub fn register(text: &str, schemes: &PrivateSchemes) -> Result<Self, RedirectUriError> {
        safety::check(text)?;
        let uri = Self(text.to_owned());
        match uri.disallowed_scheme(schemes) {
            Some(scheme) => Err(RedirectUriError::SchemeNotAllowed(
                scheme.chars().take(LONGEST_SCHEME).collect(),
            )),
            None => Ok(uri),
        }
    }

    /// One that was registered before, as a record has it. What the settings allow is asked at each
    /// use ([`Self::disallowed_scheme`]).
    pub fn registered_before(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The URI as registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its scheme, where that is an application's and the settings of today do not let it in
    /// (T-E38).
    pub fn disallowed_scheme(&self, schemes: &PrivateSchemes) -> Option<&str> {
        let parts = AddressParts::split(&self.0);
        (!parts.is_web() && !schemes.allow(parts.scheme)).then_some(parts.scheme)
    }

    /// Byte for byte the same, or a loopback URI that differs in nothing but its port (RFC 8252
    /// section 7.3).
    fn matches(&self, presented: &str) -> bool {
        self.0 == presented
            || LoopbackUri::parse(&self.0)
                .is_some_and(|own| LoopbackUri::parse(presented) == Some(own))
    }
}

/// The redirect URI of an authorization request, validated against those of its client. Only
/// [`ValidatedRedirectUri::validate`] creates one. Stored requests have the text, which is
/// validated again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatedRedirectUri(String);

impl ValidatedRedirectUri {
    /// Validates that `presented` is one of the client's redirect URIs.
    ///
    /// # Errors
    /// [`LocalError::UnregisteredRedirectUri`].
    pub fn validate(registered: &[RedirectUri], presented: &str) -> Result<Self, LocalError> {
        if registered.iter().any(|uri| uri.matches(presented)) {
            Ok(Self(presented.to_owned()))
        } else {
            Err(LocalError::UnregisteredRedirectUri)
        }
    }

    /// The URI, as presented.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host that the answer goes to, with its port when one is written; for a private-use
    /// scheme, the scheme (R-C10).
    pub fn host(&self) -> &str {
        AddressParts::split(&self.0).host_or_scheme()
    }

    /// Whether the answer goes to an application on the user's own computer (R-C9).
    pub fn targets_native_app(&self) -> bool {
        web_address::targets_native_app(&self.0)
    }

    /// The source expression by which a content security policy allows a form to end here: origin,
    /// or scheme.
    pub fn policy_source(&self) -> String {
        let parts = AddressParts::split(&self.0);
        if parts.is_web() {
            format!("{}://{}", parts.scheme, parts.authority)
        } else {
            format!("{}:", parts.scheme)
        }
    }

    /// The answer that carries a code (RFC 6749 section 4.1.2, RFC 9207 section 2).
    pub fn with_code(&self, code: &str, state: Option<&str>, issuer: &Issuer) -> Location {
        self.answer(&[("code", code)], state, issuer)
    }

    /// The answer that carries an error (RFC 6749 section 4.1.2.1, RFC 9207 section 2).
    pub fn with_error(
        &self,
        error: &RedirectError,
        state: Option<&str>,
        issuer: &Issuer,
    ) -> Location {
        self.answer(
            &[
                ("error", error.code().as_str()),
                ("error_description", &error.description()),
            ],
            state,
            issuer,
        )
    }

    fn answer(
        &self,
        parameters: &[(&str, &str)],
        state: Option<&str>,
        issuer: &Issuer,
    ) -> Location {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .extend_pairs(state.map(|state| ("state", state)))
            .append_pair("iss", issuer.as_str())
            .finish();
        let joint = match self.0.find('?') {
            None => "?",
            Some(at) if at + 1 == self.0.len() || self.0.ends_with('&') => "",
            Some(_) => "&",
        };
        Location(format!("{}{joint}{query}", self.0))
    }
}

/// The value of a `Location` header that leads to a client. Only a [`ValidatedRedirectUri`] makes
/// one.
#[derive(Clone, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    /// The header's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Location {
    /// Without the query, which may hold a code.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Location({}?…)",
            self.0.split('?').next().unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests;

//! What a client shows of itself at the token endpoint, and whether it is enough (OAuth 2.1 section
//! 2.4, RFC 7521 section 4.2).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oauth::{client::ClientId, error::ParameterError, parameters::Parameters};
use primitives::Digest;
use url::form_urlencoded;

use crate::{
    assertion::{ASSERTION_TYPE, Assertion},
    client::{Authentication, Client, KeySource, secret_digest},
    error::{AssertionError, AssertionFault, ClientAuthenticationError},
};

/// The credentials that a token request presents.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who the client says it is.
    pub client_id: ClientId,
    /// Whether they came in the Authorization header.
    by_header: bool,
    proof: Proof,
}

#[derive(Clone, PartialEq, Eq)]
enum Proof {
    /// A secret in every spelling it may have; none of a client that shows none.
    Secret(Vec<String>),
    /// An assertion that is not verified yet.
    Assertion(Box<Assertion>),
}

/// The result of checking credentials.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an assertion is still to be verified"]
pub enum CredentialCheck<'a> {
    /// They prove the client, as far as it can be proved.
    Passed,
    /// They do if this assertion is verified by these keys, and is new.
    Assertion(&'a Assertion, &'a KeySource),
}

impl Credentials {
    /// Reads the credentials from the raw `Authorization` header and the parameters of the body.
    ///
    /// # Errors
    /// Credentials in two places, a header that is not Basic, an assertion that is none, or no
    /// `client_id` at all.
    pub fn read(
        parameters: &Parameters,
        authorization: Option<&str>,
    ) -> Result<Self, ClientAuthenticationError> {
        let id = parameters.one("client_id")?;
        let secret = parameters.one("client_secret")?;
        let (client_id, proof) = match (authorization, secret, assertion(parameters)?) {
            (Some(header), None, None) => from_basic(header, id)?,
            (None, None, Some(assertion)) => from_assertion(assertion, id)?,
            (None, secret, None) => (
                id.ok_or(ParameterError::Missing("client_id"))?.to_owned(),
                Proof::Secret(secret.map(str::to_owned).into_iter().collect()),
            ),
            _ => return Err(ClientAuthenticationError::SeveralMethods),
        };
        let by_header = authorization.is_some();
        Ok(Self {
            client_id: ClientId::parse(&client_id)
                .ok_or(ClientAuthenticationError::Failed { by_header })?,
            by_header,
            proof,
        })
    }

    /// The refusal that fits how the client tried (R-O12).
    pub const fn refusal(&self) -> ClientAuthenticationError {
        ClientAuthenticationError::Failed {
            by_header: self.by_header,
        }
    }

    /// Checks the credentials against what is known of the client: `None` when nothing is.
    ///
    /// A confidential client may use either place for its secret, whichever it registered: the
    /// secret is the proof. A client with keys shows no secret, and one without shows no assertion.
    ///
    /// # Errors
    /// [`ClientAuthenticationError::Failed`], or
    /// [`ClientAuthenticationError::SecretOfPublicClient`].
    pub fn check<'a>(
        &'a self,
        client: Option<&'a Client>,
    ) -> Result<CredentialCheck<'a>, ClientAuthenticationError> {
        let authentication = &client.ok_or(self.refusal())?.authentication;
        match (authentication, &self.proof) {
            (Authentication::None | Authentication::KeysOrNone(_), Proof::Secret(spellings))
                if spellings.is_empty() =>
            {
                Ok(CredentialCheck::Passed)
            }
            // A client id is no secret, and neither is that nothing goes with it.
            (Authentication::None, Proof::Secret(_)) => {
                Err(ClientAuthenticationError::SecretOfPublicClient {
                    by_header: self.by_header,
                })
            }
            (Authentication::Secret(digest), _) if self.matches_secret(digest) => {
                Ok(CredentialCheck::Passed)
            }
            (
                Authentication::Keys(keys) | Authentication::KeysOrNone(keys),
                Proof::Assertion(assertion),
            ) => Ok(CredentialCheck::Assertion(assertion, keys)),
            _ => Err(self.refusal()),
        }
    }

    /// Whether they show the secret of this digest.
    pub fn matches_secret(&self, digest: &Digest) -> bool {
        match &self.proof {
            Proof::Secret(spellings) => spellings
                .iter()
                .any(|secret| secret_digest(secret) == *digest),
            Proof::Assertion(_) => false,
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Credentials({})", self.client_id)
    }
}

/// RFC 6749 section 2.3.1 form-encodes id and secret before Basic, which some clients leave out:
/// the secret is tried both ways.
fn from_basic(
    header: &str,
    body_id: Option<&str>,
) -> Result<(String, Proof), ClientAuthenticationError> {
    let (id, secret) = basic(header).ok_or(ClientAuthenticationError::MalformedHeader)?;
    let client_id = if body_id == Some(&id) {
        id
    } else {
        form_decoded(&id)
    };
    // Some clients repeat their id in the body; a different one is an attempt at confusion.
    if body_id.is_some_and(|id| id != client_id) {
        return Err(ClientAuthenticationError::SeveralMethods);
    }
    let mut spellings = vec![form_decoded(&secret), secret];
    spellings.dedup();
    spellings.retain(|secret| !secret.is_empty());
    Ok((client_id, Proof::Secret(spellings)))
}

/// The two parts of Basic credentials (RFC 7617 section 2), not decoded.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The body need not repeat the id, and may not name another one (RFC 7521 section 4.2).
fn from_assertion(
    text: &str,
    body_id: Option<&str>,
) -> Result<(String, Proof), ClientAuthenticationError> {
    let assertion = Assertion::parse(text)?;
    let client_id = assertion.client_id().to_owned();
    if body_id.is_some_and(|id| id != client_id) {
        return Err(AssertionError::from(AssertionFault::OtherClient).into());
    }
    Ok((client_id, Proof::Assertion(Box::new(assertion))))
}

/// The text of an assertion, with the one type that there is (RFC 7523 section 2.2).
fn assertion(parameters: &Parameters) -> Result<Option<&str>, ClientAuthenticationError> {
    match (
        parameters.one("client_assertion")?,
        parameters.one("client_assertion_type")?,
    ) {
        (None, None) => Ok(None),
        (Some(assertion), Some(ASSERTION_TYPE)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(AssertionError::from(AssertionFault::AssertionType).into()),
        (Some(_), None) => Err(ParameterError::Missing("client_assertion_type").into()),
        (None, Some(_)) => Err(ParameterError::Missing("client_assertion").into()),
    }
}

fn form_decoded(text: &str) -> String {
    form_urlencoded::parse(format!("v={}", text.replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;

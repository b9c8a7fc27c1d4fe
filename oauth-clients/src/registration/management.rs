//! A client manages its own registration: reads it, replaces it, ends it (RFC 7592).
//!
//! The registration access token stays the same for as long as the registration lives. RFC 7592
//! section 5 leaves that open; a token that changed with each update would lock out a client that
//! lost the answer.

use std::fmt;

use super::{ClientInformation, ClientMetadata, StoredSize};
use crate::{
    client::{self, Authentication, Client, ClientSource, Registration},
    error::{MemberFault, MetadataError, RegistrationError},
    metadata_object::{ClientMetadataObject, unacceptable},
};
use oauth::{issuer::Issuer, redirect::PrivateSchemes};
use primitives::{Digest, Secret};

/// A client whose registration access token has been shown. Only [`AuthenticatedRegistration::authenticate`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthenticatedRegistration {
    client: Client,
    registration: Registration,
    token: String,
}

impl fmt::Debug for AuthenticatedRegistration {
    /// Without the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Managed({})", self.client.id)
    }
}

impl AuthenticatedRegistration {
    /// Proves that `token` is the registration access token of this client (RFC 7592 section 2.1,
    /// T-E41). A client that is gone, and one that an administrator added, has none.
    ///
    /// # Errors
    /// [`RegistrationError::TokenRefused`], the same for every way to be wrong.
    pub fn authenticate(
        client: Option<Client>,
        token: Option<&str>,
    ) -> Result<Self, RegistrationError> {
        let prove = || {
            let client = client?;
            let token = token?;
            let ClientSource::Registered(registration) = &client.source else {
                return None;
            };
            let registration = (**registration).clone();
            let shown = registration.token == Digest::of(token.as_bytes());
            shown.then(|| Self {
                client,
                registration,
                token: token.to_owned(),
            })
        };
        prove().ok_or(RegistrationError::TokenRefused)
    }

    /// What the client is told of itself (RFC 7592 section 3). Its secret is not among it: only the
    /// digest is kept.
    pub fn information(self, issuer: &Issuer) -> ClientInformation {
        ClientInformation::of(
            &self.client,
            self.registration.details,
            self.token,
            None,
            issuer,
        )
    }

    /// Replaces all metadata under the rules of a registration (RFC 7592 section 2.2). `fresh`
    /// makes the secret of a client that had none and now needs one; another keeps its own.
    ///
    /// # Errors
    /// The reason of the first member that cannot be accepted, among them a `client_id` or a
    /// `client_secret` that is not the client's own, and [`RegistrationError::TooLarge`].
    pub fn update(
        self,
        body: &[u8],
        fresh: &Secret,
        schemes: &PrivateSchemes,
        issuer: &Issuer,
        size: StoredSize,
    ) -> Result<(Client, ClientInformation), RegistrationError> {
        let mut members = ClientMetadataObject::read_from(body)?;
        self.check_identity(&members)?;
        let metadata = ClientMetadata::of(&mut members, schemes)?;
        let Client {
            id,
            authentication,
            created_at,
            used_at,
            ..
        } = self.client;
        let (authentication, secret) = metadata.authentication(Some(authentication), fresh);
        let registration = Registration {
            details: metadata.details.clone(),
            ..self.registration
        };
        let client =
            metadata.client(registration, id, authentication, created_at, used_at, size)?;
        let information =
            ClientInformation::of(&client, metadata.details, self.token, secret, issuer);
        Ok((client, information))
    }

    /// An update names its own client, and may repeat the secret but never choose one (RFC 7592
    /// section 2.2).
    fn check_identity(&self, members: &ClientMetadataObject) -> Result<(), MetadataError> {
        let text = |member| members.read::<String>(member, MemberFault::NotAString);
        if text("client_id")?.is_none_or(|id| id != self.client.id.as_str()) {
            return Err(unacceptable("client_id", MemberFault::OtherClient));
        }
        let is_own = |secret: &str| match &self.client.authentication {
            Authentication::Secret(digest) => client::secret_digest(secret) == *digest,
            Authentication::None | Authentication::Keys(_) | Authentication::KeysOrNone(_) => false,
        };
        match text("client_secret")? {
            Some(secret) if !is_own(&secret) => {
                Err(unacceptable("client_secret", MemberFault::OtherSecret))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

//! Dynamic client registration (RFC 7591, R-A3): which metadata is accepted, and what becomes of it.
//! How a client manages its own registration afterwards (RFC 7592) is in [`management`](AuthenticatedRegistration).

mod management;

use std::fmt;

pub use management::AuthenticatedRegistration;

use serde::Serialize;

use crate::{
    client::{
        self, Authentication, Client, ClientSource, KeySource, Method, Registration,
        RegistrationDetails,
    },
    error::{MemberFault, MetadataError, RegistrationError},
    metadata_object::{ClientMetadataObject, LONGEST_TEXT, LONGEST_URL, unacceptable},
};
use oauth::{
    client::ClientId,
    endpoint,
    issuer::Issuer,
    redirect::{PrivateSchemes, RedirectUri},
};
use primitives::{Digest, Secret, Timestamp};

const TOKEN_PREFIX: &str = "vrat_";
/// The most that a client which registers itself may take in the store, in bytes.
const LARGEST: usize = 8 * 1024;
const REFRESH_TOKEN: &str = "refresh_token";
const GRANT_TYPES: [&str; 2] = ["authorization_code", REFRESH_TOKEN];

/// Client metadata that this server accepts, in its effective form: what is unsupported has been
/// dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadata {
    redirect_uris: Vec<RedirectUri>,
    /// Where the keys of a client are that authenticates by them; of another, they are dropped.
    keys: Option<KeySource>,
    may_refresh: bool,
    client_name: Option<String>,
    details: RegistrationDetails,
}

/// Tells how many bytes a client takes in the store, of which this crate knows nothing.
pub type StoredSize = fn(&Client) -> usize;

/// Generated secrets for a registration. A public client leaves the first unused.
#[derive(Clone, Debug)]
pub struct GeneratedSecrets {
    /// Makes the client secret.
    pub secret: Secret,
    /// Makes the registration access token.
    pub token: Secret,
}

/// The answer to a registration (RFC 7591 section 3.2.1, RFC 7592 section 3): effective metadata,
/// nothing null.
#[derive(Clone, Serialize)]
pub struct ClientInformation {
    client_id: String,
    client_id_issued_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u64>,
    registration_access_token: String,
    registration_client_uri: String,
    redirect_uris: Vec<String>,
    #[serde(flatten)]
    keys: Option<KeySource>,
    grant_types: Vec<&'static str>,
    response_types: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    #[serde(flatten)]
    details: RegistrationDetails,
}

impl fmt::Debug for ClientInformation {
    /// Without the secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClientInformation({})", self.client_id)
    }
}

impl ClientInformation {
    /// The answer about a client. The secret is there only when it has just been made: the store
    /// cannot tell it.
    fn of(
        client: &Client,
        details: RegistrationDetails,
        token: String,
        client_secret: Option<String>,
        issuer: &Issuer,
    ) -> Self {
        let keys = match &client.authentication {
            Authentication::Keys(keys) | Authentication::KeysOrNone(keys) => Some(keys.clone()),
            Authentication::None | Authentication::Secret(_) => None,
        };
        let grant_types = GRANT_TYPES
            .into_iter()
            .filter(|name| client.may_refresh || *name != REFRESH_TOKEN)
            .collect();
        Self {
            client_id: client.id.to_string(),
            client_id_issued_at: client.created_at.seconds(),
            client_secret_expires_at: client_secret.as_ref().map(|_| 0),
            client_secret,
            registration_access_token: token,
            registration_client_uri: issuer.url(&format!("{}/{}", endpoint::REGISTER, client.id)),
            redirect_uris: client
                .redirect_uris
                .iter()
                .map(|uri| uri.as_str().to_owned())
                .collect(),
            keys,
            grant_types,
            response_types: ["code"],
            client_name: client.name.clone(),
            details,
        }
    }
}

impl ClientMetadata {
    /// Reads the body of a registration request.
    ///
    /// Null members, empty strings and empty lists count as absent, unknown members are ignored,
    /// unsupported grant types are dropped. So is what the client can do without: unsafe redirect
    /// URIs beside safe ones, and members that only inform.
    ///
    /// # Errors
    /// The reason of the first member that cannot be accepted.
    pub fn read(body: &[u8], schemes: &PrivateSchemes) -> Result<Self, MetadataError> {
        Self::accept(body, schemes).map(|(metadata, _)| metadata)
    }

    /// The same, with the reason for each part that was dropped.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn accept(
        body: &[u8],
        schemes: &PrivateSchemes,
    ) -> Result<(Self, Vec<MetadataError>), MetadataError> {
        let mut members = ClientMetadataObject::read_from(body)?;
        let metadata = Self::of(&mut members, schemes)?;
        Ok((metadata, members.into_dropped()))
    }

    /// What it calls itself.
    pub fn name(&self) -> Option<&str> {
        self.client_name.as_deref()
    }

    fn of(
        members: &mut ClientMetadataObject,
        schemes: &PrivateSchemes,
    ) -> Result<Self, MetadataError> {
        let method = method(members)?;
        let grant_types = members.supported("grant_types", &GRANT_TYPES, "authorization_code")?;
        members.supported("response_types", &["code"], "code")?;
        Ok(Self {
            redirect_uris: members.redirect_uris(schemes)?,
            keys: keys(method, members)?,
            may_refresh: grant_types.iter().any(|name| name == REFRESH_TOKEN),
            client_name: members
                .name()
                .unwrap_or_else(|reason| members.optional(|_| Err(reason))),
            details: RegistrationDetails {
                token_endpoint_auth_method: method,
                client_uri: members.optional(|members| members.web_url("client_uri")),
                logo_uri: members.optional(|members| members.web_url("logo_uri")),
                policy_uri: members.optional(|members| members.web_url("policy_uri")),
                tos_uri: members.optional(|members| members.web_url("tos_uri")),
                scope: members.optional(|members| members.text("scope", LONGEST_URL)),
                application_type: members
                    .optional(|members| members.read("application_type", MemberFault::UnknownType)),
                software_id: members.optional(|members| members.text("software_id", LONGEST_TEXT)),
                software_version: members
                    .optional(|members| members.text("software_version", LONGEST_TEXT)),
            },
        })
    }

    /// Turns accepted metadata into a client and the answer.
    ///
    /// # Errors
    /// [`RegistrationError::TooLarge`] when the client would take more than 8 KB in the store.
    pub fn register(
        self,
        id: ClientId,
        fresh: &GeneratedSecrets,
        issuer: &Issuer,
        now: Timestamp,
        size: StoredSize,
    ) -> Result<(Client, ClientInformation), RegistrationError> {
        let token = format!("{TOKEN_PREFIX}{}", fresh.token.encode());
        let (authentication, client_secret) = self.authentication(None, &fresh.secret);
        let registration = Registration {
            details: self.details.clone(),
            token: Digest::of(token.as_bytes()),
        };
        let client = self.client(registration, id, authentication, now, None, size)?;
        let information =
            ClientInformation::of(&client, self.details, token, client_secret, issuer);
        Ok((client, information))
    }

    /// The client that a registration makes.
    fn client(
        &self,
        registration: Registration,
        id: ClientId,
        authentication: Authentication,
        created_at: Timestamp,
        used_at: Option<Timestamp>,
        size: StoredSize,
    ) -> Result<Client, RegistrationError> {
        let client = Client {
            id,
            name: self.client_name.clone(),
            redirect_uris: self.redirect_uris.clone(),
            authentication,
            may_refresh: self.may_refresh,
            source: ClientSource::Registered(Box::new(registration)),
            created_at,
            used_at,
        };
        if size(&client) > LARGEST {
            Err(RegistrationError::TooLarge)
        } else {
            Ok(client)
        }
    }

    /// How the client proves itself, and the secret that was made for it, if any. One that has a
    /// secret keeps it.
    fn authentication(
        &self,
        kept: Option<Authentication>,
        fresh: &Secret,
    ) -> (Authentication, Option<String>) {
        match (&self.keys, self.details.token_endpoint_auth_method, kept) {
            (Some(keys), ..) => (Authentication::Keys(keys.clone()), None),
            (None, Method::None, _) => (Authentication::None, None),
            (None, _, Some(kept @ Authentication::Secret(_))) => (kept, None),
            (None, ..) => {
                let secret = client::secret_text(fresh);
                (
                    Authentication::Secret(client::secret_digest(&secret)),
                    Some(secret),
                )
            }
        }
    }
}

/// How the client wants to authenticate.
fn method(members: &ClientMetadataObject) -> Result<Method, MetadataError> {
    let method = members.read("token_endpoint_auth_method", MemberFault::UnknownMethod)?;
    Ok(method.unwrap_or(Method::ClientSecretBasic))
}

/// The keys that its method needs (RFC 7591 section 2).
fn keys(
    method: Method,
    members: &ClientMetadataObject,
) -> Result<Option<KeySource>, MetadataError> {
    if method != Method::PrivateKeyJwt {
        return Ok(None);
    }
    let missing = unacceptable("jwks", MemberFault::KeysMissing);
    members.keys()?.ok_or(missing).map(Some)
}

#[cfg(test)]
mod tests;

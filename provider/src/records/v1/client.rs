//! A client: one that registered itself, was added, or is described by its metadata document.

use std::borrow::Cow;

use oauth::{Digest, Timestamp, client::ClientId, redirect::RedirectUri};
use oauth_clients::client::{
    Authentication, Client, ClientSource, KeySource, Registration, RegistrationDetails,
};
use serde::{Deserialize, Serialize};

use crate::records::V1;

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredClient<'a> {
    #[serde(default)]
    v: V1,
    id: Cow<'a, str>,
    name: Option<Cow<'a, str>>,
    #[serde(with = "crate::values")]
    redirect_uris: Cow<'a, [RedirectUri]>,
    authentication: StoredAuthentication<'a>,
    refreshes: bool,
    origin: StoredSource<'a>,
    #[serde(with = "crate::values")]
    created_at: Timestamp,
    /// Of a client that registered itself it is in `origin`, where earlier releases have it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    used_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredAuthentication<'a> {
    None,
    #[serde(with = "crate::values")]
    Secret(Cow<'a, Digest>),
    Keys(Cow<'a, KeySource>),
    KeysOrNone(Cow<'a, KeySource>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredSource<'a> {
    Registered(Box<StoredRegistration<'a>>),
    Added,
    Document {
        #[serde(with = "crate::values")]
        fresh_until: Timestamp,
        allowed: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredRegistration<'a> {
    /// Records of the first releases repeat members of the client here, which are ignored.
    metadata: Cow<'a, RegistrationDetails>,
    #[serde(with = "crate::values")]
    token: Cow<'a, Digest>,
    #[serde(default, with = "crate::values")]
    used_at: Option<Timestamp>,
}

impl<'a> From<&'a Client> for StoredClient<'a> {
    fn from(client: &'a Client) -> Self {
        Self {
            v: V1,
            id: Cow::Borrowed(&client.id),
            name: client.name.as_deref().map(Cow::Borrowed),
            redirect_uris: Cow::Borrowed(&client.redirect_uris),
            authentication: (&client.authentication).into(),
            refreshes: client.may_refresh,
            origin: StoredSource::of(client),
            created_at: client.created_at,
            used_at: match client.source {
                ClientSource::Registered(_) => None,
                ClientSource::Added | ClientSource::Document { .. } => client.used_at,
            },
        }
    }
}

impl From<StoredClient<'_>> for Client {
    fn from(stored: StoredClient<'_>) -> Self {
        Self {
            id: ClientId::of(stored.id),
            name: stored.name.map(Cow::into_owned),
            redirect_uris: stored.redirect_uris.into_owned(),
            authentication: stored.authentication.into(),
            may_refresh: stored.refreshes,
            used_at: match &stored.origin {
                StoredSource::Registered(registration) => registration.used_at,
                StoredSource::Added | StoredSource::Document { .. } => stored.used_at,
            },
            source: stored.origin.into(),
            created_at: stored.created_at,
        }
    }
}

impl<'a> From<&'a Authentication> for StoredAuthentication<'a> {
    fn from(authentication: &'a Authentication) -> Self {
        match authentication {
            Authentication::None => Self::None,
            Authentication::Secret(digest) => Self::Secret(Cow::Borrowed(digest)),
            Authentication::Keys(keys) => Self::Keys(Cow::Borrowed(keys)),
            Authentication::KeysOrNone(keys) => Self::KeysOrNone(Cow::Borrowed(keys)),
        }
    }
}

impl From<StoredAuthentication<'_>> for Authentication {
    fn from(stored: StoredAuthentication<'_>) -> Self {
        match stored {
            StoredAuthentication::None => Self::None,
            StoredAuthentication::Secret(digest) => Self::Secret(digest.into_owned()),
            StoredAuthentication::Keys(keys) => Self::Keys(keys.into_owned()),
            StoredAuthentication::KeysOrNone(keys) => Self::KeysOrNone(keys.into_owned()),
        }
    }
}

impl<'a> StoredSource<'a> {
    fn of(client: &'a Client) -> Self {
        match &client.source {
            ClientSource::Registered(registration) => {
                Self::Registered(Box::new(StoredRegistration {
                    metadata: Cow::Borrowed(&registration.details),
                    token: Cow::Borrowed(&registration.token),
                    used_at: client.used_at,
                }))
            }
            ClientSource::Added => Self::Added,
            ClientSource::Document {
                fresh_until,
                allowed,
            } => Self::Document {
                fresh_until: *fresh_until,
                allowed: *allowed,
            },
        }
    }
}

impl From<StoredSource<'_>> for ClientSource {
    fn from(stored: StoredSource<'_>) -> Self {
        match stored {
            StoredSource::Registered(stored) => Self::Registered(Box::new(Registration {
                details: stored.metadata.into_owned(),
                token: stored.token.into_owned(),
            })),
            StoredSource::Added => Self::Added,
            StoredSource::Document {
                fresh_until,
                allowed,
            } => Self::Document {
                fresh_until,
                allowed,
            },
        }
    }
}

//! What an account has allowed one client.

use std::borrow::Cow;

use oauth::{
    Id, Timestamp, client::ClientId, consent::Consent, epoch::Epoch, resource::ResourceIdentifier,
    scope::Scopes,
};
use serde::{Deserialize, Serialize};

use crate::records::V1;

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredConsent<'a> {
    #[serde(default)]
    v: V1,
    #[serde(with = "crate::values")]
    id: Id,
    client_id: Cow<'a, str>,
    redirect_uri: Cow<'a, str>,
    #[serde(with = "crate::values")]
    resource: Cow<'a, ResourceIdentifier>,
    #[serde(with = "crate::values")]
    scopes: Cow<'a, Scopes>,
    #[serde(with = "crate::values")]
    allowed_at: Timestamp,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
    /// Unknown of records that the first releases wrote.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    shown_at: Option<Timestamp>,
    /// Absent in the first epoch of the client.
    #[serde(
        default,
        skip_serializing_if = "Epoch::is_first",
        with = "crate::values"
    )]
    epoch: Epoch,
}

impl<'a> From<&'a Consent> for StoredConsent<'a> {
    fn from(consent: &'a Consent) -> Self {
        Self {
            v: V1,
            id: consent.id,
            client_id: Cow::Borrowed(&consent.client_id),
            redirect_uri: Cow::Borrowed(&consent.redirect_uri),
            resource: Cow::Borrowed(&consent.resource),
            scopes: Cow::Borrowed(&consent.scopes),
            allowed_at: consent.allowed_at,
            expires_at: consent.expires_at,
            shown_at: consent.shown_at,
            epoch: consent.epoch,
        }
    }
}

impl From<StoredConsent<'_>> for Consent {
    fn from(stored: StoredConsent<'_>) -> Self {
        Self {
            id: stored.id,
            client_id: ClientId::of(stored.client_id),
            redirect_uri: stored.redirect_uri.into_owned(),
            resource: stored.resource.into_owned(),
            scopes: stored.scopes.into_owned(),
            allowed_at: stored.allowed_at,
            expires_at: stored.expires_at,
            shown_at: stored.shown_at,
            epoch: stored.epoch,
        }
    }
}

//! A client: one that registered itself, was added, or is described by its metadata document.

use std::borrow::Cow;

use oauth::{Timestamp, redirect::RedirectUri};
use oauth_clients::client::{Authentication, Client, ClientSource};
use serde::{Deserialize, Serialize};

use crate::records::V1;

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredClient<'a> {
    #[serde(default)]
    v: V1,
    id: Cow<'a, str>,
    name: Option<Cow<'a, str>>,
    redirect_uris: Cow<'a, [RedirectUri]>,
    authentication: Cow<'a, Authentication>,
    refreshes: bool,
    origin: Cow<'a, ClientSource>,
    created_at: Timestamp,
}

impl<'a> From<&'a Client> for StoredClient<'a> {
    fn from(client: &'a Client) -> Self {
        Self {
            v: V1,
            id: Cow::Borrowed(&client.id),
            name: client.name.as_deref().map(Cow::Borrowed),
            redirect_uris: Cow::Borrowed(&client.redirect_uris),
            authentication: Cow::Borrowed(&client.authentication),
            refreshes: client.may_refresh,
            origin: Cow::Borrowed(&client.source),
            created_at: client.created_at,
        }
    }
}

impl From<StoredClient<'_>> for Client {
    fn from(stored: StoredClient<'_>) -> Self {
        Self {
            id: stored.id.into_owned(),
            name: stored.name.map(Cow::into_owned),
            redirect_uris: stored.redirect_uris.into_owned(),
            authentication: stored.authentication.into_owned(),
            may_refresh: stored.refreshes,
            source: stored.origin.into_owned(),
            created_at: stored.created_at,
        }
    }
}

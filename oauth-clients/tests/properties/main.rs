//! What holds for every input, not only for those that someone thought of.

mod assertions;
mod documents;
mod readers;
#[path = "../../../oauth/tests/properties/strategies.rs"]
mod strategies;
mod web_addresses;

use oauth::{Timestamp, client::ClientId, redirect::RedirectUri};
use oauth_clients::client::{Authentication, Client, ClientSource};

/// A client with these redirect URIs.
fn client(redirect_uris: Vec<RedirectUri>) -> Client {
    Client {
        id: ClientId::of("vc_client"),
        name: None,
        redirect_uris,
        authentication: Authentication::None,
        may_refresh: true,
        source: ClientSource::Added,
        created_at: Timestamp::from_seconds(0),
        used_at: None,
    }
}

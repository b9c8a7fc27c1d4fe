//! What a person has allowed: seeing it, and ending it.

use oauth::{
    Id, Timestamp,
    grant::{Grant, GrantKey},
    redirect::{Destination, RedirectUri},
};
use thiserror::Error;

use crate::{Provider, Visitor, authorization::sentences, keys, problem::Unavailable, record};

/// How many names of an account's list are looked at. Names of ended grants are among them until they are forgotten.
const MOST_NAMES: usize = 1000;
/// How many connections are shown. Whoever has more sees the others once they have ended some.
const MOST_SHOWN: usize = 200;

/// An application that a person has connected, as they see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The grant behind it, to end it by.
    pub grant: String,
    /// The name the client gave itself, or its id.
    pub client_name: String,
    /// The host its answers go to, with port; none for an application on the person's own computer.
    pub host: Option<String>,
    /// Whether its answers go to an application on the person's own computer.
    pub on_this_computer: bool,
    /// What it may use.
    pub resource_name: String,
    /// What it may do there, a sentence each.
    pub scopes: Vec<String>,
    /// When the person allowed it.
    pub since: Timestamp,
}

/// Why a connection was not ended.
#[derive(Debug, Error)]
pub enum DisconnectError {
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// The store did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Provider {
    /// What the signed-in person has connected, newest first; `None` when nobody is signed in.
    pub async fn connections(&self, visitor: &Visitor) -> Result<Option<Vec<Connection>>, Unavailable> {
        let Some(person) = self.signed_in(visitor).await? else { return Ok(None) };
        let mut grants = self.live_grants(person.account).await?;
        grants.sort_by_key(|(_, grant)| std::cmp::Reverse(grant.terms.allowed_at));
        grants.truncate(MOST_SHOWN);
        let mut connections = Vec::with_capacity(grants.len());
        for (name, grant) in grants {
            connections.push(self.connection(name, grant).await?);
        }
        Ok(Some(connections))
    }

    /// Ends a connection of the signed-in person. One that has ended already, or is another's, is none of theirs: then
    /// nothing happens.
    pub async fn disconnect(&self, visitor: &Visitor, grant: &str) -> Result<(), DisconnectError> {
        let person = self.signed_in(visitor).await?.ok_or(DisconnectError::NotSignedIn)?;
        let Some(grant) = Id::parse(grant) else { return Ok(()) };
        Ok(self.revoke_grant(&GrantKey { account: person.account, grant }).await?)
    }

    async fn live_grants(&self, account: Id) -> Result<Vec<(String, Grant)>, Unavailable> {
        let (now, lifetime) = (self.now(), self.settings().lifetimes.access_token);
        let mut grants = Vec::new();
        for name in self.store().members(&keys::grants(account), None, MOST_NAMES).await? {
            let grant: Option<Grant> = record::read(self.store(), &keys::grant_of(account, &name)).await?;
            let live = grant.filter(|grant| grant.is_live() && !grant.expires_at(lifetime).has_passed(now));
            grants.extend(live.map(|grant| (name, grant)));
        }
        Ok(grants)
    }

    async fn connection(&self, name: String, grant: Grant) -> Result<Connection, Unavailable> {
        let terms = grant.terms;
        let client = self.client(&terms.client_id).await?;
        let resource = self.settings().resources.iter().find(|resource| resource.identifier == terms.resource);
        let (host, on_this_computer) = whither(&terms.redirect_uri);
        Ok(Connection {
            grant: name,
            client_name: client.and_then(|client| client.name).unwrap_or(terms.client_id),
            host,
            on_this_computer,
            resource_name: resource.map_or_else(|| terms.resource.host().to_owned(), |resource| resource.name.clone()),
            scopes: resource.map_or_else(Vec::new, |resource| sentences(&terms.scopes, resource)),
            since: terms.allowed_at,
        })
    }
}

/// Where the code went, for the eye alone: nothing is sent there any more, so the text may vouch for itself, and a client
/// that was removed can still be told from others.
fn whither(redirect_uri: &str) -> (Option<String>, bool) {
    let registered = RedirectUri::register(redirect_uri);
    match registered.and_then(|uri| Destination::prove(&[uri], redirect_uri)) {
        Ok(destination) if destination.is_on_this_computer() => (None, true),
        Ok(destination) => (Some(destination.host().to_owned()), false),
        Err(_) => (None, false),
    }
}

//! Applications by hand: listing and removing them, and keeping hosts out. How they are added is in
//! `provisioning`.

use crate::clients::BlockedHosts;
use oauth::Timestamp;
use oauth::web_address::parse_host;
use oauth_clients::{
    client::{Authentication, Client, ClientSource},
    document::DocumentUrl,
};
use serde::{Deserialize, Serialize};

use super::{
    AdministrationError, ClientAdministration, Done, InvalidInput, MissingTarget, StateConflict,
    provisioning::client_redirect_uris,
};
use crate::state::BlockedHost;
use crate::{
    records::{self, Change, Found, Listing, keys},
    state::audit::{AuditAction, ClientName, Event},
};

/// Far more than any client has, and few enough to be looked through at each request.
const MOST_REDIRECT_URIS: usize = 100;

/// How an application came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationKind {
    /// It registered itself (RFC 7591).
    Registered,
    /// It describes itself by a document at its address, and somebody has allowed it something.
    Document,
    /// Somebody added it here.
    Added,
}

/// A client, as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationSummary {
    /// Its identifier.
    pub client_id: String,
    /// Its name; empty when it gave none.
    pub name: String,
    /// Where answers to it may go.
    pub redirect_uris: Vec<String>,
    /// Whether it has to prove itself, by a secret or by keys.
    pub confidential: bool,
    /// When it was registered, in seconds since 1970.
    #[serde(with = "crate::values")]
    pub created_at: Timestamp,
    /// How it came to be known.
    pub kind: ApplicationKind,
    /// The hosts that vouch for it or that its answers go to; none for an application on people's
    /// own computers alone.
    pub hosts: Vec<String>,
    /// When it last got a token, to a day, where that is known.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values"
    )]
    pub last_used_at: Option<Timestamp>,
    /// Whether a host of it is blocked.
    #[serde(default)]
    pub blocked: bool,
}

impl ClientAdministration<'_> {
    /// All clients, oldest first; those with a document only once somebody has allowed them
    /// something.
    pub async fn list(&self) -> Done<Listing<ApplicationSummary>> {
        let services = self.administration.services();
        services.clients.blocked.refresh_blocked().await?;
        let summary =
            |_, client: Client| Some(application_summary(&services.clients.blocked, client));
        let mut clients = services
            .clients
            .registry
            .all_clients()
            .rows(summary)
            .await?;
        clients.sort_by_key(|client| client.created_at);
        Ok(clients)
    }

    /// Adds a redirect URI to a client that was added here. It is judged as at the client's own
    /// addition. Other clients say themselves where their answers go.
    pub async fn add_redirect_uri(&self, client_id: &str, redirect_uri: &str) -> Done {
        let services = self.administration.services();
        let [uri] = &client_redirect_uris(
            &[redirect_uri.to_owned()],
            &services.context.settings().private_schemes,
        )?[..] else {
            return Err(InvalidInput::SeveralRedirectUris.into());
        };
        let add = |client: Option<Client>| match client {
            None => Change::refuse(unknown(client_id)),
            Some(client) if !matches!(client.source, ClientSource::Added) => {
                Change::refuse(StateConflict::RedirectUrisNotEditable.into())
            }
            Some(client) if client.redirect_uris.contains(uri) => Change {
                next: None,
                answer: Ok(None),
            },
            Some(client) if client.redirect_uris.len() >= MOST_REDIRECT_URIS => {
                let maximum = MOST_REDIRECT_URIS;
                Change::refuse(StateConflict::TooManyRedirectUris { maximum }.into())
            }
            Some(mut client) => {
                client.redirect_uris.push(uri.clone());
                let name = client.name.clone().unwrap_or_else(|| client_id.to_owned());
                Change {
                    next: Some(services.clients.registry.client_with_ttl(client)),
                    answer: Ok(Some(name)),
                }
            }
        };
        if let Some(name) =
            records::change(services.context.store(), &keys::client(client_id), add).await??
        {
            let client = ClientName {
                id: client_id.to_owned(),
                name,
            };
            self.record_client(
                AuditAction::RedirectUriAdded,
                client,
                Some(uri.as_str().to_owned()),
            )
            .await;
        }
        Ok(())
    }

    /// Removes a client, and ends everything that people allowed it. One with a metadata document
    /// may come back: the next request asks for the document again, and its person is asked again.
    /// The settings, or a blocked host, can keep it out.
    pub async fn remove_client(&self, client_id: &str) -> Done {
        let name = self.stored_name(client_id).await?;
        // Before, so that a failure half way has ended what is there; and after, for what somebody
        // allowed in between.
        if name.is_some() {
            self.administration
                .services()
                .clients
                .registry
                .begin_epoch(client_id)
                .await?;
        }
        if !self
            .administration
            .services()
            .clients
            .registry
            .forget_client(client_id)
            .await?
        {
            return Err(unknown(client_id));
        }
        self.administration
            .services()
            .clients
            .registry
            .begin_epoch(client_id)
            .await?;
        self.record_client(
            AuditAction::ClientRemoved,
            name.unwrap_or_else(|| nameless(client_id)),
            None,
        )
        .await;
        Ok(())
    }

    /// Ends everything that people allowed a client, for all of them and at once. It stays known,
    /// and has to ask them again.
    pub async fn disconnect_client(&self, client_id: &str) -> Done {
        // Grants may be left of a client that is known by its document and was forgotten here.
        let name = match self.stored_name(client_id).await? {
            None if DocumentUrl::parse(client_id).is_err() => return Err(unknown(client_id)),
            name => name.unwrap_or_else(|| nameless(client_id)),
        };
        self.administration
            .services()
            .clients
            .registry
            .begin_epoch(client_id)
            .await?;
        self.record_client(AuditAction::ClientDisconnected, name, None)
            .await;
        Ok(())
    }

    /// Keeps a host out, with every name below it: no application that it vouches for, or that
    /// answers there, gets anything from now on. Servers that share the store follow within seconds
    /// at the token endpoint, and at once where people are asked.
    pub async fn block_host(&self, host: &str) -> Done {
        let host = readable_host(host)?;
        let now = self.administration.services().context.now();
        if self
            .administration
            .services()
            .clients
            .blocked
            .change_blocked(|blocked| blocked.add(&host, now))
            .await?
        {
            self.administration
                .record(AuditAction::HostBlocked, None, Some(host))
                .await;
        }
        Ok(())
    }

    /// Lets a blocked host in again.
    pub async fn unblock_host(&self, host: &str) -> Done {
        let host = readable_host(host)?;
        if !self
            .administration
            .services()
            .clients
            .blocked
            .change_blocked(|blocked| blocked.remove(&host))
            .await?
        {
            return Err(MissingTarget::BlockedHost(host).into());
        }
        self.administration
            .record(AuditAction::HostUnblocked, None, Some(host))
            .await;
        Ok(())
    }

    /// The hosts that are kept out, by name.
    pub async fn blocked_hosts(&self) -> Done<Vec<BlockedHost>> {
        self.administration
            .services()
            .clients
            .blocked
            .refresh_blocked()
            .await?;
        Ok(self
            .administration
            .services()
            .clients
            .blocked
            .blocked_hosts())
    }

    /// How a client is called that is stored, whether or not it still counts.
    async fn stored_name(&self, client_id: &str) -> Done<Option<ClientName>> {
        Ok(
            match records::find::<Client>(
                self.administration.services().context.store(),
                &keys::client(client_id),
            )
            .await?
            {
                Found::Nothing => None,
                Found::Unreadable => Some(nameless(client_id)),
                Found::Record(client) => Some(ClientName {
                    name: client.name.unwrap_or_else(|| client.id.to_string()),
                    id: client.id.into(),
                }),
            },
        )
    }

    pub(super) async fn record_client(
        &self,
        action: AuditAction,
        client: ClientName,
        about: Option<String>,
    ) {
        let (at, by, from) = (
            self.administration.services().context.now(),
            self.administration.by.clone(),
            self.administration.from.clone(),
        );
        self.administration
            .services()
            .audit
            .note(Event {
                at,
                action,
                by,
                whose: None,
                from,
                client: Some(client),
                about,
                times: None,
            })
            .await;
    }
}

fn application_summary(blocked: &BlockedHosts, client: Client) -> ApplicationSummary {
    let kind = match client.source {
        ClientSource::Registered(_) => ApplicationKind::Registered,
        ClientSource::Document { .. } => ApplicationKind::Document,
        ClientSource::Added => ApplicationKind::Added,
    };
    ApplicationSummary {
        blocked: blocked.blocks(&client),
        hosts: client.hosts(),
        last_used_at: client.last_used_at(),
        redirect_uris: client
            .redirect_uris
            .iter()
            .map(|uri| uri.as_str().to_owned())
            .collect(),
        confidential: matches!(
            client.authentication,
            Authentication::Secret(_) | Authentication::Keys(_)
        ),
        created_at: client.created_at,
        name: client.name.unwrap_or_default(),
        client_id: client.id.into(),
        kind,
    }
}

fn unknown(client_id: &str) -> AdministrationError {
    MissingTarget::Client(client_id.to_owned()).into()
}

fn nameless(client_id: &str) -> ClientName {
    ClientName {
        id: client_id.to_owned(),
        name: client_id.to_owned(),
    }
}

/// The host that a text names, in the form in which hosts are compared.
fn readable_host(text: &str) -> Done<String> {
    let name = text.trim();
    let host = parse_host(name.strip_suffix('.').unwrap_or(name));
    Ok(host
        .ok_or_else(|| InvalidInput::Host(text.to_owned()))?
        .to_string())
}

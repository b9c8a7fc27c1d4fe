//! Administration of clients: listing and removing them, and blocking hosts. How they are added is in
//! `provisioning`.

use oauth::Timestamp;
use oauth_clients::{
    client::{Authentication, Client, ClientSource},
    document::DocumentUrl,
};
use primitives::web_address::parse_host;
use serde::{Deserialize, Serialize};

use super::{
    AdministrationError, ClientAdministration, Done, InvalidInput, MissingTarget, StateConflict,
    provisioning::client_redirect_uris,
};
use crate::{
    clients::BlockedHosts,
    provider::Services,
    records::{self, Change, Found, Listing, PageRequest, SortedPage, keys},
    state::{
        BlockedHost,
        audit::{AuditAction, ClientName},
    },
};

/// Far more than any client has, and few enough to be looked through at each request.
const MOST_REDIRECT_URIS: usize = 100;

/// The source of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// It registered itself (RFC 7591).
    Registered,
    /// By its metadata document, and a user has allowed it something.
    Document,
    /// An administrator added it.
    Added,
}

/// A client, as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSummary {
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
    /// Its source.
    pub kind: ClientKind,
    /// The hosts of its document and of its redirect URIs; none for a loopback client alone.
    pub hosts: Vec<String>,
    /// When it last got a token, to a day, if known.
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
    pub(super) fn services(&self) -> &Services {
        self.administration.services()
    }

    /// A page of the clients; document clients only once a user has allowed them something.
    /// In a store of an earlier release, some may be missing for a while.
    pub async fn page(&self, request: &PageRequest) -> Done<SortedPage<ClientSummary>> {
        let clients = &self.services().clients;
        clients.blocked.refresh_blocked().await?;
        let page = clients.registry.sorted_clients(request).await?;
        Ok(page.map(|client| client_summary(&clients.blocked, client)))
    }

    /// A page from which none is missing, after the list has been built.
    pub async fn complete_page(&self, request: &PageRequest) -> Done<SortedPage<ClientSummary>> {
        self.services()
            .clients
            .registry
            .sort_clients(request.list_order())
            .await?;
        self.page(request).await
    }

    /// All clients, by name, read page by page.
    pub async fn list(&self) -> Done<Listing<ClientSummary>> {
        Listing::of_pages(async |wanted: &PageRequest| self.complete_page(wanted).await).await
    }

    /// Adds a redirect URI to a client that an administrator added, under the same rules as when it
    /// was added. Other clients manage their own redirect URIs.
    pub async fn add_redirect_uri(&self, client_id: &str, redirect_uri: &str) -> Done {
        let services = self.services();
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
        let changed = services.clients.registry.change_client(client_id, add);
        if let Some(name) = changed.await?? {
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

    /// Removes a client and revokes its grants. A document client may come back: the next request
    /// fetches the document, and the user is asked again. The settings, or a blocked host, can
    /// prevent that.
    pub async fn remove_client(&self, client_id: &str) -> Done {
        let name = self.stored_name(client_id).await?;
        // Before, so that existing grants are revoked even after a later failure; and after, for
        // concurrent consents.
        if name.is_some() {
            self.services()
                .clients
                .registry
                .begin_epoch(client_id)
                .await?;
        }
        if !self
            .services()
            .clients
            .registry
            .forget_client(client_id)
            .await?
        {
            return Err(unknown(client_id));
        }
        self.services()
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

    /// Revokes all grants of a client for all users at once. The client stays registered, and must
    /// ask for consent again.
    pub async fn disconnect_client(&self, client_id: &str) -> Done {
        // Grants of a document client may exist without a stored document.
        let name = match self.stored_name(client_id).await? {
            None if DocumentUrl::parse(client_id).is_err() => return Err(unknown(client_id)),
            name => name.unwrap_or_else(|| nameless(client_id)),
        };
        self.services()
            .clients
            .registry
            .begin_epoch(client_id)
            .await?;
        self.record_client(AuditAction::ClientDisconnected, name, None)
            .await;
        Ok(())
    }

    /// Blocks a host and its subdomains: no client with a document or a redirect URI there gets
    /// anything from now on. Servers that share the store follow at once on pages, and within
    /// seconds at the token endpoint.
    pub async fn block_host(&self, host: &str) -> Done {
        let host = readable_host(host)?;
        let now = self.services().context.now();
        if self
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

    /// Unblocks a host.
    pub async fn unblock_host(&self, host: &str) -> Done {
        let host = readable_host(host)?;
        if !self
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

    /// The blocked hosts, by name.
    pub async fn blocked_hosts(&self) -> Done<Vec<BlockedHost>> {
        self.services().clients.blocked.refresh_blocked().await?;
        Ok(self.services().clients.blocked.blocked_hosts())
    }

    /// The name of a stored client, also if it is no longer valid.
    async fn stored_name(&self, client_id: &str) -> Done<Option<ClientName>> {
        Ok(
            match records::find::<Client>(self.services().context.store(), &keys::client(client_id))
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
        self.administration
            .note(action, None, Some(client), about)
            .await;
    }
}

fn client_summary(blocked: &BlockedHosts, client: Client) -> ClientSummary {
    let kind = match client.source {
        ClientSource::Registered(_) => ClientKind::Registered,
        ClientSource::Document { .. } => ClientKind::Document,
        ClientSource::Added => ClientKind::Added,
    };
    ClientSummary {
        blocked: blocked.blocks(&client),
        hosts: client.hosts(),
        last_used_at: client.used_at,
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

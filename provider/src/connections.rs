//! Connections of a user: listing, ending, and notices of replays.

mod overview;

pub use self::overview::AccountOverview;

use std::{collections::BTreeSet, sync::Arc};

use oauth::{
    Id, Secret, Timestamp, client::ClientId, consent::Consent, epoch::Epoch, grant::Grant,
    resource::ResourceIdentifier, scope::Scopes,
};
use oauth_clients::client::Client;
use primitives::web_address::{self, AddressParts};

use crate::{
    accounts::{AccountError, Sessions},
    audit::AuditLog,
    authorization::sentences,
    browser_context::BrowserContext,
    clients::ClientRegistry,
    context::Context,
    grants::{ConnectionPage, GrantStore, ListedConnection},
    state::{
        account_name,
        audit::{Actor, AuditAction, RequestSource},
    },
    unavailable::Unavailable,
};

/// Some connections of a user: those of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// The active ones, newest first.
    pub active: Vec<Connection>,
    /// What a replay ended in the last thirty days, newest first.
    pub replayed: Vec<ReplayedConnection>,
    /// How many entries this version of the server cannot read. The log names them.
    pub unreadable: usize,
    /// The name after which other connections follow.
    pub next: Option<String>,
}

/// A connected client. All its installations and windows with one redirect host are one
/// connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// To end it by.
    pub name: String,
    /// The client.
    pub client: ConnectedClient,
    /// Its scopes, one sentence each.
    pub scopes: Vec<String>,
    /// When the user last allowed it.
    pub since: Timestamp,
    /// How many times it is connected now. With none, it is the consent alone that is remembered.
    pub times: usize,
    /// Whether it has older grants, which were not read.
    pub has_more_grants: bool,
    /// When it last got a token, and from which address in the network; `None` while it has none.
    pub last_used: Option<LastUseView>,
}

/// When a client last got a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUseView {
    /// When.
    pub at: Timestamp,
    /// From which address in the network.
    pub address: String,
}

/// A connection that ended because one of its codes or refresh tokens was used twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedConnection {
    /// The client.
    pub client: ConnectedClient,
    /// When the copy was used.
    pub at: Timestamp,
}

/// A client and its resource, by their display names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedClient {
    /// The name the client gave itself, or its id.
    pub name: String,
    /// Its redirect host, with port; none for a loopback or native application.
    pub host: Option<String>,
    /// Whether it is a loopback or native application.
    pub on_this_computer: bool,
    /// Its resource.
    pub resource_name: String,
}

/// The parts of one connection: a consent and its grants.
struct GrantedAccess {
    client_id: ClientId,
    redirect_uri: String,
    resource: ResourceIdentifier,
    scopes: Scopes,
    since: Timestamp,
    times: usize,
    has_more_grants: bool,
    last_use: Option<oauth::grant::LastUse>,
}

/// What a user has allowed, and how they end it.
pub struct ConnectedClients {
    pub(crate) context: Context,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) registry: Arc<ClientRegistry>,
    pub(crate) grants: Arc<GrantStore>,
    pub(crate) sessions: Arc<Sessions>,
}

impl ConnectedClients {
    /// The connections of the signed-in user after a name, the `next` of another page; `None`
    /// without a session.
    pub async fn page(
        &self,
        browser: &BrowserContext,
        after: Option<&str>,
    ) -> Result<Option<Connections>, Unavailable> {
        match self.sessions.signed_in(browser).await? {
            Some(user) => self.page_of(user.account, after).await.map(Some),
            None => Ok(None),
        }
    }

    /// A page of the connections of an account, in three round trips: the lists, what they name, and
    /// the clients of that.
    async fn page_of(&self, account: Id, after: Option<&str>) -> Result<Connections, Unavailable> {
        let after = after.filter(|name| is_name(name));
        let page = self.grants.connections(account, after).await?;
        let clients = self.registry.clients_with_epochs(client_ids(&page)).await?;
        let epoch = |id: &ClientId| clients.get(id).map_or(Epoch::default(), |known| known.1);
        let client = |id: &ClientId| clients.get(id).and_then(|known| known.0.clone());
        let mut replayed = Vec::new();
        let mut active = Vec::new();
        for listed in page.connections {
            let listed = self.without_ended(listed, epoch);
            replayed.extend(self.replays_of(&listed.grants, client));
            if let Some(access) = self.access(&listed) {
                let client = client(&access.client_id);
                active.extend(self.connection(listed.name, access, client));
            }
        }
        active.sort_by_key(|one| std::cmp::Reverse(one.since));
        replayed.sort_by_key(|one| std::cmp::Reverse(one.at));
        Ok(Connections {
            active,
            replayed,
            unreadable: page.unreadable,
            next: page.next,
        })
    }

    /// A connection without what has expired, or ended together with its client.
    fn without_ended(
        &self,
        mut listed: ListedConnection,
        epoch: impl Fn(&ClientId) -> Epoch,
    ) -> ListedConnection {
        listed.consent = listed.consent.filter(|consent| {
            let epoch = epoch(&consent.client_id);
            consent.is_valid(self.registry.consent_context_of(epoch))
        });
        listed
            .grants
            .retain(|grant| !epoch(&grant.details.client_id).ends(grant.details.epoch));
        listed
    }

    /// What replays ended.
    fn replays_of(
        &self,
        grants: &[Grant],
        client: impl Fn(&ClientId) -> Option<Client>,
    ) -> Vec<ReplayedConnection> {
        let now = self.context.now();
        let replayed = grants.iter().filter_map(|grant| {
            let at = grant.replayed_at(now)?;
            let details = &grant.details;
            let client = self.connected_client(
                client(&details.client_id),
                details.client_id.clone(),
                &details.redirect_uri,
                &details.resource,
            );
            Some(ReplayedConnection { client, at })
        });
        replayed.collect()
    }

    /// Ends a connection of the signed-in user: its consent and grants. An ended connection, or one
    /// of another user, is ignored.
    pub async fn disconnect(
        &self,
        browser: &BrowserContext,
        name: &str,
    ) -> Result<(), AccountError> {
        let user = self
            .sessions
            .signed_in(browser)
            .await?
            .ok_or(AccountError::NotSignedIn)?;
        if !is_name(name) {
            return Ok(());
        }
        if let Some(details) = self.grants.withdraw(user.account, name).await? {
            let from = RequestSource::of(browser);
            let about = Some(details.resource.as_str().to_owned());
            self.grants
                .note_of_client(
                    AuditAction::Disconnected,
                    Actor::User,
                    user.account,
                    from,
                    &details.client_id,
                    about,
                )
                .await;
        }
        Ok(())
    }

    /// Ends all connections of the signed-in user, with their consents.
    pub async fn disconnect_all(&self, browser: &BrowserContext) -> Result<(), AccountError> {
        let (_, account) = self.sessions.required_account(browser).await?;
        let (any, outcome) = self.grants.withdraw_each(account.id()).await;
        if any {
            self.audit
                .note_by_user(
                    AuditAction::AllDisconnected,
                    account_name(&account),
                    browser,
                    None,
                )
                .await;
        }
        Ok(outcome?)
    }

    /// A consent and its grants that are connected; none without any.
    fn access(&self, listed: &ListedConnection) -> Option<GrantedAccess> {
        let now = self.context.now();
        let lifetimes = self.context.settings().lifetimes;
        let is_connected = |grant: &&Grant| {
            grant.is_connected(lifetimes.access_token, lifetimes.refresh_token, now)
        };
        let mut access = listed.consent.as_ref().map(GrantedAccess::of);
        for grant in listed.grants.iter().filter(is_connected) {
            access
                .get_or_insert_with(|| GrantedAccess::before(grant))
                .add(grant);
        }
        let mut access = access?;
        access.has_more_grants = listed.has_more_grants && access.times > 0;
        Some(access)
    }

    /// The shown connection. A consent without grants to a removed client has no effect, and is not
    /// shown.
    fn connection(
        &self,
        name: String,
        one: GrantedAccess,
        client: Option<Client>,
    ) -> Option<Connection> {
        let may_come_back =
            client.is_some() || self.registry.allowed_document(&one.client_id).is_some();
        if one.times == 0 && !may_come_back {
            return None;
        }
        let scopes = self
            .context
            .settings()
            .resource(&one.resource)
            .map_or_else(Vec::new, |resource| sentences(&one.scopes, resource));
        let client = self.connected_client(client, one.client_id, &one.redirect_uri, &one.resource);
        let last_used = one.last_use.map(|last| LastUseView {
            at: last.at,
            address: last.from,
        });
        Some(Connection {
            name,
            client,
            scopes,
            since: one.since,
            times: one.times,
            has_more_grants: one.has_more_grants,
            last_used,
        })
    }

    /// The display name of a client; its id if it was removed, with its redirect host.
    fn connected_client(
        &self,
        client: Option<Client>,
        id: ClientId,
        redirect_uri: &str,
        resource: &ResourceIdentifier,
    ) -> ConnectedClient {
        let on_this_computer = web_address::targets_native_app(redirect_uri);
        let host = AddressParts::split(redirect_uri).host_or_scheme();
        ConnectedClient {
            name: client.and_then(|client| client.name).unwrap_or(id.into()),
            host: (!on_this_computer).then(|| host.to_owned()),
            on_this_computer,
            resource_name: self.context.settings().resource(resource).map_or_else(
                || resource.host().to_owned(),
                |resource| resource.name.clone(),
            ),
        }
    }
}

/// Whether a text can be the name of a connection: it has the form of a secret, 256 bits in
/// base64url. The store sees no other.
fn is_name(text: &str) -> bool {
    Secret::decode(text).is_some()
}

/// The clients of consents and grants.
fn client_ids(page: &ConnectionPage) -> BTreeSet<ClientId> {
    let ids = page.connections.iter().flat_map(|connection| {
        let of_consent = connection.consent.iter().map(|consent| &consent.client_id);
        let grants = connection.grants.iter();
        of_consent.chain(grants.map(|grant| &grant.details.client_id))
    });
    ids.cloned().collect()
}

impl GrantedAccess {
    fn of(consent: &Consent) -> Self {
        Self {
            client_id: consent.client_id.clone(),
            redirect_uri: consent.redirect_uri.clone(),
            resource: consent.resource.clone(),
            scopes: consent.scopes.clone(),
            since: consent.allowed_at,
            times: 0,
            has_more_grants: false,
            last_use: None,
        }
    }

    /// A grant whose consent has expired, or was not remembered.
    fn before(grant: &Grant) -> Self {
        let details = grant.details.clone();
        Self {
            client_id: details.client_id,
            redirect_uri: details.redirect_uri,
            resource: details.resource,
            scopes: details.scopes,
            since: details.allowed_at,
            times: 0,
            has_more_grants: false,
            last_use: None,
        }
    }

    fn add(&mut self, grant: &Grant) {
        self.scopes = self.scopes.union(&grant.details.scopes);
        self.since = self.since.max(grant.details.allowed_at);
        self.times += 1;
        let at = |last: &Option<oauth::grant::LastUse>| last.as_ref().map(|last| last.at);
        if at(&grant.last_use) > at(&self.last_use) {
            self.last_use.clone_from(&grant.last_use);
        }
    }
}

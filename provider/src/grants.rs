//! Grants and their consents: issued, listed, revoked.

mod by_connection;
pub(crate) mod consents;
mod withdrawals;

use std::sync::Arc;

use oauth::{
    Id,
    grant::{Grant, GrantKey, RevocationReason},
};
use store::Ttl;

use crate::{
    audit::AuditLog,
    clients::ClientRegistry,
    context::Context,
    records::{self, Batch, Change, Found, Key, Versioned, keys, v1::revoked_state},
    state::{
        Account, account_name,
        audit::{AccountName, Actor, AuditAction, ClientName, Event, RequestSource},
    },
    unavailable::Unavailable,
};

pub(crate) use self::{
    by_connection::{ConnectionPage, GrantSorting, ListedConnection},
    consents::{AllowWrite, Allowed, consent_key, consent_name},
};

/// The grants of all accounts, and their consents.
#[derive(Clone)]
pub(crate) struct GrantStore {
    context: Context,
    audit: Arc<AuditLog>,
    registry: Arc<ClientRegistry>,
    pub(crate) sorting: GrantSorting,
}

/// An event of a client, with the names of those concerned.
pub(crate) struct ClientEvent {
    pub(crate) action: AuditAction,
    pub(crate) by: Actor,
    pub(crate) subject: Option<AccountName>,
    pub(crate) from: RequestSource,
    pub(crate) client: ClientName,
    /// The resource.
    pub(crate) about: Option<String>,
}

/// The name of a client in events: its id, unless it has one.
pub(crate) fn client_name(id: &str, name: Option<String>) -> ClientName {
    ClientName {
        id: id.to_owned(),
        name: name.unwrap_or_else(|| id.to_owned()),
    }
}

impl GrantStore {
    pub(crate) fn new(
        context: Context,
        audit: Arc<AuditLog>,
        registry: Arc<ClientRegistry>,
    ) -> Self {
        Self {
            sorting: GrantSorting::new(context.clone()),
            context,
            audit,
            registry,
        }
    }

    /// A grant, and how long its record is of use.
    pub(crate) fn with_ttl(&self, grant: Grant) -> (Grant, Ttl) {
        let end = grant.expires_at(self.context.settings().lifetimes.access_token);
        let ttl = records::ttl(self.context.now().until(end));
        (grant, ttl)
    }

    /// Ends a grant, whether or not this version can read it. The answer is whether there is one,
    /// and it had not ended yet.
    pub(crate) async fn revoke_grant(&self, key: &GrantKey) -> Result<bool, Unavailable> {
        let now = self.context.now();
        let key = keys::grant(key);
        let Some(bytes) = self.context.store().get(key.as_str()).await? else {
            return Ok(false);
        };
        if let Found::Unreadable = records::found(&key, Some(&bytes)) {
            return self.revoke_unreadable(&key, &bytes).await;
        }
        let current = Versioned::of(&key, Some(bytes))?;
        records::change_from(
            self.context.store(),
            &key,
            current,
            |grant: Option<Grant>| {
                let next = grant
                    .and_then(|grant| grant.revoked(RevocationReason::Requested, now))
                    .map(|grant| self.with_ttl(grant));
                Change {
                    answer: next.is_some(),
                    next,
                }
            },
        )
        .await
    }

    /// Writes only the member that revokes a grant, and removes a record that is no object.
    async fn revoke_unreadable(&self, key: &Key<Grant>, bytes: &[u8]) -> Result<bool, Unavailable> {
        let Ok(mut members) =
            serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(bytes)
        else {
            return records::remove(self.context.store(), key).await;
        };
        members.insert("state".to_owned(), revoked_state(self.context.now()));
        let ttl = records::ttl(self.context.settings().lifetimes.access_token);
        let next = records::to_json(&members);
        if records::swap_bytes(self.context.store(), key, bytes, &next, ttl).await? {
            Ok(true)
        } else {
            Err(Unavailable::contended())
        }
    }

    /// Records an event of a client, by its user or by the client, whose names are read first.
    /// Unreadable parts are omitted.
    pub(crate) async fn note_of_client(
        &self,
        action: AuditAction,
        by: Actor,
        account: Id,
        from: RequestSource,
        client_id: &str,
        about: Option<String>,
    ) {
        let key = keys::account(account);
        let (read, client) = tokio::join!(
            records::read::<Account>(self.context.store(), &key),
            self.registry.client(client_id)
        );
        let subject = match read {
            Ok(account) => account.as_ref().map(account_name),
            Err(_) => Some(AccountName {
                account,
                email: String::new(),
            }),
        };
        let name = client.ok().flatten().and_then(|client| client.name);
        let client = client_name(client_id, name);
        self.note_named(ClientEvent {
            action,
            by,
            subject,
            from,
            client,
            about,
        })
        .await;
    }

    /// Records an event of a client.
    pub(crate) async fn note_named(&self, event: ClientEvent) {
        self.note_named_with(event, Batch::default()).await;
    }

    /// The same, with steps that are done in the same round trip if possible.
    pub(crate) async fn note_named_with(&self, event: ClientEvent, also: Batch) {
        let event = Event {
            at: self.context.now(),
            action: event.action,
            by: event.by,
            subject: event.subject,
            from: Some(event.from),
            client: Some(event.client),
            about: event.about,
            times: None,
        };
        self.audit.note_with(event, also).await;
    }
}

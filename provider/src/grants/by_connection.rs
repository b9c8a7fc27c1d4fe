//! The connections of an account: its consents, and the newest grants of each.
//!
//! Two lists are in the order of the names of consents: the consents, and the grants by connection. A
//! page of connections reads a part of both, and of each connection a few grants, so that its cost
//! does not depend on how many grants there are.

mod building;
mod names;
mod upkeep;

use std::collections::BTreeMap;

use oauth::{
    Id,
    consent::Consent,
    grant::{Grant, GrantDetails},
};

pub(crate) use self::building::GrantSorting;
use self::names::PageNames;
use crate::{
    grants::GrantStore,
    records::{self, Batch, BatchResults, Found, ReadTicket, keys, v1::GrantOrigin},
    state::Withdrawals,
    unavailable::Unavailable,
};

/// How many connections a page has at the most.
pub(crate) const MOST_SHOWN: usize = 50;
/// How many grants of a connection are read: the newest ones.
pub(crate) const NEWEST: usize = 10;
/// How many records are read from their bytes before other work of the thread gets a turn.
const TURN: usize = 32;

/// Some connections of an account.
pub(crate) struct ConnectionPage {
    pub(crate) connections: Vec<ListedConnection>,
    /// How many records cannot be read.
    pub(crate) unreadable: usize,
    /// The name after which others follow.
    pub(crate) next: Option<String>,
}

/// A consent, which may have expired or be gone, and its newest grants.
pub(crate) struct ListedConnection {
    /// The name of its consent.
    pub(crate) name: String,
    pub(crate) consent: Option<Consent>,
    /// Those that no withdrawal ended, at most [`NEWEST`].
    pub(crate) grants: Vec<Grant>,
    /// Whether it has more.
    pub(crate) has_more_grants: bool,
}

/// The records of a page that are being read.
#[derive(Default)]
struct Reading {
    batch: Batch,
    connections: Vec<ReadConnection>,
}

struct ReadConnection {
    name: String,
    consent: ReadTicket<Consent>,
    /// With their members of the list.
    grants: Vec<(String, ReadTicket<Grant>)>,
}

impl GrantStore {
    /// A page of the connections after a name.
    pub(crate) async fn connections(
        &self,
        account: Id,
        after: Option<&str>,
    ) -> Result<ConnectionPage, Unavailable> {
        self.sorting.sort_account(account).await?;
        let PageNames { names, next } =
            names::page(self.context.store(), account, after.map(str::to_owned)).await?;
        let mut reading = Reading::default();
        let withdrawals = reading.batch.read(keys::withdrawals(account));
        for (name, members) in names {
            reading.add(account, name, members);
        }
        let mut results = reading.batch.run(self.context.store()).await?;
        let withdrawals: Withdrawals = results.record(&withdrawals)?.unwrap_or_default();
        let mut page = ConnectionPage {
            connections: Vec::new(),
            unreadable: 0,
            next,
        };
        let mut expired = Vec::new();
        let mut places = 0;
        for connection in reading.connections {
            places += connection.grants.len() + 1;
            let read = page.read(connection, &withdrawals, &mut results, &mut expired)?;
            page.connections.extend(read);
            if places >= TURN {
                places = 0;
                tokio::task::yield_now().await;
            }
        }
        self.drop_expired(account, expired).await;
        Ok(page)
    }

    /// What the grants of one connection that can still be used were given for: of the newest ones,
    /// also of those that this version cannot read.
    pub(super) async fn newest_details(
        &self,
        account: Id,
        name: &str,
    ) -> Result<Vec<GrantDetails>, Unavailable> {
        self.sorting.sort_account(account).await?;
        let members = names::newest(self.context.store(), account, name).await?;
        let list = keys::grants_by_connection(account);
        let mut batch = Batch::default();
        let withdrawals = batch.read(keys::withdrawals(account));
        let tickets: Vec<_> = members
            .iter()
            .map(|member| batch.read(list.key(member)))
            .collect();
        let mut results = batch.run(self.context.store()).await?;
        let withdrawals: Withdrawals = results.record(&withdrawals)?.unwrap_or_default();
        let mut details = Vec::new();
        for (member, ticket) in members.iter().zip(&tickets) {
            let Some(bytes) = results.bytes(ticket)? else {
                continue;
            };
            let key = list.key(member);
            details.extend(match records::found(&key, Some(&bytes)) {
                Found::Record(grant) => (!grant.is_revoked()).then_some(grant.details),
                Found::Unreadable | Found::Nothing => {
                    let origin = records::found(&key.part::<GrantOrigin>(), Some(&bytes));
                    origin.record().map(|origin| origin.details)
                }
            });
        }
        details.retain(|details| !withdrawals.ends(details));
        Ok(details)
    }
}

impl Reading {
    fn add(&mut self, account: Id, name: String, members: Vec<String>) {
        let list = keys::grants_by_connection(account);
        let consent = self.batch.read(keys::consent(account, &name));
        let read = |member: String| {
            let ticket = self.batch.read(list.key(&member));
            (member, ticket)
        };
        let grants = members.into_iter().map(read).collect();
        self.connections.push(ReadConnection {
            name,
            consent,
            grants,
        });
    }
}

impl ConnectionPage {
    /// A connection from what was read; none without a record. Members whose grants have expired
    /// are added to `expired`.
    fn read(
        &mut self,
        connection: ReadConnection,
        withdrawals: &Withdrawals,
        results: &mut BatchResults,
        expired: &mut Vec<String>,
    ) -> Result<Option<ListedConnection>, Unavailable> {
        let consent = match results.found(&connection.consent)? {
            Found::Record(consent) => Some(consent),
            Found::Unreadable => {
                self.unreadable += 1;
                None
            }
            Found::Nothing => None,
        };
        let has_more_grants = connection.grants.len() > NEWEST;
        let mut grants = Vec::new();
        for (member, ticket) in connection.grants.into_iter().take(NEWEST) {
            match results.found(&ticket)? {
                Found::Record(grant) if withdrawals.ends(&grant.details) => {}
                Found::Record(grant) => grants.push(grant),
                Found::Unreadable => self.unreadable += 1,
                Found::Nothing => expired.push(member),
            }
        }
        let is_there = consent.is_some() || !grants.is_empty();
        Ok(is_there.then_some(ListedConnection {
            name: connection.name,
            consent,
            grants,
            has_more_grants,
        }))
    }
}

/// The members of grants by their connections, by the names of these.
type Members = BTreeMap<String, Vec<String>>;

//! The names of a page of connections, from two lists in the same order.

use std::collections::BTreeSet;

use oauth::Id;
use store::Store;

use super::{MOST_SHOWN, Members, NEWEST};
use crate::{
    records::{Batch, keys},
    unavailable::Unavailable,
};

/// How many members of grants are read first. Most accounts have fewer.
const CHUNK: usize = 256;
/// How many members of one connection are kept: one more than are read, to know whether there are
/// more.
const KEPT: usize = NEWEST + 1;

/// The names of a page with the newest grants of each, by their members.
pub(super) struct PageNames {
    pub(super) names: Members,
    /// The name after which others follow.
    pub(super) next: Option<String>,
}

/// What is known of the lists so far.
#[derive(Default)]
struct Known {
    names: Members,
    /// The last name up to which all consents are known; all are, without one.
    last_consent: Option<String>,
    /// The names whose grants, and whether others follow them, are not known yet.
    open: BTreeSet<String>,
}

/// A text that is after all members of a connection, and before those of the next one. A tilde is
/// above every character of a name and of an id.
fn beyond(name: &str) -> String {
    format!("{name}~")
}

/// The members of the newest grants of a connection.
pub(super) async fn newest(
    store: &Store,
    account: Id,
    name: &str,
) -> Result<Vec<String>, Unavailable> {
    let list = keys::grants_by_connection(account);
    let mut members = store.set_range(list.as_str(), Some(name), NEWEST).await?;
    members.retain(|member| member.starts_with(name));
    Ok(members)
}

/// The names after one, with the newest grants of each.
pub(super) async fn page(
    store: &Store,
    account: Id,
    after: Option<String>,
) -> Result<PageNames, Unavailable> {
    let mut known = Known::first(store, account, after.as_deref()).await?;
    while known.narrow() {
        known.look_further(store, account).await?;
    }
    Ok(known.into_page())
}

impl Known {
    /// Reads the beginnings of both lists. With few grants, that is all.
    async fn first(store: &Store, account: Id, after: Option<&str>) -> Result<Self, Unavailable> {
        let from = after.map(beyond);
        let mut batch = Batch::default();
        let consents = batch.names_after(&keys::consents(account), from.clone(), MOST_SHOWN + 1);
        let grants = batch.names_after(&keys::grants_by_connection(account), from, CHUNK);
        let mut results = batch.run(store).await?;
        let consents = results.names(&consents)?;
        let grants = results.names(&grants)?;
        let mut known = Self::default();
        let is_whole = grants.len() < CHUNK;
        for member in grants {
            known.add(member);
        }
        let last = known.names.last_key_value().map(|(name, _)| name.clone());
        let names = consents.iter().map(|listed| keys::consent_name(listed));
        if consents.len() > MOST_SHOWN {
            known.last_consent = names.clone().next_back().map(str::to_owned);
        }
        for name in names {
            if !is_whole && last.as_deref() < Some(name) {
                known.open.insert(name.to_owned());
            }
            known.names.entry(name.to_owned()).or_default();
        }
        known.open.extend(last.filter(|_| !is_whole));
        Ok(known)
    }

    fn add(&mut self, member: String) {
        let name = keys::consent_name(&member);
        match self.names.get_mut(name) {
            Some(members) if members.len() < KEPT => members.push(member),
            Some(_) => {}
            None => _ = self.names.insert(name.to_owned(), vec![member]),
        }
    }

    /// Leaves out what is beyond the page. Whether something is still to be read.
    fn narrow(&mut self) -> bool {
        if let Some(beyond) = self.names.keys().nth(MOST_SHOWN) {
            self.open.retain(|name| name < beyond);
        }
        !self.open.is_empty()
    }

    /// Reads the newest grants of the open names, and which name follows each.
    async fn look_further(&mut self, store: &Store, account: Id) -> Result<(), Unavailable> {
        let list = keys::grants_by_connection(account);
        let mut batch = Batch::default();
        let mut tickets = Vec::new();
        for name in std::mem::take(&mut self.open) {
            let own = batch.names_after(&list, Some(name.clone()), KEPT);
            let following = batch.names_after(&list, Some(beyond(&name)), 1);
            tickets.push((name, own, following));
        }
        let mut results = batch.run(store).await?;
        for (name, own, following) in tickets {
            let mut members = results.names(&own)?;
            members.retain(|member| member.starts_with(&name));
            self.names.insert(name, members);
            let following = results.names(&following)?;
            let following = following.first().map(|member| keys::consent_name(member));
            if let Some(name) = following
                && !self.names.contains_key(name)
            {
                self.open.insert(name.to_owned());
            }
        }
        for name in &self.open {
            self.names.entry(name.clone()).or_default();
        }
        Ok(())
    }

    fn into_page(self) -> PageNames {
        let mut names = self.names;
        if let Some(last) = &self.last_consent {
            // Of what follows, the consents are not known.
            names.split_off(&beyond(last));
        }
        let mut next = self.last_consent;
        if let Some(first_beyond) = names.keys().nth(MOST_SHOWN).cloned() {
            names.split_off(&first_beyond);
            next = names.last_key_value().map(|(name, _)| name.clone());
        }
        PageNames { names, next }
    }
}

//! Keeping the lists of grants short: names outlive their records, and a client may get grants again
//! and again without using those that it has.

use std::time::Duration;

use oauth::{
    Id, Timestamp,
    grant::{Grant, GrantKey},
};

use crate::{
    grants::GrantStore,
    records::{self, Batch, keys},
    unavailable::Unavailable,
};

/// One of so many new grants sweeps the list by connection, one of so many also looks whether its
/// connection has too many.
const SWEEPS: usize = 8;
const LOOKS: usize = 64;
/// After how long an unused grant may be too many.
const UNUSED: Duration = Duration::from_hours(24);
/// How many older grants of a connection are kept, used or not.
const MOST: usize = 1_000;
/// How many of the others are ended at once. They are more than were added since the last time.
const ENDED_AT_ONCE: usize = 2 * LOOKS;

impl GrantStore {
    /// After the addition of a grant, drops some names without a record from both lists, and ends
    /// grants that are too many. To be run after the response.
    pub(in crate::grants) async fn sweep_grants(&self, account: Id, listed: &str, member: &str) {
        let by_id = self.grants_of(account).sweep_sometimes(listed);
        let (grants, name) = (self.clone(), keys::consent_name(member).to_owned());
        let sum: usize = listed.bytes().map(usize::from).sum();
        let sweeps = async move {
            by_id.await;
            // Not the same ones as above, so that no addition does everything.
            let swept = if sum % SWEEPS == 3 {
                grants.sweep_connection(account, &name, sum / SWEEPS).await
            } else if sum % LOOKS == 5 {
                grants.end_unused(account, &name).await
            } else {
                Ok(())
            };
            if let Err(error) = swept {
                tracing::warn!(%error, %account, "a list of grants could not be cleaned up");
            }
        };
        self.context.background().spawn(sweeps).await;
    }

    /// Drops names without a record, from an age that is halved from one draw to the next: most
    /// codes that are never redeemed are young, and most grants that expire are as old as can be.
    async fn sweep_connection(
        &self,
        account: Id,
        name: &str,
        draw: usize,
    ) -> Result<(), Unavailable> {
        const AGES: usize = 16;
        let lifetimes = self.context.settings().lifetimes;
        let oldest = (lifetimes.refresh_token + lifetimes.access_token).as_secs();
        let from = self.before(Duration::from_secs(oldest >> (draw % AGES)));
        let from = keys::listed_grant(name, from, "");
        let list = keys::grants_by_connection(account);
        records::sweep(self.context.store(), &list, &from).await
    }

    /// Ends the oldest grants of a connection that has very many, if they are not used.
    async fn end_unused(&self, account: Id, name: &str) -> Result<(), Unavailable> {
        let store = self.context.store();
        let list = keys::grants_by_connection(account);
        let from = keys::listed_grant(name, self.before(UNUSED), "");
        let members = store
            .set_range(list.as_str(), Some(&from), MOST + ENDED_AT_ONCE)
            .await?;
        let beyond: Vec<_> = members
            .iter()
            .skip(MOST)
            .filter(|member| member.starts_with(name))
            .collect();
        let mut batch = Batch::default();
        let tickets: Vec<_> = beyond
            .iter()
            .map(|member| batch.read(list.key(member)))
            .collect();
        let mut results = batch.run(store).await?;
        let mut unlisted = Vec::new();
        for (member, ticket) in beyond.into_iter().zip(&tickets) {
            let grant: Option<Grant> = results.found(ticket)?.record();
            let Some(grant) = grant.filter(|grant| self.is_unused(grant)) else {
                continue;
            };
            if !grant.is_revoked()
                && let Some(grant) = Id::parse(keys::grant_of_listed(member))
            {
                self.revoke_grant(&GrantKey { account, grant }).await?;
            }
            unlisted.push(member.clone());
        }
        self.drop_expired(account, unlisted).await;
        Ok(())
    }

    fn is_unused(&self, grant: &Grant) -> bool {
        let used = grant.last_use.as_ref().map(|last_use| last_use.at);
        used.is_none_or(|used| used < self.before(UNUSED))
    }

    fn before(&self, age: Duration) -> Timestamp {
        let now = self.context.now().seconds();
        Timestamp::from_seconds(now.saturating_sub(age.as_secs()))
    }

    /// Drops members whose grants are gone, after the response.
    pub(super) async fn drop_expired(&self, account: Id, members: Vec<String>) {
        if members.is_empty() {
            return;
        }
        let store = self.context.store().clone();
        let dropping = async move {
            let mut batch = Batch::default();
            for member in &members {
                batch.unlist_name(&keys::grants_by_connection(account), member);
            }
            if let Err(error) = batch.run(&store).await {
                tracing::warn!(%error, %account, "a list of grants could not be cleaned up");
            }
        };
        self.context.background().spawn(dropping).await;
    }
}

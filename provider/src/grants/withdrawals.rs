//! Withdrawals: a user, an administrator or a new password ends what an account has allowed.
//!
//! The consents are removed first. Then one record says which grants are over, and from then on they
//! are, however many there are. Their own records are changed afterwards, and the withdrawal is
//! forgotten once all of them are.

use std::time::Duration;

use oauth::{
    Id,
    client::ClientId,
    consent::Consent,
    grant::{Grant, GrantKey, RevocationReason},
    resource::ResourceIdentifier,
};
use store::Ttl;

use crate::{
    grants::GrantStore,
    records::{
        self, Batch, Found, Key, Outcomes, SwapTicket, Swapped, Versioned,
        keys::{self, listed_consent},
        v1::GrantOrigin,
    },
    state::Withdrawals,
    unavailable::Unavailable,
};

/// How many records are read and changed at once.
const CHUNK: usize = 64;
/// How long the number of the last withdrawal is kept, so that no later one gets it again. Numbers
/// are times, so that is needed only if a clock is set back.
const REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// A withdrawn consent.
pub(crate) struct Withdrawn {
    pub(crate) client_id: ClientId,
    pub(crate) resource: ResourceIdentifier,
}

/// The revocations of some grants, by their ids.
#[derive(Default)]
struct Revocations<'a> {
    batch: Batch,
    swaps: Vec<(&'a str, SwapTicket<Grant>)>,
    single: Vec<&'a str>,
}

impl GrantStore {
    /// Withdraws a consent, and ends all its grants at once, including one whose code is not
    /// redeemed yet. Returns its client and resource; `None` when there was none.
    pub(crate) async fn withdraw(
        &self,
        account: Id,
        name: &str,
    ) -> Result<Option<Withdrawn>, Unavailable> {
        let consent = self.forget_consent(account, name).await?;
        let withdrawn = match consent {
            Some(consent) => Some(Withdrawn {
                client_id: consent.client_id,
                resource: consent.resource,
            }),
            None => self.connected(account, name).await?,
        };
        if withdrawn.is_some() {
            let now = self.context.now();
            self.note_withdrawal(account, |before| before.with(name, now))
                .await?;
        }
        Ok(withdrawn)
    }

    /// The client and resource of a connection without a consent; `None` when no grant of it can be
    /// used.
    async fn connected(&self, account: Id, name: &str) -> Result<Option<Withdrawn>, Unavailable> {
        let details = self.newest_details(account, name).await?;
        Ok(details.into_iter().next().map(|details| Withdrawn {
            client_id: details.client_id,
            resource: details.resource,
        }))
    }

    /// Removes a consent, and leaves its grants.
    pub(super) async fn forget_consent(
        &self,
        account: Id,
        name: &str,
    ) -> Result<Option<Consent>, Unavailable> {
        let consent = records::take(self.context.store(), &keys::consent(account, name)).await?;
        if let Some(consent) = &consent {
            self.consents_of(account)
                .unlist_name(&listed_consent(name, consent.id))
                .await?;
        }
        Ok(consent)
    }

    /// Withdraws everything that an account has allowed any client. The answer is whether there
    /// was anything.
    pub(crate) async fn withdraw_all(&self, account: Id) -> Result<bool, Unavailable> {
        let (any, outcome) = self.withdraw_each(account).await;
        outcome.map(|()| any)
    }

    /// Withdraws everything that can be. The answer is whether there was anything, and the first of
    /// what failed.
    pub(crate) async fn withdraw_each(&self, account: Id) -> (bool, Result<(), Unavailable>) {
        let mut any = false;
        let first = self.forget_consents(account, &mut any).await;
        let then = self.end_grants(account, &mut any).await;
        (any, first.and(then))
    }

    /// Removes all consents, some at once.
    async fn forget_consents(&self, account: Id, any: &mut bool) -> Result<(), Unavailable> {
        let list = keys::consents(account);
        let mut outcomes = Outcomes::default();
        for names in self.consents_of(account).names().await?.chunks(CHUNK) {
            let mut batch = Batch::default();
            let removed: Vec<_> = names
                .iter()
                .map(|name| {
                    let removed = batch.remove(&list.key(name));
                    batch.unlist_name(&list, name);
                    removed
                })
                .collect();
            let done = batch.run(self.context.store()).await;
            if let Some(mut done) = outcomes.add(done)? {
                for ticket in &removed {
                    *any |= done.changed(ticket)?;
                }
            }
        }
        outcomes.end()
    }

    /// Ends all grants of an account in one step, if it has any.
    async fn end_grants(&self, account: Id, any: &mut bool) -> Result<(), Unavailable> {
        let listed = self.grants_of(account).first_names(CHUNK).await?;
        if listed.is_empty() {
            return Ok(());
        }
        *any |= self.is_any_valid(account, &listed).await?;
        let now = self.context.now();
        self.note_withdrawal(account, |before| before.with_all(now))
            .await
    }

    /// Whether one of some grants has not ended yet.
    async fn is_any_valid(&self, account: Id, listed: &[String]) -> Result<bool, Unavailable> {
        let mut batch = Batch::default();
        let withdrawals = batch.read(keys::withdrawals(account));
        let tickets: Vec<_> = listed
            .iter()
            .map(|name| batch.read(keys::grant_of(account, name)))
            .collect();
        let mut results = batch.run(self.context.store()).await?;
        let withdrawals: Withdrawals = results.record(&withdrawals)?.unwrap_or_default();
        for ticket in &tickets {
            let is_valid = match results.found(ticket)? {
                Found::Nothing => false,
                Found::Unreadable => true,
                Found::Record(grant) => !grant.is_revoked() && !withdrawals.ends(&grant.details),
            };
            if is_valid {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Stores a withdrawal, which ends its grants; their records follow after the response.
    async fn note_withdrawal(
        &self,
        account: Id,
        add: impl Fn(Withdrawals) -> Withdrawals,
    ) -> Result<(), Unavailable> {
        let next = |there: Option<Withdrawals>| (add(there.unwrap_or_default()), Ttl::Forever);
        let key = keys::withdrawals(account);
        let noted = records::put(self.context.store(), &key, next).await?;
        let grants = self.clone();
        let revocation = async move {
            if let Err(error) = grants.revoke_withdrawn(account, &noted).await {
                // They have ended all the same. The next withdrawal tries again.
                tracing::warn!(%error, %account, "some grants could not be revoked");
            }
        };
        self.context.background().spawn(revocation).await;
        Ok(())
    }

    /// Revokes all grants that withdrawals ended, and then forgets the withdrawals.
    async fn revoke_withdrawn(&self, account: Id, done: &Withdrawals) -> Result<(), Unavailable> {
        let list = keys::grants(account);
        let mut outcomes = Outcomes::default();
        let mut after: Option<String> = None;
        loop {
            let names = self
                .context
                .store()
                .set_range(list.as_str(), after.as_deref(), CHUNK)
                .await?;
            outcomes.add(self.revoke_some(account, &names, done).await)?;
            if names.len() < CHUNK {
                break;
            }
            after = names.last().cloned();
        }
        outcomes.end()?;
        let next = |there: Option<Withdrawals>| {
            let left = there.unwrap_or_default().without(done);
            let ttl = if left.is_done() {
                records::ttl(REMEMBERED)
            } else {
                Ttl::Forever
            };
            (left, ttl)
        };
        records::put(self.context.store(), &keys::withdrawals(account), next)
            .await
            .map(drop)
    }

    /// Revokes those of some grants that withdrawals ended: one read and one write, and single steps
    /// where another writer was faster, or this version cannot read a grant.
    async fn revoke_some(
        &self,
        account: Id,
        names: &[String],
        done: &Withdrawals,
    ) -> Result<(), Unavailable> {
        let mut reads = Batch::default();
        let tickets: Vec<_> = names
            .iter()
            .map(|name| reads.read(keys::grant_of(account, name)))
            .collect();
        let mut results = reads.run(self.context.store()).await?;
        let mut revocations = Revocations::default();
        for (name, ticket) in names.iter().zip(&tickets) {
            if let Some(bytes) = results.bytes(ticket)? {
                let key = keys::grant_of(account, name);
                self.add_revocation(&mut revocations, key, name, bytes, done)?;
            }
        }
        let mut results = revocations.batch.run(self.context.store()).await?;
        let mut single = revocations.single;
        for (name, swap) in revocations.swaps {
            if !matches!(results.swapped(swap)?, Swapped::Done(_)) {
                single.push(name);
            }
        }
        let mut outcomes = Outcomes::default();
        for grant in single.into_iter().filter_map(Id::parse) {
            outcomes.add(self.revoke_grant(&GrantKey { account, grant }).await)?;
        }
        outcomes.end()
    }

    /// Adds the revocation of a grant, if withdrawals ended it.
    fn add_revocation<'a>(
        &self,
        revocations: &mut Revocations<'a>,
        key: Key<Grant>,
        name: &'a str,
        bytes: Vec<u8>,
        done: &Withdrawals,
    ) -> Result<(), Unavailable> {
        match records::found(&key, Some(&bytes)) {
            Found::Record(grant) if done.ends(&grant.details) => {
                if let Some((next, ttl)) = self.revocation(grant)
                    && let Some(there) = Versioned::of(&key, Some(bytes))?
                {
                    let swap = revocations.batch.swap(&key, there.apart().1, next, ttl);
                    revocations.swaps.push((name, swap));
                }
            }
            Found::Unreadable => {
                let origin = records::found(&key.part::<GrantOrigin>(), Some(&bytes));
                let is_ended = match origin.record() {
                    Some(origin) => done.ends(&origin.details),
                    None => !done.all.is_first(),
                };
                revocations.single.extend(is_ended.then_some(name));
            }
            Found::Record(_) | Found::Nothing => {}
        }
        Ok(())
    }

    /// A grant as it is revoked; `None` when it is revoked already.
    fn revocation(&self, grant: Grant) -> Option<(Grant, Ttl)> {
        grant
            .revoked(RevocationReason::Requested, self.context.now())
            .map(|grant| self.with_ttl(grant))
    }
}

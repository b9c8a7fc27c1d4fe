//! Remembered consents: stored at every approval, read before the next page, and withdrawn by their
//! user.
//!
//! A withdrawal removes the consent first and then revokes the grants. A new grant is stored and
//! listed first, and then the consent is read again. So of a concurrent grant and withdrawal one
//! sees the other, and no grant outlives its consent.

use oauth::{
    Id, Secret,
    authorize::AuthorizationRequest,
    client::ClientId,
    consent::{Consent, ConsentContext},
    epoch::Epoch,
    grant::{Grant, GrantDetails, GrantKey},
    resource::ResourceIdentifier,
};

use crate::{
    grants::GrantStore,
    limits::BatchCounters,
    records::{
        self, Batch, BatchResults, Collection, Key, Listing, Outcomes, ReadTicket, SwapTicket,
        Swapped, Versioned, WriteTicket,
        keys::{self, listed_consent},
        v1::GrantOrigin,
    },
    unavailable::Unavailable,
};

/// What a user allows a client.
pub(crate) struct Allowed<'a> {
    pub(crate) account: Id,
    pub(crate) request: &'a AuthorizationRequest,
    pub(crate) details: GrantDetails,
    pub(crate) context: ConsentContext,
    /// The id of the grant, and the secret of its code.
    pub(crate) offer: (Id, Secret),
}

impl Allowed<'_> {
    fn offer(&self) -> (Id, Secret) {
        let (id, secret) = &self.offer;
        (*id, secret.clone())
    }
}

/// A consent and a grant under it that a batch writes.
pub(crate) struct AllowWrite {
    consent: ConsentWrite,
    grant: GrantWrite,
}

/// A consent that a batch writes.
struct ConsentWrite {
    consent: Consent,
    is_new: bool,
    listed: String,
    ticket: ConsentTicket,
}

enum ConsentTicket {
    New(WriteTicket<bool>),
    Next(Box<SwapTicket<Consent>>),
}

impl ConsentTicket {
    /// Whether no other decision was faster.
    fn into_done(self, results: &mut BatchResults) -> Result<bool, Unavailable> {
        match self {
            Self::New(ticket) => results.changed(&ticket),
            Self::Next(ticket) => Ok(matches!(results.swapped(*ticket)?, Swapped::Done(_))),
        }
    }
}

/// A grant that a batch writes, and what is read after it.
struct GrantWrite {
    key: GrantKey,
    listed: String,
    code: String,
    consent: ReadTicket<Consent>,
    epoch: ReadTicket<Epoch>,
}

/// A withdrawn consent.
pub(crate) struct Withdrawn {
    pub(crate) client_id: ClientId,
    pub(crate) resource: ResourceIdentifier,
}

impl GrantStore {
    /// The consents of an account.
    fn consents_of(&self, account: Id) -> Collection<'_, Consent> {
        Collection::new(self.context.store(), keys::consents(account))
    }

    /// The grants of an account.
    pub(crate) fn grants_of(&self, account: Id) -> Collection<'_, Grant> {
        Collection::new(self.context.store(), keys::grants(account))
    }

    /// Remembers a consent and issues a grant under it, in a batch.
    pub(crate) fn write_allowed(
        &self,
        batch: &mut Batch,
        allowed: &Allowed<'_>,
        earlier: Option<Versioned<Consent>>,
    ) -> AllowWrite {
        let id = self.context.entropy().id();
        AllowWrite {
            consent: write_consent(batch, allowed, earlier, id),
            grant: self.write_grant(
                batch,
                allowed.account,
                allowed.details.clone(),
                allowed.offer(),
                None,
            ),
        }
    }

    /// The code of what a batch has allowed, or `None` when the consent was withdrawn in between;
    /// then the grant is revoked, and its code was never sent. If another decision has changed the
    /// same consent first, the answer is that consent, and what is allowed is to be added to it.
    pub(crate) async fn allowed(
        &self,
        account: Id,
        written: AllowWrite,
        results: &mut BatchResults,
    ) -> Result<Result<Option<String>, Option<Versioned<Consent>>>, Unavailable> {
        let AllowWrite { consent, grant } = written;
        let list = self.consents_of(account);
        if consent.ticket.into_done(results)? {
            let sweep = list.sweep_sometimes(&consent.listed);
            self.context.background().spawn(sweep).await;
            let code = self.issued(grant, &consent.consent, results).await?;
            return Ok(Ok(code));
        }
        if consent.is_new {
            list.unlist_name(&consent.listed).await?;
        }
        Ok(Err(results.versioned(&grant.consent)?))
    }

    /// The consents of an account, by their names, also ended ones.
    pub(crate) async fn consents(
        &self,
        account: Id,
    ) -> Result<Listing<(String, Consent)>, Unavailable> {
        let own = |listed: String, consent: Consent| {
            let name = keys::consent_name(&listed);
            (listed_consent(name, consent.id) == listed).then(|| (name.to_owned(), consent))
        };
        self.consents_of(account).rows(own).await
    }

    /// Issues a grant under a consent, with this id and code secret; returns the code, or `None`
    /// when the consent was withdrawn in between. Then the grant is revoked, and its code was never
    /// sent. `counters` are counted in the same round trip.
    pub(crate) async fn issue_code(
        &self,
        consent: &Consent,
        account: Id,
        details: GrantDetails,
        offer: (Id, Secret),
        counters: &BatchCounters,
    ) -> Result<Option<String>, Unavailable> {
        let mut batch = Batch::default();
        let grant = self.write_grant(&mut batch, account, details, offer, Some(counters));
        let mut results = batch.run(self.context.store()).await?;
        self.issued(grant, consent, &mut results).await
    }

    /// Writes a grant with its code in a batch.
    fn write_grant(
        &self,
        batch: &mut Batch,
        account: Id,
        details: GrantDetails,
        (grant, secret): (Id, Secret),
        counters: Option<&BatchCounters>,
    ) -> GrantWrite {
        let now = self.context.now();
        let lifetime = self.context.settings().lifetimes.code;
        let key = GrantKey { account, grant };
        let name = consent_name(&details);
        let client_epoch = keys::epoch(&details.client_id);
        let (grant, code) = Grant::issue_code(details, key, secret, now.after(lifetime));
        let listed = key.grant.to_string();
        let list = keys::grants(account);
        // 1. Listed before its code is sent, so that a grant in use can always be found and
        //    revoked; and after it is stored, since names without a record are dropped.
        batch.insert(&list.key(&listed), &grant, records::ttl(lifetime));
        batch.list_name(&list, &listed);
        if let Some(counters) = counters {
            counters.count(batch);
        }
        // 2. Read after the writes: a later withdrawal finds the grant. An earlier one is detected
        //    here, and so is an end of the client's epoch, in which the grant is invalid already.
        GrantWrite {
            key,
            listed,
            code: code.encode(),
            consent: batch.read(keys::consent(account, &name)),
            epoch: batch.read(client_epoch),
        }
    }

    /// The code of a grant that was written, if its consent is still there; otherwise the grant is
    /// revoked.
    async fn issued(
        &self,
        grant: GrantWrite,
        consent: &Consent,
        results: &mut BatchResults,
    ) -> Result<Option<String>, Unavailable> {
        let sweep = self
            .grants_of(grant.key.account)
            .sweep_sometimes(&grant.listed);
        self.context.background().spawn(sweep).await;
        let epoch: Epoch = results.record(&grant.epoch)?.unwrap_or_default();
        if results
            .record(&grant.consent)?
            .is_some_and(|there| there.id == consent.id)
            && !epoch.ends(consent.epoch)
        {
            return Ok(Some(grant.code));
        }
        self.revoke_grant(&grant.key).await?;
        Ok(None)
    }

    /// Withdraws a consent, and revokes all its grants, including one whose code is not redeemed
    /// yet. Returns its client and resource; `None` when there was none.
    pub(crate) async fn withdraw(
        &self,
        account: Id,
        name: &str,
    ) -> Result<Option<Withdrawn>, Unavailable> {
        let consent = self.forget_consent(account, name).await?;
        let mut withdrawn = consent.map(|consent| Withdrawn {
            client_id: consent.client_id,
            resource: consent.resource,
        });
        let of_this = |grant: String, there: GrantOrigin| {
            Some((grant, there.details)).filter(|(_, details)| consent_name(details) == name)
        };
        let grants = self.grants_of(account).rows_of_parts(of_this).await?;
        let mut outcomes = Outcomes::default();
        for (
            grant,
            GrantDetails {
                client_id,
                resource,
                ..
            },
        ) in grants
        {
            let Some(grant) = Id::parse(&grant) else {
                continue;
            };
            outcomes.add(self.revoke_grant(&GrantKey { account, grant }).await)?;
            withdrawn = withdrawn.or(Some(Withdrawn {
                client_id,
                resource,
            }));
        }
        outcomes.end()?;
        Ok(withdrawn)
    }

    /// Removes the consent of a grant that a replay revoked, unless the user has approved again
    /// since. Its other grants stay valid.
    pub(crate) async fn forget_replayed_consent(&self, key: &GrantKey) -> Result<(), Unavailable> {
        let grant: Option<Grant> = records::read(self.context.store(), &keys::grant(key)).await?;
        let Some((grant, ended)) =
            grant.and_then(|grant| grant.replayed_at(self.context.now()).map(|at| (grant, at)))
        else {
            return Ok(());
        };
        let name = consent_name(&grant.details);
        let consent: Option<Consent> =
            records::read(self.context.store(), &keys::consent(key.account, &name)).await?;
        match consent {
            Some(consent) if consent.allowed_at <= ended => {
                self.forget_consent(key.account, &name).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn forget_consent(
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
        let (consents, first) = self.forget_consents(account).await;
        let (grants, then) = self.revoke_grants(account).await;
        (consents || grants, first.and(then))
    }

    async fn forget_consents(&self, account: Id) -> (bool, Result<(), Unavailable>) {
        let list = self.consents_of(account);
        let mut any = false;
        let mut outcomes = Outcomes::default();
        let listed = match list.names().await {
            Ok(listed) => listed,
            Err(error) => return (false, Err(error)),
        };
        for listed in listed {
            match outcomes.add(list.remove(&listed).await) {
                Ok(one) => any |= one.is_some(),
                Err(error) => return (any, Err(error)),
            }
        }
        (any, outcomes.end())
    }
}

/// Writes a consent in a batch. `id` is for a new one.
fn write_consent(
    batch: &mut Batch,
    allowed: &Allowed<'_>,
    earlier: Option<Versioned<Consent>>,
    id: Id,
) -> ConsentWrite {
    let key = consent_key(allowed.account, allowed.request);
    let ttl = records::ttl(allowed.context.lifetime);
    let there = earlier.as_ref().map(|earlier| earlier.record.clone());
    let consent = Consent::given(allowed.request, there, id, allowed.context);
    let list = keys::consents(allowed.account);
    let listed = listed_consent(&consent_name(&allowed.details), id);
    // A new one is listed first, so that it can be withdrawn even if the store fails afterwards. An
    // existing one keeps its id, and is listed.
    let is_new = consent.id == id;
    if is_new {
        batch.list_name(&list, &listed);
    }
    let ticket = match earlier {
        None => ConsentTicket::New(batch.insert(&key, &consent, ttl)),
        Some(earlier) => {
            let (_, stored) = earlier.apart();
            ConsentTicket::Next(Box::new(batch.swap(&key, stored, consent.clone(), ttl)))
        }
    };
    if is_new {
        // A sweep may have dropped the name before the record was stored.
        batch.list_name(&list, &listed);
    }
    ConsentWrite {
        consent,
        is_new,
        listed,
        ticket,
    }
}

/// The key of the consent for the client, the origin and the resource of a request.
pub(crate) fn consent_key(account: Id, request: &AuthorizationRequest) -> Key<Consent> {
    let name = Consent::name(&request.client_id, &request.redirect_uri, &request.resource);
    keys::consent(account, name.as_str())
}

/// The name of a grant's consent.
pub(crate) fn consent_name(details: &GrantDetails) -> String {
    Consent::name(&details.client_id, &details.redirect_uri, &details.resource)
        .as_str()
        .to_owned()
}

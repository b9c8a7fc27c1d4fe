//! Remembered consents: stored at every approval, read before the next page, and withdrawn by their
//! user.
//!
//! A withdrawal (`grants::withdrawals`) removes the consent first and then ends the grants. A new
//! grant is stored first, and then the consent is read again. So of a concurrent grant and
//! withdrawal one sees the other, and no grant outlives its consent.

use oauth::{
    Id, Secret,
    authorize::AuthorizationRequest,
    consent::{Consent, ConsentContext},
    epoch::Epoch,
    grant::{Grant, GrantDetails, GrantKey},
};

use crate::{
    grants::GrantStore,
    limits::BatchCounters,
    records::{
        self, Batch, BatchResults, Collection, Key, ReadTicket, SwapTicket, Swapped, Versioned,
        WriteTicket,
        keys::{self, listed_consent},
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
    /// Its member in the list by connections.
    member: String,
    code: String,
    consent: ReadTicket<Consent>,
    epoch: ReadTicket<Epoch>,
}

impl GrantStore {
    /// The consents of an account.
    pub(super) fn consents_of(&self, account: Id) -> Collection<'_, Consent> {
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
        let allowed_at = details.allowed_at;
        let (grant, code) = Grant::issue_code(details, key, secret, now.after(lifetime));
        let listed = key.grant.to_string();
        let member = keys::listed_grant(&name, allowed_at, &listed);
        // 1. Listed before its code is sent, so that a grant in use can always be found and
        //    revoked; and after it is stored, since names without a record are dropped.
        batch.insert(&keys::grant(&key), &grant, records::ttl(lifetime));
        batch.list_name(&keys::grants(account), &listed);
        batch.list_name(&keys::grants_by_connection(account), &member);
        if let Some(counters) = counters {
            counters.count(batch);
        }
        // 2. Read after the writes: a later withdrawal finds the grant. An earlier one is detected
        //    here, and so is an end of the client's epoch, in which the grant is invalid already.
        GrantWrite {
            key,
            listed,
            member,
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
        self.sweep_grants(grant.key.account, &grant.listed, &grant.member)
            .await;
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

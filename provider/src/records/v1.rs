//! Version 1 of the stored shapes, a file for each kind.

mod account;
mod assertion;
mod ceremony;
mod client;
mod consent;
mod event;
mod first_account;
mod grant;
mod issuer;
mod key_ring;
mod key_set;
mod link;
mod post;
mod request;
mod session;
mod sorting;
mod withdrawals;

use access_token::SealedRing;
use identity::{FirstAccount, OneTimeLink, Session};
use oauth::{Id, Timestamp, consent::Consent, epoch::Epoch, grant::Grant};
use oauth_clients::client::Client;

pub(crate) use self::{
    account::AccountStatus,
    grant::{GrantOrigin, revoked_state},
};
use super::{stored_as, stored_as_itself};
use crate::state::{
    Account, AccountMembers, Blocked, KeySet, PendingCeremony, Post, StoreIdentity, StoredRequest,
    UsedAssertion, Withdrawals,
    audit::{Activity, AuditBatch, AuditEntry, AuditRecord, ChainHead},
    failure::FailureList,
};
use crate::{records::Progress, values::Plain};

stored_as_itself!(
    AccountMembers,
    AccountStatus,
    Activity,
    Blocked,
    FailureList,
);

stored_as!(
    Account => account::StoredAccount,
    AuditBatch => event::StoredBatch<'a>,
    AuditEntry => event::StoredEvent<'a>,
    AuditRecord => event::StoredAuditRecord<'a>,
    ChainHead => event::StoredHead<'a>,
    Client => client::StoredClient<'a>,
    Consent => consent::StoredConsent<'a>,
    Epoch => Plain<Self>,
    Id => Plain<Self>,
    Timestamp => Plain<Self>,
    FirstAccount => first_account::StoredFirstAccount,
    Grant => grant::StoredGrant<'a>,
    GrantOrigin => grant::StoredOrigin<'a>,
    KeySet => key_set::StoredKeySet<'a>,
    OneTimeLink => link::StoredLink,
    PendingCeremony => ceremony::StoredCeremony<'a>,
    Post => post::StoredPost<'a>,
    Progress => sorting::StoredProgress<'a>,
    SealedRing => key_ring::StoredRing<'a>,
    Session => session::StoredSession<'a>,
    StoreIdentity => issuer::Identity<'a>,
    StoredRequest => request::StoredPendingRequest<'a>,
    UsedAssertion => assertion::Assertion,
    Withdrawals => withdrawals::StoredWithdrawals<'a>,
);

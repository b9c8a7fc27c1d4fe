//! Version 1 of the stored shapes, a file for each kind.

mod account;
mod assertion;
mod ceremony;
mod first_account;
mod grant;
mod issuer;
mod link;
mod session;

use access_token::SealedRing;
use identity::{FirstAccount, OneTimeLink, Session};
use oauth::{consent::Consent, epoch::Epoch, grant::Grant};
use oauth_clients::client::Client;

pub(crate) use self::{account::AccountStatus, grant::GrantOrigin};
use super::{stored_as, stored_as_itself};
use crate::{
    accounts::{Account, ceremony::PendingCeremony, rights::AccountMembers},
    assertions::UsedAssertion,
    audit::{Activity, AuditEntry, ChainHead},
    blocked::Blocked,
    decided::StoredRequest,
    failures::FailureList,
    key_sets::KeySet,
    repeats::Post,
    store_identity::StoreIdentity,
};

stored_as_itself!(
    AccountMembers,
    AccountStatus,
    Activity,
    AuditEntry,
    Blocked,
    ChainHead,
    Client,
    Consent,
    Epoch,
    FailureList,
    Grant,
    GrantOrigin,
    KeySet,
    Post,
    SealedRing,
    StoredRequest,
);

stored_as!(
    Account => account::StoredAccount,
    FirstAccount => first_account::StoredFirstAccount,
    OneTimeLink => link::StoredLink,
    PendingCeremony => ceremony::StoredCeremony<'a>,
    Session => session::StoredSession<'a>,
    StoreIdentity => issuer::Identity<'a>,
    UsedAssertion => assertion::Assertion,
);

//! Version 1 of the stored shapes, a file for each kind.

mod assertion;
mod grant;
mod issuer;

use access_token::SealedRing;
use oauth::{consent::Consent, epoch::Epoch, grant::Grant};
use oauth_clients::client::Client;

pub(crate) use self::grant::GrantOrigin;
use super::{stored_as, stored_as_itself};
use crate::{
    accounts::{
        Standing, account::Account, addresses::FirstAccount, ceremony::PendingCeremony,
        links::Link, rights::AccountMembers, session::Session,
    },
    assertions::UsedAssertion,
    audit::{Activity, AuditEntry, ChainHead},
    blocked::Blocked,
    decided::StoredRequest,
    failures::FailureList,
    identity::StoreIdentity,
    key_sets::KeySet,
    repeats::Post,
};

stored_as_itself!(
    Account,
    AccountMembers,
    Activity,
    AuditEntry,
    Blocked,
    ChainHead,
    Client,
    Consent,
    Epoch,
    FailureList,
    FirstAccount,
    Grant,
    GrantOrigin,
    KeySet,
    Link,
    PendingCeremony,
    Post,
    SealedRing,
    Session,
    Standing,
    StoredRequest,
);

stored_as!(
    StoreIdentity => issuer::Identity<'a>,
    UsedAssertion => assertion::Assertion,
);

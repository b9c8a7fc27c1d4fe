//! Every kind of record and every key of the store. docs/STORAGE.md describes them.

use access_token::SealedRing;
use identity::{FirstAccount, OneTimeLink, Session, SessionEpoch};
use oauth::{
    Digest, Id, Timestamp,
    consent::Consent,
    epoch::Epoch,
    grant::{Grant, GrantKey},
};
use oauth_clients::{client::Client, document::DocumentUrl};

use super::{
    key::{Key, List},
    sorted::{Progress, SortOrder},
};
use crate::state::{
    Account, Blocked, KeySet, PendingCeremony, Post, StoreIdentity, StoredRequest, UsedAssertion,
    Withdrawals,
    audit::{Activity, AuditRecord, ChainHead},
    failure::{FailureList, Standing},
};

/// Declares the kinds of records: prefix and type.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident = $prefix:literal: $record:ty,)+) => {
        /// A kind of record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Kind {
            $($(#[$doc])+ $kind,)+
        }

        impl Kind {
            /// How the keys of its records begin; the whole key of a kind with one record.
            pub(crate) const fn prefix(self) -> &'static str {
                match self {
                    $(Self::$kind => $prefix,)+
                }
            }
        }

        #[cfg(test)]
        impl Kind {
            /// Every kind.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The bytes that this release writes of a record that it has read.
            pub(super) fn rewrite(self, bytes: &[u8]) -> Result<Vec<u8>, String> {
                match self {
                    $(Self::$kind => super::encoding::parse::<$record>(bytes)
                        .map(|record| super::encoding::encode(&record)),)+
                }
            }

            /// Reads a record from a store and swaps the same record in, like a change.
            pub(super) async fn touch(
                self,
                store: &store::Store,
                key: &str,
            ) -> Result<bool, crate::Unavailable> {
                match self {
                    $(Self::$kind => touch(store, &Key::<$record>::spelled(self, key)).await,)+
                }
            }
        }
    };
}

kinds! {
    /// The ring of signing keys.
    KeyRing = "key-ring": SealedRing,
    /// The issuer that the store belongs to.
    Issuer = "issuer": StoreIdentity,
    /// That a backup is being restored into the store, and since when.
    Restore = "restore": Timestamp,
    /// How far a list that sorts records has been built.
    Sorting = "sorting:": Progress,
    /// A client that registered itself or was added.
    Client = "client:": Client,
    /// A client, as its metadata document describes it.
    Document = "document:": Client,
    /// How often all grants of a client were ended.
    Epoch = "epoch:": Epoch,
    /// Blocked hosts.
    BlockedHosts = "blocked-hosts": Blocked,
    /// An assertion that a client has used.
    Assertion = "assertion:": UsedAssertion,
    /// The public keys at a client's address.
    KeySet = "key-set:": KeySet,
    /// An authorization request, which waits for the user or is decided.
    Request = "request:": StoredRequest,
    /// A grant.
    Grant = "grant:": Grant,
    /// What an account has allowed one client.
    Consent = "consent:": Consent,
    /// What an account has withdrawn.
    Withdrawals = "withdrawals:": Withdrawals,
    /// An account.
    Account = "account:": Account,
    /// The account of an email address.
    Email = "email:": Id,
    /// Who made the first account, or is making it.
    FirstAccount = "first-account": FirstAccount,
    /// A signed-in browser.
    Session = "session:": Session,
    /// When a browser last signed in to an account.
    KnownBrowser = "familiar:": Timestamp,
    /// When a user last signed in with a browser.
    UsedBrowser = "familiar-browser:": Timestamp,
    /// A one-time link.
    Invitation = "invitation:": OneTimeLink,
    /// A form that was sent, and its answer.
    Post = "post:": Post,
    /// A passkey ceremony under way.
    Ceremony = "ceremony:": PendingCeremony,
    /// An event of the audit log, or several that were written together.
    Event = "event:": AuditRecord,
    /// The newest event of the audit log.
    LatestEvent = "latest-event": ChainHead,
    /// An event that was the newest one a few seconds ago.
    EventMark = "event-mark": ChainHead,
    /// The latest events of an account.
    Activity = "activity:": Activity,
    /// What failed on a day.
    Failures = "failures:": FailureList,
    /// A counter of a limit.
    Counter = "count:": u64,
    /// What was given back of a counter.
    GivenBack = "count-back:": u64,
}

#[cfg(test)]
async fn touch<T: super::Record>(
    store: &store::Store,
    key: &Key<T>,
) -> Result<bool, crate::Unavailable> {
    use super::{Swapped, Versioned};

    let Some(there) = Versioned::read(store, key).await? else {
        return Ok(false);
    };
    let (record, stored) = there.apart();
    let ttl = store::Ttl::Forever;
    Ok(matches!(
        stored.swap(store, key, record, ttl).await?,
        Swapped::Done(_)
    ))
}

/// The ring of signing keys.
pub(crate) static KEY_RING: Key<SealedRing> = Key::only(Kind::KeyRing);
/// Who made the first account, or is making it.
pub(crate) static FIRST_ACCOUNT: Key<FirstAccount> = Key::only(Kind::FirstAccount);
/// The newest event of the audit log.
pub(crate) static LATEST_EVENT: Key<ChainHead> = Key::only(Kind::LatestEvent);
/// The issuer that the store belongs to.
pub(crate) static ISSUER: Key<StoreIdentity> = Key::only(Kind::Issuer);
/// That a backup is being restored into the store.
pub(crate) static RESTORE: Key<Timestamp> = Key::only(Kind::Restore);
/// An event of the audit log that was the newest one a few seconds ago.
pub(crate) static EVENT_MARK: Key<ChainHead> = Key::only(Kind::EventMark);
/// Blocked hosts.
pub(crate) static BLOCKED_HOSTS: Key<Blocked> = Key::only(Kind::BlockedHosts);

/// The list of all accounts, by their ids.
pub(crate) fn accounts() -> List<Account> {
    // A name that is no id leads to an account that does not exist.
    List::new("accounts", |id| {
        Key::new(Kind::Account, format_args!("{id}"))
    })
}

/// How far a list that sorts records has been built, by the name of the list.
pub(crate) fn sorting(list: &str) -> Key<Progress> {
    Key::new(Kind::Sorting, format_args!("{list}"))
}

/// Whether a key is that of such a record. A backup has none, so that the lists are completed after
/// a restore.
pub(crate) fn is_sorting(key: &str) -> bool {
    key.starts_with(Kind::Sorting.prefix())
}

/// The list of all accounts in an order.
pub(crate) fn sorted_accounts(order: SortOrder) -> List<Account> {
    let list = match order {
        SortOrder::Name => "accounts-by-address",
        SortOrder::Used => "accounts-by-sign-in",
        SortOrder::Newest => "accounts-by-creation",
    };
    List::new(list, |member| {
        let id = member.rsplit_once(' ').map_or(member, |(_, id)| id);
        Key::new(Kind::Account, format_args!("{id}"))
    })
}

/// A member of such a list. A space is below every character of an address.
pub(crate) fn listed_account(sorted_by: &str, account: &str) -> String {
    format!("{sorted_by} {account}")
}

/// The address of a member of the list by address.
pub(crate) fn address_of_listed(member: &str) -> &str {
    member.rsplit_once(' ').map_or(member, |(folded, _)| folded)
}

/// The list of all registered clients, by their ids.
pub(crate) fn clients() -> List<Client> {
    List::new("clients", client)
}

/// The list of all registered clients in an order.
pub(crate) fn sorted_clients(order: SortOrder) -> List<Client> {
    let list = match order {
        SortOrder::Name => "clients-by-name",
        SortOrder::Used => "clients-by-use",
        SortOrder::Newest => "clients-by-creation",
    };
    List::new(list, |member| {
        client(member.rsplit_once('\t').map_or(member, |(_, id)| id))
    })
}

/// A member of such a list. A tab is below every character of a folded name.
pub(crate) fn listed_client(sorted_by: &str, client_id: &str) -> String {
    format!("{sorted_by}\t{client_id}")
}

/// A time as texts sort it, the latest first: ten digits until the year 2286.
pub(crate) fn backwards(time: Timestamp) -> String {
    const END: u64 = 9_999_999_999;
    format!("{:010}", END.saturating_sub(time.seconds()))
}

/// A registered client, or the stored document of one.
pub(crate) fn client(id: &str) -> Key<Client> {
    if DocumentUrl::is_meant(id) {
        return Key::new(
            Kind::Document,
            format_args!("{}", Digest::of(id.as_bytes()).as_str()),
        );
    }
    Key::new(Kind::Client, format_args!("{id}"))
}

/// The epoch of a client: how often all its grants were ended.
pub(crate) fn epoch(client_id: &str) -> Key<Epoch> {
    Key::new(
        Kind::Epoch,
        format_args!("{}", Digest::of(client_id.as_bytes()).as_str()),
    )
}

/// An assertion that a client has used.
pub(crate) fn assertion(client_id: &str, jti: &str) -> Key<UsedAssertion> {
    // No client id contains a zero byte.
    Key::new(
        Kind::Assertion,
        format_args!(
            "{}",
            Digest::of(format!("{client_id}\0{jti}").as_bytes()).as_str()
        ),
    )
}

/// The public keys of a client, by their address.
pub(crate) fn key_set(url: &str) -> Key<KeySet> {
    Key::new(
        Kind::KeySet,
        format_args!("{}", Digest::of(url.as_bytes()).as_str()),
    )
}

/// A pending authorization request.
pub(crate) fn request(id: &Digest) -> Key<StoredRequest> {
    Key::new(Kind::Request, format_args!("{}", id.as_str()))
}

/// A grant.
pub(crate) fn grant(key: &GrantKey) -> Key<Grant> {
    grant_of(key.account, &key.grant.to_string())
}

/// A grant of an account, by the text of its id.
pub(crate) fn grant_of(account: Id, grant: &str) -> Key<Grant> {
    Key::new(Kind::Grant, format_args!("{account}:{grant}"))
}

/// The list of the grants of an account.
pub(crate) fn grants(account: Id) -> List<Grant> {
    List::new(format!("grants:{account}"), move |grant| {
        grant_of(account, grant)
    })
}

/// The name of the list of that kind.
pub(crate) const GRANTS_BY_CONNECTION: &str = "grants-by-connection";

/// The list of the grants of an account by their connections, the newest of each first.
pub(crate) fn grants_by_connection(account: Id) -> List<Grant> {
    List::new(format!("{GRANTS_BY_CONNECTION}:{account}"), move |member| {
        grant_of(account, grant_of_listed(member))
    })
}

/// A member of that list: the name of the consent, the time counted backwards, the id of the grant.
pub(crate) fn listed_grant(name: &str, allowed_at: Timestamp, grant: &str) -> String {
    format!("{name}{}{grant}", backwards(allowed_at))
}

/// The id of the grant of a member of that list.
pub(crate) fn grant_of_listed(member: &str) -> &str {
    /// A digest and ten digits.
    const BEFORE: usize = 43 + 10;
    member.get(BEFORE..).unwrap_or(member)
}

/// What an account has withdrawn.
pub(crate) fn withdrawals(account: Id) -> Key<Withdrawals> {
    Key::new(Kind::Withdrawals, format_args!("{account}"))
}

/// What an account has allowed one client, by the text of [`oauth::consent::Consent::name`].
pub(crate) fn consent(account: Id, name: &str) -> Key<Consent> {
    Key::new(Kind::Consent, format_args!("{account}:{name}"))
}

/// The list of the names of an account's consents.
pub(crate) fn consents(account: Id) -> List<Consent> {
    List::new(format!("consents:{account}"), move |listed| {
        consent(account, consent_name(listed))
    })
}

/// The list entry of a consent: its name and its id, which is never reused. An entry without a
/// record can therefore be dropped while the user allows the same client again.
pub(crate) fn listed_consent(name: &str, id: Id) -> String {
    format!("{name}{id}")
}

/// The name of a consent in a member of the list of consents, or of grants by connection.
pub(crate) fn consent_name(listed: &str) -> &str {
    /// A SHA-256 digest in base64url.
    const LENGTH: usize = 43;
    listed
        .split_at_checked(LENGTH)
        .map_or(listed, |(name, _)| name)
}

/// An account.
pub(crate) fn account(id: Id) -> Key<Account> {
    Key::new(Kind::Account, format_args!("{id}"))
}

/// Which account an email address belongs to.
pub(crate) fn email(address: &str) -> Key<Id> {
    Key::new(
        Kind::Email,
        format_args!("{}", Digest::of(address.as_bytes()).as_str()),
    )
}

/// A signed-in browser, by the text of its secret's digest.
pub(crate) fn session(digest: &str) -> Key<Session> {
    Key::new(Kind::Session, format_args!("{digest}"))
}

/// The list of the sessions of an account.
pub(crate) fn sessions(account: Id) -> List<Session> {
    List::new(format!("sessions:{account}"), session)
}

/// That a browser, by the digest of its secret, has signed in to an account in its present
/// session epoch.
pub(crate) fn known_browser_of(
    account: Id,
    session_epoch: SessionEpoch,
    browser: &Digest,
) -> Key<Timestamp> {
    Key::new(
        Kind::KnownBrowser,
        format_args!("{account}:{}:{}", session_epoch.number(), browser.as_str()),
    )
}

/// A browser in which a user has signed in, by the digest of its secret.
pub(crate) fn used_browser(browser: &Digest) -> Key<Timestamp> {
    Key::new(Kind::UsedBrowser, format_args!("{}", browser.as_str()))
}

/// That a browser has signed in to an account before, as releases before 0.2 wrote it.
pub(crate) fn known_browser_before_epochs(account: Id, browser: &Digest) -> Key<Timestamp> {
    Key::new(
        Kind::KnownBrowser,
        format_args!("{account}:{}", browser.as_str()),
    )
}

/// A record of the audit log, by the number of its first event.
pub(crate) fn event(number: u64) -> Key<AuditRecord> {
    Key::new(Kind::Event, format_args!("{number}"))
}

/// The latest events of an account.
pub(crate) fn activity(account: Id) -> Key<Activity> {
    Key::new(Kind::Activity, format_args!("{account}"))
}

/// What failed on a day, counted from 1970.
pub(crate) fn failures_of(standing: Standing, day: u64) -> Key<FailureList> {
    Key::new(Kind::Failures, format_args!("{}:{day}", standing.as_str()))
}

/// The key of earlier versions, for all clients.
pub(crate) fn failures(day: u64) -> Key<FailureList> {
    Key::new(Kind::Failures, format_args!("{day}"))
}

/// A one-time link.
pub(crate) fn invitation(token: &Digest) -> Key<OneTimeLink> {
    Key::new(Kind::Invitation, format_args!("{}", token.as_str()))
}

/// A post that may be repeated.
pub(crate) fn post(digest: &Digest) -> Key<Post> {
    Key::new(Kind::Post, format_args!("{}", digest.as_str()))
}

/// A passkey ceremony under way.
pub(crate) fn ceremony(id: &Digest) -> Key<PendingCeremony> {
    Key::new(Kind::Ceremony, format_args!("{}", id.as_str()))
}

/// The number of the first event of a record, by its key.
pub(crate) fn event_number(key: &str) -> Option<u64> {
    key.strip_prefix(Kind::Event.prefix())?.parse().ok()
}

/// Whether a key is that of something that works once and for a short time: an authorization
/// request, a passkey ceremony, a one-time link, a form that was sent.
pub(crate) fn is_one_time(key: &str) -> bool {
    [Kind::Request, Kind::Ceremony, Kind::Invitation, Kind::Post]
        .iter()
        .any(|kind| key.starts_with(kind.prefix()))
}

/// A counter of a limit: its name, subject and window.
pub(crate) fn counter(what: &str, subject: &str, window: u64) -> Key<u64> {
    Key::new(
        Kind::Counter,
        format_args!(
            "{what}:{}:{window}",
            Digest::of(subject.as_bytes()).as_str()
        ),
    )
}

/// The subtracted amount of such a counter.
pub(crate) fn given_back(what: &str, subject: &str, window: u64) -> Key<u64> {
    Key::new(
        Kind::GivenBack,
        format_args!(
            "{what}:{}:{window}",
            Digest::of(subject.as_bytes()).as_str()
        ),
    )
}

//! Every key of the store, spelled here and nowhere else. docs/STORAGE.md says what lies behind
//! each.

use oauth::{Digest, Id, grant::GrantKey};
use oauth_clients::document::DocumentUrl;

use crate::failures::Standing;

/// The ring of signing keys.
pub(crate) const KEY_RING: &str = "key-ring";
/// Taken by whoever made the first account.
pub(crate) const FIRST_ACCOUNT: &str = "first-account";
/// The newest event of the audit log.
pub(crate) const LATEST_EVENT: &str = "latest-event";
/// The issuer that the store belongs to.
pub(crate) const ISSUER: &str = "issuer";
/// That a backup is being restored into the store.
pub(crate) const RESTORE: &str = "restore";
/// An event of the audit log that was the newest one a few seconds ago.
pub(crate) const EVENT_MARK: &str = "event-mark";
/// Hosts that are kept out.
pub(crate) const BLOCKED_HOSTS: &str = "blocked-hosts";
/// The list of all accounts' ids.
pub(crate) const ACCOUNTS: &str = "accounts";
/// The list of all registered clients' ids.
pub(crate) const CLIENTS: &str = "clients";

/// A registered client, or what a client with a document said there.
pub(crate) fn client(id: &str) -> String {
    if DocumentUrl::is_meant(id) {
        return format!("document:{}", Digest::of(id.as_bytes()).as_str());
    }
    format!("client:{id}")
}

/// The epoch of a client: how often everything that people allowed it was ended.
pub(crate) fn epoch(client_id: &str) -> String {
    format!("epoch:{}", Digest::of(client_id.as_bytes()).as_str())
}

/// An assertion that a client has used.
pub(crate) fn assertion(client_id: &str, jti: &str) -> String {
    // No client id holds a zero byte.
    format!(
        "assertion:{}",
        Digest::of(format!("{client_id}\0{jti}").as_bytes()).as_str()
    )
}

/// The public keys of a client, by their address.
pub(crate) fn key_set(url: &str) -> String {
    format!("key-set:{}", Digest::of(url.as_bytes()).as_str())
}

/// An authorization request that waits for a person.
pub(crate) fn request(id: &Digest) -> String {
    format!("request:{}", id.as_str())
}

/// A grant.
pub(crate) fn grant(key: &GrantKey) -> String {
    grant_of(key.account, &key.grant.to_string())
}

/// A grant of an account, by the text of its id.
pub(crate) fn grant_of(account: Id, grant: &str) -> String {
    format!("grant:{account}:{grant}")
}

/// The list of the grants of an account.
pub(crate) fn grants(account: Id) -> String {
    format!("grants:{account}")
}

/// What an account has allowed one client, by the text of [`oauth::consent::Consent::name`].
pub(crate) fn consent(account: Id, name: &str) -> String {
    format!("consent:{account}:{name}")
}

/// The list of the names of an account's consents.
pub(crate) fn consents(account: Id) -> String {
    format!("consents:{account}")
}

/// An account.
pub(crate) fn account(id: Id) -> String {
    format!("account:{id}")
}

/// Which account an e-mail address belongs to.
pub(crate) fn email(address: &str) -> String {
    format!("email:{}", Digest::of(address.as_bytes()).as_str())
}

/// A signed-in browser, by the text of its secret's digest.
pub(crate) fn session(digest: &str) -> String {
    format!("session:{digest}")
}

/// The list of the sessions of an account.
pub(crate) fn sessions(account: Id) -> String {
    format!("sessions:{account}")
}

/// That a browser, by the digest of its secret, has signed in to an account in its present
/// generation.
pub(crate) fn known(account: Id, generation: u64, browser: &Digest) -> String {
    format!("familiar:{account}:{generation}:{}", browser.as_str())
}

/// That somebody has signed in with a browser, by the digest of its secret.
pub(crate) fn known_browser(browser: &Digest) -> String {
    format!("familiar-browser:{}", browser.as_str())
}

/// That a browser has signed in to an account before, as releases before 0.2 wrote it.
pub(crate) fn familiar(account: Id, browser: &Digest) -> String {
    format!("familiar:{account}:{}", browser.as_str())
}

/// An event of the audit log, by its number.
pub(crate) fn event(number: u64) -> String {
    format!("event:{number}")
}

/// The latest events of an account.
pub(crate) fn activity(account: Id) -> String {
    format!("activity:{account}")
}

/// What failed on a day, counted from 1970.
pub(crate) fn failures_of(standing: Standing, day: u64) -> String {
    format!("failures:{}:{day}", standing.as_str())
}

/// Where earlier versions kept them, whoever the client was.
pub(crate) fn failures(day: u64) -> String {
    format!("failures:{day}")
}

/// A one-time link.
pub(crate) fn invitation(token: &Digest) -> String {
    format!("invitation:{}", token.as_str())
}

/// A post that may come twice.
pub(crate) fn post(digest: &Digest) -> String {
    format!("post:{}", digest.as_str())
}

/// A passkey ceremony under way.
pub(crate) fn ceremony(id: &Digest) -> String {
    format!("ceremony:{}", id.as_str())
}

/// The number of an event, by its key.
pub(crate) fn event_number(key: &str) -> Option<u64> {
    key.strip_prefix("event:")?.parse().ok()
}

/// Whether a key is that of something that works once and for a short time: an authorization
/// request, a passkey ceremony, a one-time link, a form that was sent.
pub(crate) fn is_one_time(key: &str) -> bool {
    ["request:", "ceremony:", "invitation:", "post:"]
        .iter()
        .any(|kind| key.starts_with(kind))
}

/// A counter of a limit: what is limited, for whom, in which stretch of time.
pub(crate) fn counter(what: &str, whom: &str, stretch: u64) -> String {
    format!(
        "count:{what}:{}:{stretch}",
        Digest::of(whom.as_bytes()).as_str()
    )
}

/// What was given back of such a counter.
pub(crate) fn given_back(what: &str, whom: &str, stretch: u64) -> String {
    format!(
        "count-back:{what}:{}:{stretch}",
        Digest::of(whom.as_bytes()).as_str()
    )
}

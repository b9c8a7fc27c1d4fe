//! Under which issuer a store is used. Passkeys and tokens are bound to it, so a change must not go
//! unnoticed.

use std::net::IpAddr;

use oauth::{Issuer, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Store, Ttl};

use crate::{
    context::Context,
    records::{self, keys},
    state::StoreIdentity,
    unavailable::Unavailable,
};

/// The recorded identity, and the configured one of the answering server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerReport {
    /// The recorded identity; none before the first start of a server that records it.
    pub recorded: Option<StoreIdentity>,
    /// The issuer of the server that answers.
    pub configured: String,
}

/// A store is used with another issuer than the recorded one. Its `Display` explains that to the
/// operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerChange {
    /// The recorded one.
    pub recorded: StoreIdentity,
    /// The configured one.
    pub issuer: String,
    /// The domain that new passkeys would be bound to.
    pub rp_id: Option<String>,
}

impl IssuerChange {
    /// The domain whose passkeys stop working by it.
    pub fn lost_domain(&self) -> Option<&str> {
        let domain = self.recorded.rp_id.as_deref()?;
        (self.rp_id.as_deref() != Some(domain)).then_some(domain)
    }
}

impl IssuerReport {
    /// How the configured issuer differs from the recorded one, if it does.
    pub fn change(&self) -> Option<IssuerChange> {
        self.recorded
            .as_ref()?
            .change_to(&Issuer::parse(&self.configured).ok()?)
    }
}

impl StoreIdentity {
    /// The identity that an issuer gives a store.
    pub fn of(issuer: &Issuer, since: Timestamp) -> Self {
        Self {
            issuer: issuer.as_str().to_owned(),
            rp_id: relying_party(issuer),
            since,
        }
    }

    /// How an issuer differs from this one, if it does.
    pub fn change_to(&self, issuer: &Issuer) -> Option<IssuerChange> {
        let differs = self.issuer != issuer.as_str();
        let change = || IssuerChange {
            recorded: self.clone(),
            issuer: issuer.as_str().to_owned(),
            rp_id: relying_party(issuer),
        };
        differs.then(change)
    }
}

/// A passkey belongs to a domain, never to an IP address (WebAuthn section 5.1.2).
fn relying_party(issuer: &Issuer) -> Option<String> {
    let host = issuer.host();
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    (!is_address).then(|| host.to_owned())
}

/// The recorded issuer of a store.
///
/// # Errors
/// When the store does not answer.
pub async fn recorded_issuer(store: &Store) -> Result<Option<StoreIdentity>, Unavailable> {
    records::read(store, &keys::ISSUER).await
}

/// Whether a server has ever used a store, or a backup is being restored into it: then nothing is
/// new about it.
///
/// # Errors
/// When the store does not answer.
pub async fn is_in_use(store: &Store) -> Result<bool, Unavailable> {
    Ok(records::exists(store, &keys::KEY_RING).await?
        || records::exists(store, &keys::RESTORE).await?)
}

/// The issuer that the store belongs to.
pub struct IssuerRecord {
    pub(crate) context: Context,
}

impl IssuerRecord {
    /// Records the issuer of a store that has none; otherwise returns how the configured one
    /// differs. Of several servers that start concurrently, one records it.
    pub async fn claim_issuer(&self) -> Result<Option<IssuerChange>, Unavailable> {
        let identity = StoreIdentity::of(&self.context.settings().issuer, self.context.now());
        if !records::exists(self.context.store(), &keys::ISSUER).await?
            && records::insert(self.context.store(), &keys::ISSUER, &identity, Ttl::Forever).await?
        {
            return Ok(None);
        }
        self.issuer_change().await
    }

    /// How the configured issuer differs from the recorded one, if it does.
    pub async fn issuer_change(&self) -> Result<Option<IssuerChange>, Unavailable> {
        let recorded = recorded_issuer(self.context.store()).await?;
        Ok(recorded.and_then(|recorded| recorded.change_to(&self.context.settings().issuer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Issuer {
        Issuer::parse(text).expect("an issuer")
    }

    fn change(old: &str, new: &str) -> Option<IssuerChange> {
        StoreIdentity::of(&issuer(old), Timestamp::from_seconds(0)).change_to(&issuer(new))
    }

    #[test]
    fn the_same_issuer_is_no_change() {
        assert_eq!(change("https://a.example", "https://a.example"), None);
    }

    #[test]
    fn another_domain_ends_passkeys_and_another_port_does_not() {
        for (old, new, lost) in [
            ("https://a.example", "https://b.example", Some("a.example")),
            ("https://a.example", "https://a.example:8443", None),
            (
                "http://localhost:3000",
                "http://127.0.0.1:3000",
                Some("localhost"),
            ),
            ("http://127.0.0.1:3000", "http://[::1]:3000", None),
        ] {
            let change = change(old, new).expect("a change");
            assert_eq!(change.lost_domain(), lost, "{old} {new}");
        }
    }
}

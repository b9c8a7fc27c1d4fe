//! Under which issuer a store is used. Passkeys and tokens are bound to it, so a change must not go
//! unnoticed.

use std::net::IpAddr;

use oauth::{Issuer, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Store, Ttl};

use crate::{
    Provider,
    administration::{Administration, Done, StateConflict},
    audit::AuditAction,
    backup::Summary,
    keys,
    problem::Unavailable,
    records::{self, Swapped, Versioned},
};

/// The issuer that a store belongs to, as recorded at its first start or when a change was
/// accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreIdentity {
    /// The issuer.
    pub issuer: String,
    /// The domain that passkeys are bound to (the relying party id of WebAuthn); none when the host
    /// is an IP address.
    #[serde(default)]
    pub rp_id: Option<String>,
    /// Since when.
    #[serde(with = "crate::values")]
    pub since: Timestamp,
}

/// What is recorded, and what the server that answers is configured with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerReport {
    /// What is recorded; nothing before the first start of a server that records it.
    pub recorded: Option<StoreIdentity>,
    /// The issuer of the server that answers.
    pub configured: String,
}

/// A store is used under another issuer than the recorded one.
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

/// What a store says of its issuer.
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

impl Provider {
    /// Records the issuer of a store that has none; otherwise tells how the configured one differs.
    /// Of several servers that start at once, one records it.
    pub async fn claim_issuer(&self) -> Result<Option<IssuerChange>, Unavailable> {
        let identity = StoreIdentity::of(&self.settings().issuer, self.now());
        if !records::exists(self.store(), &keys::ISSUER).await?
            && records::insert(self.store(), &keys::ISSUER, &identity, Ttl::Forever).await?
        {
            return Ok(None);
        }
        self.issuer_change().await
    }

    /// How the configured issuer differs from the recorded one, if it does.
    pub async fn issuer_change(&self) -> Result<Option<IssuerChange>, Unavailable> {
        let recorded = recorded_issuer(self.store()).await?;
        Ok(recorded.and_then(|recorded| recorded.change_to(&self.settings().issuer)))
    }
}

impl Administration {
    /// Notes in the audit trail that the store was restored from a backup.
    pub async fn note_restore(&self, backup: &Summary) {
        let issuer = backup
            .issuer
            .as_deref()
            .unwrap_or("a store without an issuer");
        let about = format!(
            "{issuer}, {} entries, made {} seconds after 1970",
            backup.entries,
            backup.created_at.seconds()
        );
        self.record(AuditAction::StoreRestored, None, Some(about))
            .await;
    }

    /// The recorded and the configured issuer.
    pub async fn issuer(&self) -> Done<IssuerReport> {
        let configured = self.provider().settings().issuer.as_str().to_owned();
        Ok(IssuerReport {
            recorded: recorded_issuer(self.provider().store()).await?,
            configured,
        })
    }

    /// Accepts that the store belongs to the configured issuer from now on. It has to be named, so
    /// that a command that was given no configuration accepts nothing by mistake.
    pub async fn accept_issuer(&self, issuer: &str) -> Done<IssuerReport> {
        let provider = self.provider();
        let configured = &provider.settings().issuer;
        if issuer != configured.as_str() {
            return Err(StateConflict::OtherIssuer {
                configured: configured.to_string(),
                named: issuer.to_owned(),
            }
            .into());
        }
        if let Some(change) = self
            .replace_issuer(&StoreIdentity::of(configured, provider.now()))
            .await?
        {
            let about = format!("{} → {}", change.recorded.issuer, change.issuer);
            self.record(AuditAction::IssuerAccepted, None, Some(about))
                .await;
        }
        self.issuer().await
    }

    /// Tells how the identity that was replaced differed; nothing when it was the same.
    async fn replace_issuer(&self, identity: &StoreIdentity) -> Done<Option<IssuerChange>> {
        let (store, issuer) = (self.provider().store(), &self.provider().settings().issuer);
        loop {
            let Some(stored) = Versioned::read(store, &keys::ISSUER).await? else {
                if records::insert(store, &keys::ISSUER, identity, Ttl::Forever).await? {
                    return Ok(None);
                }
                continue;
            };
            let Some(change) = stored.record.change_to(issuer) else {
                return Ok(None);
            };
            let swap = stored
                .swap(store, &keys::ISSUER, identity.clone(), Ttl::Forever)
                .await?;
            if let Swapped::Done(_) = swap {
                return Ok(Some(change));
            }
        }
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

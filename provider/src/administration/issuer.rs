//! The issuer that the store belongs to, and restores of backups.

use store::Ttl;

use super::{Administration, Done, StateConflict};
use crate::{
    backup::Summary,
    records::{self, Swapped, Versioned, keys},
    state::{StoreIdentity, audit::AuditAction},
    store_identity::{IssuerChange, IssuerReport, recorded_issuer},
};

impl Administration {
    /// Records in the audit log that the store was restored from a backup.
    pub async fn note_restore(&self, backup: &Summary) {
        let issuer = backup
            .issuer
            .as_deref()
            .unwrap_or("a store without an issuer");
        let about = format!(
            "{issuer}, {} entries, Unix time {}",
            backup.entries,
            backup.created_at.seconds()
        );
        self.record(AuditAction::StoreRestored, None, Some(about))
            .await;
    }

    /// The recorded and the configured issuer.
    pub async fn issuer(&self) -> Done<IssuerReport> {
        let configured = self
            .services()
            .context
            .settings()
            .issuer
            .as_str()
            .to_owned();
        Ok(IssuerReport {
            recorded: recorded_issuer(self.services().context.store()).await?,
            configured,
        })
    }

    /// Accepts that the store belongs to the configured issuer from now on. It has to be named, so
    /// that a command that was given no configuration accepts nothing by mistake.
    pub async fn accept_issuer(&self, issuer: &str) -> Done<IssuerReport> {
        let services = self.services();
        let configured = &services.context.settings().issuer;
        if issuer != configured.as_str() {
            return Err(StateConflict::OtherIssuer {
                configured: configured.to_string(),
                named: issuer.to_owned(),
            }
            .into());
        }
        if let Some(change) = self
            .replace_issuer(&StoreIdentity::of(configured, services.context.now()))
            .await?
        {
            let about = format!("{} → {}", change.recorded.issuer, change.issuer);
            self.record(AuditAction::IssuerAccepted, None, Some(about))
                .await;
        }
        self.issuer().await
    }

    /// Returns how the replaced identity differed; `None` when it was the same.
    async fn replace_issuer(&self, identity: &StoreIdentity) -> Done<Option<IssuerChange>> {
        let store = self.services().context.store();
        let issuer = &self.services().context.settings().issuer;
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

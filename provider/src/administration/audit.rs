//! Reading the audit log.

use std::sync::Arc;

use super::{Administration, Done};
use crate::{
    audit::{AuditFilter, AuditPage, AuditReader, AuditReport},
    state::audit::AuditEntry,
};

impl Administration {
    /// Events, newest first: at most `limit` of those numbered below `before`, if that is given.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Done<AuditPage> {
        Ok(self.reader().audit(filter, before, limit).await?)
    }

    /// Events for export, oldest first: at most `limit` of those numbered above `after`.
    pub async fn audit_export(
        &self,
        filter: &AuditFilter,
        after: u64,
        limit: usize,
    ) -> Done<Vec<AuditEntry>> {
        Ok(self.reader().audit_export(filter, after, limit).await?)
    }

    /// Checks the whole chain: that no event was changed, added or removed.
    pub async fn verify_audit(&self) -> Done<AuditReport> {
        Ok(self.reader().verify_audit().await?)
    }

    /// Removes the events that are too old by the retention that is set now. To be called when a
    /// server starts.
    pub async fn forget_old_events(&self) -> Done {
        Ok(self.reader().forget_old_events().await?)
    }

    fn reader(&self) -> AuditReader {
        AuditReader::new(Arc::clone(&self.services().audit))
    }
}

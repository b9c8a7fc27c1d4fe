//! Which one-time link to an account counts.

use primitives::{Digest, Timestamp};

use super::Account;
use crate::{CurrentLink, SessionEpoch};

impl<K> Account<K> {
    /// Whether a link counts that was made in a session epoch: the account is in that one still, is
    /// active, and names no other link.
    pub fn admits(&self, session_epoch: SessionEpoch, link: &Digest) -> bool {
        let is_current = self
            .current_link()
            .is_none_or(|current| current.digest.as_ref() == Some(link));
        self.is_active() && self.fields.session_epoch == session_epoch && is_current
    }

    /// Until when the link that counts is good, if one is out.
    pub fn link_expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        let link = self.current_link().filter(|link| link.digest.is_some())?;
        (self.is_active() && !link.expires_at.has_passed(now)).then_some(link.expires_at)
    }

    /// Names the link that counts from now on, and no other. `session_epoch` is the one that the
    /// link was made for.
    #[must_use]
    pub fn with_link(
        mut self,
        session_epoch: SessionEpoch,
        link: Digest,
        expires_at: Timestamp,
    ) -> Self {
        self.fields.link = Some(CurrentLink {
            session_epoch,
            digest: Some(link),
            expires_at,
        });
        self
    }

    /// Lets no link that is out count any more.
    #[must_use]
    pub fn without_link(mut self, now: Timestamp) -> Self {
        self.fields.link = Some(CurrentLink {
            session_epoch: self.fields.session_epoch,
            digest: None,
            expires_at: now,
        });
        self
    }

    fn current_link(&self) -> Option<&CurrentLink> {
        let link = self.fields.link.as_ref()?;
        (link.session_epoch == self.fields.session_epoch).then_some(link)
    }
}

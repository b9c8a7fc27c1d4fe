//! Why no answer is possible now.

use thiserror::Error;

/// The store did not answer, or somebody else's web server without which there is no answer. A
/// change may have been made all the same; trying again is the remedy (HTTP 503).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no answer is possible now: {why}")]
pub struct Unavailable {
    why: String,
    /// Whether the fault is that of somebody else's web server.
    elsewhere: bool,
}

impl From<store::Error> for Unavailable {
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "the store does not answer");
        Self::here(error.to_string())
    }
}

impl Unavailable {
    const fn here(why: String) -> Self {
        Self {
            why,
            elsewhere: false,
        }
    }

    /// Why somebody else's web server gave no answer, if that is what is missing.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        self.elsewhere.then_some(self.why.as_str())
    }

    /// A record that cannot be read is as good as no answer.
    pub(crate) fn unreadable(key: &str, error: &impl std::fmt::Display) -> Self {
        tracing::error!(key, %error, "a record cannot be read");
        Self::here("a record cannot be read".to_owned())
    }

    /// Work that was to be done off the async threads was not done.
    pub(crate) fn interrupted() -> Self {
        Self::here("the work was interrupted".to_owned())
    }

    /// So much of one kind of work is under way that no more is taken on just now.
    pub(crate) fn busy() -> Self {
        Self::here("too much is to be done just now".to_owned())
    }

    /// Somebody else's web server, without which there is no answer.
    pub(crate) fn unreachable(why: &str) -> Self {
        Self {
            why: format!("a client's address gives no answer: {why}"),
            elsewhere: true,
        }
    }

    /// This server has asked others for so much that it asks for nothing more just now.
    pub(crate) fn too_many_fetches() -> Self {
        Self::here("too many fetches just now".to_owned())
    }

    /// The store holds a part of a backup only.
    pub(crate) fn half_restored() -> Self {
        Self::here(
            "a backup is being restored into the store, or a restore was interrupted".to_owned(),
        )
    }

    /// Others kept changing a record first.
    pub(crate) fn contended() -> Self {
        Self::here("too many others were changing the same record".to_owned())
    }
}

//! Why no answer is possible now.

use thiserror::Error;

/// The store or a required third-party web server did not answer. A change may have happened; the
/// client should try again (HTTP 503).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no answer is possible now: {why}")]
pub struct Unavailable {
    why: String,
    /// Whether a third-party web server failed.
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

    /// Why a third-party web server failed, if that is the reason.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        self.elsewhere.then_some(self.why.as_str())
    }

    /// An unreadable record counts as no answer.
    pub(crate) fn unreadable(key: &str, error: &impl std::fmt::Display) -> Self {
        tracing::error!(key, %error, "a record cannot be read");
        Self::here("a record cannot be read".to_owned())
    }

    /// Work that was to be done off the async threads was not done.
    pub(crate) fn interrupted() -> Self {
        Self::here("the work was interrupted".to_owned())
    }

    /// Too much work of this kind is running.
    pub(crate) fn busy() -> Self {
        Self::here("too much is to be done just now".to_owned())
    }

    /// A required third-party web server.
    pub(crate) fn unreachable(why: &str) -> Self {
        Self {
            why: format!("a client's address gives no answer: {why}"),
            elsewhere: true,
        }
    }

    /// The limit of fetches is reached.
    pub(crate) fn too_many_fetches() -> Self {
        Self::here("too many fetches just now".to_owned())
    }

    /// The store contains an incomplete backup.
    pub(crate) fn half_restored() -> Self {
        Self::here(
            "a backup is being restored into the store, or a restore was interrupted".to_owned(),
        )
    }

    /// Other writers kept changing a record first.
    pub(crate) fn contended() -> Self {
        Self::here("too many others were changing the same record".to_owned())
    }
}

//! Why no answer is possible now.

use thiserror::Error;

use crate::fetch_fault::FetchFault;

/// The store or a required third-party web server did not answer. A change may have happened; the
/// client should try again (HTTP 503).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("temporarily unavailable: {0}")]
pub struct Unavailable(Cause);

/// The cause, with its text for the log and the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum Cause {
    #[error("{0}")]
    Store(String),
    #[error("a record cannot be read")]
    UnreadableRecord,
    #[error("the work was interrupted")]
    Interrupted,
    #[error("the server is overloaded")]
    Busy,
    #[error("the keys of a client could not be fetched: {0}")]
    ClientAddress(FetchFault),
    #[error("too many fetches")]
    TooManyFetches,
    #[error("a restore into the store is running or was interrupted")]
    HalfRestored,
    #[error("too many concurrent changes of the same record")]
    Contended,
}

impl From<store::Error> for Unavailable {
    fn from(error: store::Error) -> Self {
        tracing::error!(%error, "the store is unavailable");
        Self(Cause::Store(error.to_string()))
    }
}

impl Unavailable {
    /// Why a third-party web server failed, if that is the cause.
    pub(crate) const fn client_address_fault(&self) -> Option<FetchFault> {
        match self.0 {
            Cause::ClientAddress(fault) => Some(fault),
            Cause::Store(_)
            | Cause::UnreadableRecord
            | Cause::Interrupted
            | Cause::Busy
            | Cause::TooManyFetches
            | Cause::HalfRestored
            | Cause::Contended => None,
        }
    }

    /// An unreadable record counts as no answer.
    pub(crate) fn unreadable(key: &str, error: &impl std::fmt::Display) -> Self {
        tracing::error!(key, %error, "a record cannot be read");
        Self(Cause::UnreadableRecord)
    }

    /// Work that was to be done off the async threads was not done.
    pub(crate) const fn interrupted() -> Self {
        Self(Cause::Interrupted)
    }

    /// Too much work of this kind is running.
    pub(crate) const fn busy() -> Self {
        Self(Cause::Busy)
    }

    /// A required third-party web server.
    pub(crate) const fn unreachable(fault: FetchFault) -> Self {
        Self(Cause::ClientAddress(fault))
    }

    /// The limit of fetches is reached.
    pub(crate) const fn too_many_fetches() -> Self {
        Self(Cause::TooManyFetches)
    }

    /// The store contains an incomplete backup.
    pub(crate) const fn half_restored() -> Self {
        Self(Cause::HalfRestored)
    }

    /// Other writers kept changing a record first.
    pub(crate) const fn contended() -> Self {
        Self(Cause::Contended)
    }
}

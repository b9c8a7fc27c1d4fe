//! The audit trail: who did what, from where, to what. Append-only, each event chained to the one
//! before it.

pub(crate) mod activity;
mod event;
mod folds;
mod recorded;
mod trail;

pub use event::{Actor, ClientName, Deed, Event, Kind, Origin, UnknownDeed, Whose};
pub use recorded::Recorded;
pub(crate) use recorded::{Foreign, Kept, Latest};
pub(crate) use trail::Trail;
pub use trail::{AuditFilter, AuditPage, AuditReport};

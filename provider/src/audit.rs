//! The audit log: who did what, from where, to what. Append-only, each event chained to the one
//! before it.

mod action;
pub(crate) mod activity;
mod entry;
mod event;
mod folds;
mod log;

pub use action::{AuditAction, Category, UnknownAction};
pub(crate) use activity::Activity;
pub use entry::AuditEntry;
pub(crate) use entry::Link;
pub(crate) use entry::{ChainHead, CorruptEntry, Kept};
pub use event::{Actor, ClientName, Event, RequestSource, Whose};
pub(crate) use log::AuditLog;
pub use log::{AuditFilter, AuditPage, AuditReport};

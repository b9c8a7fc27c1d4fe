//! The audit log: who did what, from where, to what. Append-only, each event chained to the one
//! before it.

mod activity;
mod entry;
mod folds;
mod log;
mod reader;
mod together;
mod waiting;

pub use self::log::{AuditFilter, AuditLog, AuditPage, AuditReport};
pub(crate) use self::{reader::AuditReader, waiting::LogState};
pub(crate) use crate::state::audit::{
    AccountName, Actor, AuditAction, AuditEntry, Category, ChainHead, Event, RequestSource,
    UnknownAction,
};

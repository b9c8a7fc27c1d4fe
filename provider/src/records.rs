//! Records in the store: typed keys, the shapes in which they are stored, and the steps on them.
//!
//! A stored shape is a contract with other releases: with earlier ones, whose records are read, and
//! with other servers over the same store. The shapes are therefore separate types (`records::v1`),
//! with `From` and `TryFrom` to the domain types, which can change freely.
//!
//! - **Version.** A shape with members begins with `v`, the version ([`V1`]); a record without it
//!   has version 1. A minor change adds a member, which must have a default: members that a release
//!   does not know survive its writes. A major change raises the version: a release that does not
//!   know it logs it and does not read the record. A record that is a bare number, text, array or
//!   map has no place for a version and has version 1; its next version is an object with `v`.
//! - **Expiry.** The expiry in the store only frees space, by a real clock. The expiry in the
//!   record decides, by the server's own clock. The store keeps records a little longer ([`ttl`]).
//!
//! To add a kind of record:
//!
//! 1. Declare the kind in `records::keys`, with a constructor of its key (and of its list).
//! 2. Write its shape in `records/v1/`, a file for each kind, with a member `v: V1`; implement
//!    `From<&Domain>` for the shape and `TryFrom<Shape>` for the domain type, and name both in
//!    `stored_as!`.
//! 3. Add a golden file for each of its states to `provider/tests/golden/v1/`, and a row to
//!    docs/STORAGE.md. Tests fail while either is missing.
//! 4. Read and write it by the steps here: [`read`], [`insert`], [`change`], [`put`], [`take`], or
//!    a [`Collection`] where a list names the records.

mod batch;
mod collection;
mod encoding;
#[cfg(test)]
mod golden;
mod key;
pub(crate) mod keys;
mod outcomes;
mod sorted;
mod steps;
mod unknown;
pub(crate) mod v1;
mod version;
mod versioned;

use std::time::Duration;

use store::Ttl;

pub(crate) use self::{
    batch::{Batch, BatchResults, NamesTicket, ReadTicket, SwapTicket, WriteTicket},
    collection::{Collection, sweep},
    encoding::{
        Itself, Malformed, Record, decode, encode, parse, size, stored_as, stored_as_itself,
        to_json,
    },
    key::{Key, List, PartOf},
    outcomes::Outcomes,
    sorted::{
        Members, Progress, Sorting, SweepPlaces, build, build_some, change_sorted,
        change_sorted_from, page, put_sorted, sweep_sorted_sometimes,
    },
    steps::{
        Change, Found, MOST_TRIES, change, change_from, exists, find, found, insert, put, put_from,
        read, remove, swap_bytes, take,
    },
    version::V1,
    versioned::{StoredBytes, Swapped, Versioned},
};
pub use self::{
    collection::Listing,
    sorted::{PageRequest, SortOrder, SortedPage},
};

/// How much longer the store keeps a record than it is valid.
const SLACK: Duration = Duration::from_mins(1);

/// The lifetime in the store of a record that is valid for `span`.
pub(crate) fn ttl(span: Duration) -> Ttl {
    Ttl::For(span.saturating_add(SLACK))
}

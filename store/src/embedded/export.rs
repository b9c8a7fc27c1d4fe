//! Reading a whole snapshot.

use redb::{ReadTransaction, ReadableTable as _};

use super::tables::{LISTS, RECORDS};
use crate::{
    Ttl,
    clock::{self, Deadline},
    export::{Entries, Entry, Fault},
};

/// Sends all records that have not expired, then all members of lists.
pub(super) fn read(snapshot: &ReadTransaction, entries: &Entries) -> Result<(), Fault> {
    for record in snapshot
        .open_table(RECORDS)
        .map_err(redb::Error::from)?
        .iter()
        .map_err(redb::Error::from)?
    {
        let (key, record) = record.map_err(redb::Error::from)?;
        let (deadline, value) = record.value();
        if let Some(ttl) = left(deadline, clock::now()) {
            entries.send_blocking(Entry::Record {
                key: key.value().to_owned(),
                value: value.to_owned(),
                ttl,
            })?;
        }
    }
    for entry in snapshot
        .open_table(LISTS)
        .map_err(redb::Error::from)?
        .iter()
        .map_err(redb::Error::from)?
    {
        let (entry, ()) = entry
            .map(|(entry, nothing)| (entry, nothing.value()))
            .map_err(redb::Error::from)?;
        let (list, member) = entry.value();
        entries.send_blocking(Entry::Member {
            list: list.to_owned(),
            member: member.to_owned(),
        })?;
    }
    Ok(())
}

/// The remaining time until a deadline; `None` when it has passed.
fn left(deadline: Deadline, now: u64) -> Option<Ttl> {
    match deadline {
        clock::NEVER => Some(Ttl::Forever),
        deadline => deadline
            .checked_sub(now)
            .filter(|&left| left > 0)
            .map(clock::ttl),
    }
}

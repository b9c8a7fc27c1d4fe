//! The tables, and the store operations as plain functions on them.

use std::{ops::Bound, time::Duration};

use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction,
};

use crate::{
    CasResult, Ttl,
    clock::{self, Deadline, NEVER},
};

type Result<T> = std::result::Result<T, redb::Error>;

/// Key → deadline and value.
pub(super) const RECORDS: TableDefinition<'_, &str, (Deadline, &[u8])> =
    TableDefinition::new("records");

/// The index of records with a deadline, soonest first, so that a sweep reads nothing else. Each
/// such record has one entry.
const EXPIRIES: TableDefinition<'_, (Deadline, &str), ()> = TableDefinition::new("expiries");

/// List and member.
pub(super) const LISTS: TableDefinition<'_, (&str, &str), ()> = TableDefinition::new("lists");

/// The tables within one write transaction, at one time.
pub(super) struct Tables<'txn> {
    records: Table<'txn, &'static str, (Deadline, &'static [u8])>,
    expiries: Table<'txn, (Deadline, &'static str), ()>,
    lists: Table<'txn, (&'static str, &'static str), ()>,
    now: u64,
    changed: bool,
}

impl<'txn> Tables<'txn> {
    /// Opens the tables of a transaction; `now` in milliseconds since 1970.
    pub(super) fn open(transaction: &'txn WriteTransaction, now: u64) -> Result<Self> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            expiries: transaction.open_table(EXPIRIES)?,
            lists: transaction.open_table(LISTS)?,
            now,
            changed: false,
        })
    }

    /// Whether the transaction must be committed.
    pub(super) fn changed(&self) -> bool {
        self.changed
    }

    pub(super) fn insert(&mut self, key: &str, value: &[u8], ttl: Ttl) -> Result<bool> {
        if self.live(key)?.is_some() {
            return Ok(false);
        }
        self.put(key, value, clock::deadline(self.now, ttl))?;
        Ok(true)
    }

    pub(super) fn compare_and_swap(
        &mut self,
        key: &str,
        expected: &[u8],
        new: &[u8],
        ttl: Ttl,
    ) -> Result<CasResult> {
        match self.live(key)? {
            Some((_, value)) if value == expected => {
                self.put(key, new, clock::deadline(self.now, ttl))?;
                Ok(CasResult::Done)
            }
            other => Ok(CasResult::Changed(other.map(|(_, value)| value))),
        }
    }

    pub(super) fn take(&mut self, key: &str) -> Result<Option<Vec<u8>>> {
        let Some((deadline, value)) = self.live(key)? else {
            return Ok(None);
        };
        self.records.remove(key)?;
        self.unschedule(deadline, key)?;
        self.changed = true;
        Ok(Some(value))
    }

    /// The new count; `None` if the record is not a counter.
    pub(super) fn add(&mut self, key: &str, amount: u64, ttl: Duration) -> Result<Option<u64>> {
        let (deadline, so_far) = match self.live(key)? {
            None => (clock::deadline(self.now, Ttl::For(ttl)), Some(0)),
            Some((deadline, digits)) => (
                deadline,
                std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|digits| digits.parse().ok()),
            ),
        };
        let Some(count) = so_far.and_then(|count: u64| count.checked_add(amount)) else {
            return Ok(None);
        };
        self.put(key, count.to_string().as_bytes(), deadline)?;
        Ok(Some(count))
    }

    pub(super) fn set_add(&mut self, list: &str, member: &str) -> Result<bool> {
        let new = self.lists.insert((list, member), ())?.is_none();
        self.changed |= new;
        Ok(new)
    }

    pub(super) fn set_remove(&mut self, list: &str, member: &str) -> Result<bool> {
        let was_in = self.lists.remove((list, member))?.is_some();
        self.changed |= was_in;
        Ok(was_in)
    }

    /// The value under `key`, as this transaction sees it.
    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.live(key)?.map(|(_, value)| value))
    }

    /// Up to `limit` members of a list, as this transaction sees it.
    pub(super) fn members(
        &self,
        list: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        members_of(&self.lists, list, after, limit)
    }

    /// Removes up to `limit` expired records, the oldest deadline first; returns how many.
    pub(super) fn sweep(&mut self, limit: usize) -> Result<usize> {
        let mut due = Vec::new();
        for entry in self
            .expiries
            .range(..(self.now.saturating_add(1), ""))?
            .take(limit)
        {
            let entry = entry?.0;
            let (deadline, key) = entry.value();
            due.push((deadline, key.to_owned()));
        }
        for (deadline, key) in &due {
            self.unschedule(*deadline, key)?;
            self.records.remove(key.as_str())?;
            self.changed = true;
        }
        Ok(due.len())
    }

    /// The record, unless it has expired.
    fn live(&self, key: &str) -> Result<Option<(Deadline, Vec<u8>)>> {
        live(&self.records, key, self.now)
    }

    /// Writes a record and updates the expiry index.
    fn put(&mut self, key: &str, value: &[u8], deadline: Deadline) -> Result<()> {
        let before = self
            .records
            .insert(key, (deadline, value))?
            .map(|record| record.value().0);
        self.changed = true;
        if before == Some(deadline) {
            return Ok(());
        }
        if let Some(before) = before {
            self.unschedule(before, key)?;
        }
        if deadline != NEVER {
            self.expiries.insert((deadline, key), ())?;
        }
        Ok(())
    }

    fn unschedule(&mut self, deadline: Deadline, key: &str) -> Result<()> {
        if deadline != NEVER {
            self.expiries.remove((deadline, key))?;
        }
        Ok(())
    }
}

/// The records of a snapshot, at one time.
pub(super) struct Records {
    table: ReadOnlyTable<&'static str, (Deadline, &'static [u8])>,
    now: u64,
}

impl Records {
    /// Opens the table of records.
    pub(super) fn open(snapshot: &ReadTransaction) -> Result<Self> {
        Ok(Self {
            table: snapshot.open_table(RECORDS)?,
            now: clock::now(),
        })
    }

    /// The value under `key`.
    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(live(&self.table, key, self.now)?.map(|(_, value)| value))
    }
}

/// Up to `limit` members of a list in byte order, strictly after `after`.
pub(super) fn members(
    snapshot: &ReadTransaction,
    list: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>> {
    members_of(&snapshot.open_table(LISTS)?, list, after, limit)
}

/// Whether any record has expired.
pub(super) fn any_expired(snapshot: &ReadTransaction) -> Result<bool> {
    let expiries = snapshot.open_table(EXPIRIES)?;
    let soonest = expiries.range::<(Deadline, &str)>(..)?.next().transpose()?;
    Ok(soonest.is_some_and(|(entry, _)| entry.value().0 <= clock::now()))
}

/// The number of records and of expiry index entries, expired ones included.
#[cfg(test)]
pub(super) fn rows(snapshot: &ReadTransaction) -> Result<(usize, usize)> {
    let (records, expiries) = (
        snapshot.open_table(RECORDS)?,
        snapshot.open_table(EXPIRIES)?,
    );
    Ok((records.iter()?.count(), expiries.iter()?.count()))
}

fn live(
    records: &impl ReadableTable<&'static str, (Deadline, &'static [u8])>,
    key: &str,
    now: u64,
) -> Result<Option<(Deadline, Vec<u8>)>> {
    let Some(record) = records.get(key)? else {
        return Ok(None);
    };
    let (deadline, value) = record.value();
    Ok((now < deadline).then(|| (deadline, value.to_owned())))
}

fn members_of(
    lists: &impl ReadableTable<(&'static str, &'static str), ()>,
    list: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<String>> {
    let from = after.map_or(Bound::Included((list, "")), |after| {
        Bound::Excluded((list, after))
    });
    let mut members = Vec::new();
    for entry in lists.range((from, Bound::Unbounded))?.take(limit) {
        let entry = entry?.0;
        let (of, member) = entry.value();
        if of != list {
            break;
        }
        members.push(member.to_owned());
    }
    Ok(members)
}

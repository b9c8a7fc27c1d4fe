//! Reading the audit log.

use std::{sync::Arc, time::Duration};

use oauth::Timestamp;
use tokio::time::sleep;

use super::{
    AuditLog,
    entry::{CorruptEntry, StoredRecord},
    waiting::MOST_TOGETHER,
};
use crate::{
    audit::{AuditEntry, AuditFilter, AuditPage, AuditReport, ChainHead},
    records::{self, Batch, Key, keys},
    unavailable::Unavailable,
};

/// How many numbers are read at once.
const A_CHUNK: u64 = 256;
/// How far before an event its record may begin.
const WITHIN: u64 = MOST_TOGETHER as u64 - 1;
/// The number of events read for one page; a filter for rare events continues on the next.
const MOST_LOOKED_AT: u64 = 4096;
/// By how much the clocks of servers that share the store may differ: events are in the order in which
/// they were added, and their times nearly so.
const SKEW: Duration = Duration::from_mins(5);
/// A server notes the newest event sooner than this after it has added it.
const SOON: Duration = Duration::from_secs(1);

/// The newest event, and the record that names it.
struct Anchors {
    /// The note that every event renews.
    noted: Option<ChainHead>,
    /// The note that is renewed every few seconds.
    marked: Option<ChainHead>,
    /// The state of this server.
    added: Option<ChainHead>,
}

impl Anchors {
    fn all(&self) -> impl Iterator<Item = &ChainHead> {
        [&self.noted, &self.marked, &self.added]
            .into_iter()
            .flatten()
    }

    fn newest(&self) -> u64 {
        self.all().map(|latest| latest.number).max().unwrap_or(0)
    }
}

/// Reads and verifies the audit log.
pub(crate) struct AuditReader {
    log: Arc<AuditLog>,
}

impl AuditReader {
    /// Of a log.
    pub(crate) const fn new(log: Arc<AuditLog>) -> Self {
        Self { log }
    }

    /// Events, newest first: at most `limit` of those numbered below `before`, if that is given.
    pub(crate) async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AuditPage, Unavailable> {
        self.log.settle().await;
        let (first, after) = self.numbers(filter).await?;
        let end = before.map_or(after, |before| before.min(after));
        let mut below = end;
        let mut events = Vec::new();
        let last = below.saturating_sub(MOST_LOOKED_AT);
        let mut looked_back_to = None;
        let mut is_continued = true;
        while below > first && below > last && events.len() <= limit {
            let from = below.saturating_sub(A_CHUNK).max(1);
            let chunk = self.entries(from, below).await?;
            if let Some(oldest) = chunk.first() {
                looked_back_to = Some(oldest.event.at);
                is_continued = self.is_continued(oldest);
            } else if !is_continued {
                return Ok(page(events, limit, None, looked_back_to));
            }
            let is_wanted = |entry: &AuditEntry| entry.number < end && filter.wants(&entry.event);
            events.extend(chunk.into_iter().rev().filter(is_wanted));
            below = from;
        }
        Ok(page(
            events,
            limit,
            (below > first).then_some(below),
            looked_back_to,
        ))
    }

    /// Events for export, oldest first: at most `limit` of those numbered above `after`.
    pub(crate) async fn audit_export(
        &self,
        filter: &AuditFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, Unavailable> {
        self.log.settle().await;
        let (first, end) = self.numbers(filter).await?;
        let first = first.max(self.oldest(end.saturating_sub(1)).await?);
        let mut from = after.saturating_sub(WITHIN).max(first);
        let mut events = Vec::new();
        while from < end && events.len() < limit {
            let to = (from + A_CHUNK).min(end);
            let is_wanted = |entry: &AuditEntry| entry.number > after && filter.wants(&entry.event);
            events.extend(self.entries(from, to).await?.into_iter().filter(is_wanted));
            from = to;
        }
        events.truncate(limit);
        Ok(events)
    }

    /// Checks the whole chain: that no event was changed, added or taken out of the middle, that
    /// none is missing at the end which is noted, marked or remembered as the newest, and that it
    /// is noted.
    pub(crate) async fn verify_audit(&self) -> Result<AuditReport, Unavailable> {
        self.log.settle().await;
        let anchors = self.anchors().await?;
        let newest = self.newest().await?;
        let mut from = self.oldest(newest).await?;
        let mut report = AuditReport {
            events: 0,
            first: None,
            last: None,
            faults: Vec::new(),
        };
        let mut previous: Option<ChainHead> = None;
        while from <= newest {
            let to = (from + A_CHUNK).min(newest + 1);
            for found in self.read(from, to).await? {
                let (first, last) = match found {
                    Err(CorruptEntry(number)) => {
                        report.faults.push(format!(
                            "event {number} was changed or was not written by this server"
                        ));
                        (number, number)
                    }
                    Ok(stored) => {
                        let fault = stored.fault(previous.as_ref(), self.log.retention());
                        report.faults.extend(fault);
                        previous = Some(ChainHead::of(&stored.record));
                        (stored.record.first(), stored.record.last())
                    }
                };
                report.events += last - first + 1;
                report.first = report.first.or(Some(first));
                report.last = Some(last);
            }
            from = to;
        }
        report.faults.extend(self.missing_end(&anchors, &report));
        report.faults.extend(self.missing_note(&report).await?);
        Ok(report)
    }

    /// Removes events beyond the configured retention, since the store keeps them for the retention
    /// at their time. Called when a server starts.
    pub(crate) async fn forget_old_events(&self) -> Result<(), Unavailable> {
        let mut end = self.oldest(self.newest().await?).await?;
        let store = self.log.context.store();
        while end > 1 {
            let from = end.saturating_sub(A_CHUNK).max(1);
            let mut batch = Batch::default();
            let removed: Vec<_> = (from..end)
                .map(|number| batch.remove(&keys::event(number)))
                .collect();
            let mut results = batch.run(store).await?;
            let mut any = false;
            for ticket in &removed {
                any |= results.changed(ticket)?;
            }
            if !any {
                break;
            }
            end = from;
        }
        Ok(())
    }

    /// The fault when the newest known event is missing before its expiry.
    fn missing_end(&self, anchors: &Anchors, report: &AuditReport) -> Option<String> {
        let retention = self.log.retention();
        let newest = anchors
            .all()
            .filter(|latest| !latest.is_over(retention))
            .map(|latest| latest.number)
            .max()?;
        let missing = report.last.unwrap_or(0) < newest;
        missing.then(|| format!("event {newest}, the newest recorded one, is missing"))
    }

    /// The fault when the record of the newest event is missing or outdated.
    async fn missing_note(&self, report: &AuditReport) -> Result<Option<String>, Unavailable> {
        let Some(last) = report.last else {
            return Ok(None);
        };
        for patience in [SOON, Duration::ZERO] {
            match self.noted(&keys::LATEST_EVENT).await? {
                Some(noted) if noted.number >= last => return Ok(None),
                // A server may be about to note it.
                Some(_) if !patience.is_zero() => sleep(patience).await,
                Some(noted) => {
                    return Ok(Some(format!(
                        "event {} is recorded as the newest, but there are newer ones up to {last}",
                        noted.number
                    )));
                }
                None => {
                    return Ok(Some("the record of the newest event is missing, so events may be missing at the end".to_owned()));
                }
            }
        }
        Ok(None)
    }

    async fn noted(&self, key: &Key<ChainHead>) -> Result<Option<ChainHead>, Unavailable> {
        records::read(self.log.context.store(), key).await
    }

    async fn anchors(&self) -> Result<Anchors, Unavailable> {
        let (noted, marked) = (
            self.noted(&keys::LATEST_EVENT).await?,
            self.noted(&keys::EVENT_MARK).await?,
        );
        Ok(Anchors {
            noted,
            marked,
            added: self.log.newest_added().await,
        })
    }

    /// The number of the newest event; servers may be about to note it.
    async fn newest(&self) -> Result<u64, Unavailable> {
        let anchors = self.anchors().await?;
        let mut newest = if anchors.all().next().is_some() {
            anchors.newest()
        } else {
            self.found_anywhere().await?
        };
        // From the newest that is noted on, few are expected.
        while let Some(found) = self.read(newest + 1, newest + 2 + WITHIN).await?.last() {
            newest = match found {
                Ok(stored) => stored.record.last(),
                Err(CorruptEntry(number)) => *number,
            };
        }
        Ok(newest)
    }

    /// The number of some event, if no record names the newest: searched at numbers that grow by a
    /// quarter. 0 when none is found.
    async fn found_anywhere(&self) -> Result<u64, Unavailable> {
        let numbers = std::iter::successors(Some(1_u64), |number| Some(number + number / 4 + 1))
            .take_while(|number| *number < 1 << 40);
        let mut found = 0;
        for number in numbers {
            if self.covers(number).await? {
                found = number;
            }
        }
        Ok(found)
    }

    /// The first number of the events in the time that a filter names, and the number after the last
    /// one.
    async fn numbers(&self, filter: &AuditFilter) -> Result<(u64, u64), Unavailable> {
        let end = self.newest().await? + 1;
        let first = match filter.since {
            None => 1,
            // The record of the first one may begin before it.
            Some(since) => self
                .added_by(since.before(SKEW), end)
                .await?
                .saturating_sub(WITHIN)
                .max(1),
        };
        let end = match filter.until {
            None => end,
            Some(until) => self.added_by(until.after(SKEW), end).await?,
        };
        Ok((first, end))
    }

    /// The number of the first event that was added at a time or later, by binary search; `end` when
    /// there is none.
    async fn added_by(&self, time: Timestamp, end: u64) -> Result<u64, Unavailable> {
        let (mut low, mut high) = (1, end);
        while low < high {
            let middle = low + (high - low) / 2;
            let from = middle.saturating_sub(WITHIN).max(1);
            let there = self.entries(from, middle + 1 + WITHIN).await?;
            // One that cannot be read is taken for those beside it. Older ones are deleted first, so
            // there is none only before the time.
            let before = there.iter().rev().find(|entry| entry.number <= middle);
            let nearest = before.or(there.first());
            if nearest.is_some_and(|entry| entry.event.at >= time) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// The number of the oldest kept event, by binary search, since older ones are deleted first;
    /// `newest` + 1 when there is none.
    async fn oldest(&self, newest: u64) -> Result<u64, Unavailable> {
        let (mut low, mut high) = (1, newest + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.covers(middle).await? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// Whether the event before one should still be kept.
    fn is_continued(&self, entry: &AuditEntry) -> bool {
        entry
            .previous
            .as_ref()
            .is_some_and(|link| !self.log.retention().is_over(link.at, link.expires_at))
    }

    /// Whether an event is kept: its record begins there, or shortly before.
    async fn covers(&self, number: u64) -> Result<bool, Unavailable> {
        let from = number.saturating_sub(WITHIN).max(1);
        Ok(match self.read(from, number + 1).await?.last() {
            None => false,
            Some(Ok(stored)) => stored.record.last() >= number,
            Some(Err(CorruptEntry(there))) => *there == number,
        })
    }

    /// The readable events of the records from `from` to below `to`, oldest first.
    async fn entries(&self, from: u64, to: u64) -> Result<Vec<AuditEntry>, Unavailable> {
        let records = self.read(from, to).await?.into_iter().flatten();
        Ok(records
            .flat_map(|stored| stored.record.into_entries())
            .collect())
    }

    /// The kept records whose first event has a number from `from` to below `to`, and what else is
    /// in their places, oldest first.
    async fn read(
        &self,
        from: u64,
        to: u64,
    ) -> Result<Vec<Result<StoredRecord, CorruptEntry>>, Unavailable> {
        let mut batch = Batch::default();
        let tickets: Vec<_> = (from..to)
            .map(|number| (number, batch.read(keys::event(number))))
            .collect();
        let mut results = batch.run(self.log.context.store()).await?;
        let retention = self.log.retention();
        let mut found = Vec::new();
        for (number, ticket) in tickets {
            let Some(bytes) = results.bytes(&ticket)? else {
                continue;
            };
            let stored = StoredRecord::read(number, &bytes, &self.log.state.key);
            let is_over = |stored: &StoredRecord| {
                retention.is_over(Some(stored.record.at()), stored.record.expires_at())
            };
            found.extend(Some(stored).filter(|stored| !stored.as_ref().is_ok_and(is_over)));
        }
        Ok(found)
    }
}

/// One page of events, the cursor of the next, and how far back it reaches.
fn page(
    mut events: Vec<AuditEntry>,
    limit: usize,
    rest: Option<u64>,
    looked_back_to: Option<Timestamp>,
) -> AuditPage {
    let beyond = events.len() > limit;
    events.truncate(limit);
    let before = if beyond {
        events.last().map(|last| last.number)
    } else {
        rest
    };
    AuditPage {
        events,
        before,
        looked_back_to,
    }
}

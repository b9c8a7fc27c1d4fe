//! Reading the audit trail.

use futures_util::future::try_join_all;

use super::{Administration, Done};
use crate::{
    audit::{AuditFilter, AuditPage, AuditReport, Foreign, Recorded},
    keys,
    problem::Unavailable,
};

/// How many events are read at once.
const A_CHUNK: u64 = 64;
/// How many events are looked at for one page; whoever filters for what is rare goes on from there.
const MOST_LOOKED_AT: u64 = 4096;

impl Administration {
    /// Events, newest first: at most `limit` of those numbered below `before`, if that is given.
    pub async fn audit(&self, filter: &AuditFilter, before: Option<u64>, limit: usize) -> Done<AuditPage> {
        let newest = self.newest().await?;
        let mut below = before.map_or(newest + 1, |before| before.min(newest + 1));
        let (mut events, last) = (Vec::new(), below.saturating_sub(MOST_LOOKED_AT));
        while below > 1 && below > last && events.len() <= limit {
            let from = below.saturating_sub(A_CHUNK).max(1);
            let chunk = self.read(from, below).await?;
            if chunk.is_empty() {
                return Ok(page(events, limit, None));
            }
            events.extend(chunk.into_iter().rev().flatten().filter(|recorded| filter.wants(&recorded.event)));
            below = from;
        }
        Ok(page(events, limit, (below > 1).then_some(below)))
    }

    /// Events for export, oldest first: at most `limit` of those numbered above `after`.
    pub async fn audit_export(&self, filter: &AuditFilter, after: u64, limit: usize) -> Done<Vec<Recorded>> {
        let newest = self.newest().await?;
        let mut from = (after + 1).max(self.oldest(newest).await?);
        let mut events = Vec::new();
        while from <= newest && events.len() < limit {
            let chunk = self.read(from, (from + A_CHUNK).min(newest + 1)).await?;
            events.extend(chunk.into_iter().flatten().filter(|recorded| filter.wants(&recorded.event)));
            from += A_CHUNK;
        }
        events.truncate(limit);
        Ok(events)
    }

    /// Checks the whole chain: that no event was changed, added or taken out of the middle, and that none that is noted as the
    /// newest is missing.
    pub async fn verify_audit(&self) -> Done<AuditReport> {
        let newest = self.newest().await?;
        let mut from = self.oldest(newest).await?;
        let mut report = AuditReport { events: 0, first: None, last: None, faults: Vec::new() };
        let mut previous: Option<Recorded> = None;
        while from <= newest {
            for found in self.read(from, (from + A_CHUNK).min(newest + 1)).await? {
                let number = match found {
                    Err(Foreign(number)) => {
                        report.faults.push(format!("event {number} was changed, or not written by this server"));
                        number
                    }
                    Ok(recorded) => {
                        report.faults.extend(self.provider.fault_of(&recorded, previous.as_ref()));
                        previous.insert(recorded).number
                    }
                };
                report.events += 1;
                report.first = report.first.or(Some(number));
                report.last = Some(number);
            }
            from += A_CHUNK;
        }
        report.faults.extend(self.missing_end(&report).await?);
        Ok(report)
    }

    /// Removes the events that are too old by the retention that is set now: the store keeps them for as long as was set when they
    /// happened. To be called when a server starts.
    pub async fn forget_old_events(&self) -> Done {
        let mut number = self.oldest(self.newest().await?).await?;
        while number > 1 && self.provider.store().remove(&keys::event(number - 1)).await? {
            number -= 1;
        }
        Ok(())
    }

    /// What is said when the newest event that was noted is not there, before its time.
    async fn missing_end(&self, report: &AuditReport) -> Done<Option<String>> {
        let latest = self.provider.latest_event().await?;
        let missing = report.last.unwrap_or(0) < latest.number && !latest.is_over(self.provider.retention());
        Ok(missing.then(|| format!("event {}, the newest that was noted, is missing before its time", latest.number)))
    }

    /// The number of the newest event; servers may be about to note it.
    async fn newest(&self) -> Result<u64, Unavailable> {
        let mut newest = self.provider.latest_event().await?.number;
        while self.provider.recorded(newest + 1).await?.is_some() {
            newest += 1;
        }
        Ok(newest)
    }

    /// The number of the oldest event that is kept, by halves, since older ones are forgotten first; one more than `newest` when
    /// there is none.
    async fn oldest(&self, newest: u64) -> Result<u64, Unavailable> {
        let (mut low, mut high) = (1, newest + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.provider.recorded(middle).await?.is_some() { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    /// The events numbered from `from` to below `to` that are kept, and what lies in their places, oldest first.
    async fn read(&self, from: u64, to: u64) -> Result<Vec<Result<Recorded, Foreign>>, Unavailable> {
        let read = try_join_all((from..to).map(|number| self.provider.recorded(number))).await?;
        Ok(read.into_iter().flatten().collect())
    }
}

/// One page of the events that were found, and where the next begins.
fn page(mut events: Vec<Recorded>, limit: usize, rest: Option<u64>) -> AuditPage {
    let beyond = events.len() > limit;
    events.truncate(limit);
    let before = if beyond { events.last().map(|last| last.number) } else { rest };
    AuditPage { events, before }
}

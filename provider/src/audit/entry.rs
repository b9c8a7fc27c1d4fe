//! The records of the audit log: their link to the previous one, their expiry, and possible faults.

use identity::audit_chain::{self, Position, Previous, Retention};
use oauth::{Id, Secret, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Actor, AuditAction, Event, UnknownAction};
use crate::{
    records::{self, encode},
    state::audit::{AuditBatch, AuditEntry, AuditRecord, BatchedEvent, ChainHead, Link},
};

/// A record as stored.
pub(crate) struct StoredRecord {
    pub(crate) record: AuditRecord,
    /// Whether its hash is that of its bytes.
    is_genuine: bool,
}

/// The members of a stored record that the next ones need, in any version.
#[derive(Deserialize)]
pub(super) struct RecordHeader {
    /// The number of its first event.
    pub(super) number: u64,
    /// The number of its last event, if it has several.
    #[serde(default)]
    last: Option<u64>,
    #[serde(default, with = "crate::values")]
    id: Option<Id>,
    #[serde(with = "crate::values")]
    at: Timestamp,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
    #[serde(default)]
    previous: Option<Link>,
    pub(super) hash: String,
}

/// A record in the place of this event that is not the event.
pub(crate) struct CorruptEntry(pub(crate) u64);

impl ChainHead {
    pub(super) fn of(record: &AuditRecord) -> Self {
        Self {
            number: record.last(),
            link: Some(Link {
                hash: record.hash().to_owned(),
                expires_at: record.expires_at(),
                at: Some(record.at()),
            }),
        }
    }

    /// Whether the event may be forgotten.
    pub(crate) fn is_over(&self, retention: Retention) -> bool {
        self.link
            .as_ref()
            .is_some_and(|link| retention.is_over(link.at, link.expires_at))
    }

    /// The link after a record that is no event, so that events can be appended after it.
    pub(super) fn past(&self) -> Self {
        Self {
            number: self.number + 1,
            link: self.link.clone(),
        }
    }

    /// The record of the next events, of which there is at least one. `lifetime` is how long each
    /// is kept.
    pub(super) fn followed_by(
        &self,
        first: (Id, Event),
        others: Vec<(Id, Event)>,
        lifetime: std::time::Duration,
        key: &Secret,
    ) -> AuditRecord {
        let number = self.number + 1;
        let previous = self.link.clone();
        let unsigned = if others.is_empty() {
            let (id, event) = first;
            AuditRecord::One(Box::new(AuditEntry {
                number,
                id,
                expires_at: event.at.after(lifetime),
                event,
                previous,
                beyond: Map::new(),
                hash: String::new(),
            }))
        } else {
            AuditRecord::Several(batch(number, previous, (first, others), lifetime))
        };
        let hash = audit_chain::hash(&encode(&unsigned), key);
        unsigned.with_hash(hash)
    }
}

fn batch(
    number: u64,
    previous: Option<Link>,
    (first, others): ((Id, Event), Vec<(Id, Event)>),
    lifetime: std::time::Duration,
) -> AuditBatch {
    let newest = |newest: Timestamp, (_, event): &(Id, Event)| newest.max(event.at);
    let at = others.iter().fold(first.1.at, newest);
    let batched = |(id, event)| BatchedEvent {
        id,
        event,
        beyond: Map::new(),
    };
    AuditBatch {
        number,
        last: number + others.len() as u64,
        at,
        expires_at: at.after(lifetime),
        events: std::iter::once(first).chain(others).map(batched).collect(),
        previous,
        beyond: Map::new(),
        hash: String::new(),
    }
}

impl From<RecordHeader> for ChainHead {
    fn from(header: RecordHeader) -> Self {
        Self {
            number: header.last.unwrap_or(header.number),
            link: Some(Link {
                hash: header.hash,
                expires_at: header.expires_at,
                at: Some(header.at),
            }),
        }
    }
}

/// The members that are read of an event of a newer version.
const KNOWN: [&str; 8] = [
    "number",
    "id",
    "at",
    "deed",
    "by",
    "expires_at",
    "previous",
    "hash",
];

/// An event of which this version can read only its time.
fn unknown_event(at: Timestamp, members: &Map<String, Value>) -> Event {
    let named = members
        .get("deed")
        .and_then(Value::as_str)
        .unwrap_or("unknown");
    Event {
        at,
        action: AuditAction::Unknown(UnknownAction::new(named)),
        by: Actor::Unknown(members.get("by").cloned().unwrap_or_default()),
        subject: None,
        from: None,
        client: None,
        about: None,
        times: None,
    }
}

fn without_known(members: Map<String, Value>) -> Map<String, Value> {
    members
        .into_iter()
        .filter(|(name, _)| !KNOWN.contains(&name.as_str()))
        .collect()
}

impl AuditEntry {
    /// An event of which this version can read only the header.
    fn of_header(header: RecordHeader, members: Map<String, Value>) -> Option<Self> {
        Some(Self {
            number: header.number,
            id: header.id?,
            event: unknown_event(header.at, &members),
            expires_at: header.expires_at,
            previous: header.previous,
            beyond: without_known(members),
            hash: header.hash,
        })
    }
}

/// The members of an event of a batch that any version has.
#[derive(Deserialize)]
struct EventHeader {
    #[serde(with = "crate::values")]
    id: Id,
    #[serde(with = "crate::values")]
    at: Timestamp,
}

impl BatchedEvent {
    /// An event of a batch, as far as this version can read it.
    fn of_members(members: Map<String, Value>) -> Option<Self> {
        let whole = Value::Object(members.clone());
        if let Ok(event) = serde_json::from_value(whole.clone()) {
            return Some(event);
        }
        let header: EventHeader = serde_json::from_value(whole).ok()?;
        Some(Self {
            id: header.id,
            event: unknown_event(header.at, &members),
            beyond: without_known(members),
        })
    }
}

impl AuditRecord {
    /// Reads a record. One of several events says so at its beginning: trying one form after the
    /// other would take twice as long.
    fn of_bytes(bytes: &[u8]) -> Result<Self, String> {
        let beginning = &bytes[..bytes.len().min(64)];
        if beginning.windows(6).any(|part| part == br#""last""#) {
            records::parse(bytes).map(Self::Several)
        } else {
            records::parse(bytes)
                .map(|entry| Self::One(Box::new(entry)))
                .or_else(|_| records::parse(bytes).map(Self::Several))
        }
    }

    /// A record of which this version can read only the header, and perhaps some of its events.
    fn of_header(header: RecordHeader, mut members: Map<String, Value>) -> Option<Self> {
        let Some(Value::Array(events)) = members.remove("events") else {
            let entry = AuditEntry::of_header(header, members)?;
            return Some(Self::One(Box::new(entry)));
        };
        let event = |event| match event {
            Value::Object(members) => BatchedEvent::of_members(members),
            _ => None,
        };
        Some(Self::Several(AuditBatch {
            number: header.number,
            last: header.last?,
            at: header.at,
            expires_at: header.expires_at,
            events: events.into_iter().map(event).collect::<Option<_>>()?,
            previous: header.previous,
            beyond: Map::new(),
            hash: header.hash,
        }))
    }

    /// Whether it has as many events as it says.
    fn is_whole(&self) -> bool {
        match self {
            Self::One(_) => true,
            Self::Several(batch) => {
                !batch.events.is_empty()
                    && batch.number + (batch.events.len() as u64 - 1) == batch.last
            }
        }
    }
}

impl StoredRecord {
    /// Reads the record in the place of an event.
    pub(super) fn read(number: u64, bytes: &[u8], key: &Secret) -> Result<Self, CorruptEntry> {
        let is_genuine = |hash: &str| audit_chain::is_genuine(bytes, hash, key);
        let is_here = |record: &AuditRecord| record.first() == number && record.is_whole();
        if let Ok(record) = AuditRecord::of_bytes(bytes)
            && is_here(&record)
        {
            let is_genuine = is_genuine(record.hash());
            return Ok(Self { record, is_genuine });
        }
        // What a server with the key has written is a record, whether or not this version can read
        // it.
        let header = serde_json::from_slice::<RecordHeader>(bytes)
            .ok()
            .filter(|header| is_genuine(&header.hash));
        let record = header
            .and_then(|header| AuditRecord::of_header(header, serde_json::from_slice(bytes).ok()?));
        record
            .filter(is_here)
            .map(|record| Self {
                record,
                is_genuine: true,
            })
            .ok_or(CorruptEntry(number))
    }

    /// Its fault, after the record that ends with `previous`.
    pub(super) fn fault(
        &self,
        previous: Option<&ChainHead>,
        retention: Retention,
    ) -> Option<String> {
        let position = Position {
            number: self.record.first(),
            hash: self.record.hash(),
            previous: self.record.previous().map(Link::as_previous),
            is_genuine: self.is_genuine,
        };
        let previous = previous.and_then(|previous| {
            let link = previous.link.as_ref()?;
            Some((previous.number, link.hash.as_str()))
        });
        let checked = position.check(previous, retention);
        checked.err().map(|error| error.to_string())
    }
}

impl Link {
    fn as_previous(&self) -> Previous<'_> {
        Previous {
            hash: &self.hash,
            at: self.at,
            expires_at: self.expires_at,
        }
    }
}

//! The record of an event: its link to the previous one, its expiry, and possible faults.

use identity::audit_chain::{self, Position, Previous, Retention};
use oauth::{Id, Secret, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Actor, AuditAction, Event, UnknownAction};
use crate::{
    records::{self, encode},
    state::audit::{AuditEntry, ChainHead, Link},
};

/// An event as stored.
pub(crate) struct StoredEntry {
    pub(crate) entry: AuditEntry,
    /// Whether its hash is that of its bytes.
    is_genuine: bool,
}

/// The members of a stored event that the next events need, in any version.
#[derive(Deserialize)]
pub(super) struct EntryHeader {
    pub(super) number: u64,
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
    pub(super) fn of(entry: &AuditEntry) -> Self {
        let AuditEntry {
            number,
            expires_at,
            hash,
            event: Event { at, .. },
            ..
        } = entry;
        Self {
            number: *number,
            link: Some(Link {
                hash: hash.clone(),
                expires_at: *expires_at,
                at: Some(*at),
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

    pub(super) fn followed_by(
        &self,
        id: Id,
        event: Event,
        expires_at: Timestamp,
        key: &Secret,
    ) -> AuditEntry {
        let number = self.number + 1;
        let previous = self.link.clone();
        let unsigned = AuditEntry {
            number,
            id,
            event,
            expires_at,
            previous,
            beyond: Map::new(),
            hash: String::new(),
        };
        let hash = unsigned.hash_under(key);
        AuditEntry { hash, ..unsigned }
    }
}

impl From<EntryHeader> for ChainHead {
    fn from(
        EntryHeader {
            number,
            at,
            expires_at,
            hash,
            ..
        }: EntryHeader,
    ) -> Self {
        Self {
            number,
            link: Some(Link {
                hash,
                expires_at,
                at: Some(at),
            }),
        }
    }
}

impl AuditEntry {
    fn hash_under(&self, key: &Secret) -> String {
        let unsigned = Self {
            hash: String::new(),
            ..self.clone()
        };
        audit_chain::hash(&encode(&unsigned), key)
    }

    /// An event of which this version can read only the header.
    fn of_header(header: EntryHeader, members: Map<String, Value>) -> Option<Self> {
        let EntryHeader {
            number,
            id,
            at,
            expires_at,
            previous,
            hash,
        } = header;
        let named = members
            .get("deed")
            .and_then(Value::as_str)
            .unwrap_or("unknown");
        let by = Actor::Unknown(members.get("by").cloned().unwrap_or_default());
        let action = AuditAction::Unknown(UnknownAction::new(named));
        let event = Event {
            at,
            action,
            by,
            subject: None,
            from: None,
            client: None,
            about: None,
            times: None,
        };
        let known = [
            "number",
            "id",
            "at",
            "deed",
            "by",
            "expires_at",
            "previous",
            "hash",
        ];
        let beyond = members
            .into_iter()
            .filter(|(name, _)| !known.contains(&name.as_str()))
            .collect();
        Some(Self {
            number,
            id: id?,
            event,
            expires_at,
            previous,
            beyond,
            hash,
        })
    }
}

impl StoredEntry {
    /// Reads the record in the place of an event.
    pub(super) fn read(number: u64, bytes: &[u8], key: &Secret) -> Result<Self, CorruptEntry> {
        let is_genuine = |hash: &str| audit_chain::is_genuine(bytes, hash, key);
        if let Ok(entry) = records::parse::<AuditEntry>(bytes)
            && entry.number == number
        {
            let is_genuine = is_genuine(&entry.hash);
            return Ok(Self { entry, is_genuine });
        }
        // What a server with the key has written is an event, whether or not this version can read
        // it.
        let header = serde_json::from_slice::<EntryHeader>(bytes)
            .ok()
            .filter(|header| header.number == number && is_genuine(&header.hash));
        let entry = header
            .and_then(|header| AuditEntry::of_header(header, serde_json::from_slice(bytes).ok()?));
        entry
            .map(|entry| Self {
                entry,
                is_genuine: true,
            })
            .ok_or(CorruptEntry(number))
    }

    /// Its fault, after the event `previous`.
    pub(super) fn fault(
        &self,
        previous: Option<&AuditEntry>,
        retention: Retention,
    ) -> Option<String> {
        let position = Position {
            number: self.entry.number,
            hash: &self.entry.hash,
            previous: self.entry.previous.as_ref().map(Link::as_previous),
            is_genuine: self.is_genuine,
        };
        let previous = previous.map(|previous| (previous.number, previous.hash.as_str()));
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

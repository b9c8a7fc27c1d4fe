//! Backups: everything in a store as lines of JSON, which either engine can be restored from.
//!
//! ```text
//! {"vestibule_backup":1,"created_at":1800000000,"issuer":"https://auth.example.com","engine":"embedded","version":"0.1.0"}
//! {"record":"client:vc_…","value":"{\"id\":…}"}
//! {"record":"session:…","value":"{…}","until":1802592000}
//! {"list":"clients","member":"vc_…"}
//! {"entries":3,"sha256":"…"}
//! ```
//!
//! The first line identifies the format, and the last one has the number of entries and the SHA-256
//! digest of all earlier lines, so that missing or changed lines are detected. The sealing key is
//! not included.

mod check;
mod restore;

use crate::provider::Provider;
use oauth::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{Entry, Export, Store, Ttl};

pub use check::{BackupFault, Check, CheckedLine, Damage, Reader, Summary};
pub use restore::{Outstanding, RestoreError, Restored, Unfinished, restore};

use crate::{records, records::keys, store_identity, unavailable::Unavailable};

/// The version of the format.
const VERSION: u64 = 1;

/// The first line of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format; its name identifies the file.
    pub vestibule_backup: u64,
    /// When the backup was begun.
    #[serde(with = "crate::values")]
    pub created_at: Timestamp,
    /// The issuer that the store belonged to.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The engine of the store: `embedded` or `redis`.
    pub engine: String,
    /// The version of the program that created it.
    pub version: String,
}

/// A line in the middle of a backup: a record, or a member of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Stored {
    /// A record.
    Record {
        /// Its key.
        record: String,
        /// Its value, where that is text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// Its value otherwise, byte by byte.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<Vec<u8>>,
        /// Its expiry; none if absent.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "crate::values"
        )]
        until: Option<Timestamp>,
    },
    /// A name in a list.
    Member {
        /// The list.
        list: String,
        /// The name.
        member: String,
    },
}

/// The last line of a backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    entries: u64,
    /// In hexadecimal digits.
    sha256: String,
}

/// A backup in progress, line by line.
pub struct Backup {
    header: Option<Header>,
    /// The state that was read first.
    first: Option<Entry>,
    export: Option<Export>,
    /// The number of the newest event when the backup was begun.
    newest: Option<u64>,
    created_at: Timestamp,
    entries: u64,
    digest: Sha256,
}

impl Provider {
    /// Begins a backup of the store, which `engine` is the name of.
    pub async fn backup(&self, engine: &str) -> Result<Backup, Unavailable> {
        self.audit().settle().await;
        let context = &self.services().context;
        Backup::start(context.store(), engine, context.now()).await
    }
}

impl Backup {
    /// Begins a backup of a store. Later writes may or may not be included.
    ///
    /// The pointer to the newest event of the audit log is read first, and events that are newer
    /// are left out: an engine without snapshots could export some of them and not others, and the
    /// chain would have a gap.
    ///
    /// # Errors
    /// When the store does not answer, or holds a part of a backup only.
    pub async fn start(
        store: &Store,
        engine: &str,
        created_at: Timestamp,
    ) -> Result<Self, Unavailable> {
        if records::exists(store, &keys::RESTORE).await? {
            return Err(Unavailable::half_restored());
        }
        let latest = store.get(keys::LATEST_EVENT.as_str()).await?;
        let newest = latest
            .as_deref()
            .map(|bytes| records::decode(&keys::LATEST_EVENT, bytes))
            .transpose()?;
        let pointer = |value| Entry::Record {
            key: keys::LATEST_EVENT.as_str().to_owned(),
            value,
            ttl: Ttl::Forever,
        };
        let issuer = store_identity::recorded_issuer(store)
            .await?
            .map(|identity| identity.issuer);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Self {
            header: Some(Header {
                vestibule_backup: VERSION,
                created_at,
                issuer,
                engine: engine.to_owned(),
                version,
            }),
            first: latest.map(pointer),
            export: Some(store.export().await?),
            newest: newest.map(|newest| newest.number),
            created_at,
            entries: 0,
            digest: Sha256::new(),
        })
    }

    /// The next line, with its end; none after the last one.
    ///
    /// # Errors
    /// When the store does not answer. The backup is worth nothing then.
    pub async fn next_line(&mut self) -> Result<Option<Vec<u8>>, Unavailable> {
        if let Some(header) = self.header.take() {
            return Ok(Some(self.counted(&header)));
        }
        let Some(entry) = self.next_entry().await? else {
            return Ok(self.trailer());
        };
        self.entries += 1;
        let stored = Stored::of(entry, self.created_at);
        Ok(Some(self.counted(&stored)))
    }

    async fn next_entry(&mut self) -> Result<Option<Entry>, Unavailable> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Some(export) = &mut self.export else {
            return Ok(None);
        };
        while let Some(entry) = export.next().await {
            let entry = entry?;
            if !is_left_out(&entry, self.newest) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn counted(&mut self, line: &impl Serialize) -> Vec<u8> {
        let line = written(line);
        self.digest.update(&line);
        line
    }

    fn trailer(&mut self) -> Option<Vec<u8>> {
        self.export.take()?;
        let sha256 = hexadecimal(std::mem::take(&mut self.digest));
        Some(written(&Trailer {
            entries: self.entries,
            sha256,
        }))
    }
}

/// Events beyond the pointer, and the pointer itself, which was read before; the mark, which may
/// name a newer event than the pointer, and is written again with the next ones; what belongs to no
/// store but to one of its restores; and how far the sorted lists have been built, which may be
/// less in a backup of a store in use.
fn is_left_out(entry: &Entry, newest: Option<u64>) -> bool {
    let Entry::Record { key, .. } = entry else {
        return false;
    };
    match newest {
        _ if key == keys::RESTORE.as_str() || keys::is_sorting(key) => true,
        Some(newest) => {
            key == keys::LATEST_EVENT.as_str()
                || key == keys::EVENT_MARK.as_str()
                || keys::event_number(key).is_some_and(|number| number > newest)
        }
        None => false,
    }
}

impl Stored {
    fn of(entry: Entry, now: Timestamp) -> Self {
        match entry {
            Entry::Member { list, member } => Self::Member { list, member },
            Entry::Record { key, value, ttl } => {
                let until = match ttl {
                    Ttl::Forever => None,
                    // Whole seconds, rounded up, so that nothing expires early.
                    Ttl::For(left) => {
                        Some(now.after(left.saturating_add(std::time::Duration::from_secs(1))))
                    }
                };
                let (value, bytes) = match String::from_utf8(value) {
                    Ok(text) => (Some(text), None),
                    Err(other) => (None, Some(other.into_bytes())),
                };
                Self::Record {
                    record: key,
                    value,
                    bytes,
                    until,
                }
            }
        }
    }
}

fn written(line: &impl Serialize) -> Vec<u8> {
    let mut line = records::to_json(line);
    line.push(b'\n');
    line
}

fn hexadecimal(digest: Sha256) -> String {
    use std::fmt::Write as _;
    digest
        .finalize()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

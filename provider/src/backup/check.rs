//! Checks a backup for consistency before anything is done with it.

use std::io::{self, BufRead, Read as _};

use oauth::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Header, Stored, Trailer, VERSION, hexadecimal};
use crate::records::keys;

/// Longer than any line of a backup, so that a damaged file cannot exhaust the memory.
const LONGEST_LINE: u64 = 64 << 20;

/// Why a backup is of no use. The commands have the words.
#[derive(Debug)]
pub enum BackupFault {
    /// It is something else.
    NotABackup,
    /// It was created by a newer program.
    Version(u64),
    /// It ends too early.
    Truncated,
    /// It was changed.
    Damaged(Damage),
    /// It cannot be read.
    Io(io::Error),
}

/// How a backup was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The first line has other members.
    FirstLine,
    /// A line is neither an entry nor the last line.
    Line,
    /// The last line names another number of entries.
    Count,
    /// The last line names another digest.
    Digest,
    /// Something follows the last line.
    Trailing,
}

impl From<io::Error> for BackupFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A line that was checked.
pub enum CheckedLine {
    /// The first one.
    Header(Header),
    /// One of those in the middle.
    Entry(Box<Stored>),
    /// The last one; everything adds up.
    End,
}

/// The summary of a complete backup.
#[derive(Clone, Debug)]
pub struct Summary {
    /// When it was begun.
    pub created_at: Timestamp,
    /// The issuer of its store.
    pub issuer: Option<String>,
    /// The engine of its store.
    pub engine: String,
    /// How many entries it has.
    pub entries: u64,
    /// The record of the signing keys, if there is one.
    pub key_ring: Option<String>,
}

/// Follows a backup, line by line.
#[derive(Default)]
pub struct Check {
    header: Option<Header>,
    key_ring: Option<String>,
    entries: u64,
    digest: Sha256,
    ended: bool,
}

impl Check {
    /// A line is whole, and nothing follows the last one.
    fn check_place(&self, line: &[u8]) -> Result<(), BackupFault> {
        if self.ended {
            return Err(BackupFault::Damaged(Damage::Trailing));
        }
        match (line.last(), &self.header) {
            (Some(b'\n'), _) => Ok(()),
            (_, None) => Err(BackupFault::NotABackup),
            (_, Some(_)) => Err(BackupFault::Truncated),
        }
    }

    /// Understands the next line.
    ///
    /// # Errors
    /// What is wrong with it, or with all lines so far.
    pub fn line(&mut self, line: &[u8]) -> Result<CheckedLine, BackupFault> {
        self.check_place(line)?;
        if self.header.is_none() {
            return self.header(line);
        }
        if let Ok(stored) = serde_json::from_slice::<Stored>(line) {
            self.digest.update(line);
            self.entries += 1;
            self.note_key_ring(&stored);
            return Ok(CheckedLine::Entry(Box::new(stored)));
        }
        let trailer: Trailer =
            serde_json::from_slice(line).map_err(|_| BackupFault::Damaged(Damage::Line))?;
        self.end(&trailer)
    }

    /// The summary, if the backup is complete.
    ///
    /// # Errors
    /// [`BackupFault::Truncated`] when the end is missing.
    pub fn finish(self) -> Result<Summary, BackupFault> {
        let header = self.header.ok_or(BackupFault::NotABackup)?;
        if !self.ended {
            return Err(BackupFault::Truncated);
        }
        let Header {
            created_at,
            issuer,
            engine,
            ..
        } = header;
        Ok(Summary {
            created_at,
            issuer,
            engine,
            entries: self.entries,
            key_ring: self.key_ring,
        })
    }

    fn header(&mut self, line: &[u8]) -> Result<CheckedLine, BackupFault> {
        // Another version may have other members.
        let value: serde_json::Value =
            serde_json::from_slice(line).map_err(|_| BackupFault::NotABackup)?;
        match value["vestibule_backup"].as_u64() {
            None => return Err(BackupFault::NotABackup),
            Some(VERSION) => {}
            Some(other) => return Err(BackupFault::Version(other)),
        }
        let header: Header =
            serde_json::from_value(value).map_err(|_| BackupFault::Damaged(Damage::FirstLine))?;
        self.digest.update(line);
        self.header = Some(header.clone());
        Ok(CheckedLine::Header(header))
    }

    fn end(&mut self, trailer: &Trailer) -> Result<CheckedLine, BackupFault> {
        if trailer.entries != self.entries {
            return Err(BackupFault::Damaged(Damage::Count));
        }
        if hexadecimal(self.digest.clone()) != trailer.sha256 {
            return Err(BackupFault::Damaged(Damage::Digest));
        }
        self.ended = true;
        Ok(CheckedLine::End)
    }

    fn note_key_ring(&mut self, stored: &Stored) {
        if let Stored::Record {
            record,
            value: Some(value),
            ..
        } = stored
            && record == keys::KEY_RING.as_str()
        {
            self.key_ring = Some(value.clone());
        }
    }
}

/// A backup that is read from a file.
pub struct Reader<R> {
    from: R,
    check: Check,
}

impl<R: BufRead> Reader<R> {
    /// Reads from the beginning.
    pub fn new(from: R) -> Self {
        Self {
            from,
            check: Check::default(),
        }
    }

    /// The next entry; none when the end was reached and everything adds up.
    ///
    /// # Errors
    /// What is wrong with the backup.
    pub fn next_entry(&mut self) -> Result<Option<Stored>, BackupFault> {
        loop {
            let mut line = Vec::new();
            let length = self
                .from
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)?;
            if length == 0 {
                return if self.check.ended {
                    Ok(None)
                } else {
                    Err(self.unfinished())
                };
            }
            match self.check.line(&line)? {
                CheckedLine::Entry(stored) => return Ok(Some(*stored)),
                CheckedLine::Header(_) | CheckedLine::End => {}
            }
        }
    }

    /// Reads everything.
    ///
    /// # Errors
    /// What is wrong with the backup.
    pub fn verify(mut self) -> Result<Summary, BackupFault> {
        while self.next_entry()?.is_some() {}
        self.check.finish()
    }

    fn unfinished(&self) -> BackupFault {
        if self.check.header.is_none() {
            BackupFault::NotABackup
        } else {
            BackupFault::Truncated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup() -> Vec<u8> {
        let mut digest = Sha256::new();
        let mut text = Vec::new();
        for line in [
            r#"{"vestibule_backup":1,"created_at":5,"issuer":"https://a.example","engine":"embedded","version":"0.1.0"}"#,
            r#"{"record":"key-ring","value":"{\"sealed\":1}"}"#,
            r#"{"record":"count:x","value":"3","until":9}"#,
            r#"{"record":"odd","bytes":[0,255]}"#,
            r#"{"list":"clients","member":"vc_1"}"#,
        ] {
            let line = format!("{line}\n");
            digest.update(&line);
            text.extend_from_slice(line.as_bytes());
        }
        text.extend_from_slice(
            format!("{{\"entries\":4,\"sha256\":\"{}\"}}\n", hexadecimal(digest)).as_bytes(),
        );
        text
    }

    fn verified(bytes: &[u8]) -> Result<Summary, BackupFault> {
        Reader::new(bytes).verify()
    }

    #[test]
    fn a_whole_backup_adds_up() {
        let summary = verified(&backup()).expect("sound");
        assert_eq!(
            (summary.entries, summary.created_at),
            (4, Timestamp::from_seconds(5))
        );
        assert_eq!(summary.key_ring.as_deref(), Some(r#"{"sealed":1}"#));
        let whole = backup();
        let mut reader = Reader::new(&whole[..]);
        let mut kinds = Vec::new();
        while let Some(stored) = reader.next_entry().expect("sound") {
            kinds.push(matches!(stored, Stored::Record { .. }));
        }
        assert_eq!(kinds, [true, true, true, false]);
    }

    #[test]
    fn no_part_of_a_backup_is_taken_for_a_whole_one() {
        let whole = backup();
        for length in 0..whole.len() {
            assert!(verified(&whole[..length]).is_err(), "{length} bytes");
        }
        assert!(matches!(
            verified(&[&whole[..], b"\n"].concat()),
            Err(BackupFault::Damaged(_))
        ));
        assert!(matches!(
            verified(&[&whole[..], &whole].concat()),
            Err(BackupFault::Damaged(_))
        ));
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let whole = backup();
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert!(verified(&changed).is_err(), "byte {place}");
        }
        let text = String::from_utf8(whole).expect("text");
        let mut lines: Vec<_> = text.split_inclusive('\n').collect();
        lines.swap(1, 2);
        assert!(
            verified(lines.concat().as_bytes()).is_err(),
            "lines that change places"
        );
    }

    #[test]
    fn what_is_something_else_is_said_to_be() {
        for other in [
            "",
            "\n",
            "{}\n",
            "[]\n",
            "PK\u{3}\u{4}",
            "{\"vestibule_backup\":\"1\"}\n",
        ] {
            assert!(
                matches!(verified(other.as_bytes()), Err(BackupFault::NotABackup)),
                "{other:?}"
            );
        }
        let newer = r#"{"vestibule_backup":2,"of":"another time"}"#.to_owned() + "\n";
        assert!(matches!(
            verified(newer.as_bytes()),
            Err(BackupFault::Version(2))
        ));
    }
}

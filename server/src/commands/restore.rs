//! `vestibule restore`: a backup of either engine is restored into an empty store.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, BufReader, Seek as _},
    process::ExitCode,
};

use clap::Args;
use provider::{
    Environment,
    backup::{
        self, BackupFault, Damage, Outstanding, Reader, RestoreError, Restored, Summary, Unfinished,
    },
    opens_key_ring,
};
use serde_json::json;
use store::{Store, StoreLocation, files::create_own};

use super::{
    administer::refuse_memory,
    issuer,
    output::{self, note, rfc3339},
};
use crate::{
    config::Config,
    files,
    open::{self, Creation, StoreOpenError},
    random, sealing,
};

#[derive(Debug, Args)]
pub(super) struct RestoreCommand {
    /// The backup file; - for standard input
    file: String,
    /// Keep one-time links and pending requests; only for moving a store whose server was stopped
    /// before the backup
    #[arg(long)]
    keep_links: bool,
    /// Remove the remains of an interrupted restore on Redis; only if no other restore is running
    #[arg(long)]
    discard_unfinished: bool,
}

/// Restores a backup. The error is a sentence.
pub(super) async fn restore(
    config: &Config,
    command: &RestoreCommand,
    json: bool,
) -> Result<ExitCode, String> {
    refuse_memory(config)?;
    let unreadable = |fault: &dyn std::fmt::Display| {
        format!("Cannot restore the backup {}: {fault}.", command.file)
    };
    let mut file = open_backup(&command.file)
        .map_err(|error| unreadable(&files::explain_read_error(command.file.as_ref(), &error)))?;
    // All of it is read before anything is written.
    let reader = Reader::new(BufReader::new(&file));
    let summary = reader
        .verify()
        .map_err(|fault| unreadable(&backup_fault(&fault)))?;
    require_key(config, &summary)?;
    file.rewind().map_err(|error| unreadable(&error))?;
    let restored = write(config, command, &file).await?;
    note_restore(config, &summary).await?;
    output::line(&if json {
        as_json(&restored)
    } else {
        summary_text(config, &summary, &restored)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What comes by standard input or a pipe is kept in a file without a name, since it is read twice.
fn open_backup(name: &str) -> io::Result<File> {
    if name == "-" {
        return spooled(&mut io::stdin().lock());
    }
    let mut file = File::open(name)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        spooled(&mut file)
    }
}

fn spooled(input: &mut impl io::Read) -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("vestibule-restore-{:016x}", random::label()));
    let mut file = create_own(&path)?;
    fs::remove_file(&path)?;
    io::copy(input, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// A restored store is of no use without the key that its signing keys are sealed under.
fn require_key(config: &Config, summary: &Summary) -> Result<(), String> {
    let Some(key_ring) = &summary.key_ring else {
        return Err("Cannot restore the backup: it contains no signing keys, so it does not come from a store that was in \
             use.".to_owned());
    };
    let remedy = match &config.store {
        StoreLocation::File(folder) if config.sealing_key.is_none() => {
            format!(
                "Copy sealing.key of the old server into {} first, or give it with --sealing-key.",
                folder.display()
            )
        }
        _ => "Give the sealing key of the old server with --sealing-key.".to_owned(),
    };
    match sealing::existing(config) {
        Err(fault) => Err(format!(
            "{fault} The signing keys in the backup are encrypted with it. {remedy}"
        )),
        Ok(key) if !opens_key_ring(key_ring, &key) => Err(format!(
            "The signing keys in the backup are encrypted with a different sealing key than the configured one. {remedy}"
        )),
        Ok(_) => Ok(()),
    }
}

impl RestoreCommand {
    /// What happens to links that were sent and not used.
    const fn outstanding(&self) -> Outstanding {
        if self.keep_links {
            Outstanding::Keep
        } else {
            Outstanding::End
        }
    }
}

async fn write(config: &Config, command: &RestoreCommand, file: &File) -> Result<Restored, String> {
    let store = Store::open_with(&config.store, &config.redis())
        .await
        .map_err(|error| open::explain(config, &error).into_sentence())?;
    let now = Environment::system().clock.now();
    // A lost answer of Redis is found out, not taken for a failure.
    let store = store.resolving();
    let restored = backup::restore(
        &store,
        Reader::new(BufReader::new(file)),
        now,
        command.outstanding(),
        unfinished(config, command),
    )
    .await;
    restored.map_err(|error| {
        let why = explained(&error);
        format!("Nothing was restored into {}: {why}.", config.store)
    })
}

fn explained(error: &RestoreError) -> String {
    match error {
        RestoreError::NotEmpty => {
            "the store is not empty, and a backup can only be restored into an empty store".to_owned()
        }
        RestoreError::Unfinished => {
            "a restore into this store is running or was interrupted; if none is running, add --discard-unfinished"
                .to_owned()
        }
        RestoreError::Backup(fault) => {
            format!("{}; the store was left empty", backup_fault(fault))
        }
        RestoreError::Unavailable(error) => {
            format!("{error}; the restore did not finish, run it again")
        }
    }
}

/// What is wrong with a backup.
pub(super) fn backup_fault(fault: &BackupFault) -> String {
    match fault {
        BackupFault::NotABackup => "it is not a Vestibule backup".to_owned(),
        BackupFault::Version(version) => {
            format!("it has format {version}, which this version does not support")
        }
        BackupFault::Truncated => {
            "its end is missing: it was not completely written or copied".to_owned()
        }
        BackupFault::Damaged(damage) => format!("it is damaged: {}", damage_words(*damage)),
        BackupFault::Io(error) => format!("it cannot be read: {error}"),
    }
}

const fn damage_words(damage: Damage) -> &'static str {
    match damage {
        Damage::FirstLine => "the first line is invalid",
        Damage::Line => "a line is invalid",
        Damage::Count => "the number of entries is wrong",
        Damage::Digest => "the checksum is wrong",
        Damage::Trailing => "there is data after its end",
    }
}

/// No other process can be restoring into a file of the embedded engine, which has one holder.
const fn unfinished(config: &Config, command: &RestoreCommand) -> Unfinished {
    match config.store {
        StoreLocation::Redis(_) if !command.discard_unfinished => Unfinished::Refuse,
        StoreLocation::Redis(_) | StoreLocation::File(_) | StoreLocation::Memory => {
            Unfinished::Discard
        }
    }
}

/// The audit log of the restored store says that it was restored.
async fn note_restore(config: &Config, summary: &Summary) -> Result<(), String> {
    let opened = open::open(config, Creation::Refused)
        .await
        .map_err(StoreOpenError::into_sentence)?;
    opened.provider.terminal().note_restore(summary).await;
    opened.finish().await;
    if let Ok(Some(change)) = opened.provider.issuer_record().issuer_change().await {
        note(&issuer::explained(&change));
    }
    Ok(())
}

fn as_json(restored: &Restored) -> String {
    json!({ "written": restored.written, "expired": restored.expired, "ended": restored.ended })
        .to_string()
}

fn summary_text(config: &Config, summary: &Summary, restored: &Restored) -> String {
    let mut text = format!(
        "Restored {} entries into {} from a backup of {}.",
        restored.written,
        config.store,
        rfc3339(summary.created_at)
    );
    if restored.expired > 0 {
        let _ = write!(text, " {} entries had expired.", restored.expired);
    }
    if restored.ended > 0 {
        let _ = write!(
            text,
            " {} one-time links and pending requests were removed, because they may have been used since.",
            restored.ended
        );
    }
    text
}

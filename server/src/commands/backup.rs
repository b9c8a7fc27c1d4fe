//! `vestibule backup`: the contents of the store, in a file or on standard output.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use provider::{
    Environment,
    backup::{Backup, Check, CheckedLine, Summary},
};
use serde_json::json;
use store::{
    Store, StoreLocation,
    files::{create_own, folder_of},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::UnixStream,
    time::{Instant, sleep},
};

use super::{
    administer::{PATIENCE, explained, refuse_memory, unreachable},
    output::{self, note},
    restore::backup_fault,
};
use crate::{
    config::{Config, SealingKeySource},
    control,
    open::{self, StoreOpenError},
    random, sealing,
};

#[derive(Debug, Args)]
pub(super) struct BackupCommand {
    /// The file to create, which must not exist; - for standard output
    file: String,
}

/// Where the lines come from.
enum Source {
    /// The running server, which holds the store.
    Running(BufReader<UnixStream>),
    /// The store itself.
    Store(Box<Backup>),
}

/// Makes a backup. The error is a sentence, and then there is no file.
pub(super) async fn backup(
    config: &Config,
    command: &BackupCommand,
    json: bool,
) -> Result<ExitCode, String> {
    refuse_memory(config)?;
    if command.file == "-" {
        return to_standard_output(config).await;
    }
    let path = Path::new(&command.file);
    let mut draft = Draft::create(path)?;
    let summary = copy(source(config).await?, &mut draft.file).await?;
    draft.finish(path)?;
    output::line(&if json {
        json!({ "file": command.file, "entries": summary.entries, "created_at": summary.created_at.seconds() }).to_string()
    } else {
        summary_text(config, &command.file, &summary)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn to_standard_output(config: &Config) -> Result<ExitCode, String> {
    let mut output = io::stdout();
    let summary = copy(source(config).await?, &mut output).await?;
    output
        .flush()
        .map_err(|error| unwritable("standard output", &error))?;
    note(&summary_text(config, "standard output", &summary));
    Ok(ExitCode::SUCCESS)
}

fn summary_text(config: &Config, file: &str, summary: &Summary) -> String {
    format!(
        "Backed up {} entries to {file}. Keep the backup as safe as the store: it contains password hashes and account \
         data. {}",
        summary.entries,
        sealing_key_text(config)
    )
}

/// A backup opens nothing without the key, so the two are best kept apart.
fn sealing_key_text(config: &Config) -> String {
    let key = match (&config.sealing_key, &config.store) {
        (Some(SealingKeySource::File(path)), _) => format!("in {}", path.display()),
        (None, StoreLocation::File(folder)) => {
            format!("in {}", folder.join(sealing::FILE).display())
        }
        (Some(SealingKeySource::Given(_)), _)
        | (None, StoreLocation::Redis(_) | StoreLocation::Memory) => {
            "from the configuration".to_owned()
        }
    };
    format!(
        "The sealing key {key} is not included and is needed to restore: keep a copy of it in another place."
    )
}

async fn source(config: &Config) -> Result<Source, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(folder) = config.data_folder()
            && let Some(answer) = control::backup(folder)
                .await
                .map_err(|error| unreachable(folder, &error))?
        {
            return answer
                .map(Source::Running)
                .map_err(|error| explained(&error));
        }
        match open::open_existing(config).await {
            Ok(store) => return start(config, &store).await,
            Err(StoreOpenError::Locked(_)) if Instant::now() < deadline => {
                sleep(std::time::Duration::from_millis(50)).await;
            }
            Err(failure) => return Err(failure.into_sentence()),
        }
    }
}

async fn start(config: &Config, store: &Store) -> Result<Source, String> {
    let now = Environment::system().clock.now();
    let backup = Backup::start(store, engine(config), now)
        .await
        .map_err(|error| format!("{error}."))?;
    Ok(Source::Store(Box::new(backup)))
}

const fn engine(config: &Config) -> &'static str {
    match config.store {
        StoreLocation::Redis(_) => "redis",
        StoreLocation::File(_) | StoreLocation::Memory => control::EMBEDDED,
    }
}

impl Source {
    async fn next_line(&mut self) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Store(backup) => backup
                .next_line()
                .await
                .map_err(|error| format!("{error}.")),
            Self::Running(stream) => {
                let mut line = Vec::new();
                let length = stream.read_until(b'\n', &mut line).await;
                let length = length
                    .map_err(|error| format!("Cannot read from the running server: {error}."))?;
                Ok((length > 0).then_some(line))
            }
        }
    }
}

/// Copies all lines, and sees by the last one that they are all.
async fn copy(mut source: Source, output: &mut impl io::Write) -> Result<Summary, String> {
    let mut check = Check::default();
    while let Some(line) = source.next_line().await? {
        let checked = check.line(&line);
        output
            .write_all(&line)
            .map_err(|error| unwritable("the backup", &error))?;
        if matches!(
            checked.map_err(|fault| format!("The backup failed: {}.", backup_fault(&fault)))?,
            CheckedLine::End
        ) {
            break;
        }
    }
    check.finish().map_err(|_| {
        "The backup failed: the server stopped sending it. See the server log.".to_owned()
    })
}

/// A file under another name, until it is complete.
struct Draft {
    file: io::BufWriter<File>,
    path: PathBuf,
}

impl Draft {
    fn create(target: &Path) -> Result<Self, String> {
        let shown = target.display();
        if fs::symlink_metadata(target).is_ok() {
            return Err(exists(target));
        }
        let name = target
            .file_name()
            .ok_or_else(|| format!("{shown} is not a file name."))?;
        let draft = format!(
            ".{}.{:016x}.unfinished",
            name.to_string_lossy(),
            random::label()
        );
        let path = folder_of(target).join(draft);
        let file = create_own(&path).map_err(|error| unwritable(&shown.to_string(), &error))?;
        Ok(Self {
            file: io::BufWriter::new(file),
            path,
        })
    }

    /// Gives the file its name, once all of it is on disk; a file that has got that name in between
    /// stays.
    fn finish(mut self, target: &Path) -> Result<(), String> {
        let written = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all());
        written
            .and_then(|()| self.name(target))
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => exists(target),
                _ => unwritable(&target.display().to_string(), &error),
            })
    }

    fn name(&self, target: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, target) {
            // A file system without such links: it has no step that names a file only where there
            // is none.
            Err(error)
                if error.kind() != ErrorKind::AlreadyExists
                    && fs::symlink_metadata(target).is_err() =>
            {
                fs::rename(&self.path, target)?;
            }
            linked => linked?,
        }
        File::open(folder_of(target))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is gone where it was renamed.
        let _ = fs::remove_file(&self.path);
    }
}

fn exists(path: &Path) -> String {
    format!(
        "{} already exists, and a backup does not overwrite files. Choose another name.",
        path.display()
    )
}

fn unwritable(what: &str, error: &io::Error) -> String {
    format!("Cannot write {what}: {error}.")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = entries
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_complete() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("b");
        let mut draft = Draft::create(&target).expect("begun");
        draft.file.write_all(b"half").expect("written");
        assert!(!target.exists());
        drop(draft);
        assert_eq!(
            names(folder.path()),
            [""; 0],
            "nothing is left of one that failed"
        );

        let mut draft = Draft::create(&target).expect("begun");
        draft.file.write_all(b"whole").expect("written");
        draft.finish(&target).expect("finished");
        assert_eq!(
            (names(folder.path()), fs::read(&target).expect("read")),
            (vec!["b".to_owned()], b"whole".to_vec())
        );
        assert_eq!(
            fs::metadata(&target).expect("there").permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn nothing_is_replaced_and_no_link_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("b");
        let away = folder.path().join("away");
        let draft = Draft::create(&target).expect("begun");
        fs::write(&target, "faster").expect("written");
        assert!(
            draft
                .finish(&target)
                .is_err_and(|sentence| sentence.contains("already exists"))
        );
        assert!(Draft::create(&target).is_err());
        assert_eq!(fs::read_to_string(&target).expect("read"), "faster");
        symlink(&away, folder.path().join("link")).expect("a link");
        assert!(Draft::create(&folder.path().join("link")).is_err());
        assert!(Draft::create(Path::new("/")).is_err() && Draft::create(folder.path()).is_err());
        assert!(Draft::create(&folder.path().join("nowhere/b")).is_err());
        assert_eq!(names(folder.path()), ["b", "link"]);
    }
}

//! The key that seals the signing keys at rest: given in the settings, or kept in the data folder.

use std::{
    io::{self, Write as _},
    path::Path,
};

use access_token::SealingKey;
use store::{
    StoreLocation,
    files::{create_private, folder_of},
};

use crate::{
    config::{Config, SealingKeySource},
    files::explain_read_error,
    random,
};

/// The error when Redis is used without a sealing key.
pub(crate) const NEEDED_WITH_REDIS: &str = "Redis requires a sealing key, which encrypts the signing keys. Create one with \
     \"vestibule key seal\", and give it to every server in VESTIBULE_SEALING_KEY or in a file with --sealing-key.";

/// The name of the key's file in the data folder.
pub(crate) const FILE: &str = "sealing.key";

/// A fresh key.
pub(crate) fn fresh() -> Result<SealingKey, String> {
    SealingKey::from_bytes(&random::secret()).map_err(|error| error.to_string())
}

/// The key that the settings lead to. With the embedded engine and none given, it is read from the
/// data folder and made there at first; call this while holding the store, so that two processes do
/// not make two. The error is a sentence.
pub(crate) fn load(config: &Config) -> Result<SealingKey, String> {
    match (&config.sealing_key, &config.store) {
        (Some(SealingKeySource::Given(text)), _) => text
            .parse()
            .map_err(|_| "The sealing key is not a k4.local.… key.".to_owned()),
        (Some(SealingKeySource::File(path)), _) => {
            read(path).map_err(|error| explain(path, &error))
        }
        (None, StoreLocation::Memory) => fresh(),
        (None, StoreLocation::Redis(_)) => Err(NEEDED_WITH_REDIS.to_owned()),
        (None, StoreLocation::File(folder)) => {
            let path = folder.join(FILE);
            read_or_make(&path).map_err(|error| explain(&path, &error))
        }
    }
}

/// The key that the settings lead to, which must be there: nothing is made. The error is a
/// sentence.
pub(crate) fn existing(config: &Config) -> Result<SealingKey, String> {
    match (&config.sealing_key, &config.store) {
        (None, StoreLocation::File(folder)) => {
            let path = folder.join(FILE);
            read(&path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => missing(&path),
                _ => explain(&path, &error),
            })
        }
        _ => load(config),
    }
}

/// Reads a key from a file that holds nothing else.
pub(crate) fn read(path: &Path) -> io::Result<SealingKey> {
    let text = std::fs::read_to_string(path)?;
    let fault = |_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "it does not contain a k4.local.… key",
        )
    };
    text.trim().parse().map_err(fault)
}

fn read_or_make(path: &Path) -> io::Result<SealingKey> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link(path) => make(path),
        result => result,
    }
}

/// A link that leads nowhere may be to a disk that is not mounted: a new key in its place would
/// open nothing.
fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// Writes under another name first, so that a crash does not leave half a key.
fn make(path: &Path) -> io::Result<SealingKey> {
    let key = fresh().map_err(io::Error::other)?;
    let draft = path.with_extension("new");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_private(&draft)?;
    writeln!(file, "{}", *key.expose())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    // The name must last as long as the store that is sealed under it.
    std::fs::File::open(folder_of(path))?.sync_all()?;
    Ok(key)
}

fn missing(path: &Path) -> String {
    format!(
        "The sealing key {} is missing. The signing keys in the store are encrypted with it, and the store cannot be used without \
         it. Put the file back, or give its location with --sealing-key.",
        path.display()
    )
}

fn explain(path: &Path, error: &io::Error) -> String {
    format!(
        "Cannot use the sealing key in {}: {}.",
        path.display(),
        explain_read_error(path, error)
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let made = read_or_make(&path).expect("made");
        let bits = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(bits & 0o777, 0o600);
        assert_eq!(read_or_make(&path).expect("read").id(), made.id());
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            1
        );
    }

    #[test]
    fn a_link_is_read_but_nothing_is_made_where_it_leads_or_in_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, away) = (folder.path().join(FILE), folder.path().join("away.key"));
        std::os::unix::fs::symlink(&away, &path).expect("a link");
        assert!(read_or_make(&path).is_err());
        assert!(!away.exists() && is_link(&path));
        let made = read_or_make(&away).expect("made");
        assert_eq!(
            read_or_make(&path).expect("read through the link").id(),
            made.id()
        );
    }

    #[test]
    fn a_file_that_holds_something_else_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        std::fs::write(&path, "not a key").expect("written");
        assert!(read_or_make(&path).is_err());
        assert_eq!(
            std::fs::read_to_string(&path).expect("still there"),
            "not a key"
        );
    }
}

//! Making the file smaller after records were removed.

use std::{fs, path::Path};

use super::database::{self, FILE};
use crate::{Error, Result};

/// How large the file was and is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Before.
    pub before: u64,
    /// After.
    pub after: u64,
}

/// Moves the pages in use to the beginning of the file in `folder`, and cuts off the rest. Each move
/// is a transaction, so that the file is whole after an interruption.
pub(super) fn compact(folder: &Path) -> Result<Compacted> {
    let mut redb = database::file(folder)?;
    let before = size(folder)?;
    redb.compact().map_err(redb::Error::from)?;
    redb.close().map_err(redb::Error::from)?;
    Ok(Compacted {
        before,
        after: size(folder)?,
    })
}

fn size(folder: &Path) -> Result<u64> {
    let path = folder.join(FILE);
    let metadata = fs::metadata(&path)
        .map_err(|fault| Error::Unavailable(format!("{}: {fault}", path.display())))?;
    Ok(metadata.len())
}

#[cfg(test)]
mod tests {
    use crate::{BatchStep, Error, Store, StoreLocation, Ttl};

    #[tokio::test]
    async fn a_file_shrinks_after_most_records_are_gone_and_keeps_the_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = StoreLocation::File(folder.path().to_owned());
        let keys: Vec<String> = (0..4000).map(|number| format!("key {number}")).collect();
        let value = [b'x'; 1000];
        let store = Store::open(&location).await.expect("a store");
        for keys in keys.chunks(500) {
            let insert = |key| BatchStep::Insert {
                key,
                value: &value,
                ttl: Ttl::Forever,
            };
            let steps: Vec<_> = keys.iter().map(|key| insert(key.as_str())).collect();
            store.batch(&steps).await.expect("inserted");
        }
        let held = Store::compact(folder.path()).await;
        assert!(matches!(held, Err(Error::Locked(_))), "{held:?}");
        let removed = keys.iter().enumerate();
        for (_, key) in removed.filter(|(number, _)| number % 10 != 0) {
            assert!(store.remove(key).await.expect("removed"));
        }
        drop(store);

        let compacted = Store::compact(folder.path()).await.expect("compacted");
        assert!(compacted.after * 4 < compacted.before, "{compacted:?}");
        let store = Store::open(&location).await.expect("a store");
        for (number, key) in keys.iter().enumerate() {
            let found = store.get(key).await.expect("read").is_some();
            assert_eq!(found, number % 10 == 0, "{key}");
        }
    }

    #[tokio::test]
    async fn where_there_is_no_file_none_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let compacted = Store::compact(folder.path()).await;
        assert!(compacted.is_err(), "{compacted:?}");
        let mut entries = folder.path().read_dir().expect("a folder");
        assert!(entries.next().is_none());
    }
}

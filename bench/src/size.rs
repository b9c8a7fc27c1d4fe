//! The sizes of the files of a page.

use std::path::Path;

use crate::{Outcome, context};

/// The total size of files of one kind, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) raw: u64,
    /// As sent to a browser: compressed with Brotli at the build. Zero if it was not.
    pub(crate) brotli: u64,
}

/// The files with this extension in `folder`.
pub(crate) fn of(folder: &Path, ending: &str) -> Outcome<Size> {
    let mut size = Size::default();
    for entry in std::fs::read_dir(folder).map_err(context(&folder.display().to_string()))? {
        let entry = entry.map_err(context("the site"))?;
        let length = entry.metadata().map_err(context("the site"))?.len();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(&format!(".{ending}")) {
            size.raw += length;
        } else if name.ends_with(&format!(".{ending}.br")) {
            size.brotli += length;
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_and_compressed_files_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, length) in [
            ("a.js", 100),
            ("a.js.br", 30),
            ("a.js.gz", 40),
            ("a.wasm", 7),
            ("b.js", 1),
        ] {
            std::fs::write(folder.path().join(name), vec![0; length]).expect("a file");
        }
        assert_eq!(
            of(folder.path(), "js").expect("a size"),
            Size {
                raw: 101,
                brotli: 30
            }
        );
        assert_eq!(of(folder.path(), "css").expect("a size"), Size::default());
    }
}

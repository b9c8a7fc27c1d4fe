//! New files and folders that only their owner can read, created without following symbolic links.
//!
//! Files that root creates in the data folder of another user belong to that user, so that a server
//! of that user can open them.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

/// Creates a file with mode 0600, which must not exist. A symbolic link in its place counts as
/// existing, even a dangling one. The file belongs to the user of this process.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when anything exists there; otherwise the error of the
/// operating system.
pub fn create_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.read(true).write(true).create_new(true).open(path)
}

/// Creates a file like [`create_own`]. If root creates it, it belongs to the owner of the folder.
///
/// # Errors
/// As [`create_own`].
pub fn create_private(path: &Path) -> io::Result<File> {
    let file = create_own(path)?;
    give_to_owner_of(folder_of(path), &file)?;
    Ok(file)
}

/// Creates a file like [`create_private`] and replaces an unfinished one of an earlier attempt.
pub(crate) fn replace_private(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => create_private(path),
    }
}

/// Creates a folder with mode 0700, and its parents, if they do not exist.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    create_private_folder(folder_of(path))?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => give_folder_to_owner_of(folder_of(path), path),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// The parent folder of a path.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    }
}

#[cfg(unix)]
mod ownership {
    use std::{
        fs::{self, File, Metadata},
        io,
        os::unix::fs::{MetadataExt as _, fchown, lchown},
        path::Path,
    };

    const ROOT: u32 = 0;

    /// If this process is root, gives a file that it has just created to the owner of the folder.
    pub(super) fn give_to_owner_of(folder: &Path, file: &File) -> io::Result<()> {
        match heir(&fs::metadata(folder)?, &file.metadata()?) {
            Some((user, group)) => tolerate(fchown(file, Some(user), Some(group))),
            None => Ok(()),
        }
    }

    /// Like [`give_to_owner_of`], for a folder.
    pub(super) fn give_folder_to_owner_of(parent: &Path, folder: &Path) -> io::Result<()> {
        match heir(&fs::metadata(parent)?, &fs::symlink_metadata(folder)?) {
            Some((user, group)) => tolerate(lchown(folder, Some(user), Some(group))),
            None => Ok(()),
        }
    }

    /// User and group that a file created by root should have.
    fn heir(parent: &Metadata, made: &Metadata) -> Option<(u32, u32)> {
        (made.uid() == ROOT && parent.uid() != ROOT).then(|| (parent.uid(), parent.gid()))
    }

    /// Root without permission to change owners, as in some containers, keeps the file.
    fn tolerate(changed: io::Result<()>) -> io::Result<()> {
        match changed {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            changed => changed,
        }
    }
}

#[cfg(not(unix))]
mod ownership {
    use std::{fs::File, io, path::Path};

    pub(super) fn give_to_owner_of(_: &Path, _: &File) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn give_folder_to_owner_of(_: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

use ownership::{give_folder_to_owner_of, give_to_owner_of};

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

    use super::*;

    #[test]
    fn a_new_file_is_private_and_never_takes_the_place_of_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new");
        let file = create_private(&path).expect("created");
        assert_eq!(
            file.metadata().expect("metadata").permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            create_private(&path).expect_err("it exists").kind(),
            io::ErrorKind::AlreadyExists
        );
    }

    #[test]
    fn a_symbolic_link_is_not_followed_wherever_it_leads() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        symlink(&target, &link).expect("a dangling link");
        assert_eq!(
            create_private(&link).expect_err("a link").kind(),
            io::ErrorKind::AlreadyExists
        );
        assert!(!target.exists(), "its target was not created");
        fs::write(&target, "kept").expect("written");
        replace_private(&link).expect("the link is replaced");
        assert_eq!(fs::read_to_string(&target).expect("still there"), "kept");
        assert!(fs::symlink_metadata(&link).expect("there").is_file());
    }

    /// Needs root, as in many containers; skipped otherwise.
    #[test]
    fn what_root_makes_belongs_to_the_owner_of_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        if fs::metadata(folder.path()).expect("metadata").uid() != 0
            || chown(folder.path(), Some(4321), Some(1234)).is_err()
        {
            return;
        }
        let file = create_private(&folder.path().join("file")).expect("created");
        let owner = |metadata: fs::Metadata| (metadata.uid(), metadata.gid());
        assert_eq!(owner(file.metadata().expect("metadata")), (4321, 1234));
        let deep = folder.path().join("a/b");
        create_private_folder(&deep).expect("created");
        for made in [folder.path().join("a"), deep] {
            let metadata = fs::metadata(made).expect("metadata");
            assert_eq!(
                (metadata.permissions().mode() & 0o777, owner(metadata)),
                (0o700, (4321, 1234))
            );
        }
    }
}

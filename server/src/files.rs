//! Owners and permissions of the server's files.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use store::StoreLocation;

const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const OTHERS_READ_OR_ENTER: u32 = 0o005;
const GROUP_OR_OTHERS: u32 = 0o066;
const OTHERS: u32 = 0o007;

/// Risky permissions of the server's files: a sentence for each, with the remedy.
pub(crate) fn warnings(store: &StoreLocation) -> Vec<String> {
    let mut warnings = Vec::new();
    if let StoreLocation::File(folder) = store {
        warnings.extend(
            fs::metadata(folder)
                .ok()
                .and_then(|metadata| folder_risk(folder, metadata.mode())),
        );
        let file = folder.join(store::FILE);
        warnings.extend(
            fs::metadata(&file)
                .ok()
                .and_then(|metadata| file_risk(&file, metadata.mode())),
        );
    }
    warnings
}

fn folder_risk(folder: &Path, mode: u32) -> Option<String> {
    let shown = folder.display();
    let permissions = mode & 0o7777;
    let risk = if mode & GROUP_OR_OTHERS_WRITE != 0 {
        format!(
            "{} can write to the data folder {shown} (mode {permissions:04o}) and replace its files",
            others_named(mode & 0o002)
        )
    } else if mode & OTHERS_READ_OR_ENTER != 0 {
        format!(
            "every user of this computer can read the data folder {shown} (mode {permissions:04o})"
        )
    } else {
        return None;
    };
    Some(format!("{}. Run: chmod 700 {shown}", capitalised(&risk)))
}

fn file_risk(path: &Path, mode: u32) -> Option<String> {
    let shown = path.display();
    let permissions = mode & 0o7777;
    let sentence = || {
        let others = capitalised(others_named(mode & OTHERS));
        format!(
            "{others} can read or change the store file {shown} (mode {permissions:04o}). Run: chmod 600 {shown}"
        )
    };
    (mode & GROUP_OR_OTHERS != 0).then(sentence)
}

const fn others_named(others: u32) -> &'static str {
    if others == 0 {
        "its group"
    } else {
        "every user of this computer"
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Why this user cannot use the data folder, if it belongs to another user.
pub(crate) fn explain_folder(folder: &Path) -> Option<String> {
    let file = folder.join(store::FILE);
    explain(folder, File::open(folder).map(drop)).or_else(|| {
        explain(
            &file,
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(&file)
                .map(drop),
        )
    })
}

/// Why a file could not be read, as the end of a sentence: the system's message, or its owner.
pub(crate) fn explain_read_error(path: &Path, error: &io::Error) -> String {
    explain(path, File::open(path).map(drop)).unwrap_or_else(|| error.to_string())
}

/// The same for a folder that could not be written to.
pub(crate) fn explain_write_error(folder: &Path, error: &io::Error) -> String {
    let refused = || Err(io::Error::from(error.kind()));
    explain(folder, refused()).unwrap_or_else(|| error.to_string())
}

/// Names the owner of a file and the current user, when permissions are the reason.
fn explain(path: &Path, opened: io::Result<()>) -> Option<String> {
    if opened.err()?.kind() != ErrorKind::PermissionDenied {
        return None;
    }
    // Nothing is known of a file in an unreadable folder: then the folder is explained.
    let (path, metadata) = path
        .ancestors()
        .find_map(|path| Some((path, fs::metadata(path).ok()?)))?;
    Some(ownership(
        path,
        &name_of(metadata.uid()),
        mode_of(&metadata),
        &this_user(),
    ))
}

fn ownership(path: &Path, owner: &str, mode: u32, user: &str) -> String {
    let shown = path.display();
    format!(
        "{shown} belongs to {owner} (mode {mode:04o}), but you are {user}. Run this command as {owner}, or change the \
         owner of {shown}"
    )
}

fn mode_of(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// The name of a path's owner.
pub(crate) fn owner_of(path: &Path) -> Option<String> {
    let metadata = path.ancestors().find_map(|path| fs::metadata(path).ok())?;
    Some(name_of(metadata.uid()))
}

/// The user of this process, as far as the system tells.
pub(crate) fn this_user() -> String {
    fs::metadata("/proc/self").map_or_else(
        |_| "another user".to_owned(),
        |metadata| name_of(metadata.uid()),
    )
}

fn name_of(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&users, uid).map_or_else(
        || format!("the user {uid}"),
        |name| format!("{name} (user {uid})"),
    )
}

/// The name of a user in the text of `/etc/passwd`.
fn name_in(users: &str, uid: u32) -> Option<&str> {
    let uid = uid.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(&uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_can_write_in_or_look_into_is_a_risk() {
        let risk = |mode| folder_risk(Path::new("data"), mode);
        assert_eq!((risk(0o40700), risk(0o40750)), (None, None));
        assert!(
            risk(0o40777)
                .is_some_and(|risk| risk.contains("Every user of this computer can write"))
        );
        assert!(risk(0o40770).is_some_and(|risk| risk.contains("Its group can write")));
        assert!(
            risk(0o40755)
                .is_some_and(|risk| risk.contains("can read") && risk.contains("chmod 700 data"))
        );
    }

    #[test]
    fn a_store_file_that_others_can_read_is_a_risk() {
        let risk = |mode| file_risk(Path::new("k"), mode);
        assert_eq!((risk(0o100_600), risk(0o100_400)), (None, None));
        assert!(
            risk(0o100_644)
                .is_some_and(|risk| risk.contains("Every user") && risk.contains("0644"))
        );
        assert!(risk(0o100_640).is_some_and(|risk| risk.contains("group")));
    }

    #[test]
    fn users_have_names_where_the_system_knows_them() {
        let users = "root:x:0:0:root:/root:/bin/sh\nvestibule:x:998:998::/:/bin/false\n";
        assert_eq!(name_in(users, 998), Some("vestibule"));
        assert_eq!(name_in(users, 99), None);
        let sentence = ownership(
            Path::new("/d/store.redb"),
            "root (user 0)",
            0o600,
            "vestibule (user 998)",
        );
        assert!(
            sentence
                .contains("belongs to root (user 0) (mode 0600), but you are vestibule (user 998)"),
            "{sentence}"
        );
    }
}

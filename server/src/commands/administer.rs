//! Getting an operation to a provider: the running server's, where it holds the store, or one of
//! this process.

use std::{path::Path, time::Duration};

use provider::{AdminCommand, AdminReply};
use store::StoreLocation;
use tokio::time::{Instant, sleep};

use super::{issuer, operations::Operation, output::note};
use crate::{
    config::Config,
    control::{self, ControlError},
    files,
    open::{self, Opened, StoreOpenError},
};

/// While a process holds the store and none listens: a server that is starting or stopping, or
/// another command.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Has the operation carried out.
///
/// # Errors
/// Why it was not, as a sentence.
pub(super) async fn administer(
    config: &Config,
    operation: Operation,
) -> Result<AdminReply, String> {
    refuse_memory(config)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(folder) = config.data_folder()
            && let Some(reply) = control::call(folder, &operation.command)
                .await
                .map_err(|error| unreachable(folder, &error))?
        {
            let reply = reply.map_err(|error| explained(&error))?;
            if operation.shows_users {
                note_issuer_of_running(folder).await;
            }
            return Ok(reply);
        }
        match open::open(config, operation.creation).await {
            Ok(opened) => return directly(config, &opened, operation).await,
            Err(StoreOpenError::Locked(_)) if Instant::now() < deadline => {
                sleep(Duration::from_millis(50)).await;
            }
            Err(failure) => return Err(failure.into_sentence()),
        }
    }
}

/// What the control socket failed with, as a sentence.
pub(super) fn explained(error: &ControlError) -> String {
    match error {
        ControlError::Administration(error) => app::administration_error_text(error),
        ControlError::BackupUnavailable { fault } => format!("{fault}."),
        ControlError::UnknownRequest => {
            "The running server does not support this command. It may be a different version: restart it after an upgrade.".to_owned()
        }
        ControlError::UnexpectedReply => {
            "The running server sent an unexpected reply. It may be a different version: restart it after an upgrade."
                .to_owned()
        }
    }
}

/// No other process can use a store in memory.
pub(super) fn refuse_memory(config: &Config) -> Result<(), String> {
    let sentence = "The store \"memory:\" exists only inside the server process, so commands cannot use it. Choose \
         another store with --store.";
    if config.store == StoreLocation::Memory {
        Err(sentence.to_owned())
    } else {
        Ok(())
    }
}

async fn directly(
    config: &Config,
    opened: &Opened,
    operation: Operation,
) -> Result<AdminReply, String> {
    let reply = opened.provider.terminal().execute(operation.command).await;
    opened.finish().await;
    if opened.created {
        note(&format!("Created a new store in {}.", config.store));
    }
    if operation.shows_users
        && let Ok(Some(change)) = opened.provider.issuer_record().issuer_change().await
    {
        note(&issuer::explained(&change));
    }
    reply.map_err(|error| app::administration_error_text(&error))
}

async fn note_issuer_of_running(folder: &Path) {
    if let Ok(Some(Ok(AdminReply::Issuer(report)))) =
        control::call(folder, &AdminCommand::ShowIssuer).await
        && let Some(change) = report.change()
    {
        note(&issuer::explained(&change));
    }
}

pub(super) fn unreachable(folder: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            let owner = files::owner_of(&folder.join(control::NAME))
                .unwrap_or_else(|| "another user".to_owned());
            format!(
                "The server belongs to {owner}, but you are {}. Run this command as {owner}.",
                files::this_user()
            )
        }
        std::io::ErrorKind::UnexpectedEof => {
            "The running server stopped before it replied. Check whether the change was made."
                .to_owned()
        }
        _ => format!("Cannot reach the running server: {error}."),
    }
}

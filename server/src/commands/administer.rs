//! Getting a request to a provider: the running server's, where it holds the store, or one of our
//! own.

use std::path::Path;
use std::time::Duration;

use store::Location;
use tokio::time::{Instant, sleep};

use super::output::note;
use crate::administration::{self, Answer, Request};
use crate::config::Config;
use crate::control;
use crate::files;
use crate::open::{self, Creation, Failure, Opened};

/// While somebody holds the store and nobody listens: a server that is starting or stopping, or
/// another command.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Has the request done. The error is a sentence.
pub(super) async fn administer(config: &Config, request: Request) -> Result<Answer, String> {
    refuse_memory(config)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(folder) = config.data_folder()
            && let Some(answer) = control::call(folder, &request)
                .await
                .map_err(|error| unreachable(folder, &error))?
        {
            if is_about_people(&request) && answer.is_ok() {
                note_issuer_of_running(folder).await;
            }
            return answer;
        }
        match open::open(config, creation(&request)).await {
            Ok(opened) => return directly(config, &opened, request).await,
            Err(Failure::Locked(_)) if Instant::now() < deadline => {
                sleep(Duration::from_millis(50)).await;
            }
            Err(failure) => return Err(failure.into_sentence()),
        }
    }
}

/// A store in memory has nobody outside of its process.
pub(super) fn refuse_memory(config: &Config) -> Result<(), String> {
    let sentence = "The store memory: ends with its process, so a command has nothing to work on; name another with --store.";
    if config.store == Location::Memory {
        Err(sentence.to_owned())
    } else {
        Ok(())
    }
}

async fn directly(config: &Config, opened: &Opened, request: Request) -> Result<Answer, String> {
    let about_people = is_about_people(&request);
    let answer = administration::execute(&opened.provider, request).await;
    if opened.created {
        note(&format!("A new store was created in {}.", config.store));
    }
    if about_people && let Ok(Some(change)) = opened.provider.issuer_change().await {
        note(&change.to_string());
    }
    answer
}

/// A server of before does not know the question.
async fn note_issuer_of_running(folder: &Path) {
    if let Ok(Some(Ok(Answer::Issuer(report)))) = control::call(folder, &Request::Issuer).await
        && let Some(change) = report.change()
    {
        note(&change.to_string());
    }
}

/// What may be done before the server's first start.
const fn creation(request: &Request) -> Creation {
    match request {
        Request::CreateAccount { .. }
        | Request::AddWaitingAccount { .. }
        | Request::CreateClient { .. }
        | Request::BlockHost { .. } => Creation::Allowed,
        _ => Creation::Refused,
    }
}

/// Whether the answer shows people, or a link for them: then it matters that the issuer has
/// changed.
const fn is_about_people(request: &Request) -> bool {
    matches!(
        request,
        Request::Accounts
            | Request::CreateAccount { .. }
            | Request::AddWaitingAccount { .. }
            | Request::ResetAccount { .. }
    )
}

pub(super) fn unreachable(folder: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            let owner = files::owner_of(&folder.join(control::NAME))
                .unwrap_or_else(|| "another user".to_owned());
            format!(
                "The running server belongs to {owner}, and this is {}; run this as that user.",
                files::this_user()
            )
        }
        std::io::ErrorKind::UnexpectedEof => {
            "The running server ended before it answered; look whether it is done.".to_owned()
        }
        _ => format!("The running server cannot be reached: {error}."),
    }
}

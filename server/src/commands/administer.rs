//! Getting a request to a provider: the running server's, where it holds the store, or one of our own.

use std::time::Duration;

use store::Location;
use tokio::time::{Instant, sleep};

use crate::administration::{self, Answer, Request};
use crate::config::Config;
use crate::control;
use crate::open::{self, Failure};

/// While somebody holds the store and nobody listens: a server that is starting or stopping, or another command.
const PATIENCE: Duration = Duration::from_secs(10);

/// Has the request done. The error is a sentence.
pub(super) async fn administer(config: &Config, request: Request) -> Result<Answer, String> {
    if config.store == Location::Memory {
        return Err(
            "The store memory: ends with its process, so a command has nothing to work on; name another with --store.".to_owned()
        );
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(folder) = config.data_folder()
            && let Some(answer) = control::call(folder, &request).await.map_err(|error| unreachable(&error))?
        {
            return answer;
        }
        match open::open(config).await {
            Ok(opened) => return administration::execute(&opened.provider, request).await,
            Err(Failure::Locked(_)) if Instant::now() < deadline => sleep(Duration::from_millis(50)).await,
            Err(failure) => return Err(failure.into_sentence()),
        }
    }
}

fn unreachable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => "The running server belongs to another user; run this as that user.".to_owned(),
        std::io::ErrorKind::UnexpectedEof => "The running server ended before it answered; look whether it is done.".to_owned(),
        _ => format!("The running server cannot be reached: {error}."),
    }
}

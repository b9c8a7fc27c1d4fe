//! The control socket: how a command reaches the server that holds the embedded store.
//!
//! `control.sock` lies in the data folder, which only its owner can enter, and has mode 0600; the
//! peer's user is checked once more. One line of JSON goes each way. Only the process that holds
//! the store binds it, so a socket found at that place by such a process is left over from an
//! earlier one.

use std::{
    fs::{DirBuilder, File, Permissions},
    io,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use provider::{AdminCommand, AdminReply, AdministrationError, Provider, backup::Backup};
use serde::{Deserialize, Serialize};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
};

use crate::{random, swap::Current};

/// The name of the embedded engine in a backup.
pub(crate) const EMBEDDED: &str = "embedded";
pub(crate) const NAME: &str = "control.sock";
/// The kernel takes 107 bytes for a socket's path, other systems 103.
const LONGEST_PATH: usize = 100;
const LONGEST_REQUEST: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_mins(1);
/// How long the reader of a backup may take for one more line of it.
const SLOWEST_READER: Duration = Duration::from_mins(10);
/// How many commands may wait to be accepted.
const BACKLOG: i32 = 128;

/// A request of the command line. It has no Debug: it may hold a password.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ControlRequest<Command> {
    /// Carries out an administrative operation.
    Administer(Command),
    /// Asks for a backup, which follows the reply line by line.
    Backup,
}

/// What the server replies. It has no Debug: it may hold the secret of a client or a link.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ControlReply {
    /// The operation was carried out.
    Administered(AdminReply),
    /// A backup follows.
    Backup,
}

/// Why the running server did not do what was asked.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ControlError {
    /// The operation was not carried out.
    Administration(AdministrationError),
    /// The store does not answer, so that there is no backup.
    BackupUnavailable {
        /// What the store said.
        fault: String,
    },
    /// The server does not know the request: it is of another version.
    UnknownRequest,
    /// The reply is not one to this request: the server is of another version.
    UnexpectedReply,
}

/// The listening end. Dropping it removes the socket.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// The user that the server runs as.
    owner: u32,
}

impl ControlSocket {
    /// Binds the socket in the data folder, in place of one left over. Call it only while holding
    /// the store.
    pub(crate) fn bind(folder: &Path) -> io::Result<Self> {
        let path = folder.join(NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (listener, owner) = with_short_path(folder, bind_private)?;
        Ok(Self {
            listener,
            path,
            owner,
        })
    }

    /// Answers requests until it is dropped.
    pub(crate) async fn serve(self, provider: impl Into<Current<Provider>>) {
        let current = provider.into();
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) if is_owner(&stream, self.owner) => {
                    let provider = current.get();
                    tokio::spawn(async move {
                        let _ = converse(stream, &provider).await;
                    });
                }
                Ok(_) => tracing::warn!("another user tried to use the control socket"),
                // Out of file descriptors, say; they come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

/// Binds a socket that is private from the start, and tells whose it is. Its file gets the mode of
/// the socket (on Linux), so that no mode has to be changed by name, where a link might have been
/// put in between.
fn bind_private(path: &Path) -> io::Result<(UnixListener, u32)> {
    let socket = File::from(OwnedFd::from(Socket::new(
        Domain::UNIX,
        Type::STREAM.cloexec().nonblocking(),
        None,
    )?));
    let mode = socket.set_permissions(Permissions::from_mode(0o600));
    let owner = socket.metadata()?.uid();
    let socket = Socket::from(OwnedFd::from(socket));
    socket.bind(&SockAddr::unix(path)?)?;
    if mode.is_err() {
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    }
    socket.listen(BACKLOG)?;
    Ok((UnixListener::from_std(socket.into())?, owner))
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Has the server that holds the store in `folder` carry out an operation; `None` when no server
/// listens there.
pub(crate) async fn call(
    folder: &Path,
    command: &AdminCommand,
) -> io::Result<Option<Result<AdminReply, ControlError>>> {
    let stream = match connect(folder) {
        Ok(stream) => stream,
        Err(error) if is_not_listening(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let reply = tokio::time::timeout(PATIENCE, ask(stream, command))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)??;
    Ok(Some(match reply {
        Ok(ControlReply::Administered(reply)) => Ok(reply),
        Ok(ControlReply::Backup) => Err(ControlError::UnexpectedReply),
        Err(error) => Err(error),
    }))
}

/// Asks the server that holds the store in `folder` for a backup. Its lines follow, and end with
/// the connection; `None` when no server listens there.
pub(crate) async fn backup(
    folder: &Path,
) -> io::Result<Option<Result<BufReader<UnixStream>, ControlError>>> {
    let stream = match connect(folder) {
        Ok(stream) => stream,
        Err(error) if is_not_listening(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let (stream, answer) = within(PATIENCE, ask_for_backup(stream)).await?;
    Ok(Some(match answer {
        Ok(ControlReply::Backup) => Ok(stream),
        Ok(ControlReply::Administered(_)) => Err(ControlError::UnexpectedReply),
        Err(error) => Err(error),
    }))
}

async fn ask_for_backup(
    stream: UnixStream,
) -> io::Result<(BufReader<UnixStream>, Result<ControlReply, ControlError>)> {
    let mut stream = BufReader::new(stream);
    send(stream.get_mut(), &ControlRequest::<AdminCommand>::Backup).await?;
    let mut answer = Vec::new();
    stream.read_until(b'\n', &mut answer).await?;
    Ok((stream, reply_in(&answer)))
}

fn connect(folder: &Path) -> io::Result<UnixStream> {
    let stream = with_short_path(folder, |short| {
        std::os::unix::net::UnixStream::connect(short)
    })?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

fn is_not_listening(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

async fn ask(
    mut stream: UnixStream,
    command: &AdminCommand,
) -> io::Result<Result<ControlReply, ControlError>> {
    send(&mut stream, &ControlRequest::Administer(command)).await?;
    Ok(reply_in(&read_line(&mut stream, u64::MAX).await?))
}

/// What a line of the server says. A server of another version may say it in another way.
fn reply_in(line: &[u8]) -> Result<ControlReply, ControlError> {
    serde_json::from_slice(line).unwrap_or(Err(ControlError::UnexpectedReply))
}

async fn send(stream: &mut UnixStream, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

async fn converse(mut stream: UnixStream, provider: &Provider) -> io::Result<()> {
    let backup = within(PATIENCE, answer(&mut stream, provider)).await?;
    if let Some(backup) = backup {
        write_backup(&mut stream, backup).await?;
    }
    stream.shutdown().await
}

/// Answers one request. A backup follows the answer that announces it.
async fn answer(stream: &mut UnixStream, provider: &Provider) -> io::Result<Option<Backup>> {
    let line = read_line(stream, LONGEST_REQUEST).await?;
    let request = serde_json::from_slice::<ControlRequest<AdminCommand>>(&line);
    let (answer, backup) = match request {
        Ok(ControlRequest::Backup) => start_backup(provider).await,
        Ok(ControlRequest::Administer(command)) => (execute(provider, command).await, None),
        Err(_) => (Err(ControlError::UnknownRequest), None),
    };
    send(stream, &answer).await?;
    Ok(backup)
}

async fn start_backup(provider: &Provider) -> (Result<ControlReply, ControlError>, Option<Backup>) {
    match provider.backup(EMBEDDED).await {
        Ok(backup) => (Ok(ControlReply::Backup), Some(backup)),
        Err(error) => {
            let fault = error.to_string();
            (Err(ControlError::BackupUnavailable { fault }), None)
        }
    }
}

/// The last line tells the reader whether everything came.
async fn write_backup(stream: &mut UnixStream, mut backup: Backup) -> io::Result<()> {
    while let Some(line) = backup.next_line().await.map_err(io::Error::other)? {
        within(SLOWEST_READER, stream.write_all(&line)).await?;
    }
    Ok(())
}

async fn within<T>(span: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(span, work)
        .await
        .map_err(|_| io::ErrorKind::TimedOut)?
}

async fn read_line(stream: &mut UnixStream, longest: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(stream.take(longest))
        .read_until(b'\n', &mut line)
        .await?;
    match line.last() {
        Some(b'\n') => Ok(line),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn is_owner(stream: &UnixStream, owner: u32) -> bool {
    const ROOT: u32 = 0;
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == owner || peer.uid() == ROOT)
}

/// Calls `act` with a path of the socket that is short enough for the kernel: where the folder's
/// own is too long, through a symbolic link in a private temporary folder.
fn with_short_path<T>(folder: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let path = folder.join(NAME);
    if path.as_os_str().len() <= LONGEST_PATH {
        return act(&path);
    }
    let detour = private_folder()?;
    let link = detour.join("d");
    let result = std::path::absolute(folder)
        .and_then(|folder| symlink(folder, &link))
        .and_then(|()| act(&link.join(NAME)));
    let _ = std::fs::remove_file(&link);
    let _ = std::fs::remove_dir(&detour);
    result
}

fn private_folder() -> io::Result<PathBuf> {
    let temporary = std::env::temp_dir();
    let base = if temporary.as_os_str().len() <= LONGEST_PATH / 2 {
        temporary
    } else {
        PathBuf::from("/tmp")
    };
    let folder = base.join(format!("vestibule-{:016x}", random::label()));
    DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

async fn execute(provider: &Provider, command: AdminCommand) -> Result<ControlReply, ControlError> {
    let outcome = provider.terminal().execute(command).await;
    let reply = outcome.map(ControlReply::Administered);
    reply.map_err(ControlError::Administration)
}

#[cfg(test)]
mod tests;

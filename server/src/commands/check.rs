//! `vestibule check`: all problems at once.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use provider::{AdminCommand, AdminReply, StoreIdentity};
use serde_json::json;
use store::{Store, StoreLocation};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{issuer, output, warnings};
use crate::{
    config::{Config, Flags, ListenAddress, SealingKeySource},
    control,
    endpoints::Endpoint,
    files, listen, random, sealing,
    site::EmbeddedSite,
};

/// How long a server that holds the port has to say who it is, and how much of its answer is read.
const PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Prints the problems; the exit code is 1 if there are any.
pub(super) async fn check(flags: &Flags, json: bool, embedded: Option<EmbeddedSite>) -> ExitCode {
    let (config, mut faults) = Config::examine(flags, &super::variable);
    faults.extend(store_fault(&config).await);
    faults.extend(sealing_key_fault(&config));
    faults.extend(listen_faults(&config).await);
    let mut warnings = warnings::of(&config, &warnings::site(&config, embedded));
    warnings.extend(issuer_change(&config).await);
    let report = report(&config, &faults, &warnings, json);
    let is_sound = output::line(&report).is_ok() && faults.is_empty();
    ExitCode::from(u8::from(!is_sound))
}

fn report(config: &Config, faults: &[String], warnings: &[String], json: bool) -> String {
    if json {
        return json!({ "faults": faults, "warnings": warnings }).to_string();
    }
    let mut report = match faults {
        [] => summary(config),
        faults => format!(
            "The configuration has problems:\n  - {}",
            faults.join("\n  - ")
        ),
    };
    if !warnings.is_empty() {
        report = format!("{report}\n\nWarnings:\n  - {}", warnings.join("\n  - "));
    }
    report
}

fn summary(config: &Config) -> String {
    let listen: Vec<_> = config.listen.iter().map(ToString::to_string).collect();
    let resources: Vec<_> = config
        .resources
        .iter()
        .map(|resource| resource.identifier.as_str())
        .collect();
    format!(
        "The configuration is valid.\n\n  Issuer       {}\n  Listen       {}\n  Store        {}\n  MCP servers  {}",
        config.issuer,
        listen.join(", "),
        config.store,
        resources.join(", ")
    )
}

/// Whether the store was used under another issuer than the configured one, as far as it can be
/// asked.
async fn issuer_change(config: &Config) -> Option<String> {
    let recorded = match &config.store {
        StoreLocation::Memory => None,
        StoreLocation::File(folder) => match control::call(folder, &AdminCommand::ShowIssuer)
            .await
            .ok()?
        {
            Some(Ok(AdminReply::Issuer(report))) => report.recorded,
            Some(_) => None,
            None => recorded_in(config).await,
        },
        StoreLocation::Redis(_) => recorded_in(config).await,
    };
    recorded?
        .change_to(&config.issuer)
        .map(|change| issuer::explained(&change))
}

async fn recorded_in(config: &Config) -> Option<StoreIdentity> {
    let store = Store::open_existing_with(&config.store, &config.redis())
        .await
        .ok()??;
    provider::recorded_issuer(&store).await.ok()?
}

async fn store_fault(config: &Config) -> Option<String> {
    match &config.store {
        StoreLocation::Memory => None,
        StoreLocation::File(folder) => match folder_fault(folder) {
            Some(fault) => Some(format!("store: {fault}.")),
            None if folder.join(store::FILE).exists() => use_fault(config).await,
            None => None,
        },
        StoreLocation::Redis(_) => use_fault(config).await,
    }
}

/// Does with the store what the server will do. One that is held is in use already.
async fn use_fault(config: &Config) -> Option<String> {
    let location = &config.store;
    let redis = config.redis();
    let used = async { Store::open_with(location, &redis).await?.probe().await };
    match used.await {
        Ok(()) | Err(store::Error::Locked(_)) => None,
        Err(error) => Some(format!("store: cannot use {location}: {error}.")),
    }
}

/// Tries to write where the data will be, and leaves nothing behind.
fn folder_fault(folder: &Path) -> Option<String> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let mut nearest = absolute.as_path();
    while !nearest.exists() {
        nearest = nearest.parent()?;
    }
    if nearest.is_dir() {
        write_fault(nearest)
    } else {
        Some(format!("{} is not a folder", nearest.display()))
    }
}

fn write_fault(nearest: &Path) -> Option<String> {
    let probe: PathBuf = nearest.join(format!(".vestibule-check-{:016x}", random::label()));
    let tried = std::fs::File::create_new(&probe).and_then(|_| std::fs::remove_file(&probe));
    tried.err().map(|error| {
        format!(
            "cannot write to {}: {}",
            nearest.display(),
            files::explain_write_error(nearest, &error)
        )
    })
}

/// Addresses that cannot be listened at. One where a server of this issuer answers is in use as it
/// should be.
async fn listen_faults(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    for address in &config.listen {
        match listen::bind(std::slice::from_ref(address)).await {
            Err(fault) if !answers_here(address, config).await => {
                faults.push(format!("listen: {fault}"));
            }
            _ => {}
        }
    }
    faults
}

/// Whether a server at the address says that it is this issuer.
async fn answers_here(address: &ListenAddress, config: &Config) -> bool {
    let origin = config.issuer.origin();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        Endpoint::AuthorizationServer.path(),
        origin.split("://").last().unwrap_or_default()
    );
    let document = timeout(PATIENCE, document_at(address, &request)).await;
    matches!(document, Ok(Some(document)) if document["issuer"] == config.issuer.as_str())
}

/// The JSON that answers a request.
async fn document_at(address: &ListenAddress, request: &str) -> Option<serde_json::Value> {
    let mut stream = TcpStream::connect((address.host.as_str(), address.port))
        .await
        .ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream
        .take(LONGEST_ANSWER)
        .read_to_end(&mut answer)
        .await
        .ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok()
}

fn sealing_key_fault(config: &Config) -> Option<String> {
    match (&config.sealing_key, &config.store) {
        (Some(SealingKeySource::File(path)), _) => {
            let fault = sealing::read(path).err()?;
            Some(format!(
                "sealing_key: cannot use {}: {}.",
                path.display(),
                files::explain_read_error(path, &fault)
            ))
        }
        (None, StoreLocation::Redis(_)) => {
            Some(format!("sealing_key: {}", sealing::NEEDED_WITH_REDIS))
        }
        (Some(SealingKeySource::Given(_)), _)
        | (None, StoreLocation::File(_) | StoreLocation::Memory) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_be_made_is_no_fault_and_is_not_made() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(folder_fault(&folder.path().join("a/b")), None);
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            0
        );
    }

    #[test]
    fn a_file_in_the_way_is_a_fault() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert!(folder_fault(file.path()).is_some());
        assert!(folder_fault(&file.path().join("data")).is_some());
    }
}

//! The command line.

mod administer;
mod audit;
mod backup;
mod check;
mod compact;
mod issuer;
mod list;
mod log;
mod operations;
mod output;
mod protect;
mod reload;
mod resource;
mod restore;
mod serve;
mod settings;
mod warnings;

use std::process::ExitCode;

use self::operations::{AccountCommand, ClientCommand, IssuerCommand, KeyCommand, Operation};
use crate::{
    config::{Config, Faults, Flags},
    sealing,
    site::EmbeddedSite,
};
use clap::{Parser, Subcommand};
use provider::{AccountSummary, AdminCommand, ClientSummary};

/// What the server logs unless `RUST_LOG` is set.
const SERVER_LOG: &str = "warn,vestibule=info,server=info,app=info,provider=info,store=info,access_token=info,oauth=info";

/// An OAuth 2.1 authorization server for MCP servers.
#[derive(Debug, Parser)]
#[command(
    name = "vestibule",
    version,
    max_term_width = 100,
    after_help = "Every setting is also a flag. Run \"vestibule help settings\" to list them."
)]
struct CommandLine {
    #[command(flatten)]
    flags: Flags,
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (also without any command)
    Serve,
    /// Run the server in front of one MCP server that needs no changes
    Protect(protect::ProtectCommand),
    /// Manage accounts: invite people, reset sign-in, set roles
    #[command(subcommand)]
    Account(AccountCommand),
    /// Read the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Manage applications (OAuth clients) and blocked hosts
    #[command(subcommand)]
    Client(ClientCommand),
    /// Manage the keys that sign access tokens
    #[command(subcommand)]
    Key(KeyCommand),
    /// Show how to protect an MCP server, and create its introspection secret
    #[command(subcommand)]
    Resource(resource::ResourceCommand),
    /// Show the issuer that the store was created for, or accept a new one
    #[command(subcommand)]
    Issuer(IssuerCommand),
    /// Back up the store to a file; works while the server runs
    Backup(backup::BackupCommand),
    /// Restore a backup into an empty store (embedded or Redis)
    Restore(restore::RestoreCommand),
    /// Shrink the store file after many records were removed; stop the server first
    Compact,
    /// Check the configuration and list all problems
    Check,
    /// List all settings with flag, environment variable, description and default
    #[command(after_help = settings::text())]
    Settings,
}

/// Runs the command that the process was started with.
pub fn run(site: Option<EmbeddedSite>) -> ExitCode {
    let line = CommandLine::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("Cannot start threads: {error}.")),
    };
    match runtime.block_on(dispatch(line, site)) {
        Ok(code) => code,
        Err(sentence) => fail(&sentence),
    }
}

async fn dispatch(line: CommandLine, site: Option<EmbeddedSite>) -> Result<ExitCode, String> {
    let CommandLine {
        flags,
        json,
        command,
    } = line;
    let operation = match command.unwrap_or(Command::Serve) {
        Command::Serve => return serve(&flags, site).await,
        Command::Protect(command) => {
            return serve(&flags.protecting(command.server()), site).await;
        }
        Command::Check => return Ok(check::check(&flags, json, site).await),
        Command::Settings => return settings::print(json),
        Command::Resource(command) => return resource::resource(&flags, &command, json),
        Command::Audit(command) => {
            let _log = log::start("warn").map_err(|error| no_log(&error))?;
            return audit::audit(&resolve(&flags)?, command, json).await;
        }
        Command::Backup(command) => {
            let _log = log::start("warn").map_err(|error| no_log(&error))?;
            return backup::backup(&resolve(&flags)?, &command, json).await;
        }
        Command::Restore(command) => {
            let _log = log::start("warn").map_err(|error| no_log(&error))?;
            return restore::restore(&resolve(&flags)?, &command, json).await;
        }
        Command::Compact => {
            let _log = log::start("warn").map_err(|error| no_log(&error))?;
            return compact::compact(&resolve(&flags)?, json).await;
        }
        Command::Account(command) => operations::account(command)?,
        Command::Client(command) => operations::client(command)?,
        Command::Issuer(command) => operations::issuer(command),
        Command::Key(command) => match operations::key(command) {
            Some(operation) => operation,
            None => return seal(json),
        },
    };
    let _log = log::start("warn").map_err(|error| no_log(&error))?;
    let config = resolve(&flags)?;
    let operation = match operation.command {
        AdminCommand::ListAccounts { page } => {
            return list::list::<AccountSummary>(&config, page, json).await;
        }
        AdminCommand::ListClients { page } => {
            return list::list::<ClientSummary>(&config, page, json).await;
        }
        command => Operation {
            command,
            ..operation
        },
    };
    let outcome = operation.outcome.clone();
    let reply = administer::administer(&config, operation).await?;
    output::print(&reply, &outcome, json)?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(flags: &Flags, site: Option<EmbeddedSite>) -> Result<ExitCode, String> {
    let _log = log::start(SERVER_LOG).map_err(|error| no_log(&error))?;
    serve::serve(resolve(flags)?, flags, site)
        .await
        .map(|()| ExitCode::SUCCESS)
}

fn seal(json: bool) -> Result<ExitCode, String> {
    let key = sealing::fresh()?.expose();
    if json {
        output::line(&serde_json::json!({ "sealing_key": *key }).to_string())?;
    } else {
        output::line(&key)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn resolve(flags: &Flags) -> Result<Config, String> {
    Config::resolve(flags, &variable).map_err(|Faults(faults)| match faults.as_slice() {
        [one] => one.clone(),
        many => format!(
            "The configuration has {} problems:\n  - {}",
            many.len(),
            many.join("\n  - ")
        ),
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn no_log(error: &std::io::Error) -> String {
    format!("Cannot write the log: {error}.")
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("vestibule: {sentence}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use jose::Jwks;
    use oauth_clients::client::KeySource;
    use provider::{AdminCommand, ClientChanges, ClientProof, Role};

    use super::operations::key_source;
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn one_help_lists_every_setting_and_the_others_list_none() {
        let help = |arguments: &[&str]| {
            let shown = CommandLine::try_parse_from(arguments).expect_err("the help");
            shown.to_string()
        };
        let all = help(&["vestibule", "help", "settings"]);
        let own = help(&["vestibule", "account", "add", "--help"]);
        for named in crate::config::SETTINGS {
            let flag = format!("--{} ", named.flag());
            let listed = all.matches(&flag).count() == 1 && all.contains(&named.variable());
            assert!(listed, "{flag}: {all}");
            assert!(!own.contains(&flag), "{flag}: {own}");
        }
    }

    #[test]
    fn settings_may_stand_before_or_after_the_command() {
        for arguments in [
            [
                "vestibule",
                "--store",
                "memory:",
                "account",
                "list",
                "--json",
            ],
            [
                "vestibule",
                "--json",
                "account",
                "list",
                "--store",
                "memory:",
            ],
            [
                "vestibule",
                "account",
                "--json",
                "--store",
                "memory:",
                "list",
            ],
        ] {
            let line = CommandLine::try_parse_from(arguments).expect("a command");
            assert_eq!(line.flags.value("store"), Some("memory:"), "{arguments:?}");
            assert!(line.json, "{arguments:?}");
        }
    }

    /// A parameter of a command that has the name of a setting would hide its flag.
    #[test]
    fn every_setting_has_its_flag_on_every_command() {
        fn commands(command: &clap::Command, path: &str, found: &mut Vec<String>) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                let own = sub.get_arguments().filter(|own| !own.is_global_set());
                found.extend(own.map(|own| format!("{path}: {}", own.get_id())));
                commands(sub, &path, found);
            }
        }
        let mut found = Vec::new();
        commands(&CommandLine::command(), "vestibule", &mut found);
        let hidden = |own: &&String| {
            crate::config::SETTINGS
                .iter()
                .any(|named| own.ends_with(&format!(": {}", named.key)))
        };
        assert_eq!(
            found.iter().filter(hidden).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
        assert!(
            found
                .iter()
                .any(|own| own == "vestibule issuer accept: accepted")
        );
    }

    #[test]
    fn a_role_is_asked_for_only_where_one_is_named() {
        let asked = |rest: &[&str]| {
            let line = ["vestibule", "account", "add", "a@example.com"]
                .iter()
                .chain(rest);
            match CommandLine::try_parse_from(line)
                .expect("a command")
                .command
            {
                Some(Command::Account(command)) => {
                    operations::account(command).expect("an operation").command
                }
                _ => panic!("another command"),
            }
        };
        assert!(
            matches!(
                asked(&[]),
                AdminCommand::AddPendingAccount { role: None, .. }
            ),
            "an account that has a role keeps it"
        );
        for role in [Role::User, Role::Administrator] {
            let request = asked(&["--role", role.as_str()]);
            assert!(
                matches!(request, AdminCommand::AddPendingAccount { role: Some(asked), .. } if asked == role)
            );
        }
    }

    #[test]
    fn setting_a_client_names_what_changes_and_one_way_to_authenticate() {
        let asked = |rest: &[&str]| {
            let line = CommandLine::try_parse_from(
                ["vestibule", "client", "set", "app"].iter().chain(rest),
            )
            .ok()?;
            match line.command {
                Some(Command::Client(command)) => Some(operations::client(command).ok()?.command),
                _ => None,
            }
        };
        let changes = |rest: &[&str]| match asked(rest) {
            Some(AdminCommand::ChangeClient { client_id, changes }) if client_id == "app" => {
                changes
            }
            _ => panic!("{rest:?}: another request"),
        };
        assert_eq!(changes(&[]), ClientChanges::default());
        assert_eq!(changes(&["--public"]).proof, Some(ClientProof::None));
        assert_eq!(
            changes(&["--confidential"]).proof,
            Some(ClientProof::Secret)
        );
        let uris = changes(&[
            "--redirect-uri",
            "https://a/1",
            "--redirect-uri",
            "https://a/2",
        ])
        .redirect_uris;
        assert_eq!(uris.expect("two").len(), 2);
        assert!(asked(&["--public", "--confidential"]).is_none());
        assert!(asked(&["--jwks", "https://a.example/keys", "--public"]).is_none());
        let password = ["vestibule", "account", "password", "a@example.com"];
        assert!(
            CommandLine::try_parse_from(password).is_err(),
            "a password is never read from a terminal by surprise"
        );
    }

    #[test]
    fn a_client_has_keys_in_a_file_or_at_an_address_and_then_no_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("keys.json");
        let keys = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        std::fs::write(&file, keys).expect("written");
        let path = file.to_str().expect("a path that is text");
        let inline = Jwks::parse(&serde_json::from_str(keys).expect("JSON")).expect("keys of use");
        assert_eq!(key_source(path), Ok(KeySource::Inline(inline)));
        let address = "https://agent.example/keys.json";
        assert_eq!(key_source(address), Ok(KeySource::At(address.to_owned())));
        std::fs::write(&file, r#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#).expect("written");
        for (bad, why) in [
            (path, "create a new key and publish only its public part"),
            ("http://agent.example/keys.json", "it must be an https URL"),
            ("/nowhere/keys.json", "cannot be read"),
        ] {
            assert!(
                key_source(bad)
                    .is_err_and(|sentence| sentence.contains(why) && sentence.contains(bad)),
                "{bad}"
            );
        }
        let add = [
            "vestibule",
            "client",
            "add",
            "--name",
            "A",
            "--redirect-uri",
            "https://a/1",
            "--jwks",
            address,
        ];
        assert!(CommandLine::try_parse_from(add).is_ok());
        assert!(CommandLine::try_parse_from([&add[..], &["--confidential"]].concat()).is_err());
    }

    #[test]
    fn a_client_may_have_several_redirect_uris() {
        let many = [
            "vestibule",
            "client",
            "add",
            "--name",
            "A",
            "--redirect-uri",
            "https://a/1",
            "--redirect-uri",
            "https://a/2",
        ];
        let line = CommandLine::try_parse_from(many).expect("a command");
        let Some(Command::Client(ClientCommand::Add { redirect_uris, .. })) = line.command else {
            panic!("another command")
        };
        assert_eq!(redirect_uris, ["https://a/1", "https://a/2"]);
        assert!(
            CommandLine::try_parse_from(["vestibule", "client", "add", "--name", "A"]).is_err()
        );
    }
}

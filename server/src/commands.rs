//! The command line.

mod administer;
mod check;
mod output;
mod serve;

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::administration::Request;
use crate::config::{Config, Faults, Flags};
use crate::sealing;

/// An OAuth 2.1 authorization server for MCP servers.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, max_term_width = 100)]
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
    /// Manage the people who can sign in
    #[command(subcommand)]
    Account(AccountCommand),
    /// Manage the applications that ask for access
    #[command(subcommand)]
    Client(ClientCommand),
    /// Manage the keys that sign access tokens
    #[command(subcommand)]
    Key(KeyCommand),
    /// Explain every fault of the configuration at once
    Check,
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Add an account; prints a one-time link to enrol, or sets a password
    Add {
        /// The e-mail address
        email: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the accounts
    List,
    /// Keep an account from signing in, and end what it allowed
    Disable {
        /// The e-mail address
        email: String,
    },
    /// Let a disabled account sign in again
    Enable {
        /// The e-mail address
        email: String,
    },
    /// Remove an account for good
    Remove {
        /// The e-mail address
        email: String,
    },
}

#[derive(Debug, Subcommand)]
enum ClientCommand {
    /// Add a client; prints its id, and its secret this once
    Add {
        /// What people call it
        #[arg(long)]
        name: String,
        /// Where answers may go; give it once for each
        #[arg(long = "redirect-uri", value_name = "URI", required = true, num_args = 1..)]
        redirect_uris: Vec<String>,
        /// Give it a secret, which it must then use
        #[arg(long)]
        confidential: bool,
    },
    /// List the clients
    List,
    /// Remove a client
    Remove {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// List the signing keys
    List,
    /// Make a new signing key; the old one retires after its tokens have expired
    Rotate,
    /// Print a fresh key that seals the signing keys in the store
    Seal,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("The threads cannot be started: {error}.")),
    };
    match runtime.block_on(dispatch(line)) {
        Ok(code) => code,
        Err(sentence) => fail(&sentence),
    }
}

async fn dispatch(line: CommandLine) -> Result<ExitCode, String> {
    let CommandLine { flags, json, command } = line;
    let request = match command.unwrap_or(Command::Serve) {
        Command::Serve => {
            log("warn,vestibule=info,server=info,app=info,provider=info,store=info,access_token=info,oauth=info");
            return serve::serve(resolve(&flags)?).await.map(|()| ExitCode::SUCCESS);
        }
        Command::Check => return Ok(check::check(&flags, json).await),
        Command::Key(KeyCommand::Seal) => return seal(json),
        Command::Account(command) => account_request(command)?,
        Command::Client(command) => client_request(command),
        Command::Key(KeyCommand::List) => Request::Keys,
        Command::Key(KeyCommand::Rotate) => Request::RotateKeys,
    };
    log("warn");
    let told = output::Told::of(&request);
    let answer = administer::administer(&resolve(&flags)?, request).await?;
    output::print(&answer, &told, json)?;
    Ok(ExitCode::SUCCESS)
}

fn account_request(command: AccountCommand) -> Result<Request, String> {
    Ok(match command {
        AccountCommand::Add { email, password_stdin: false } => Request::AddAccount { email, password: None },
        AccountCommand::Add { email, password_stdin: true } => {
            Request::AddAccount { email, password: Some(password_from_stdin()?) }
        }
        AccountCommand::List => Request::Accounts,
        AccountCommand::Disable { email } => Request::DisableAccount { email },
        AccountCommand::Enable { email } => Request::EnableAccount { email },
        AccountCommand::Remove { email } => Request::RemoveAccount { email },
    })
}

fn client_request(command: ClientCommand) -> Request {
    match command {
        ClientCommand::Add { name, redirect_uris, confidential } => Request::AddClient { name, redirect_uris, confidential },
        ClientCommand::List => Request::Clients,
        ClientCommand::Remove { id } => Request::RemoveClient { client_id: id },
    }
}

/// The first line, without its end.
fn password_from_stdin() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| format!("The password cannot be read: {error}."))?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err("There is no password on standard input.".to_owned()),
        password => Ok(password.to_owned()),
    }
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
        many => format!("the configuration has {} faults:\n  - {}", many.len(), many.join("\n  - ")),
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Log lines go to standard error; `RUST_LOG` decides which.
fn log(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colours = std::io::stderr().is_terminal();
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).try_init();
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("vestibule: {sentence}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn settings_may_stand_before_or_after_the_command() {
        for arguments in [
            ["vestibule", "--store", "memory:", "account", "list", "--json"],
            ["vestibule", "--json", "account", "list", "--store", "memory:"],
            ["vestibule", "account", "--json", "--store", "memory:", "list"],
        ] {
            let line = CommandLine::try_parse_from(arguments).expect("a command");
            assert_eq!(line.flags.value("store"), Some("memory:"), "{arguments:?}");
            assert!(line.json, "{arguments:?}");
        }
    }

    #[test]
    fn a_client_may_have_several_redirect_uris() {
        let many = ["vestibule", "client", "add", "--name", "A", "--redirect-uri", "https://a/1", "--redirect-uri", "https://a/2"];
        let line = CommandLine::try_parse_from(many).expect("a command");
        let Some(Command::Client(ClientCommand::Add { redirect_uris, .. })) = line.command else { panic!("another command") };
        assert_eq!(redirect_uris, ["https://a/1", "https://a/2"]);
        assert!(CommandLine::try_parse_from(["vestibule", "client", "add", "--name", "A"]).is_err());
    }
}

//! The administrative operations of the command line: the arguments, the [`AdminCommand`] that they
//! stand for, and what is printed afterwards.

use std::io::BufRead as _;

use clap::Subcommand;
use jose::Jwks;
use oauth::ProtocolError as _;
use oauth_clients::{client::KeySource, error::MetadataError};
use provider::{AdminCommand, ClientChanges, ClientProof, NewAccount, NewClient, Role};
use serde_json::Value;

use super::{list::Listed, output::local_domain_note};
use crate::{files, open::Creation};

/// An operation with what the command line has to know about it.
pub(super) struct Operation {
    pub(super) command: AdminCommand,
    /// What is printed when there is nothing else to show.
    pub(super) outcome: String,
    /// Whether it may be done before the first start of the server.
    pub(super) creation: Creation,
    /// Whether the reply shows users, or a link for them: then a changed issuer matters.
    pub(super) shows_users: bool,
}

impl Operation {
    /// An operation whose reply is shown.
    pub(super) const fn showing(command: AdminCommand) -> Self {
        Self {
            command,
            outcome: String::new(),
            creation: Creation::Refused,
            shows_users: false,
        }
    }

    /// An operation after which `outcome` is printed.
    fn done(command: AdminCommand, outcome: String) -> Self {
        Self {
            outcome,
            ..Self::showing(command)
        }
    }

    const fn before_first_start(mut self) -> Self {
        self.creation = Creation::Allowed;
        self
    }

    pub(super) const fn showing_users(mut self) -> Self {
        self.shows_users = true;
        self
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Add an account and print an invitation link, or set a password; an existing account is not changed
    Add {
        /// The email address
        email: String,
        /// The user's name
        #[arg(long)]
        name: Option<String>,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        /// The user's role
        #[arg(long, value_parser = role, value_name = "person|administrator", conflicts_with = "password_stdin")]
        role: Option<Role>,
    },
    /// Set the password of an account; ends its sessions, recovery codes and connections
    Password {
        /// The email address
        email: String,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Print a one-time link to set a new way to sign in; earlier links stop working
    Reset {
        /// The email address
        email: String,
        /// Cancel the current reset or invitation link instead
        #[arg(long)]
        withdraw: bool,
    },
    /// Change the email address of an account
    Email {
        /// The current email address
        email: String,
        /// The new email address
        new: String,
    },
    /// Set or remove the name of a user
    Name {
        /// The email address
        email: String,
        /// The name; leave it out to remove the name
        name: Option<String>,
    },
    /// Set the role of a user
    Role {
        /// The email address
        email: String,
        /// The role
        #[arg(value_parser = role, value_name = "person|administrator")]
        role: Role,
    },
    /// List accounts, by email address or in another order
    List(Listed),
    /// Disable an account: sign it out, block sign-in and disconnect its applications
    Disable {
        /// The email address
        email: String,
    },
    /// Enable a disabled account
    Enable {
        /// The email address
        email: String,
    },
    /// Remove an account permanently
    Remove {
        /// The email address
        email: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Add a client and print its ID, and its client secret, which is shown only once. Adding it
    /// again with the same --id and values changes nothing
    Add {
        /// The client ID [default: a generated one]
        #[arg(long)]
        id: Option<String>,
        /// The name that users see
        #[arg(long)]
        name: String,
        /// A redirect URI; may be repeated
        #[arg(long = "redirect-uri", value_name = "URI", required = true, num_args = 1..)]
        redirect_uris: Vec<String>,
        /// Make it a confidential client with a client secret
        #[arg(long)]
        confidential: bool,
        /// The public keys that it authenticates with: a JWKS file, or the https URL of its JWKS
        #[arg(long, value_name = "FILE or URL", conflicts_with = "confidential")]
        jwks: Option<String>,
    },
    /// Change a client that was added; values that are not given stay the same
    Set {
        /// The client ID
        id: String,
        /// The name that users see
        #[arg(long)]
        name: Option<String>,
        /// A redirect URI, replacing the current ones; may be repeated
        #[arg(long = "redirect-uri", value_name = "URI", num_args = 1..)]
        redirect_uris: Vec<String>,
        /// The public keys that it authenticates with: a JWKS file, or the https URL of its JWKS
        #[arg(long, value_name = "FILE or URL", conflicts_with_all = ["confidential", "public"])]
        jwks: Option<String>,
        /// Make it a confidential client; prints a new client secret unless it has one
        #[arg(long, conflicts_with = "public")]
        confidential: bool,
        /// Make it a public client, without authentication
        #[arg(long)]
        public: bool,
    },
    /// Create a new client secret, shown only once; the old one stops working
    Secret {
        /// The client ID
        id: String,
    },
    /// List clients, by name or in another order
    List(Listed),
    /// Remove a client and disconnect it for everyone; a client with a metadata document can return
    /// and ask again
    Remove {
        /// The client ID
        id: String,
    },
    /// Disconnect a client for everyone; it stays listed and has to ask each person again
    Disconnect {
        /// The client ID
        id: String,
    },
    /// Block applications from a host
    Block {
        /// The host, such as app.example.com; subdomains are blocked too
        host: String,
    },
    /// Unblock a host
    Unblock {
        /// The host
        host: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum IssuerCommand {
    /// Show the issuer recorded in the store, and the configured one
    Show,
    /// Accept the configured issuer as the new issuer of the store
    Accept {
        /// The configured issuer, to confirm
        #[arg(value_name = "ISSUER")]
        accepted: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// List signing keys
    List,
    /// Start signing with the standby keys; old keys stay valid until their tokens expire
    Rotate {
        /// Also use JWT keys that were published less than two hours ago
        #[arg(long)]
        urgent: bool,
    },
    /// Revoke a key at once: every token it signed is refused from now on
    Revoke {
        /// The key ID, as shown by "vestibule key list"
        kid: String,
    },
    /// Print a new sealing key, which encrypts the signing keys in the store
    Seal,
}

pub(super) fn account(command: AccountCommand) -> Result<Operation, String> {
    use AdminCommand as Admin;
    Ok(match command {
        AccountCommand::Add {
            email,
            name,
            password_stdin: false,
            role,
        } => Operation::showing(Admin::AddPendingAccount {
            account: NewAccount { email, name },
            role,
        })
        .before_first_start()
        .showing_users(),
        AccountCommand::Add {
            email,
            name,
            password_stdin: true,
            ..
        } => Operation::showing(Admin::AddAccount {
            account: NewAccount { email, name },
            password: password_from_stdin()?,
        })
        .before_first_start()
        .showing_users(),
        AccountCommand::Password { email, .. } => {
            let outcome = format!(
                "Password of {email} set. Its sessions, recovery codes and connected applications have ended."
            );
            let password = password_from_stdin()?;
            Operation::done(Admin::SetPassword { email, password }, outcome)
        }
        AccountCommand::Reset {
            email,
            withdraw: false,
        } => Operation::showing(Admin::ResetAccount { email }).showing_users(),
        AccountCommand::Reset {
            email,
            withdraw: true,
        } => {
            let outcome = format!("The one-time link for {email} was canceled.");
            Operation::done(Admin::WithdrawLink { email }, outcome)
        }
        AccountCommand::Email { email, new } => {
            let outcome = format!("{email} now signs in as {new}.{}", local_domain_note(&new));
            Operation::done(Admin::ChangeEmail { email, new }, outcome)
        }
        AccountCommand::Name { email, name } => {
            let name = name.unwrap_or_default();
            let outcome = name_set(&email, &name);
            Operation::done(Admin::SetName { email, name }, outcome)
        }
        AccountCommand::Role { email, role } => {
            let outcome = format!("{email} now has the role {}.", role.as_str());
            Operation::done(Admin::SetRole { email, role }, outcome)
        }
        AccountCommand::List(listed) => {
            let page = listed.into();
            Operation::showing(Admin::ListAccounts { page })
        }
        AccountCommand::Disable { email } => {
            let outcome = format!(
                "{email} is disabled. It was signed out, and its applications were disconnected."
            );
            Operation::done(Admin::DisableAccount { email }, outcome)
        }
        AccountCommand::Enable { email } => {
            let outcome = format!("{email} is enabled and can sign in again.");
            Operation::done(Admin::EnableAccount { email }, outcome)
        }
        AccountCommand::Remove { email } => {
            let outcome = format!("{email} was removed.");
            Operation::done(Admin::RemoveAccount { email }, outcome)
        }
    })
}

fn name_set(email: &str, name: &str) -> String {
    match name.trim() {
        "" => format!("The name of {email} was removed."),
        name => format!("The name of {email} is now {name}."),
    }
}

pub(super) fn client(command: ClientCommand) -> Result<Operation, String> {
    use AdminCommand as Admin;
    Ok(match command {
        ClientCommand::Add {
            id,
            name,
            redirect_uris,
            confidential,
            jwks,
        } => {
            let proof = proof(confidential, jwks.as_deref())?;
            let client = NewClient {
                id,
                name,
                redirect_uris,
                proof: proof.unwrap_or(ClientProof::None),
            };
            Operation::showing(Admin::AddClient { client }).before_first_start()
        }
        ClientCommand::Set {
            id,
            name,
            redirect_uris,
            jwks,
            confidential,
            public,
        } => {
            let redirect_uris = (!redirect_uris.is_empty()).then_some(redirect_uris);
            let proof = if public {
                Some(ClientProof::None)
            } else {
                proof(confidential, jwks.as_deref())?
            };
            let changes = ClientChanges {
                name,
                redirect_uris,
                proof,
            };
            Operation::showing(Admin::ChangeClient {
                client_id: id,
                changes,
            })
        }
        ClientCommand::Secret { id } => {
            Operation::showing(Admin::RenewClientSecret { client_id: id })
        }
        ClientCommand::List(listed) => {
            let page = listed.into();
            Operation::showing(Admin::ListClients { page })
        }
        ClientCommand::Remove { id } => {
            let outcome = format!("{id} was removed and disconnected for everyone.");
            Operation::done(Admin::RemoveClient { client_id: id }, outcome)
        }
        ClientCommand::Disconnect { id } => {
            let outcome = format!("{id} was disconnected for everyone.");
            Operation::done(Admin::DisconnectClient { client_id: id }, outcome)
        }
        ClientCommand::Block { host } => {
            let outcome = format!("{host} is blocked.");
            Operation::done(Admin::BlockHost { host }, outcome).before_first_start()
        }
        ClientCommand::Unblock { host } => {
            let outcome = format!("{host} is no longer blocked.");
            Operation::done(Admin::UnblockHost { host }, outcome)
        }
    })
}

pub(super) fn issuer(command: IssuerCommand) -> Operation {
    Operation::showing(match command {
        IssuerCommand::Show => AdminCommand::ShowIssuer,
        IssuerCommand::Accept { accepted } => AdminCommand::AcceptIssuer { issuer: accepted },
    })
}

/// `None` for the command that needs no store.
pub(super) fn key(command: KeyCommand) -> Option<Operation> {
    Some(Operation::showing(match command {
        KeyCommand::List => AdminCommand::ListKeys,
        KeyCommand::Rotate { urgent } => AdminCommand::RotateKeys { urgent },
        KeyCommand::Revoke { kid } => AdminCommand::RevokeKey { kid },
        KeyCommand::Seal => return None,
    }))
}

fn proof(confidential: bool, jwks: Option<&str>) -> Result<Option<ClientProof>, String> {
    match jwks {
        Some(text) => key_source(text).map(|keys| Some(ClientProof::Keys(keys))),
        None => Ok(confidential.then_some(ClientProof::Secret)),
    }
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "the roles are person and administrator".to_owned())
}

/// The keys of a client: an address, or else the name of a file.
pub(super) fn key_source(text: &str) -> Result<KeySource, String> {
    let refusal = |error: MetadataError| format!("{text}: {}", error.description());
    if text.contains("://") {
        let member = "jwks_uri";
        return KeySource::at(text.to_owned())
            .map_err(|fault| refusal(MetadataError::Unacceptable { member, fault }));
    }
    Jwks::parse(&json_file(text)?)
        .map(KeySource::Inline)
        .map_err(|fault| refusal(fault.into()))
}

/// The first line, without its end.
fn password_from_stdin() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| format!("Cannot read the password: {error}."))?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err("No password on standard input.".to_owned()),
        password => Ok(password.to_owned()),
    }
}

fn json_file(name: &str) -> Result<Value, String> {
    let json = std::fs::read(name).map_err(|error| {
        let why = files::explain_read_error(name.as_ref(), &error);
        format!("The keys in {name} cannot be read: {why}.")
    })?;
    serde_json::from_slice(oauth_clients::without_mark(&json))
        .map_err(|error| format!("The keys in {name} are not JSON: {error}."))
}

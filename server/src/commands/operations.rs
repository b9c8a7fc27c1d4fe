//! The administrative operations of the command line: the arguments, the [`AdminCommand`] that they
//! stand for, and what is printed when it is done.

use std::io::BufRead as _;

use clap::Subcommand;
use jose::Jwks;
use oauth::ProtocolError as _;
use oauth_clients::{client::KeySource, error::MetadataError};
use provider::{AdminCommand, ClientChanges, ClientProof, NewAccount, NewClient, Role};
use serde_json::Value;

use super::{list::Listed, output::local_domain_note};
use crate::{files, open::Creation};

/// An operation with what the command line has to know of it.
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
    /// Add an account, with a one-time link to enrol or a password; one that exists is not changed
    Add {
        /// The e-mail address
        email: String,
        /// What the user is called
        #[arg(long)]
        name: Option<String>,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
        /// What the user may do
        #[arg(long, value_parser = role, value_name = "person|administrator", conflicts_with = "password_stdin")]
        role: Option<Role>,
    },
    /// Set the password of an account; its sessions, recovery codes and connections end
    Password {
        /// The e-mail address
        email: String,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Print a one-time link with which the user chooses a new way to sign in; earlier links end
    Reset {
        /// The e-mail address
        email: String,
        /// End the link that is out instead, of an invitation too
        #[arg(long)]
        withdraw: bool,
    },
    /// Give an account another e-mail address
    Email {
        /// The e-mail address it has
        email: String,
        /// The e-mail address it gets
        new: String,
    },
    /// Say what a user is called
    Name {
        /// The e-mail address
        email: String,
        /// The name; without one, the account has none any more
        name: Option<String>,
    },
    /// Set what a user may do
    Role {
        /// The e-mail address
        email: String,
        /// The role
        #[arg(value_parser = role, value_name = "person|administrator")]
        role: Role,
    },
    /// List the accounts, by address or in another order
    List(Listed),
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
    /// Remove an account permanently
    Remove {
        /// The e-mail address
        email: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Add a client; prints its id, and its secret this once. Adding it again with the same --id
    /// and values changes nothing
    Add {
        /// Its id; the server makes one where none is given
        #[arg(long)]
        id: Option<String>,
        /// What people call it
        #[arg(long)]
        name: String,
        /// Where answers may go; give it once for each
        #[arg(long = "redirect-uri", value_name = "URI", required = true, num_args = 1..)]
        redirect_uris: Vec<String>,
        /// Give it a secret, which it must then use
        #[arg(long)]
        confidential: bool,
        /// The public keys by which it proves itself: a file, or the https address where it keeps
        /// them
        #[arg(long, value_name = "FILE or URL", conflicts_with = "confidential")]
        jwks: Option<String>,
    },
    /// Change a client that was added; what is not named stays
    Set {
        /// Its id
        id: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        /// Where answers may go, all of them; give it once for each
        #[arg(long = "redirect-uri", value_name = "URI", num_args = 1..)]
        redirect_uris: Vec<String>,
        /// The public keys by which it proves itself: a file, or the https address where it keeps
        /// them
        #[arg(long, value_name = "FILE or URL", conflicts_with_all = ["confidential", "public"])]
        jwks: Option<String>,
        /// Let it prove itself by a secret; prints the secret this once, unless it has one already
        #[arg(long, conflicts_with = "public")]
        confidential: bool,
        /// Let it prove itself by nothing
        #[arg(long)]
        public: bool,
    },
    /// Make a new secret for a client, printed this once; the old one ends
    Secret {
        /// Its id
        id: String,
    },
    /// List the clients, by name or in another order
    List(Listed),
    /// Remove a client and end everything that people allowed it; one with a metadata document may
    /// come back and ask again
    Remove {
        /// Its id
        id: String,
    },
    /// End everything that people allowed a client; it stays known, and has to ask them again
    Disconnect {
        /// Its id
        id: String,
    },
    /// Keep the applications of a host out
    Block {
        /// The host, such as app.example.com; names below it are blocked too
        host: String,
    },
    /// Let the applications of a blocked host in again
    Unblock {
        /// The host
        host: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum IssuerCommand {
    /// Show the issuer that the store belongs to, and the configured one
    Show,
    /// Accept that the store belongs to the configured issuer from now on
    Accept {
        /// The configured issuer, once more
        #[arg(value_name = "ISSUER")]
        accepted: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// List the signing keys
    List,
    /// Let the standby keys sign; the old ones retire after their tokens have expired
    Rotate {
        /// Also let keys of JWTs sign that were published less than two hours ago
        #[arg(long)]
        urgent: bool,
    },
    /// Take a key out at once: every token that it signed is refused from then on
    Revoke {
        /// Its id, as "vestibule key list" shows it
        kid: String,
    },
    /// Print a fresh key that seals the signing keys in the store
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
                "{email} has the new password. Its sessions, recovery codes and connected applications have ended."
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
            let outcome = format!("No one-time link to {email} opens anything any more.");
            Operation::done(Admin::WithdrawLink { email }, outcome)
        }
        AccountCommand::Email { email, new } => {
            let outcome = format!("{email} signs in as {new} now.{}", local_domain_note(&new));
            Operation::done(Admin::ChangeEmail { email, new }, outcome)
        }
        AccountCommand::Name { email, name } => {
            let name = name.unwrap_or_default();
            let outcome = name_set(&email, &name);
            Operation::done(Admin::SetName { email, name }, outcome)
        }
        AccountCommand::Role { email, role } => {
            let outcome = format!("{email} has the role {} now.", role.as_str());
            Operation::done(Admin::SetRole { email, role }, outcome)
        }
        AccountCommand::List(listed) => {
            let page = listed.into();
            Operation::showing(Admin::ListAccounts { page })
        }
        AccountCommand::Disable { email } => {
            let outcome = format!("{email} can no longer sign in, and what it allowed has ended.");
            Operation::done(Admin::DisableAccount { email }, outcome)
        }
        AccountCommand::Enable { email } => {
            let outcome = format!("{email} can sign in again.");
            Operation::done(Admin::EnableAccount { email }, outcome)
        }
        AccountCommand::Remove { email } => {
            let outcome = format!("{email} is removed.");
            Operation::done(Admin::RemoveAccount { email }, outcome)
        }
    })
}

fn name_set(email: &str, name: &str) -> String {
    match name.trim() {
        "" => format!("{email} has no name any more."),
        name => format!("{email} is called {name} now."),
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
            let outcome =
                format!("{id} is removed, and everything that people allowed it has ended.");
            Operation::done(Admin::RemoveClient { client_id: id }, outcome)
        }
        ClientCommand::Disconnect { id } => {
            let outcome = format!("Everything that people allowed {id} has ended.");
            Operation::done(Admin::DisconnectClient { client_id: id }, outcome)
        }
        ClientCommand::Block { host } => {
            let outcome = format!("Applications of {host} get nothing any more.");
            Operation::done(Admin::BlockHost { host }, outcome).before_first_start()
        }
        ClientCommand::Unblock { host } => {
            let outcome = format!("{host} is not blocked any more.");
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
        .map_err(|error| format!("The password cannot be read: {error}."))?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err("There is no password on standard input.".to_owned()),
        password => Ok(password.to_owned()),
    }
}

fn json_file(name: &str) -> Result<Value, String> {
    let json = std::fs::read(name).map_err(|error| {
        let why = files::explain_read_error(name.as_ref(), &error);
        format!("The keys {name} cannot be read: {why}.")
    })?;
    serde_json::from_slice(oauth_clients::without_mark(&json))
        .map_err(|error| format!("The keys {name} are not JSON: {error}."))
}

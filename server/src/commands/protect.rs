//! `vestibule protect`: the server in front of one MCP server that needs no change.

use clap::Args;

use crate::config::{Behind, ProtectedServer};

#[derive(Debug, Args)]
pub(super) struct ProtectCommand {
    /// The address of the MCP server (streamable HTTP)
    #[arg(
        value_name = "URL",
        required_unless_present = "command",
        conflicts_with = "command"
    )]
    upstream: Option<String>,
    /// The address that clients use [default: /mcp below the issuer]
    #[arg(long, value_name = "URL")]
    at: Option<String>,
    /// What people call it [default: its host, or its program]
    #[arg(long)]
    name: Option<String>,
    /// A scope and what people read of it; may be repeated [default: one for everything]
    #[arg(long = "scope", value_name = "NAME=SENTENCE")]
    scopes: Vec<String>,
    /// After --, the command of an MCP server that speaks stdio: each session gets a process
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl ProtectCommand {
    /// The server that is meant.
    pub(super) fn server(self) -> ProtectedServer {
        let behind = match self.upstream {
            Some(address) => Behind::Http(address),
            None => Behind::Stdio(self.command),
        };
        ProtectedServer {
            behind,
            at: self.at,
            name: self.name,
            scopes: self.scopes,
        }
    }
}

//! `vestibule protect`: the server in front of one MCP server that needs no changes.

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
    /// The URL that applications connect to [default: the issuer followed by /mcp]
    #[arg(long, value_name = "URL")]
    at: Option<String>,
    /// The name that users see [default: the host or the program]
    #[arg(long)]
    name: Option<String>,
    /// A scope and its description for users; may be repeated [default: one scope for everything]
    #[arg(long = "scope", value_name = "NAME=SENTENCE")]
    scopes: Vec<String>,
    /// After --, the command of a stdio MCP server; each session gets its own process
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

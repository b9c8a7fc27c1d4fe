//! The MCP server that `vestibule protect` names: a `[[resource]]` without a file.

use oauth::Issuer;

use super::file::{ResourceEntry, ScopeEntry};

/// Where the server is by default, below the issuer.
const PATH: &str = "/mcp";
/// The only scope, unless others are named.
const SCOPE: &str = "mcp";
const SENTENCE: &str = "Use it on your behalf";

/// What the command line says about the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProtectedServer {
    /// Where it is.
    pub behind: Behind,
    /// The address that clients use.
    pub at: Option<String>,
    /// The name that users see.
    pub name: Option<String>,
    /// Its scopes: `NAME=SENTENCE`, or a name alone.
    pub scopes: Vec<String>,
}

/// A server behind the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// It speaks HTTP at this address.
    Http(String),
    /// It speaks stdio, a process for each session: a program and its arguments.
    Stdio(Vec<String>),
}

impl ProtectedServer {
    /// The entry that a file would have.
    pub(super) fn entry(&self, issuer: &Issuer) -> ResourceEntry {
        let identifier = self.at.clone().unwrap_or_else(|| issuer.url(PATH));
        let (upstream, command) = match &self.behind {
            Behind::Http(address) => (Some(address.clone()), None),
            Behind::Stdio(command) => (None, Some(command.clone())),
        };
        let source = "vestibule protect".to_owned();
        ResourceEntry {
            name: Some(self.name.clone().unwrap_or_else(|| self.default_name())),
            identifier,
            upstream,
            command,
            scopes: Some(self.scope_entries(&source)),
            source,
            ..ResourceEntry::default()
        }
    }

    /// The host of the server, or its program.
    fn default_name(&self) -> String {
        match &self.behind {
            Behind::Http(address) => {
                let url = url::Url::parse(address).ok();
                let host = url.as_ref().and_then(url::Url::host_str);
                host.unwrap_or(address).to_owned()
            }
            Behind::Stdio(command) => command.first().cloned().unwrap_or_default(),
        }
    }

    fn scope_entries(&self, source: &str) -> Vec<ScopeEntry> {
        let entry = |name: &str, sentence: &str| ScopeEntry {
            name: name.to_owned(),
            sentence: sentence.to_owned(),
            default: true,
            source: format!("{source}: --scope {name}"),
        };
        if self.scopes.is_empty() {
            return vec![entry(SCOPE, SENTENCE)];
        }
        let named = self.scopes.iter().map(|scope| match scope.split_once('=') {
            Some((name, sentence)) => entry(name, sentence),
            None => entry(scope, scope),
        });
        named.collect()
    }
}

//! Resources, and what their servers need.

use crate::messages::Template;

/// The title of the page.
pub(crate) const TITLE: &str = "MCP servers";
/// What it shows, under its heading.
pub(crate) const LEAD: &str =
    "MCP servers that Vestibule issues tokens for. Edit them in the configuration file.";

pub(crate) const NONE: &str = "No MCP servers. Add one as [[resource]] in the configuration file.";

pub(crate) const SCOPES: &str = "Scopes";
pub(crate) const NO_SCOPES: &str = "No scopes. Every token gives full access to this MCP server.";
pub(crate) const SCOPE: &str = "Scope";
pub(crate) const SCOPE_DESCRIPTION: &str = "Description for users";
pub(crate) const DEFAULT: &str = "default";
pub(crate) const DEFAULT_EXPLAINED: &str =
    "Default scopes are requested on first connection; others when needed.";

pub(crate) const REQUIREMENTS: &str = "What the MCP server has to do";

pub(crate) const DOCUMENT: &str = "Metadata document";
pub(crate) const DOCUMENT_EXPLAINED: Template = Template::new(
    "RFC 9728. A GET of {address} must return this as {kind}, \
     readable by scripts of any origin ({header}).",
);
pub(crate) const DOCUMENT_SERVED: Template =
    Template::new("RFC 9728. Vestibule already serves this at {address}.");

pub(crate) const CHALLENGE: &str = "Response to requests without a token";
pub(crate) const CHALLENGE_EXPLAINED: Template = Template::new(
    "Status 401 with exactly this header. For an invalid \
     token, add {error}. If a scope is missing, respond with 403, {scope} and all required scopes.",
);

pub(crate) const RECIPE: &str = "Example server or gateway";
pub(crate) const RECIPE_EXPLAINED: &str = "Complete, with the addresses and scopes of this MCP server. The first lines \
     say what it needs and how to start it.";
pub(crate) const PLAIN_TEXT: &str = "As plain text";

pub(crate) const TOKEN_CHECK: &str = "How to check a token";
pub(crate) const TOKEN_CHECK_EXPLAINED: Template = Template::new(
    "Tokens are {format}. The keys are at {address}; the \
     {kid} in the {place} says which one to use. Accept a token if its {iss} is {issuer}, its {aud} is {resource} and its \
     {exp} has not passed. Its {scope} says what it allows.",
);
/// What tokens are, and where they name their key.
pub(crate) const PASETO: [&str; 2] = ["PASETO v4.public", "footer"];
pub(crate) const JWT: [&str; 2] = ["JWTs (RFC 9068)", "header"];
pub(crate) const INTROSPECTION: &str = "Token introspection";
pub(crate) const INTROSPECTION_EXPLAINED: Template = Template::new(
    "Only needed to find out at once that access has \
     ended: a token that is checked by its signature is valid until it expires. RFC 7662: the MCP server posts the token \
     to {address} with its form-encoded identifier and its secret in a Basic header.",
);
pub(crate) const INTROSPECTION_READY: &str =
    "Introspection is set up: the configuration has a secret for this MCP server.";
pub(crate) const INTROSPECTION_MISSING: Template = Template::new(
    "Introspection is not set up. {command} creates a secret \
     and prints the line for the configuration file.",
);

//! Resources, and what their servers need.

use crate::messages::Template;

/// The title of the page.
pub(crate) const TITLE: &str = "Resources";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "What this server stands in front of, as its configuration says.";

pub(crate) const NONE: &str =
    "None. Each [[resource]] of the configuration stands here, and what its server needs.";

pub(crate) const SCOPES: &str = "Scopes";
pub(crate) const NO_SCOPES: &str = "It has no scopes: who may use it may do everything there.";
pub(crate) const SCOPE: &str = "Scope";
pub(crate) const SENTENCE: &str = "What people read";
pub(crate) const AT_FIRST: &str = "at first";
pub(crate) const AT_FIRST_EXPLAINED: &str =
    "Those marked are asked for at first; an application asks for the others when it needs them.";

pub(crate) const NEEDS: &str = "What the MCP server needs";

pub(crate) const DOCUMENT: &str = "Its description";
pub(crate) const DOCUMENT_EXPLAINED: Template = Template::new(
    "RFC 9728. It answers a GET of {address} with this, as {kind}, open to scripts of any origin ({header}).",
);
pub(crate) const DOCUMENT_SERVED: Template =
    Template::new("RFC 9728. This server answers a GET of {address} with this already.");

pub(crate) const CHALLENGE: &str = "Its answer to requests without a token";
pub(crate) const CHALLENGE_EXPLAINED: Template = Template::new(
    "Status 401 with this header, exactly. To a token that is not good it adds {error}; where a scope is missing it answers 403 \
     with {scope} and every scope that is needed.",
);

pub(crate) const RECIPE: &str = "A server or gateway to copy";
pub(crate) const RECIPE_EXPLAINED: &str = "Complete, with the addresses and scopes of this resource. Its first lines say what it needs and how it starts.";
pub(crate) const PLAIN_TEXT: &str = "As plain text";

pub(crate) const OTHERS: &str = "What a program checks";
pub(crate) const OTHERS_EXPLAINED: Template = Template::new(
    "Tokens are {format}. The keys are at {address}, by the {kid} in the {place}. Take a token whose {iss} is {issuer}, \
     whose {aud} is {resource}, and whose {exp} has not passed; {scope} says what it permits.",
);
/// What tokens are, and where they name their key.
pub(crate) const PASETO: [&str; 2] = ["PASETO v4.public", "footer"];
pub(crate) const JWT: [&str; 2] = ["JWTs (RFC 9068)", "header"];
pub(crate) const INTROSPECTION: &str = "Asking about a token";
pub(crate) const INTROSPECTION_EXPLAINED: Template = Template::new(
    "Only needed to learn at once that access has ended: a token that was checked by its signature is good until it expires. \
     RFC 7662: the server posts the token to {address}, with its identifier, form-encoded, and its secret by Basic.",
);
pub(crate) const MAY_ASK: &str = "It may ask: its secret is in the configuration.";
pub(crate) const MAY_NOT_ASK: Template = Template::new(
    "It may not ask yet: {command} prints a secret for it, and the line for its entry in the configuration.",
);

//! Signing keys.

use crate::messages::Template;

/// The title of the page.
pub(crate) const TITLE: &str = "Keys";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "Keys that sign access tokens.";

pub(crate) const ACTIVE: Template = Template::new("{key} signs new tokens");
pub(crate) const ACTIVE_SINCE: Template = Template::new("{key} has signed new tokens since {when}");
pub(crate) const RETIRING: Template = Template::new("{key}: retired, still valid for verification");
pub(crate) const RETIRING_UNTIL: Template =
    Template::new("{key}: retired, still valid for verification until {when}");

pub(crate) const STANDBY: Template =
    Template::new("{key}: standby, already published and next to sign");

pub(crate) const REVOKE: &str = "Revoke";
pub(crate) const REVOKE_IT: Template = Template::new("Revoke {key}");
pub(crate) const REVOKE_EXPLAINED: &str = "For a key that someone else may have. Every access token it signed is refused \
     from now on. Connected applications get new ones automatically on their next request. MCP servers that check tokens \
     themselves follow when they read the keys again, usually within five minutes. If this is the signing key, the \
     standby key takes over.";

/// The format of a key that does not sign JWTs.
pub(crate) const PASETO: &str = "PASETO";
pub(crate) const JWT_KEYS_PUBLISHED: Template =
    Template::new("Keys for JWTs are published at {address}.");

pub(crate) const PUBLISHED: Template =
    Template::new("Public keys for checking tokens are published at {address}.");

pub(crate) const ROTATE: &str = "Rotate";
pub(crate) const ROTATE_EXPLAINED: Template = Template::new(
    "The standby key, which is already published, signs new \
     tokens from now on. The current key stays valid for verification for {span}, so no one is interrupted. If someone \
     else may have the current key, revoke it instead.",
);
pub(crate) const ROTATE_IT: &str = "Rotate signing key";

/// The outcomes of the operations.
pub(crate) const KEYS_ROTATED: &str = "Signing key rotated.";
pub(crate) const KEY_REVOKED: &str = "Key revoked. Tokens signed with it are refused from now on.";

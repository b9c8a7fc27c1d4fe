//! Signing keys.

use crate::messages::Template;

/// The title of the page.
pub(crate) const TITLE: &str = "Keys";
/// What it shows, under its heading.
pub(crate) const LEAD: &str = "What access tokens are signed with.";

pub(crate) const ACTIVE: Template = Template::new("{key} signs");
pub(crate) const ACTIVE_SINCE: Template = Template::new("{key} signs since {when}");
pub(crate) const RETIRING: Template = Template::new("{key} signs no more");
pub(crate) const RETIRING_UNTIL: Template =
    Template::new("{key} signs no more, and is good for checking until {when}");

pub(crate) const STANDBY: Template = Template::new("{key} signs next, and is published already");

pub(crate) const REVOKE_IT: Template = Template::new("Revoke {key}");
pub(crate) const REVOKE_EXPLAINED: &str = "For a key that somebody else may have. Every access token that it signed is refused from now on: connected applications get new \
     ones by themselves at their next request. A server that checks tokens by itself follows when it reads the keys again, within \
     five minutes as a rule. If the key signs now, the one that is published already signs in its place.";

/// The button without markup.
pub(crate) fn revoke(key: &str) -> String {
    format!("Revoke {key}")
}

/// The format of a key that signs no JWTs.
pub(crate) const PASETO: &str = "PASETO";
pub(crate) const JWT_KEYS_PUBLISHED: Template =
    Template::new("Those that sign JWTs are published at {address}.");

pub(crate) const PUBLISHED: Template =
    Template::new("Whoever checks tokens reads the public keys at {address}.");

pub(crate) const ROTATE: &str = "Rotate";
pub(crate) const ROTATE_EXPLAINED: Template = Template::new(
    "A new key signs from now on, which is published already. The present one stays good for checking for {span}, so nobody \
     notices. Whoever may have seen the present one can sign with it until then: revoke it in that case.",
);
pub(crate) const ROTATE_IT: &str = "Rotate the signing key";

/// The outcomes of the operations.
pub(crate) const KEYS_ROTATED: &str = "A new key signs from now on.";
pub(crate) const KEY_REVOKED: &str = "The key is revoked: what it signed is refused from now on.";

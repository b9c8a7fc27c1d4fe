//! Signing keys.

use crate::words::Template;

pub(crate) const ACTIVE: Template = Template::new("{key} signs");
pub(crate) const ACTIVE_SINCE: Template = Template::new("{key} signs since {when}");
pub(crate) const RETIRING: Template = Template::new("{key} signs no more");
pub(crate) const RETIRING_UNTIL: Template = Template::new("{key} signs no more, and is good for checking until {when}");

pub(crate) const PUBLISHED: Template = Template::new("Whoever checks tokens reads the public keys at {address}.");

pub(crate) const ROTATE: &str = "Rotate";
pub(crate) const ROTATE_EXPLAINED: Template = Template::new(
    "A new key signs from now on. The present one stays good for checking for {span}, so nobody notices. Whoever may have seen \
     the present one can sign with it until then.",
);
pub(crate) const ROTATE_IT: &str = "Rotate the signing key";

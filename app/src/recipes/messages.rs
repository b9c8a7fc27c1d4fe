//! Texts of recipes.

/// Before the lines that a resource lacks; its identifier follows.
pub(super) const FIRST_ADD: &str =
    "First add to the configuration of Vestibule, in the [[resource]] with the identifier";
/// After them.
pub(super) const THEN: &str = "and print this again.";
/// In place of the line with the digest of a secret.
pub(super) const SECRET: &str = "the line that \"vestibule resource secret\" prints";

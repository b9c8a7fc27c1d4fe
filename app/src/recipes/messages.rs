//! Texts of recipes.

/// Before the lines that the configuration of a resource lacks.
pub(super) fn first_add(identifier: &str) -> String {
    format!(
        "First add these lines to the [[resource]] {identifier} in the configuration of Vestibule:"
    )
}
/// After them.
pub(super) const THEN: &str = "Then print this again.";
/// In place of the line with the digest of a secret.
pub(super) const SECRET: &str = "the line printed by \"vestibule resource secret\"";

//! A grant.

use oauth::grant::{Grant, GrantDetails};
use serde::{Deserialize, Serialize};

use crate::records::PartOf;

/// What a grant was given for, whatever became of it.
#[derive(Serialize, Deserialize)]
pub(crate) struct GrantOrigin {
    pub(crate) terms: GrantDetails,
}

impl PartOf<Grant> for GrantOrigin {}

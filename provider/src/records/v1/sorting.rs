//! How far a list that sorts records has been built.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::records::{Progress, V1};

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredProgress<'a> {
    #[serde(default)]
    v: V1,
    complete: bool,
    after: Option<Cow<'a, str>>,
}

impl<'a> From<&'a Progress> for StoredProgress<'a> {
    fn from(progress: &'a Progress) -> Self {
        Self {
            v: V1,
            complete: progress.is_complete,
            after: progress.after.as_deref().map(Cow::Borrowed),
        }
    }
}

impl From<StoredProgress<'_>> for Progress {
    fn from(stored: StoredProgress<'_>) -> Self {
        Self {
            is_complete: stored.complete,
            after: stored.after.map(Cow::into_owned),
        }
    }
}

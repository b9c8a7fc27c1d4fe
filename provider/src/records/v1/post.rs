//! A form that was sent, and its answer.

use std::borrow::Cow;

use oauth::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{records::V1, state::Post};

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredPost<'a> {
    #[serde(default)]
    v: V1,
    #[serde(with = "crate::values")]
    until: Timestamp,
    salt: Cow<'a, str>,
    /// Absent while the form is being processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Cow<'a, str>>,
}

impl<'a> From<&'a Post> for StoredPost<'a> {
    fn from(post: &'a Post) -> Self {
        Self {
            v: V1,
            until: post.until,
            salt: Cow::Borrowed(&post.salt),
            answer: post.answer.as_deref().map(Cow::Borrowed),
        }
    }
}

impl From<StoredPost<'_>> for Post {
    fn from(stored: StoredPost<'_>) -> Self {
        Self {
            until: stored.until,
            salt: stored.salt.into_owned(),
            answer: stored.answer.map(Cow::into_owned),
        }
    }
}

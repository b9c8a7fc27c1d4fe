//! The orders of the lists.

use serde::{Deserialize, Serialize};

/// The order of a list of accounts or clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortOrder {
    /// By name, or by address.
    #[default]
    Name,
    /// Those used last first; those that were never used come last, the newest of them first.
    Used,
    /// The newest first.
    Newest,
}

impl SortOrder {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::Used, Self::Newest, Self::Name];

    /// The order of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.as_str() == name)
    }

    /// Its name in an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Used => "used",
            Self::Newest => "newest",
        }
    }
}

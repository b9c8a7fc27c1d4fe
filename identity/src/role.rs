//! Roles.

use serde::{Deserialize, Serialize};

/// What an account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Sign in, and decide about its own connections.
    #[default]
    #[serde(rename = "person")]
    User,
    /// Also administer the server.
    #[serde(rename = "administrator")]
    Administrator,
}

impl Role {
    /// Its name, as it is stored and as on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "person",
            Self::Administrator => "administrator",
        }
    }

    /// The role of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::User, Self::Administrator]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_found_by_its_name() {
        assert_eq!(Role::parse("person"), Some(Role::User));
        assert_eq!(Role::parse("administrator"), Some(Role::Administrator));
        assert_eq!(Role::parse("Administrator"), None);
        assert_eq!(Role::default(), Role::User);
    }
}

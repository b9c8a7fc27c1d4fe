//! The few members of an account that decide what it may do, changed in its record whatever else is
//! in there.
//!
//! An account must be stopped even where this version cannot read all of it: a newer one may have
//! written it, or it is damaged.

use oauth::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::Ttl;

use super::{Account, Role, email::keys_of};
use crate::{
    Provider, keys,
    problem::Unavailable,
    records::{self, Found, Key, PartOf, Swapped, Versioned},
};

/// How often a change is tried again when others change the same record first.
const MOST_TRIES: usize = 64;

/// What an account may do, and its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) disabled: bool,
    pub(crate) role: Role,
    pub(crate) generation: u64,
    /// Whether all that it signs in with is a password that is short, or may be. It is only read.
    pub(crate) is_short_password_alone: bool,
}

/// All members of an account's record, whatever its version.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccountMembers(Map<String, Value>);

impl PartOf<Account> for AccountMembers {}

fn members_of(id: Id) -> Key<AccountMembers> {
    keys::account(id).part()
}

impl Rights {
    /// What is missing, or is something else than it should be, counts as at the beginning.
    fn read(members: &Map<String, Value>) -> Self {
        let role = members
            .get("role")
            .and_then(|role| Role::deserialize(role).ok());
        Self {
            disabled: members
                .get("disabled")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            role: role.unwrap_or_default(),
            generation: members
                .get("generation")
                .and_then(Value::as_u64)
                .unwrap_or(0),
            is_short_password_alone: members
                .get("passkeys")
                .and_then(Value::as_array)
                .is_none_or(Vec::is_empty)
                && members.get("password").is_some_and(Value::is_string)
                && members.get("password_is_long").and_then(Value::as_bool) != Some(true),
        }
    }

    /// Writes what differs from `before`.
    fn write(self, before: Self, members: &mut Map<String, Value>) {
        let mut put = |name: &str, value: Value| _ = members.insert(name.to_owned(), value);
        if self.disabled != before.disabled {
            put("disabled", self.disabled.into());
        }
        if self.role != before.role {
            put("role", self.role.as_str().into());
        }
        if self.generation != before.generation {
            put("generation", self.generation.into());
        }
    }
}

/// An account, as far as it can be told in any state.
pub(crate) struct Subject {
    pub(crate) id: Id,
    pub(crate) email: String,
    pub(crate) disabled: bool,
    /// Whether its record is one at all.
    pub(crate) is_record: bool,
}

impl Provider {
    /// The account of an address that somebody typed, whether or not this version can read it.
    pub(crate) async fn subject(&self, typed: &str) -> Result<Option<Subject>, Unavailable> {
        for key in keys_of(typed) {
            let Some(id) = records::read::<Id>(self.store(), &key).await? else {
                continue;
            };
            let found = match records::find(self.store(), &members_of(id)).await? {
                Found::Nothing => None,
                Found::Unreadable => Some(Subject {
                    id,
                    email: typed.to_owned(),
                    disabled: false,
                    is_record: false,
                }),
                Found::Record(AccountMembers(members)) => {
                    let stored = members
                        .get("email")
                        .and_then(Value::as_str)
                        .unwrap_or(typed);
                    let disabled = Rights::read(&members).disabled;
                    Some(Subject {
                        id,
                        email: stored.to_owned(),
                        disabled,
                        is_record: true,
                    })
                }
            };
            // An address counts while its account says so.
            if let Some(subject) = found.filter(|subject| keys_of(&subject.email).contains(&key)) {
                return Ok(Some(subject));
            }
        }
        Ok(None)
    }

    /// Changes what an account may do; `None` when it is not there. `decide` is asked again
    /// whenever another was faster.
    pub(crate) async fn change_rights<A>(
        &self,
        id: Id,
        mut decide: impl FnMut(&mut Rights) -> A,
    ) -> Result<Option<A>, Unavailable> {
        let key = members_of(id);
        let mut current = Versioned::read(self.store(), &key).await?;
        for _ in 0..MOST_TRIES {
            let Some(stored) = current else {
                return Ok(None);
            };
            let mut members = stored.record.0.clone();
            let before = Rights::read(&members);
            let mut rights = before;
            let answer = decide(&mut rights);
            rights.write(before, &mut members);
            let next = AccountMembers(members);
            match stored.swap(self.store(), &key, next, Ttl::Forever).await? {
                Swapped::Done(_) => return Ok(Some(answer)),
                Swapped::Changed(other) => current = other,
            }
        }
        Err(Unavailable::contended())
    }
}

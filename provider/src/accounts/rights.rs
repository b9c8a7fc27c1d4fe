//! The members of an account that decide its rights, changed whatever else the record contains.
//!
//! An account must be stopped even where this version cannot read all of it: a newer one may have
//! written it, or it is damaged.

use identity::{Rights, Role, SessionEpoch, email::folded_forms};
use oauth::Id;
use serde_json::{Map, Value};
use store::Ttl;

use crate::{
    accounts::Directory,
    records::{self, Found, Key, PartOf, Swapped, Versioned, keys},
    state::{Account, AccountMembers},
    unavailable::Unavailable,
};

/// How often a change is tried again when others change the same record first.
const MOST_TRIES: usize = 64;

impl PartOf<Account> for AccountMembers {}

fn members_of(id: Id) -> Key<AccountMembers> {
    keys::account(id).part()
}

/// Reads these members. Missing or malformed ones have their defaults.
fn read_rights(members: &Map<String, Value>) -> Rights {
    let flag = |name: &str| members.get(name).and_then(Value::as_bool);
    let role = members.get("role").and_then(Value::as_str);
    let epoch = members.get("generation").and_then(Value::as_u64);
    let passkeys = members.get("passkeys").and_then(Value::as_array);
    Rights {
        disabled: flag("disabled").unwrap_or(false),
        role: role.and_then(Role::parse).unwrap_or_default(),
        session_epoch: SessionEpoch::new(epoch.unwrap_or(0)),
        has_short_password_alone: passkeys.is_none_or(Vec::is_empty)
            && members.get("password").is_some_and(Value::is_string)
            && flag("password_is_long") != Some(true),
    }
}

/// Writes what differs from `before`.
fn write_rights(rights: Rights, before: Rights, members: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| _ = members.insert(name.to_owned(), value);
    if rights.disabled != before.disabled {
        put("disabled", rights.disabled.into());
    }
    if rights.role != before.role {
        put("role", rights.role.as_str().into());
    }
    if rights.session_epoch != before.session_epoch {
        put("generation", rights.session_epoch.number().into());
    }
}

/// The readable part of an account in any state.
pub(crate) struct Subject {
    pub(crate) id: Id,
    pub(crate) email: String,
    pub(crate) disabled: bool,
    /// Whether its record is an object.
    pub(crate) is_record: bool,
}

impl Directory {
    /// The account of an entered address, also when this version cannot read it.
    pub(crate) async fn subject(&self, typed: &str) -> Result<Option<Subject>, Unavailable> {
        for form in folded_forms(typed) {
            let Some(id) = records::read::<Id>(self.context.store(), &keys::email(&form)).await?
            else {
                continue;
            };
            let found = match records::find(self.context.store(), &members_of(id)).await? {
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
                    let disabled = read_rights(&members).disabled;
                    Some(Subject {
                        id,
                        email: stored.to_owned(),
                        disabled,
                        is_record: true,
                    })
                }
            };
            // An address is valid while its account has it.
            if let Some(subject) =
                found.filter(|subject| folded_forms(&subject.email).contains(&form))
            {
                return Ok(Some(subject));
            }
        }
        Ok(None)
    }

    /// Changes the rights of an account; `None` when it does not exist. `decide` is called again
    /// when another writer was faster.
    pub(crate) async fn change_rights<A>(
        &self,
        id: Id,
        mut decide: impl FnMut(Rights) -> (Rights, A),
    ) -> Result<Option<A>, Unavailable> {
        let key = members_of(id);
        let mut current = Versioned::read(self.context.store(), &key).await?;
        for _ in 0..MOST_TRIES {
            let Some(stored) = current else {
                return Ok(None);
            };
            let mut members = stored.record.0.clone();
            let before = read_rights(&members);
            let (rights, answer) = decide(before);
            write_rights(rights, before, &mut members);
            let next = AccountMembers(members);
            match stored
                .swap(self.context.store(), &key, next, Ttl::Forever)
                .await?
            {
                Swapped::Done(_) => return Ok(Some(answer)),
                Swapped::Changed(other) => current = other,
            }
        }
        Err(Unavailable::contended())
    }
}

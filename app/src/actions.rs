//! All server functions, with whether each may be carried out twice.

use crate::{
    account, admin, consent,
    context::{Action, Repetition},
    enrolment, login, passkeys,
};

const ALL: [&[Action]; 7] = [
    account::actions::ACTIONS,
    account::connection_actions::ACTIONS,
    admin::actions::ACTIONS,
    consent::actions::ACTIONS,
    enrolment::actions::ACTIONS,
    login::actions::ACTIONS,
    passkeys::actions::ACTIONS,
];

/// The paths of all server functions.
pub fn paths() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().flatten().map(|(path, _)| *path)
}

/// Whether what is posted to this path must not be carried out twice.
pub fn is_done_once(path: &str) -> bool {
    let mut all = ALL.into_iter().flatten();
    all.any(|(own, repetition)| *own == path && *repetition == Repetition::Once)
}

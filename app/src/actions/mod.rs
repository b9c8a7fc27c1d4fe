//! Server functions: what pages and islands can ask for, in a few lines each. Those for forms take
//! plain posts and answer 303; those for islands take and give JSON. All want the token of a form
//! made for this browser.

#![expect(
    missing_docs,
    reason = "the macro makes a public struct of each function and says nothing about it"
)]

pub mod access;
pub mod account;
pub mod administration;
pub mod consent;
pub mod invitation;
pub mod sign_in;

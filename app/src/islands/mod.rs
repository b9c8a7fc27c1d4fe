//! The only parts that run in the browser: buttons that ask it for a passkey, and one that copies a
//! text.

#![expect(
    missing_docs,
    reason = "the macro makes a public struct of each function and says nothing about it"
)]

#[cfg(feature = "hydrate")]
mod autofill;
mod button;
#[cfg(feature = "hydrate")]
mod ceremony;
mod copy;
mod passkey_action;
#[cfg(feature = "hydrate")]
mod wire;

use leptos::prelude::*;

use crate::messages::passkey;
use button::{Looks, passkey_button};
use passkey_action::PasskeyAction;

/// "Sign in with a passkey". The box "Email" beside it offers passkeys too, where the browser can.
#[island]
pub fn SignInWithPasskey(
    /// The form token of the page.
    form_token: String,
    /// The pending request, or nothing.
    request: String,
    /// Whether it is the highlighted way.
    filled: bool,
    /// The id of what describes it.
    described_by: Option<String>,
) -> impl IntoView {
    let action = PasskeyAction::SignIn {
        form_token,
        request,
        then: String::new(),
        autofill: true,
    };
    passkey_button(
        Looks {
            label: passkey::SIGN_IN,
            filled,
            described_by,
        },
        action,
    )
}

/// "Use a passkey", for a user who confirms the session.
#[island]
pub fn ConfirmWithPasskey(
    /// The form token of the page.
    form_token: String,
    /// The next page.
    then: String,
) -> impl IntoView {
    let action = PasskeyAction::SignIn {
        form_token,
        request: String::new(),
        then,
        autofill: false,
    };
    passkey_button(Looks::filled(passkey::USE), action)
}

/// "Create a passkey", for the address in the box "Email" and a one-time link.
#[island]
pub fn AcceptWithPasskey(
    /// The form token of the page.
    form_token: String,
    /// The token of the link, or nothing when signing up.
    token: String,
    /// The pending request, or nothing.
    request: String,
) -> impl IntoView {
    passkey_button(
        Looks::filled(passkey::CREATE),
        PasskeyAction::Accept {
            form_token,
            token,
            request,
        },
    )
}

/// "Create a passkey", for the signed-in user.
#[island]
pub fn AddPasskey(
    /// The form token of the page.
    form_token: String,
    /// The pending request, or nothing.
    request: String,
    /// The path to go to when the sign-in is too old for it.
    confirm: String,
) -> impl IntoView {
    passkey_button(
        Looks::filled(passkey::CREATE),
        PasskeyAction::Add {
            form_token,
            request,
            confirm,
        },
    )
}

/// "Copy", for the text of an element of the page. It is there only where script runs.
#[island]
pub fn CopyText(
    /// The id of the element.
    target: String,
) -> impl IntoView {
    copy::copy_button(target)
}

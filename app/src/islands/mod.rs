//! The only parts that run in the browser: buttons that ask it for a passkey.

#![expect(missing_docs, reason = "the macro makes a public struct of each function and says nothing about it")]

mod button;
#[cfg(feature = "hydrate")]
mod ceremony;
#[cfg(feature = "hydrate")]
mod wire;

use leptos::prelude::*;

use button::{Deed, passkey_button};

/// "Sign in with a passkey".
#[island]
pub fn SignInWithPasskey(
    /// Proof that the page is ours.
    form_token: String,
    /// The waiting request, or nothing.
    request: String,
) -> impl IntoView {
    passkey_button("Sign in with a passkey", Deed::SignIn { form_token, request })
}

/// "Create a passkey", for the address in the box "Email" and a one-time link.
#[island]
pub fn AcceptWithPasskey(
    /// Proof that the page is ours.
    form_token: String,
    /// The token of the link.
    token: String,
    /// The waiting request, or nothing.
    request: String,
) -> impl IntoView {
    passkey_button("Create a passkey", Deed::Accept { form_token, token, request })
}

/// "Create a passkey", for the signed-in person.
#[island]
pub fn AddPasskey(
    /// Proof that the page is ours.
    form_token: String,
) -> impl IntoView {
    passkey_button("Create a passkey", Deed::Add { form_token })
}

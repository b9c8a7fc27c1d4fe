//! What a passkey button does.

/// What a button does when it is pressed.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "only the browser acts on it")
)]
pub(super) enum PasskeyAction {
    /// `autofill`: the box "Email" offers passkeys as well.
    SignIn {
        form_token: String,
        request: String,
        then: String,
        autofill: bool,
    },
    Accept {
        form_token: String,
        token: String,
        request: String,
    },
    /// `confirm`: where to go when the sign-in is too old for it.
    Add {
        form_token: String,
        request: String,
        confirm: String,
    },
}

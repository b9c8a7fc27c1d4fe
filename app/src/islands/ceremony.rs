//! Passkey ceremonies in the browser: options from the server, an answer from the authenticator,
//! back to the server.

use js_sys::Promise;
use leptos::prelude::window;
use wasm_bindgen_futures::{
    JsFuture,
    wasm_bindgen::{JsCast, JsValue},
};
use web_sys::{CredentialsContainer, DomException, HtmlInputElement};

use crate::{
    islands::{passkey_action::PasskeyAction, wire},
    messages::Message,
    passkeys::actions::{
        finish_accept_with_passkey, finish_adding_passkey, finish_passkey_sign_in,
        start_accept_with_passkey, start_adding_passkey, start_passkey_sign_in,
    },
};

/// Performs the action of the button. Returns the path of the next page, or nothing when the
/// browser shows what is missing in the form.
pub(super) async fn perform(action: PasskeyAction) -> Result<Option<String>, Message> {
    let passkeys = passkeys()?;
    match action {
        PasskeyAction::SignIn {
            form_token,
            request,
            then,
            ..
        } => {
            let ceremony = start_passkey_sign_in(form_token.clone(), false).await?;
            let credential = get(&passkeys, &ceremony.options).await?;
            finish_passkey_sign_in(form_token, ceremony.id, credential, request, then)
                .await
                .map(Some)
        }
        PasskeyAction::Accept {
            form_token,
            token,
            request,
        } => {
            let Some(email) = typed_email() else {
                return Ok(None);
            };
            let ceremony =
                start_accept_with_passkey(form_token.clone(), token.clone(), email).await?;
            let credential = create(&passkeys, &ceremony.options).await?;
            finish_accept_with_passkey(form_token, token, ceremony.id, credential, request)
                .await
                .map(Some)
        }
        PasskeyAction::Add {
            form_token,
            request,
            confirm,
        } => match start_adding_passkey(form_token.clone()).await {
            Err(Message::ConfirmFirst) => Ok(Some(confirm)),
            ceremony => {
                let ceremony = ceremony?;
                let credential = create(&passkeys, &ceremony.options).await?;
                finish_adding_passkey(form_token, ceremony.id, credential, request)
                    .await
                    .map(Some)
            }
        },
    }
}

/// Navigates to another page of this server.
pub(super) fn go(path: &str) {
    // Only a page that is being closed refuses, and then no message is needed.
    let _ = window().location().assign(path);
}

/// Loads this page again.
pub(super) fn reload() {
    let _ = window().location().reload();
}

/// The browser's credential API, where there is one: old browsers and insecure pages have none.
pub(super) fn passkeys() -> Result<CredentialsContainer, Message> {
    let window = window();
    let there = |owner: &JsValue, name: &str| {
        js_sys::Reflect::get(owner, &name.into()).is_ok_and(|value| !value.is_undefined())
    };
    let navigator = window.navigator();
    if there(&window, "PublicKeyCredential") && there(&navigator, "credentials") {
        Ok(navigator.credentials())
    } else {
        Err(Message::PasskeyUnsupported)
    }
}

/// Asks for a passkey the user has.
async fn get(passkeys: &CredentialsContainer, options: &str) -> Result<String, Message> {
    let options = wire::options(options).map_err(|_| Message::Unreachable)?;
    answer(passkeys.get_with_options(&options)).await
}

/// Asks for a new passkey.
async fn create(passkeys: &CredentialsContainer, options: &str) -> Result<String, Message> {
    let options = wire::options(options).map_err(|_| Message::Unreachable)?;
    answer(passkeys.create_with_options(&options)).await
}

async fn answer(asked: Result<Promise, JsValue>) -> Result<String, Message> {
    let promise = asked.map_err(|_| Message::PasskeyUnsupported)?;
    let credential = JsFuture::from(promise)
        .await
        .map_err(|fault| message_of(&fault))?;
    let credential = credential.dyn_ref().ok_or(Message::PasskeyRefused)?;
    wire::answer(credential).map_err(|_| Message::PasskeyRefused)
}

/// The names of the WebAuthn specification for what a user can meet (Web Authentication Level 3,
/// 5.1.3 and 5.1.4).
fn message_of(fault: &JsValue) -> Message {
    match fault
        .dyn_ref::<DomException>()
        .map(DomException::name)
        .as_deref()
    {
        Some("NotAllowedError" | "AbortError") => Message::PasskeyCancelled,
        Some("InvalidStateError") => Message::PasskeyKnown,
        // The server asks for user verification, which this authenticator does not have.
        Some("ConstraintError") => Message::PasskeyUnverified,
        Some("SecurityError" | "NotSupportedError") => Message::PasskeyUnsupported,
        _ => Message::PasskeyRefused,
    }
}

/// What the box "Email" holds; when it holds no address, the browser says so at the box.
fn typed_email() -> Option<String> {
    let field = window()
        .document()?
        .get_element_by_id("email")?
        .dyn_into::<HtmlInputElement>()
        .ok()?;
    field.report_validity().then(|| field.value())
}

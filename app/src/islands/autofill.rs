//! Passkeys offered in the box "Email" itself, before the button is pressed (conditional mediation,
//! Web Authentication Level 3, section 5.1.4). If the browser does not support it, nothing is
//! shown.

use std::{cell::RefCell, time::Duration};

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::{set_timeout_with_handle, window};
use wasm_bindgen_futures::{
    JsFuture,
    wasm_bindgen::{JsCast, JsValue},
};
use web_sys::{AbortController, CredentialRequestOptions, CredentialsContainer};

use crate::{
    islands::{ceremony, wire},
    messages::Message,
    passkeys::actions::{finish_passkey_sign_in, start_passkey_sign_in},
};

/// When an offer is renewed: shortly before the server forgets its ceremony, which it does after
/// five minutes.
const RENEWAL: Duration = Duration::from_secs(270);

thread_local! {
    /// Ends the offer that the browser makes just now. A page has one box for it, and a browser
    /// makes one offer at a time.
    static CURRENT: RefCell<Option<AbortController>> = const { RefCell::new(None) };
}

/// Cancels the offer, for the ceremony of the button.
pub(super) fn cancel() {
    if let Some(controller) = CURRENT.take() {
        controller.abort();
    }
}

/// Offers passkeys until one signs in, or the offer is cancelled. `refused` gets the message about
/// a passkey that was picked and refused.
pub(super) async fn offer(form_token: String, request: String, refused: impl Fn(Message)) {
    let Ok(passkeys) = ceremony::passkeys() else {
        return;
    };
    if !is_available().await {
        return;
    }
    while let Some(outcome) = round(&passkeys, &form_token, &request).await {
        match outcome {
            CeremonyResult::SignedIn(path) => return ceremony::go(&path),
            CeremonyResult::Refused(Message::PageTooOld) => return ceremony::reload(),
            // The button is there for another try.
            CeremonyResult::Refused(message) => return refused(message),
            CeremonyResult::TimedOut => {}
        }
    }
}

/// The result of a ceremony that was not cancelled.
enum CeremonyResult {
    SignedIn(String),
    Refused(Message),
    TimedOut,
}

/// One ceremony, from its options to the passkey that was picked. Nothing when there is to be no
/// other.
async fn round(
    passkeys: &CredentialsContainer,
    form_token: &str,
    request: &str,
) -> Option<CeremonyResult> {
    let controller = AbortController::new().ok()?;
    CURRENT.set(Some(controller.clone()));
    let ceremony = start_passkey_sign_in(form_token.to_owned(), true)
        .await
        .ok()?;
    let options: CredentialRequestOptions = wire::options(&ceremony.options).ok()?;
    wire::set(&options, "mediation", &"conditional".into()).ok()?;
    wire::set(&options, "signal", &controller.signal()).ok()?;
    let asked = passkeys.get_with_options(&options).ok()?;
    let stop = controller.clone();
    let timer = set_timeout_with_handle(move || stop.abort(), RENEWAL).ok()?;
    let picked = JsFuture::from(asked).await;
    timer.clear();
    match picked {
        Ok(credential) => {
            let credential = wire::answer(credential.dyn_ref()?).ok()?;
            let then = String::new();
            let finished = finish_passkey_sign_in(
                form_token.to_owned(),
                ceremony.id,
                credential,
                request.to_owned(),
                then,
            )
            .await;
            Some(finished.map_or_else(CeremonyResult::Refused, CeremonyResult::SignedIn))
        }
        // It timed out, unless it was cancelled.
        Err(_) if controller.signal().aborted() => CURRENT
            .with_borrow(Option::is_some)
            .then_some(CeremonyResult::TimedOut),
        Err(_) => None,
    }
}

/// Whether the browser can. Older ones have not even the question.
async fn is_available() -> bool {
    let ask = || {
        let class = Reflect::get(&window(), &"PublicKeyCredential".into()).ok()?;
        let question: Function = Reflect::get(&class, &"isConditionalMediationAvailable".into())
            .ok()?
            .dyn_into()
            .ok()?;
        question.call0(&class).ok()?.dyn_into::<Promise>().ok()
    };
    match ask() {
        Some(answer) => JsFuture::from(answer)
            .await
            .is_ok_and(|can: JsValue| can.is_truthy()),
        None => false,
    }
}

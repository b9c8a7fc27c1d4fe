//! A button that asks for a passkey, and says what it is doing and how that ended.

use leptos::prelude::*;

use crate::words::Message;

/// What a button does when it is pressed.
#[derive(Clone)]
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only the browser acts on it"))]
pub(super) enum Deed {
    SignIn { form_token: String, request: String },
    Accept { form_token: String, token: String, request: String },
    Add { form_token: String },
}

/// `Asleep → Ready ⇄ Waiting → Failed → Waiting …`; success leaves the page.
#[derive(Clone, PartialEq, Eq)]
enum State {
    /// As the server renders it: the script is not here yet, so a press would be lost.
    Asleep,
    Ready,
    Waiting,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "nothing fails before the browser acts"))]
    Failed(Message),
}

pub(super) fn passkey_button(label: &'static str, deed: Deed) -> impl IntoView {
    let state = RwSignal::new(State::Asleep);
    Effect::new(move || state.set(State::Ready));
    let press = move |_| {
        if state.get_untracked() != State::Waiting {
            state.set(State::Waiting);
            start(deed.clone(), state);
        }
    };
    let waiting = move || state.with(|state| *state == State::Waiting);
    let failure = move || state.with(|state| if let State::Failed(message) = state { Some(message.clone()) } else { None });
    view! {
        <button
            type="button"
            class="button filled"
            disabled=move || state.with(|state| *state == State::Asleep)
            aria-disabled=move || waiting().then_some("true")
            on:click=press
        >
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                <circle cx="8" cy="15" r="4.5"/>
                <path d="m11.2 11.8 8.3-8.3m-3.5 3.5 3 3"/>
            </svg>
            <span>{move || if waiting() { "Waiting for your passkey…" } else { label }}</span>
        </button>
        {move || failure().map(|message| {
            // A closed dialog is a choice and no fault.
            let class = if message == Message::PasskeyCancelled { "alert calm" } else { "alert" };
            view! { <p class=class role="alert">{message.text()}</p> }
        })}
    }
}

#[cfg(feature = "hydrate")]
fn start(deed: Deed, state: RwSignal<State>) {
    leptos::task::spawn_local(async move {
        match super::ceremony::perform(deed).await {
            Ok(Some(path)) => super::ceremony::go(&path),
            Ok(None) => state.set(State::Ready),
            Err(message) => state.set(State::Failed(message)),
        }
    });
}

#[cfg(not(feature = "hydrate"))]
fn start(_: Deed, _: RwSignal<State>) {}

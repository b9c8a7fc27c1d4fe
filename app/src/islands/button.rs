//! A button that asks for a passkey, and says what it is doing and how that ended.

use leptos::prelude::*;

use super::passkey_action::PasskeyAction;
use crate::messages::{Message, passkey};

/// How a button looks and what is said of it.
pub(super) struct Looks {
    pub(super) label: &'static str,
    pub(super) filled: bool,
    /// The id of what describes it.
    pub(super) described_by: Option<String>,
}

impl Looks {
    /// A highlighted button without a description.
    pub(super) const fn filled(label: &'static str) -> Self {
        Self {
            label,
            filled: true,
            described_by: None,
        }
    }
}

/// `Asleep → Ready ⇄ Waiting → Failed → Waiting …`; success leaves the page.
#[derive(Clone, PartialEq, Eq)]
enum State {
    /// As the server renders it: the script is not here yet, so a press would be lost.
    Asleep,
    Ready,
    Waiting,
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "nothing fails before the browser acts")
    )]
    Failed(Message),
}

pub(super) fn passkey_button(looks: Looks, action: PasskeyAction) -> impl IntoView {
    let state = RwSignal::new(State::Asleep);
    let awake = action.clone();
    Effect::new(move || {
        state.set(State::Ready);
        offer(&awake, state);
    });
    let press = move |_| {
        if state.get_untracked() != State::Waiting {
            state.set(State::Waiting);
            start(action.clone(), state);
        }
    };
    let waiting = move || state.with(|state| *state == State::Waiting);
    let failure = move || {
        state.with(|state| {
            if let State::Failed(message) = state {
                Some(message.clone())
            } else {
                None
            }
        })
    };
    view! {
        <button
            type="button"
            class="button"
            class:filled=looks.filled
            disabled=move || state.with(|state| *state == State::Asleep)
            aria-disabled=move || waiting().then_some("true")
            aria-describedby=looks.described_by
            on:click=press
        >
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
                <circle cx="8" cy="15" r="4.5"/>
                <path d="m11.2 11.8 8.3-8.3m-3.5 3.5 3 3"/>
            </svg>
            <span>{move || if waiting() { passkey::WAITING } else { looks.label }}</span>
        </button>
        {move || failure().map(|message| {
            view! { <p class="alert" class:calm=message.is_calm() role="alert">{message.text()}</p> }
        })}
    }
}

#[cfg(feature = "hydrate")]
fn start(action: PasskeyAction, state: RwSignal<State>) {
    use crate::islands::{autofill, ceremony};

    leptos::task::spawn_local(async move {
        autofill::cancel();
        match ceremony::perform(action.clone()).await {
            Ok(Some(path)) => return ceremony::go(&path),
            Ok(None) => state.set(State::Ready),
            // For example, the user has signed in in another tab. The reloaded page knows where to
            // continue.
            Err(Message::PageTooOld) if matches!(action, PasskeyAction::SignIn { .. }) => {
                return ceremony::reload();
            }
            Err(message) => state.set(State::Failed(message)),
        }
        offer(&action, state);
    });
}

/// Offers passkeys in the box "Email", where that is wanted.
#[cfg(feature = "hydrate")]
fn offer(action: &PasskeyAction, state: RwSignal<State>) {
    if let PasskeyAction::SignIn {
        form_token,
        request,
        autofill: true,
        ..
    } = action.clone()
    {
        let refused = move |message| state.set(State::Failed(message));
        leptos::task::spawn_local(super::autofill::offer(form_token, request, refused));
    }
}

#[cfg(not(feature = "hydrate"))]
fn start(_: PasskeyAction, _: RwSignal<State>) {}

#[cfg(not(feature = "hydrate"))]
fn offer(_: &PasskeyAction, _: RwSignal<State>) {}

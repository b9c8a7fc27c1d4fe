//! A button that copies the text of an element.

use leptos::prelude::*;

use crate::messages::copy;

/// `Asleep → Ready ⇄ Copied`: without script there is no button.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Asleep,
    Ready,
    #[cfg_attr(
        not(feature = "hydrate"),
        expect(dead_code, reason = "nothing is copied before the browser acts")
    )]
    Copied,
}

pub(super) fn copy_button(target: String) -> impl IntoView {
    let state = RwSignal::new(State::Asleep);
    Effect::new(move || state.set(State::Ready));
    let press = move |_| start(&target, state);
    let label = move || match state.get() {
        State::Copied => copy::COPIED,
        State::Asleep | State::Ready => copy::COPY,
    };
    view! {
        <p hidden=move || state.get() == State::Asleep>
            <button type="button" class="button" on:click=press><span aria-live="polite">{label}</span></button>
        </p>
    }
}

#[cfg(feature = "hydrate")]
fn start(target: &str, state: RwSignal<State>) {
    let Some(text) = document()
        .get_element_by_id(target)
        .and_then(|element| element.text_content())
    else {
        return;
    };
    leptos::task::spawn_local(async move {
        let written = window().navigator().clipboard().write_text(&text);
        if wasm_bindgen_futures::JsFuture::from(written).await.is_ok() {
            state.set(State::Copied);
        }
    });
}

#[cfg(not(feature = "hydrate"))]
fn start(_: &str, _: RwSignal<State>) {}

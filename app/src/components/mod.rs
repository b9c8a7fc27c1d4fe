//! The small parts pages are made of. None of them runs in the browser.

mod form;
mod monogram;
mod sentence;

use leptos::prelude::*;
use oauth::Timestamp;

use crate::{brand::Mark, time_format};

pub(crate) use form::{
    Alert, Divider, EmailField, HiddenFields, HiddenUsername, NewPasswordField, PasswordField,
    Step, WithoutScript, described_by,
};
pub(crate) use monogram::Monogram;
pub(crate) use sentence::fill;

/// The name of the server above the card.
#[component]
pub(crate) fn Masthead(name: String) -> impl IntoView {
    view! {
        <header class="masthead">
            <Mark/>
            <span>{name}</span>
        </header>
    }
}

/// A time in words, exact on hover.
#[component]
pub(crate) fn Ago(then: Timestamp, now: Timestamp) -> impl IntoView {
    view! {
        <time datetime=time_format::machine_readable(then) title=time_format::exactly(then)>{time_format::ago(then, now)}</time>
    }
}

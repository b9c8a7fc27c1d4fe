//! The small parts pages are made of. None of them runs in the browser.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

mod form;
mod monogram;
mod sentence;

use leptos::prelude::*;
use oauth::Timestamp;

use crate::{brand::Mark, moment};

pub(crate) use form::{
    Alert, Divider, EmailField, HiddenFields, NewPasswordField, PasswordField, Step, Whose,
    WithoutScript, described_by,
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
        <time datetime=moment::machine_readable(then) title=moment::exactly(then)>{moment::ago(then, now)}</time>
    }
}

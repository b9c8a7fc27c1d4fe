//! The small parts pages are made of. None of them runs in the browser.

mod form;
mod monogram;
mod sentence;

use leptos::prelude::*;
use oauth::Timestamp;

use crate::{brand::Mark, messages::common, time_format};

pub(crate) use form::{
    Alert, Disclosure, Divider, EmailField, FormAlert, HiddenUsername, NewPasswordField, PageQuery,
    PasswordField, PostForm, WithoutScript, described_by,
};
pub(crate) use monogram::Monogram;
pub(crate) use sentence::{fill, sentence};

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

/// A part of a page, under its heading.
#[component]
pub(crate) fn PageSection(
    id: &'static str,
    title: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <section aria-labelledby=id>
            <h2 id=id>{title}</h2>
            {children()}
        </section>
    }
}

/// The rows of a list, or a sentence where there are none.
#[component]
pub(crate) fn Rows<Row>(
    rows: Vec<Row>,
    none: &'static str,
    /// Whether their order means something.
    #[prop(optional)]
    ordered: bool,
) -> impl IntoView
where
    Row: IntoView + 'static,
{
    if rows.is_empty() {
        view! { <p class="quiet">{none}</p> }.into_any()
    } else if ordered {
        view! { <ol class="rows">{rows}</ol> }.into_any()
    } else {
        view! { <ul class="rows">{rows}</ul> }.into_any()
    }
}

/// Says how many entries cannot be shown, where there are any.
#[component]
pub(crate) fn Unreadable(count: usize) -> impl IntoView {
    (count > 0).then(|| view! { <p class="alert" role="status">{common::unreadable(count)}</p> })
}

/// A time in words, exact on hover.
#[component]
pub(crate) fn Ago(then: Timestamp, now: Timestamp) -> impl IntoView {
    view! {
        <time datetime=time_format::machine_readable(then) title=time_format::exactly(then)>{time_format::ago(then, now)}</time>
    }
}

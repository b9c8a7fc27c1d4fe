//! The branding of the pages.

use std::sync::Arc;

use leptos::prelude::*;

/// Where the files lie that make the pages look different, on this server's own origin. The server
/// provides it as a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    /// The style sheet that sets the accent; without one it is pine.
    pub sheet: Option<Arc<str>>,
    /// The picture beside the name; without one it is the built-in mark.
    pub logo: Option<Arc<str>>,
}

/// Of the page that is being rendered.
fn current() -> Brand {
    use_context().unwrap_or_default()
}

/// Links the accent's style sheet, if there is one.
#[component]
pub(crate) fn AccentSheet() -> impl IntoView {
    current()
        .sheet
        .map(|sheet| view! { <link rel="stylesheet" href=sheet.to_string()/> })
}

/// The picture beside the name. It says nothing that the name does not say.
#[component]
pub(crate) fn Mark() -> impl IntoView {
    match current().logo {
        Some(logo) => view! { <img class="masthead-logo" src=logo.to_string() alt=""/> }.into_any(),
        None => view! {
            <svg class="masthead-mark" viewBox="0 0 24 24" aria-hidden="true">
                <path d="M5 21V11a7 7 0 0 1 14 0v10"/>
                <path d="M9.5 21v-9.5a2.5 2.5 0 0 1 5 0V21"/>
                <path d="M3 21h18"/>
            </svg>
        }
        .into_any(),
    }
}

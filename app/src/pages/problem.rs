//! What stands in for a page that cannot be shown.

use leptos::prelude::*;

use crate::{clean, components::Masthead, context::Visit, problem::ProblemFacts, words::problem as words};

/// The card of a problem: what happened, what to do next, and folded away what a developer needs.
#[component]
pub fn ProblemPage(
    /// What to say.
    facts: ProblemFacts,
    /// The name above the card.
    server_name: String,
) -> impl IntoView {
    view! {
        <Masthead name=server_name/>
        <main class="card" data-page="problem">
            <h1>{facts.heading.clone()}</h1>
            <p>{facts.advice.clone()}</p>
            <Details facts/>
        </main>
    }
}

/// The page for addresses that lead nowhere.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    super::problem(Visit::current().ok().as_ref(), ProblemFacts::not_found())
}

#[component]
fn Details(facts: ProblemFacts) -> impl IntoView {
    let rows = [
        (words::ERROR_CODE, facts.code),
        (words::DESCRIPTION, facts.description.map(|description| clean::sentence(&description))),
        (words::REQUEST_ID, facts.request_id),
    ];
    if rows.iter().all(|(_, value)| value.is_none()) {
        return None;
    }
    let rows = rows.into_iter().filter_map(|(label, value)| Some((label, value?)));
    Some(view! {
        <details class="fold">
            <summary>{words::DETAILS}</summary>
            <dl class="facts">
                {rows.map(|(label, value)| view! { <dt>{label}</dt><dd><bdi>{value}</bdi></dd> }).collect_view()}
            </dl>
        </details>
    })
}

//! The pages, one file each. A page loads what it shows, or says what stands in the way.

pub(crate) mod account;
pub(crate) mod admin;
mod arrival;
pub(crate) mod codes;
pub(crate) mod confirm;
pub(crate) mod consent;
pub(crate) mod invitation;
pub(crate) mod login;
pub(crate) mod offer;
pub mod problem;
pub(crate) mod recover;
pub(crate) mod sign_up;

use std::future::Future;

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    components::Masthead,
    context::{RequestName, Visit},
    document::Islands,
    model::Place,
    pages::problem::ProblemPage,
    problem::ProblemFacts,
    words::common as words,
};

/// What a page shows.
pub(crate) struct Page {
    /// For the window: "Sign in".
    title: &'static str,
    /// Marks the page for tests: `data-page` of `<main>`.
    name: &'static str,
    /// Whether it has islands. All other pages load no script.
    awake: bool,
    /// What the card holds.
    body: AnyView,
}

/// Why a page does not show itself.
pub(crate) enum Halt {
    /// Another page is the right one.
    Elsewhere(Place),
    /// Nothing is to be shown but this.
    Problem(ProblemFacts),
}

impl<T: Into<ProblemFacts>> From<T> for Halt {
    fn from(facts: T) -> Self {
        Self::Problem(facts.into())
    }
}

/// Renders what `load` brings.
pub(crate) fn page<Load, Loading>(load: Load) -> impl IntoView
where
    Load: FnOnce(Visit) -> Loading,
    Loading: Future<Output = Result<Page, Halt>> + Send + 'static,
{
    let Ok(visit) = Visit::current() else {
        return problem(None, ProblemFacts::unavailable()).into_any();
    };
    let loading = load(visit.clone());
    Suspend::new(async move {
        match loading.await {
            Ok(page) => card(&visit, page),
            Err(Halt::Problem(facts)) => problem(Some(&visit), facts),
            Err(Halt::Elsewhere(place)) => {
                visit.go(&place);
                ().into_any()
            }
        }
    })
    .into_any()
}

fn card(visit: &Visit, page: Page) -> AnyView {
    let server = visit.server_name();
    view! {
        <Title text=words::window_title(page.title, &server)/>
        <Masthead name=server/>
        <main class="card" data-page=page.name>{page.body}</main>
        {page.awake.then(|| view! { <Islands/> })}
    }
    .into_any()
}

/// A problem page in place of another page.
pub(crate) fn problem(visit: Option<&Visit>, facts: ProblemFacts) -> AnyView {
    let server_name = visit.map_or_else(|| words::SERVER.to_owned(), Visit::server_name);
    if let Some(visit) = visit {
        visit.status(facts.status);
    }
    let facts = match use_context::<RequestName>() {
        Some(RequestName(name)) => facts.with_request_id(&name),
        None => facts,
    };
    view! {
        <Title text=words::window_title(facts.heading.trim_end_matches('.'), &server_name)/>
        <ProblemPage facts server_name/>
    }
    .into_any()
}

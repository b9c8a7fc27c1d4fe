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
    context::{PageContext, RequestName},
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
    Load: FnOnce(PageContext) -> Loading,
    Loading: Future<Output = Result<Page, Halt>> + Send + 'static,
{
    let Ok(context) = PageContext::current() else {
        return problem(None, ProblemFacts::unavailable()).into_any();
    };
    let loading = load(context.clone());
    Suspend::new(async move {
        match loading.await {
            Ok(page) => card(&context, page),
            Err(Halt::Problem(facts)) => problem(Some(&context), facts),
            Err(Halt::Elsewhere(place)) => {
                context.go(&place);
                ().into_any()
            }
        }
    })
    .into_any()
}

fn card(context: &PageContext, page: Page) -> AnyView {
    let server = context.server_name();
    view! {
        <Title text=words::window_title(page.title, &server)/>
        <Masthead name=server/>
        <main class="card" data-page=page.name>{page.body}</main>
        {page.awake.then(|| view! { <Islands/> })}
    }
    .into_any()
}

/// A problem page in place of another page.
pub(crate) fn problem(context: Option<&PageContext>, facts: ProblemFacts) -> AnyView {
    let server_name = context.map_or_else(|| words::SERVER.to_owned(), PageContext::server_name);
    if let Some(context) = context {
        context.status(facts.status);
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

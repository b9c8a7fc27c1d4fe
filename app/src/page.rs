//! The pages, one file each. A page loads what it shows, or says what stands in the way.

use std::future::Future;

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    components::Masthead,
    context::{PageContext, RequestName},
    document::Islands,
    error_page::{ErrorPage, page::ErrorPageView},
    messages::common,
    model::PagePath,
};

/// What a page shows.
pub(crate) struct PageView {
    /// For the window: "Sign in".
    pub(crate) title: &'static str,
    /// Marks the page for tests: `data-page` of `<main>`.
    pub(crate) name: &'static str,
    /// Whether it has islands. All other pages load no script.
    pub(crate) awake: bool,
    /// What the card holds.
    pub(crate) body: AnyView,
}

/// Why a page does not show itself.
pub(crate) enum PageError {
    /// Another page is the right one.
    Elsewhere(PagePath),
    /// Nothing is to be shown but this.
    Problem(ErrorPage),
}

impl<T: Into<ErrorPage>> From<T> for PageError {
    fn from(facts: T) -> Self {
        Self::Problem(facts.into())
    }
}

/// Renders what `load` brings.
pub(crate) fn page<Load, Loading>(load: Load) -> impl IntoView
where
    Load: FnOnce(PageContext) -> Loading,
    Loading: Future<Output = Result<PageView, PageError>> + Send + 'static,
{
    let Ok(context) = PageContext::current() else {
        return problem(None, ErrorPage::unavailable()).into_any();
    };
    let loading = load(context.clone());
    Suspend::new(async move {
        match loading.await {
            Ok(page) => card(&context, page),
            Err(PageError::Problem(facts)) => problem(Some(&context), facts),
            Err(PageError::Elsewhere(place)) => {
                context.go(&place);
                ().into_any()
            }
        }
    })
    .into_any()
}

fn card(context: &PageContext, page: PageView) -> AnyView {
    let server = context.server_name();
    view! {
        <Title text=common::window_title(page.title, &server)/>
        <Masthead name=server/>
        <main class="card" data-page=page.name>{page.body}</main>
        {page.awake.then(|| view! { <Islands/> })}
    }
    .into_any()
}

/// A problem page in place of another page.
pub(crate) fn problem(context: Option<&PageContext>, facts: ErrorPage) -> AnyView {
    let server_name = context.map_or_else(|| common::SERVER.to_owned(), PageContext::server_name);
    if let Some(context) = context {
        context.status(facts.status);
    }
    let facts = match use_context::<RequestName>() {
        Some(RequestName(name)) => facts.with_request_id(&name),
        None => facts,
    };
    view! {
        <Title text=common::window_title(facts.heading.trim_end_matches('.'), &server_name)/>
        <ErrorPageView facts server_name/>
    }
    .into_any()
}

//! What every page is made of. A page loads what it shows, or says why it cannot be shown.

use std::future::Future;

use leptos::{config::LeptosOptions, hydration::HydrationScripts, prelude::*};
use leptos_meta::Title;

use crate::{
    components::Masthead,
    context::{PageContext, RequestName},
    error_page::{ErrorPage, page::ErrorPageView},
    messages::common,
    pages::PagePath,
};

/// What a page is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageHead {
    /// `data-page` of `<main>`.
    pub(crate) name: &'static str,
    /// The title of the window.
    pub(crate) title: &'static str,
}

/// What a page shows.
pub(crate) struct PageView {
    body: AnyView,
    has_islands: bool,
    shown_as: Option<PageHead>,
}

impl PageView {
    /// A page without islands, which loads no script.
    pub(crate) fn new(body: impl IntoAny) -> Self {
        Self {
            body: body.into_any(),
            has_islands: false,
            shown_as: None,
        }
    }

    /// Loads script if the page has islands.
    pub(crate) const fn with_islands(mut self, has_islands: bool) -> Self {
        self.has_islands = has_islands;
        self
    }

    /// Is called otherwise than its row: the token in the path decides which page it is.
    pub(crate) const fn shown_as(mut self, head: PageHead) -> Self {
        self.shown_as = Some(head);
        self
    }
}

/// Why a page does not show itself.
pub(crate) enum PageError {
    /// Another page is the right one.
    Elsewhere(PagePath),
    /// Nothing is to be shown but this.
    Problem(ErrorPage),
}

impl<T: Into<ErrorPage>> From<T> for PageError {
    fn from(error: T) -> Self {
        Self::Problem(error.into())
    }
}

/// Renders what `load` returns for the page of this name and title.
pub(crate) fn public_page<Load, Loading>(head: PageHead, load: Load) -> impl IntoView
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
            Ok(page) => card(&context, head, page),
            Err(PageError::Problem(error)) => problem(Some(&context), error),
            Err(PageError::Elsewhere(path)) => {
                context.go(&path);
                ().into_any()
            }
        }
    })
    .into_any()
}

/// Sends the browser to the path that `load` returns.
pub(crate) fn redirect<Load, Loading>(load: Load) -> impl IntoView
where
    Load: FnOnce(PageContext) -> Loading,
    Loading: Future<Output = Result<PagePath, PageError>> + Send + 'static,
{
    let Ok(context) = PageContext::current() else {
        return problem(None, ErrorPage::unavailable()).into_any();
    };
    let loading = load(context.clone());
    Suspend::new(async move {
        match loading.await {
            Ok(path) | Err(PageError::Elsewhere(path)) => {
                context.go(&path);
                ().into_any()
            }
            Err(PageError::Problem(error)) => problem(Some(&context), error),
        }
    })
    .into_any()
}

fn card(context: &PageContext, head: PageHead, page: PageView) -> AnyView {
    let server = context.server_name();
    let head = page.shown_as.unwrap_or(head);
    view! {
        <Title text=common::window_title(head.title, &server)/>
        <Masthead name=server/>
        <main class="card" data-page=head.name>{page.body}</main>
        {page.has_islands.then(|| view! { <Islands/> })}
    }
    .into_any()
}

/// Loads the islands. Only pages that have one carry it, so all others run no script at all.
#[component]
fn Islands() -> impl IntoView {
    use_context::<LeptosOptions>().map(|options| view! { <HydrationScripts options islands=true/> })
}

/// In place of a page that does not exist.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    problem(PageContext::current().ok().as_ref(), ErrorPage::not_found())
}

/// A problem page in place of another page.
pub(crate) fn problem(context: Option<&PageContext>, error: ErrorPage) -> AnyView {
    let server_name = context.map_or_else(|| common::SERVER.to_owned(), PageContext::server_name);
    if let Some(context) = context {
        context.status(error.status);
    }
    let error = match use_context::<RequestName>() {
        Some(RequestName(name)) => error.with_request_id(&name),
        None => error,
    };
    view! {
        <Title text=common::window_title(error.heading.trim_end_matches('.'), &server_name)/>
        <ErrorPageView error server_name/>
    }
    .into_any()
}

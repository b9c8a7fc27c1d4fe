//! The whole document: what surrounds every page, and the routes to the pages.

use http::{Response, header};
use leptos::{config::LeptosOptions, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use crate::{
    admin::{self, context::admin_page},
    brand::{AccentSheet, Brand},
    context::{content_security_policy, protect},
    error_page::{ErrorPage, page::ErrorPageView},
    messages::common,
    page::{NotFound, PageHead, public_page, redirect},
    pages::{AdminPage, PageId, pages},
};

/// The document around [`App`]; what the server hands to Leptos for every page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    provide_context(options.clone());
    // Erased here, so that the crates above do not compile the types of all pages again.
    document(options, view! { <MetaTags/> }, view! { <App/> }).into_any()
}

macro_rules! routes {
    (
        redirects { $($from:tt $($to:ident)::+;)* }
        pages {
            $(
                $(#[$doc:meta])*
                $page:ident $path:tt $name:literal ($($title:ident)::+) $($load:ident)::+;
            )*
        }
        admin {
            $($(#[$admin_doc:meta])*
            $section:ident $admin_path:tt $admin_name:literal $module:ident;)*
        }
    ) => {
        /// The routes to the pages. Each page is rendered whole before its first byte leaves, so
        /// that its status is right.
        #[component]
        pub fn App() -> impl IntoView {
            provide_meta_context();
            protect("");
            view! {
                <Router>
                    <Routes fallback=NotFound>
                        $(<Route path=path!($from) view=|| redirect(crate::$($to)::+) ssr=SsrMode::Async/>)*
                        $(<Route
                            path=path!($path)
                            view=|| public_page(
                                PageHead { name: PageId::$page.name(), title: crate::$($title)::+ },
                                crate::$($load)::+,
                            )
                            ssr=SsrMode::Async
                        />)*
                        $(<Route
                            path=path!($admin_path)
                            view=|| admin_page(AdminPage::$section, admin::$module::page::load)
                            ssr=SsrMode::Async
                        />)*
                    </Routes>
                </Router>
            }
            .into_any()
        }
    };
}
pages!(routes);

/// The HTML of a problem page, for endpoints outside of the pages. Without script.
pub fn render_problem(
    options: &LeptosOptions,
    server_name: &str,
    brand: &Brand,
    error: &ErrorPage,
) -> String {
    let owner = Owner::new();
    owner.with(|| {
        provide_context(brand.clone());
        let title = common::window_title(error.heading.trim_end_matches('.'), server_name);
        let body =
            view! { <ErrorPageView error=error.clone() server_name=server_name.to_owned()/> };
        document(options.clone(), view! { <title>{title}</title> }, body)
            .into_view()
            .to_html()
    })
}

/// [`render_problem`] with its status and the headers every page carries.
pub fn problem_response(
    options: &LeptosOptions,
    server_name: &str,
    brand: &Brand,
    error: &ErrorPage,
) -> Response<String> {
    let html = render_problem(options, server_name, brand, error);
    let response = Response::builder()
        .status(error.status)
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .header(
            header::CONTENT_SECURITY_POLICY,
            content_security_policy(None, ""),
        );
    response.body(html).unwrap_or_default()
}

fn document(options: LeptosOptions, head: impl IntoView, body: impl IntoView) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang=common::LANGUAGE>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                <HashedStylesheet options/>
                <AccentSheet/>
                {head}
            </head>
            <body>{body}</body>
        </html>
    }
}

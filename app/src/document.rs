//! The whole document: what surrounds every page, and the routes to the pages.

use http::{Response, header};
use leptos::{config::LeptosOptions, hydration::HydrationScripts, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use crate::{
    account, admin,
    brand::{AccentSheet, Brand},
    confirm, consent,
    context::{content_security_policy, protect},
    enrolment, error_page,
    error_page::{ErrorPage, page::ErrorPageView},
    login,
    messages::common,
    passkey_offer, recovery, sign_up,
};

/// The document around [`App`]; what the server hands to Leptos for every page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    provide_context(options.clone());
    // Erased here, so that the crates above do not compile the types of all pages again.
    document(options, view! { <MetaTags/> }, view! { <App/> }).into_any()
}

/// The pages by their paths. Each is rendered whole before its first byte leaves, so that its
/// status is right.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    protect("");
    view! {
        <Router>
            <Routes fallback=error_page::page::NotFound>
                <Route path=path!("/") view=account::page::Start ssr=SsrMode::Async/>
                <Route path=path!("/login") view=login::page::Login ssr=SsrMode::Async/>
                <Route path=path!("/consent") view=consent::page::Consent ssr=SsrMode::Async/>
                <Route path=path!("/confirm") view=confirm::page::Confirm ssr=SsrMode::Async/>
                <Route path=path!("/recover") view=recovery::page::Recover ssr=SsrMode::Async/>
                <Route path=path!("/sign-up") view=sign_up::page::SignUp ssr=SsrMode::Async/>
                <Route path=path!("/passkey") view=passkey_offer::page::Offer ssr=SsrMode::Async/>
                <Route path=path!("/setup/:token") view=enrolment::page::ByLink ssr=SsrMode::Async/>
                <Route path=path!("/enroll/:token") view=enrolment::page::ByLink ssr=SsrMode::Async/>
                <Route path=path!("/reset/:token") view=enrolment::page::ByLink ssr=SsrMode::Async/>
                <Route path=path!("/account") view=account::page::Account ssr=SsrMode::Async/>
                <Route path=path!("/account/codes") view=recovery::codes::Codes ssr=SsrMode::Async/>
                <Route path=path!("/admin") view=admin::context::Start ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts") view=admin::accounts::page::Accounts ssr=SsrMode::Async/>
                <Route path=path!("/admin/applications") view=admin::applications::page::Applications ssr=SsrMode::Async/>
                <Route path=path!("/admin/resources") view=admin::resources::page::Resources ssr=SsrMode::Async/>
                <Route path=path!("/admin/keys") view=admin::keys::page::Keys ssr=SsrMode::Async/>
                <Route path=path!("/admin/failures") view=admin::failures::page::Failures ssr=SsrMode::Async/>
                <Route path=path!("/admin/audit") view=admin::audit::page::Audit ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
    .into_any()
}

/// Loads the islands. Only pages that have one carry it, so all others run no script at all.
#[component]
pub(crate) fn Islands() -> impl IntoView {
    use_context::<LeptosOptions>().map(|options| view! { <HydrationScripts options islands=true/> })
}

/// The HTML of a problem page, for endpoints outside of the pages. Without script.
pub fn render_problem(
    options: &LeptosOptions,
    server_name: &str,
    brand: &Brand,
    facts: &ErrorPage,
) -> String {
    let owner = Owner::new();
    owner.with(|| {
        provide_context(brand.clone());
        let title = common::window_title(facts.heading.trim_end_matches('.'), server_name);
        let body =
            view! { <ErrorPageView facts=facts.clone() server_name=server_name.to_owned()/> };
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
    facts: &ErrorPage,
) -> Response<String> {
    let html = render_problem(options, server_name, brand, facts);
    let response = Response::builder()
        .status(facts.status)
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

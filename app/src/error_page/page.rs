//! The error page.

use leptos::prelude::*;

use crate::{
    clean,
    components::Masthead,
    error_page::{ErrorPage, messages},
    pages::PagePath,
};

/// The card of an error page: what happened, what to do next, and the details in a fold.
#[component]
pub fn ErrorPageView(
    /// What to say.
    error: ErrorPage,
    /// The name above the card.
    server_name: String,
) -> impl IntoView {
    view! {
        <Masthead name=server_name/>
        <main class="card" data-page="problem">
            <h1>{error.heading.clone()}</h1>
            <p>{error.advice.clone()}</p>
            {error.address.clone().map(|address| view! {
                <div class="links"><a class="link" href=address>{messages::OPEN_THERE}</a></div>
            })}
            {error.leads_to_account.then(|| view! {
                <div class="links"><a class="link" href=PagePath::Account.to_string()>{messages::TO_YOUR_ACCOUNT}</a></div>
            })}
            <Details error/>
        </main>
    }
}

/// What a developer or an administrator needs to know, with its labels.
fn rows(error: ErrorPage) -> Vec<(&'static str, String)> {
    let description = error.description.map(|text| clean::sentence(&text));
    [
        (messages::ERROR_CODE, error.code),
        (messages::DESCRIPTION, description),
        (messages::REQUEST_ID, error.request_id),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, value?)))
    .collect()
}

#[component]
fn Details(error: ErrorPage) -> impl IntoView {
    let summary = if error.about_client {
        messages::DETAILS
    } else {
        messages::DETAILS_FOR_SUPPORT
    };
    let rows = rows(error);
    if rows.is_empty() {
        return None;
    }
    let rows = rows.into_iter();
    Some(view! {
        <details class="fold">
            <summary>{summary}</summary>
            <dl class="facts">
                {rows.map(|(label, value)| view! { <dt>{label}</dt><dd><bdi>{value}</bdi></dd> }).collect_view()}
            </dl>
        </details>
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(error: ErrorPage) -> String {
        let error = error.with_request_id("r1");
        Owner::new().with(|| {
            view! { <ErrorPageView error server_name="Vestibule".to_owned()/> }
                .into_view()
                .to_html()
        })
    }

    #[test]
    fn a_page_that_no_application_waits_for_leads_to_the_account() {
        for error in [
            ErrorPage::not_found(),
            ErrorPage::link_gone(),
            ErrorPage::for_administrators(),
        ] {
            let page = shown(error);
            assert!(
                page.contains("href=\"/account\"") && page.contains("Details for support"),
                "{page}"
            );
        }
        let gone = shown(ErrorPage::request_gone());
        assert!(
            !gone.contains("/account") && gone.contains("application's developer"),
            "{gone}"
        );
        let elsewhere = shown(ErrorPage::other_address(
            "https://id.example",
            "https://id.example/login?x=1",
        ));
        assert!(
            elsewhere.contains("href=\"https://id.example/login?x=1\"")
                && !elsewhere.contains("/account"),
            "{elsewhere}"
        );
        let unavailable = shown(ErrorPage::unavailable());
        assert!(
            !unavailable.contains("/account") && unavailable.contains("Details for support"),
            "{unavailable}"
        );
    }
}

//! The recovery codes that were just made, shown this once.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::prelude::*;

use super::{Halt, Page, page};
use crate::{
    context::PageContext,
    model::Place,
    words::{recovery as words, sentence},
};

/// `/account/codes`.
#[component]
pub(crate) fn Codes() -> impl IntoView {
    page(load)
}

async fn load(context: PageContext) -> Result<Page, Halt> {
    let (provider, browser) = (&context.provider, &context.browser);
    let (Some(person), Some((codes, shown))) = (
        provider.signed_in(browser).await?,
        provider.fresh_recovery_codes(browser).await?,
    ) else {
        return Err(Halt::Elsewhere(Place::Account));
    };
    context.keep(&shown);
    let body = view! { <Fresh codes email=person.email server=context.server_name()/> };
    Ok(Page {
        title: words::CODES_TITLE,
        name: "codes",
        awake: false,
        body: body.into_any(),
    })
}

#[component]
fn Fresh(codes: Vec<String>, email: String, server: String) -> impl IntoView {
    let email = view! { <bdi class="strong">{email}</bdi> };
    let lead = sentence!(
        words::CODES_LEAD,
        email = email,
        server = view! { <bdi class="strong">{server}</bdi> }
    );
    let codes = codes
        .into_iter()
        .map(|code| view! { <li><code>{code}</code></li> })
        .collect_view();
    view! {
        <h1>{words::CODES_TITLE}</h1>
        <p class="lead">{lead}</p>
        <ol class="codes">{codes}</ol>
        <p class="hint">{words::CODES_HINT}</p>
        <a class="button filled" href=Place::Account.to_string()>{words::DONE}</a>
    }
}

//! The page that shows new recovery codes once.

use leptos::prelude::*;

use crate::{
    components::sentence,
    context::PageContext,
    page::{PageError, PageView},
    pages::PagePath,
    recovery::messages,
};

/// `/account/codes`.
pub(crate) async fn load(context: PageContext) -> Result<PageView, PageError> {
    let provider = &context.provider;
    let browser = &context.browser;
    let (Some(user), Some((codes, shown))) = (
        provider.sessions().signed_in(browser).await?,
        provider.credentials().fresh_recovery_codes(browser).await?,
    ) else {
        return Err(PageError::Elsewhere(PagePath::Account));
    };
    context.keep(&shown);
    let body = view! { <RecoveryCodeList codes email=user.email server=context.server_name()/> };
    Ok(PageView::new(body))
}

#[component]
fn RecoveryCodeList(codes: Vec<String>, email: String, server: String) -> impl IntoView {
    let email = view! { <bdi class="strong">{email}</bdi> };
    let lead = sentence!(
        messages::CODES_LEAD,
        email = email,
        server = view! { <bdi class="strong">{server}</bdi> }
    );
    let codes = codes
        .into_iter()
        .map(|code| view! { <li><code>{code}</code></li> })
        .collect_view();
    view! {
        <h1>{messages::CODES_TITLE}</h1>
        <p class="lead">{lead}</p>
        <ol class="codes">{codes}</ol>
        <p class="hint">{messages::CODES_HINT}</p>
        <a class="button filled" href=PagePath::Account.to_string()>{messages::DONE}</a>
    }
}

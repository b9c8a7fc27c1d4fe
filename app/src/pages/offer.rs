//! The offer of a passkey to somebody who has just signed in without one.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{Halt, Page, page};
use crate::{
    actions::account::DeclinePasskey,
    components::{Alert, HiddenFields, WithoutScript},
    context::PageContext,
    islands::AddPasskey,
    model::{Place, Slug},
    words::{Message, account, offer as words},
};

/// `/passkey`, with `?request=` when an application waits for the answer.
#[component]
pub(crate) fn Offer() -> impl IntoView {
    page(load)
}

async fn load(context: PageContext) -> Result<Page, Halt> {
    let request = Slug::parse(&context.query("request"));
    let Some(account) = context.provider.account(&context.browser).await? else {
        return Err(Halt::Elsewhere(Place::Login(request)));
    };
    let onward = Place::after_sign_in(request.clone());
    // Nothing to offer, or no longer: then nobody is held up.
    if !context.provider.has_passkeys()
        || !account.is_fresh
        || !(account.passkeys.is_empty() || account.by_code)
    {
        return Err(Halt::Elsewhere(onward));
    }
    let message = context.notice().map(|notice| notice.message);
    let request = request
        .map(|request| request.as_str().to_owned())
        .unwrap_or_default();
    let body = view! { <Offered message form_token=context.form_token() request onward=onward.to_string()/> };
    Ok(Page {
        title: words::TITLE,
        name: "offer",
        awake: true,
        body: body.into_any(),
    })
}

#[component]
fn Offered(
    message: Option<Message>,
    form_token: String,
    request: String,
    onward: String,
) -> impl IntoView {
    view! {
        <h1>{words::TITLE}</h1>
        <p class="lead">{words::LEAD}</p>
        <Alert message id="form-alert"/>
        <div class="stack needs-script">
            <AddPasskey form_token=form_token.clone() request=request.clone() confirm=onward/>
        </div>
        <WithoutScript words=account::CREATING_NEEDS_SCRIPT/>
        <form method="post" action=DeclinePasskey::url()>
            <HiddenFields form_token request/>
            <button class="button" type="submit">{words::NOT_NOW}</button>
        </form>
    }
}

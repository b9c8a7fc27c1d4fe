//! The offer of a passkey after a sign-in without one.

use leptos::{prelude::*, server_fn::ServerFn};
use provider::AccountView;

use crate::{
    account::{actions::DeclinePasskey, messages as account_messages},
    components::{Alert, PostForm, WithoutScript},
    context::PageContext,
    islands::AddPasskey,
    messages::Message,
    page::{PageError, PageView},
    pages::{OpaqueToken, PagePath},
    passkey_offer::messages,
};

/// `/passkey`, with `?request=` for a pending authorization request.
pub(crate) async fn load(context: PageContext) -> Result<PageView, PageError> {
    let request = OpaqueToken::parse(&context.query("request"));
    let Some(account) = context
        .provider
        .sessions()
        .account(&context.browser)
        .await?
    else {
        return Err(PageError::Elsewhere(PagePath::Login(request)));
    };
    let onward = PagePath::after_sign_in(request.clone());
    // Nothing to offer: the user continues at once.
    if !context.provider.sign_in().has_passkeys() || !wants_passkey(&account) {
        return Err(PageError::Elsewhere(onward));
    }
    let message = context.flash().map(|flash| flash.message);
    let request = request.map_or_else(String::new, |request| request.as_str().to_owned());
    let body = view! { <PasskeyOffer message form_token=context.form_token() request onward=onward.to_string()/> };
    Ok(PageView::new(body).with_islands(true))
}

/// Whether the account can get a passkey now and has none, or none on this device.
const fn wants_passkey(account: &AccountView) -> bool {
    account.is_fresh && (account.passkeys.is_empty() || account.by_code)
}

#[component]
fn PasskeyOffer(
    message: Option<Message>,
    form_token: String,
    request: String,
    onward: String,
) -> impl IntoView {
    view! {
        <h1>{messages::TITLE}</h1>
        <p class="lead">{messages::LEAD}</p>
        <Alert message id="form-alert"/>
        <div class="stack needs-script">
            <AddPasskey form_token=form_token.clone() request=request.clone() confirm=onward/>
        </div>
        <WithoutScript words=account_messages::CREATING_NEEDS_SCRIPT/>
        <PostForm action=DeclinePasskey::url() class="" form_token request>
            <button class="button" type="submit">{messages::NOT_NOW}</button>
        </PostForm>
    }
}

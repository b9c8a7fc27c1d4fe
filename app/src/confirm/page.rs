//! The page on which a signed-in user confirms who they are, for actions that need a recent sign-in.

use leptos::{prelude::*, server_fn::ServerFn};
use provider::AccountView;

use crate::{
    components::{
        Alert, Divider, HiddenUsername, PasswordField, PostForm, WithoutScript, sentence,
    },
    confirm::messages,
    context::PageContext,
    islands::ConfirmWithPasskey,
    login::actions::{SignIn, SignOut},
    messages::{Message, common},
    page::{PageError, PageView},
    pages::{PagePath, ReturnTo},
};

/// `/confirm?then=`.
pub(crate) async fn load(context: PageContext) -> Result<PageView, PageError> {
    let Some(account) = context
        .provider
        .sessions()
        .account(&context.browser)
        .await?
    else {
        return Err(PageError::Elsewhere(PagePath::Login(None)));
    };
    let then = ReturnTo::parse(&context.query("then")).as_str();
    let message = context.flash().map(|flash| flash.message);
    let has_passkey = !account.passkeys.is_empty() && context.provider.sign_in().has_passkeys();
    let body =
        view! { <Confirmation account has_passkey message form_token=context.form_token() then/> };
    Ok(PageView::new(body).with_islands(has_passkey))
}

#[component]
fn Confirmation(
    account: AccountView,
    has_passkey: bool,
    message: Option<Message>,
    form_token: String,
    then: &'static str,
) -> impl IntoView {
    let AccountView {
        email,
        has_password,
        ..
    } = account;
    let has_nothing = !has_passkey && !has_password;
    let lead = sentence!(
        messages::LEAD,
        email = view! { <bdi class="strong">{email.clone()}</bdi> }
    );
    let token = form_token.clone();
    view! {
        <h1>{messages::TITLE}</h1>
        <p class="lead">{lead}</p>
        <Alert message id="form-alert"/>
        {has_passkey.then(|| view! {
            <div class="stack needs-script">
                <ConfirmWithPasskey form_token=token.clone() then=then.to_owned()/>
            </div>
            <WithoutScript/>
        })}
        {has_nothing.then(|| view! { <p>{Message::NoPasskeysHere.text()}" "{messages::WITHOUT_CREDENTIAL}</p> })}
        {(has_passkey && has_password).then(|| view! { <Divider/> })}
        {has_password.then(|| view! { <WithPassword form_token=token.clone() email then filled=!has_passkey/> })}
        <PostForm action=SignOut::url() class="as-whom" form_token>
            <button class="link" type="submit">{common::USE_DIFFERENT_ACCOUNT}</button>
        </PostForm>
    }
}

#[component]
fn WithPassword(
    form_token: String,
    email: String,
    then: &'static str,
    filled: bool,
) -> impl IntoView {
    view! {
        <PostForm action=SignIn::url() form_token>
            <input type="hidden" name="then" value=then/>
            <HiddenUsername email/>
            <PasswordField/>
            <button class="button" class:filled=filled type="submit">{messages::CONFIRM}</button>
        </PostForm>
    }
}

//! Signing in with a recovery code.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    components::{Alert, EmailField, PostForm},
    context::PageContext,
    flash::Flash,
    login::{
        actions,
        arrival::{Arrival, Lead},
    },
    messages::common,
    page::{PageError, PageView},
    pages::PagePath,
    recovery::messages,
};

/// `/recover`, with `?request=` for a pending authorization request.
pub(crate) async fn load(context: PageContext) -> Result<PageView, PageError> {
    let flash = context.flash();
    let arrival = Arrival::of(&context).await?;
    let body = view! { <RecoveryCard arrival flash form_token=context.form_token()/> };
    Ok(PageView::new(body))
}

#[component]
fn RecoveryCard(arrival: Arrival, flash: Option<Flash>, form_token: String) -> impl IntoView {
    let request = arrival.field();
    let (message, email) = Flash::parts(flash);
    view! {
        <h1>{messages::TITLE}</h1>
        {arrival.waiting.map(|waiting| view! { <Lead waiting/> })}
        <p class="quiet">{messages::LEAD}</p>
        <PostForm action=actions::Recover::url() form_token request>
            <Alert message id="form-alert"/>
            <EmailField value=email message=None/>
            <div class="field">
                <label for="code">{messages::CODE}</label>
                <input
                    class="code" type="text" id="code" name="code" required maxlength="64" autocomplete="off" enterkeyhint="go"
                    autocapitalize="characters" spellcheck="false"
                />
            </div>
            <button class="button filled" type="submit">{common::SIGN_IN}</button>
        </PostForm>
        <div class="links">
            <a class="link" href=PagePath::Login(arrival.request).to_string()>{messages::ANOTHER_WAY}</a>
        </div>
    }
}

//! Signing in with a recovery code.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    Halt, Page,
    arrival::{Arrival, Lead},
    page,
};
use crate::{
    actions::sign_in,
    components::{Alert, EmailField, HiddenFields},
    context::PageContext,
    model::Place,
    notice::Notice,
    words::{common, recovery as words},
};

/// `/recover`, with `?request=` when an application waits for the answer.
#[component]
pub(crate) fn Recover() -> impl IntoView {
    page(load)
}

async fn load(context: PageContext) -> Result<Page, Halt> {
    let notice = context.notice();
    let arrival = Arrival::of(&context).await?;
    let body = view! { <RecoveryCard arrival notice form_token=context.form_token()/> };
    Ok(Page {
        title: words::TITLE,
        name: "recover",
        awake: false,
        body: body.into_any(),
    })
}

#[component]
fn RecoveryCard(arrival: Arrival, notice: Option<Notice>, form_token: String) -> impl IntoView {
    let request = arrival.field();
    let (message, email) = notice.map_or((None, String::new()), |notice| {
        (Some(notice.message), notice.email)
    });
    view! {
        <h1>{words::TITLE}</h1>
        {arrival.waiting.map(|waiting| view! { <Lead waiting/> })}
        <p class="quiet">{words::LEAD}</p>
        <form class="stack" method="post" action=sign_in::Recover::url()>
            <HiddenFields form_token request/>
            <Alert message id="form-alert"/>
            <EmailField value=email message=None/>
            <div class="field">
                <label for="code">{words::CODE}</label>
                <input
                    class="code" type="text" id="code" name="code" required maxlength="64" autocomplete="off" enterkeyhint="go"
                    autocapitalize="characters" spellcheck="false"
                />
            </div>
            <button class="button filled" type="submit">{common::SIGN_IN}</button>
        </form>
        <div class="links">
            <a class="link" href=Place::Login(arrival.request).to_string()>{words::ANOTHER_WAY}</a>
        </div>
    }
}

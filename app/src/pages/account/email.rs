//! The section "E-mail address".

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    actions::account::ChangeEmail,
    components::{EmailField, HiddenFields, Step},
    words::{Message, Subject, account as words},
};

/// It stands open, with what was typed, while there is something to say about that.
#[component]
pub(super) fn EmailAddress(
    typed: String,
    message: Option<Message>,
    form_token: String,
) -> impl IntoView {
    let message = message.filter(|message| message.subject() == Subject::Email);
    view! {
        <section aria-labelledby="email-section">
            <h2 id="email-section">{words::EMAIL}</h2>
            <Step summary=words::CHANGE_EMAIL open=message.is_some()>
                <form class="stack" method="post" action=ChangeEmail::url()>
                    <HiddenFields form_token/>
                    <EmailField value=typed autocomplete="email" message/>
                    <p class="hint">{words::CHANGING_EMAIL_EXPLAINED}</p>
                    <button class="button" type="submit">{words::SAVE_EMAIL}</button>
                </form>
            </Step>
        </section>
    }
}

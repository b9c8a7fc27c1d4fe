//! The section "Email address".

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    account::{actions::ChangeEmail, messages},
    components::{Disclosure, EmailField, PageSection, PostForm},
    messages::{Message, Subject},
};

/// It is open, with the entered address, while there is a message about it.
#[component]
pub(crate) fn EmailAddress(
    typed: String,
    message: Option<Message>,
    form_token: String,
) -> impl IntoView {
    let about_name = Message::beside(message.clone(), Subject::Name).is_some();
    let typed = if about_name { String::new() } else { typed };
    let message = Message::beside(message, Subject::Email);
    view! {
        <PageSection id="email-section" title=messages::EMAIL>
            <Disclosure summary=messages::CHANGE_EMAIL open=message.is_some()>
                <PostForm action=ChangeEmail::url() form_token>
                    <EmailField value=typed autocomplete="email" message/>
                    <div class="field">
                        <button class="button" type="submit">{messages::SAVE_EMAIL}</button>
                        <p class="hint">{messages::CHANGING_EMAIL_EXPLAINED}</p>
                    </div>
                </PostForm>
            </Disclosure>
        </PageSection>
    }
}

//! The section "Name".

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    account::{actions::ChangeName, messages},
    clean,
    components::{Alert, Disclosure, PageSection, PostForm, described_by},
    messages::{Message, Subject},
};

/// Its form is open, with the entered name, while there is a message about it.
#[component]
pub(crate) fn DisplayName(
    name: Option<String>,
    typed: String,
    message: Option<Message>,
    form_token: String,
) -> impl IntoView {
    let message = Message::beside(message, Subject::Name);
    let open = message.is_some();
    let value = if open {
        typed
    } else {
        name.clone().unwrap_or_default()
    };
    let summary = messages::choose_name(name.is_some());
    let shown = match name {
        Some(name) => view! { <bdi class="strong">{clean::sentence(&name)}</bdi> }.into_any(),
        None => messages::NO_NAME.into_any(),
    };
    view! {
        <PageSection id="name-section" title=messages::NAME>
            <p>{shown}</p>
            <Disclosure summary open>
                <PostForm action=ChangeName::url() form_token>
                    <NameField value message/>
                    <button class="button" type="submit">{messages::SAVE_NAME}</button>
                </PostForm>
            </Disclosure>
        </PageSection>
    }
}

/// The box "Name", which may be empty.
#[component]
fn NameField(value: String, message: Option<Message>) -> impl IntoView {
    let faulty = message.is_some();
    let described_by = described_by([("name-hint", true), ("name-alert", faulty)]);
    view! {
        <div class="field">
            <label for="name">{messages::NAME}</label>
            <input
                type="text" id="name" name="name" value=value maxlength="254" autocomplete="name" enterkeyhint="done" spellcheck="false"
                aria-invalid=faulty.then_some("true") aria-describedby=described_by
            />
            <p class="hint" id="name-hint">{messages::NAME_EXPLAINED}</p>
            <Alert message id="name-alert"/>
        </div>
    }
}

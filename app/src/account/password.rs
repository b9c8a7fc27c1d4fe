//! The section "Password".

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;

use crate::{
    account::{
        actions::{ChangePassword, RemovePassword},
        messages,
        page::Frame,
    },
    components::{
        Ago, Disclosure, HiddenUsername, NewPasswordField, PageSection, PostForm, sentence,
    },
    messages::{Message, Subject, common},
};

#[component]
pub(crate) fn Password(
    email: String,
    has_password: bool,
    chosen_at: Option<Timestamp>,
    has_passkey: bool,
    fewest: usize,
    message: Option<Message>,
    frame: Frame,
) -> impl IntoView {
    let form_token = frame.form_token;
    let now = frame.now;
    let state = messages::password_state(has_password, has_passkey);
    let chosen = chosen_at
        .filter(|_| has_password)
        .map(|chosen| view! { <Chosen chosen now/> });
    view! {
        <PageSection id="password-section" title=messages::PASSWORD>
            <p class="quiet">{state}{chosen}</p>
            <Change email has_password fewest message form_token=form_token.clone()/>
            {(has_password && has_passkey).then(|| view! { <Remove form_token/> })}
        </PageSection>
    }
}

#[component]
fn Chosen(chosen: Timestamp, now: Timestamp) -> impl IntoView {
    view! { " "{sentence!(messages::LAST_CHANGED, when = view! { <Ago then=chosen now/> })} }
}

/// It is open while there is a message about the entered password.
#[component]
fn Change(
    email: String,
    has_password: bool,
    fewest: usize,
    message: Option<Message>,
    form_token: String,
) -> impl IntoView {
    let message = Message::beside(message, Subject::Password);
    view! {
        <Disclosure summary=messages::choose_password(has_password) open=message.is_some()>
            <PostForm action=ChangePassword::url() form_token>
                <HiddenUsername email/>
                <NewPasswordField label=common::NEW_PASSWORD fewest message/>
                <div class="field">
                    <button class="button" type="submit">{common::SAVE_PASSWORD}</button>
                    <p class="hint">{messages::CHANGING_PASSWORD_EXPLAINED}</p>
                </div>
            </PostForm>
        </Disclosure>
    }
}

#[component]
fn Remove(form_token: String) -> impl IntoView {
    view! {
        <Disclosure summary=messages::REMOVE_PASSWORD>
            <PostForm action=RemovePassword::url() form_token>
                <div class="field">
                    <button class="button grave" type="submit">{messages::REMOVE_PASSWORD}</button>
                    <p class="hint">{messages::REMOVING_PASSWORD_EXPLAINED}</p>
                </div>
            </PostForm>
        </Disclosure>
    }
}

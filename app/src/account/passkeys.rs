//! The section "Passkeys".

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::PasskeyView;

use crate::{
    account::{
        actions::{RemovePasskey, RenamePasskey},
        messages,
        page::Frame,
    },
    clean,
    components::{Ago, Disclosure, PageSection, PostForm, WithoutScript, sentence},
    islands::AddPasskey,
    messages::{Message, common},
    pages::{PagePath, ReturnTo},
};

#[component]
pub(crate) fn Passkeys(
    passkeys: Vec<PasskeyView>,
    has_password: bool,
    frame: Frame,
) -> impl IntoView {
    let is_last = passkeys.len() == 1 && !has_password;
    let rows = passkeys.into_iter().enumerate().map(|(number, passkey)| {
        view! { <Row number passkey is_last frame=frame.clone()/> }
    });
    let rows = rows.collect_view();
    let has_passkeys = frame.has_passkeys;
    let state = match (has_passkeys, rows.is_empty()) {
        (false, _) => Some(Message::NoPasskeysHere.text()),
        (true, true) => Some(messages::NO_PASSKEY.to_owned()),
        (true, false) => None,
    };
    view! {
        <PageSection id="passkeys" title=messages::PASSKEYS>
            {state.map(|state| view! { <p class="quiet">{state}</p> })}
            {(!rows.is_empty()).then(|| view! { <ul class="rows">{rows}</ul> }.into_any())}
            {has_passkeys.then(|| view! { <Adding form_token=frame.form_token/> }.into_any())}
        </PageSection>
    }
}

#[component]
fn Adding(form_token: String) -> impl IntoView {
    view! {
        <div class="stack needs-script">
            <AddPasskey form_token request=String::new() confirm=PagePath::Confirm(ReturnTo::Account).to_string()/>
        </div>
        <WithoutScript words=messages::CREATING_NEEDS_SCRIPT/>
    }
}

#[component]
fn Row(number: usize, passkey: PasskeyView, is_last: bool, frame: Frame) -> impl IntoView {
    let name = clean::name(&passkey.name, messages::NAMELESS_PASSKEY);
    let times = view! { <Times passkey=passkey.clone() now=frame.now/> };
    let id = passkey.id;
    let form_token = frame.form_token;
    view! {
        <li class="row">
            <p><bdi class="strong">{name.clone()}</bdi>{times}</p>
            <Disclosure summary=messages::CHANGE object=name.clone()>
                <Rename number id=id.clone() name=name.clone() form_token=form_token.clone()/>
                {is_last.then(|| view! { <p class="hint">{messages::LAST_CREDENTIAL}</p> })}
                {(!is_last).then(|| view! { <Remove id name form_token/> })}
            </Disclosure>
        </li>
    }
}

#[component]
fn Times(passkey: PasskeyView, now: Timestamp) -> impl IntoView {
    let PasskeyView {
        created_at,
        last_used_at,
        ..
    } = passkey;
    view! {
        <span class="quiet">
            {common::DOT}{sentence!(messages::ADDED, when = view! { <Ago then=created_at now/> })}
            {last_used_at.map(|used| view! { {common::DOT}{sentence!(messages::LAST_USED, when = view! { <Ago then=used now/> })} })}
        </span>
    }
}

#[component]
fn Rename(number: usize, id: String, name: String, form_token: String) -> impl IntoView {
    let field = format!("name-{number}");
    view! {
        <PostForm action=RenamePasskey::url() form_token>
            <input type="hidden" name="passkey" value=id/>
            <div class="field">
                <label for=field.clone()>{messages::NAME}</label>
                <input type="text" id=field name="name" value=name required maxlength="60" autocomplete="off" enterkeyhint="done"/>
            </div>
            <button class="button" type="submit">{messages::RENAME}</button>
        </PostForm>
    }
}

#[component]
fn Remove(id: String, name: String, form_token: String) -> impl IntoView {
    let explained = sentence!(
        messages::REMOVING_PASSKEY_EXPLAINED,
        name = view! { <bdi>{name.clone()}</bdi> }
    );
    view! {
        <PostForm action=RemovePasskey::url() form_token>
            <input type="hidden" name="passkey" value=id/>
            <div class="field">
                <button class="button grave" type="submit">
                    <span>{sentence!(messages::REMOVE, name = view! { <bdi>{name}</bdi> })}</span>
                </button>
                <p class="hint">{explained}</p>
            </div>
        </PostForm>
    }
}

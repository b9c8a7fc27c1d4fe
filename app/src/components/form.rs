//! The parts forms are made of.

#![expect(unreachable_pub, reason = "the component macro makes public what is public to this crate alone")]

use leptos::prelude::*;

use crate::words::{Message, Subject, common as words};

/// A message about a form. Stands in the page only while there is something to say.
#[component]
pub(crate) fn Alert(message: Option<Message>, id: &'static str) -> impl IntoView {
    message.map(|message| view! { <p class="alert" class:calm=message.is_calm() role="alert" id=id>{message.text()}</p> })
}

/// The box "Email". `fixed` when a link decides the address.
#[component]
pub(crate) fn EmailField(
    value: String,
    #[prop(optional)] fixed: bool,
    #[prop(default = "username")] autocomplete: &'static str,
    message: Option<Message>,
) -> impl IntoView {
    let message = message.filter(|message| message.subject() == Subject::Email);
    let faulty = message.is_some();
    view! {
        <div class="field">
            <label for="email">{words::EMAIL}</label>
            <input
                type="email" id="email" name="email" value=value required readonly=fixed maxlength="254"
                autocomplete=autocomplete inputmode="email" enterkeyhint="next" autocapitalize="none" spellcheck="false"
                aria-invalid=faulty.then_some("true")
                aria-describedby=faulty.then_some("email-alert")
            />
            <Alert message id="email-alert"/>
        </div>
    }
}

/// The box for a password that is known. It never holds what was typed before.
#[component]
pub(crate) fn PasswordField(#[prop(default = None)] message: Option<Message>) -> impl IntoView {
    view! { <PasswordBox label=words::PASSWORD autocomplete="current-password" enterkeyhint="go" message/> }
}

/// The box for a password that is chosen.
#[component]
pub(crate) fn NewPasswordField(#[prop(default = words::PASSWORD)] label: &'static str, message: Option<Message>) -> impl IntoView {
    view! { <PasswordBox label autocomplete="new-password" enterkeyhint="done" message/> }
}

#[component]
fn PasswordBox(
    label: &'static str,
    autocomplete: &'static str,
    enterkeyhint: &'static str,
    message: Option<Message>,
) -> impl IntoView {
    let message = message.filter(|message| message.subject() == Subject::Password);
    let faulty = message.is_some();
    view! {
        <div class="field">
            <label for="password">{label}</label>
            <input
                type="password" id="password" name="password" required autocomplete=autocomplete enterkeyhint=enterkeyhint
                aria-invalid=faulty.then_some("true")
                aria-describedby=faulty.then_some("password-alert")
            />
            <Alert message id="password-alert"/>
        </div>
    }
}

/// Tells password managers whose password the form is about, where the page has no box for it.
#[component]
pub(crate) fn Whose(email: String) -> impl IntoView {
    view! {
        <input
            class="whose" type="text" name="email" value=email autocomplete="username" readonly tabindex="-1" aria-hidden="true"
        />
    }
}

/// The fields every form of ours carries: proof that it is ours, and the request it goes on to.
#[component]
pub(crate) fn HiddenFields(form_token: String, #[prop(optional)] request: String) -> impl IntoView {
    view! {
        <input type="hidden" name="form_token" value=form_token/>
        {(!request.is_empty()).then(|| view! { <input type="hidden" name="request" value=request/> })}
    }
}

/// A second step: what it does stands beside what it is about, folded until somebody wants it.
#[component]
pub(crate) fn Step(summary: &'static str, #[prop(optional)] open: bool, children: Children) -> impl IntoView {
    view! {
        <details class="step" open=open>
            <summary>{summary}</summary>
            <div class="stack step-body">{children()}</div>
        </details>
    }
}

/// "or", between two ways to do the same.
#[component]
pub(crate) fn Divider() -> impl IntoView {
    view! { <p class="divider"><span>{words::OR_WITH_A_PASSWORD}</span></p> }
}

/// Why the passkey button above is missing, where script is off.
#[component]
pub(crate) fn WithoutScript(#[prop(default = words::PASSKEYS_NEED_SCRIPT)] words: &'static str) -> impl IntoView {
    view! { <noscript><p class="hint">{words}</p></noscript> }
}

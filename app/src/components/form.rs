//! The parts forms are made of.

use leptos::prelude::*;

use crate::messages::{Message, Subject, common};

/// The query of a page that shows a part of a list. The answer to a form on such a page leads back
/// to the same part, so every form of the page carries it.
#[derive(Clone, Debug)]
pub(crate) struct PageQuery(pub(crate) String);

impl PageQuery {
    /// The address of an action, for a form on this page.
    fn of_action(action: &str) -> String {
        let query = use_context::<Self>().map(|Self(query)| query);
        match query.filter(|query| !query.is_empty()) {
            Some(query) => format!("{action}?{query}"),
            None => action.to_owned(),
        }
    }
}

/// A message about a form, if there is one.
#[component]
pub(crate) fn Alert(message: Option<Message>, id: &'static str) -> impl IntoView {
    message.map(|message| view! { <p class="alert" class:calm=message.is_calm() role="alert" id=id>{message.text()}</p> })
}

/// The message about a form, if it is about no single box.
#[component]
pub(crate) fn FormAlert(message: Option<Message>) -> impl IntoView {
    view! { <Alert message=Message::beside(message, Subject::Form) id="form-alert"/> }
}

/// A box of the type "email" refuses letters beyond ASCII before the at sign, in every browser. The
/// server knows more about addresses than this.
const EMAIL_PATTERN: &str = r"\s*[^@\s]+@[^@\s]+\s*";

/// The box "Email". `fixed` when a link decides the address.
#[component]
pub(crate) fn EmailField(
    value: String,
    #[prop(optional)] fixed: bool,
    #[prop(default = "username")] autocomplete: &'static str,
    message: Option<Message>,
) -> impl IntoView {
    let message = Message::beside(message, Subject::Email);
    let faulty = message.is_some();
    view! {
        <div class="field">
            <label for="email">{common::EMAIL}</label>
            <input
                type="text" id="email" name="email" value=value required readonly=fixed maxlength="254" pattern=EMAIL_PATTERN
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
    view! { <PasswordBox label=common::PASSWORD autocomplete="current-password" enterkeyhint="go" message/> }
}

/// The box for a password that is chosen, with the rule for it.
#[component]
pub(crate) fn NewPasswordField(
    #[prop(default = common::PASSWORD)] label: &'static str,
    /// The least number of characters.
    fewest: usize,
    message: Option<Message>,
) -> impl IntoView {
    let hint = common::new_password_rule(fewest);
    view! { <PasswordBox label autocomplete="new-password" enterkeyhint="done" hint message/> }
}

#[component]
fn PasswordBox(
    label: &'static str,
    autocomplete: &'static str,
    enterkeyhint: &'static str,
    #[prop(optional)] hint: String,
    message: Option<Message>,
) -> impl IntoView {
    let message = Message::beside(message, Subject::Password);
    let faulty = message.is_some();
    let described_by = described_by([
        ("password-hint", !hint.is_empty()),
        ("password-alert", faulty),
    ]);
    view! {
        <div class="field">
            <label for="password">{label}</label>
            <input
                type="password" id="password" name="password" required autocomplete=autocomplete enterkeyhint=enterkeyhint
                aria-invalid=faulty.then_some("true")
                aria-describedby=described_by
            />
            {(!hint.is_empty()).then(|| view! { <p class="hint" id="password-hint">{hint}</p> })}
            <Alert message id="password-alert"/>
        </div>
    }
}

/// The ids of what describes a box, out of those that may.
pub(crate) fn described_by<const MOST: usize>(parts: [(&str, bool); MOST]) -> Option<String> {
    let there: Vec<_> = parts
        .into_iter()
        .filter_map(|(id, is_there)| is_there.then_some(id))
        .collect();
    (!there.is_empty()).then(|| there.join(" "))
}

/// Tells password managers whose password the form is about, where the page has no box for it.
#[component]
pub(crate) fn HiddenUsername(email: String) -> impl IntoView {
    view! {
        <input
            class="whose" type="text" name="email" value=email autocomplete="username" readonly tabindex="-1" aria-hidden="true"
        />
    }
}

/// The fields that every form carries: the form token, and the request that it continues.
#[component]
pub(crate) fn HiddenFields(form_token: String, #[prop(optional)] request: String) -> impl IntoView {
    view! {
        <input type="hidden" name="form_token" value=form_token/>
        {(!request.is_empty()).then(|| view! { <input type="hidden" name="request" value=request/> })}
    }
}

/// A form that posts to a server function, with the fields that every form carries.
#[component]
pub(crate) fn PostForm(
    action: &'static str,
    #[prop(default = "stack")] class: &'static str,
    form_token: String,
    #[prop(optional)] request: String,
    children: Children,
) -> impl IntoView {
    view! {
        <form class=(!class.is_empty()).then_some(class) method="post" action=PageQuery::of_action(action)>
            <HiddenFields form_token request/>
            {children()}
        </form>
    }
}

/// A part of a page that is folded until it is opened. `object`, its subject, is for screen readers
/// only: others see it beside the summary.
#[component]
pub(crate) fn Disclosure(
    summary: &'static str,
    /// What it is about, where others on the page say the same.
    #[prop(optional, into)]
    object: Option<String>,
    #[prop(optional)] open: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <details class="step" open=open>
            <summary>{summary}{object.map(|object| view! { <span class="unseen">" "<bdi>{object}</bdi></span> })}</summary>
            <div class="stack step-body">{children()}</div>
        </details>
    }
}

/// "or", between two ways to do the same.
#[component]
pub(crate) fn Divider() -> impl IntoView {
    view! { <p class="divider"><span>{common::OR_WITH_A_PASSWORD}</span></p> }
}

/// Why the passkey button above is missing, where script is off.
#[component]
pub(crate) fn WithoutScript(
    #[prop(default = common::PASSKEYS_NEED_SCRIPT)] words: &'static str,
) -> impl IntoView {
    view! { <noscript><p class="hint">{words}</p></noscript> }
}

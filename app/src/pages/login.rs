//! The sign-in page.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::{prelude::*, server_fn::ServerFn};
use provider::SignInMethod;

use super::{
    Halt, Page,
    arrival::{Arrival, Lead},
    page,
};
use crate::{
    actions::sign_in::SignIn,
    components::{Alert, Divider, EmailField, HiddenFields, PasswordField, WithoutScript},
    context::PageContext,
    islands::SignInWithPasskey,
    model::{Place, Slug},
    notice::Notice,
    passkeys,
    words::{Message, Subject, common, login as words, sentence},
};

/// What describes the button of the way that was used last.
const USED_LAST: &str = "used-last";

/// `/login`, with `?request=` when an application waits for the answer.
#[component]
pub(crate) fn Login() -> impl IntoView {
    page(load)
}

async fn load(context: PageContext) -> Result<Page, Halt> {
    // Taken even if this page is passed over: it would be said on another.
    let notice = context.notice();
    let arrival = Arrival::of(&context).await?;
    let has_passkeys = context.provider.has_passkeys();
    let last = context
        .browser
        .last_sign_in_method()
        .filter(|way| has_passkeys || *way != SignInMethod::Passkey);
    let ways = Ways {
        last,
        may_sign_up: context.provider.settings().sign_up.is_open(),
        has_passkeys,
    };
    let body = view! { <SignInCard arrival notice form_token=context.form_token() ways/> };
    Ok(Page {
        title: words::TITLE,
        name: "login",
        awake: has_passkeys,
        body: body.into_any(),
    })
}

/// The ways in, and the one that this browser remembers.
#[derive(Clone, Copy)]
struct Ways {
    last: Option<SignInMethod>,
    may_sign_up: bool,
    has_passkeys: bool,
}

impl Ways {
    /// Whether a way stands out: the one that was used last, or else the passkey, where there are
    /// any.
    fn is_first(self, way: SignInMethod) -> bool {
        let best = if self.has_passkeys {
            SignInMethod::Passkey
        } else {
            SignInMethod::Password
        };
        self.last.unwrap_or(best) == way
    }

    fn mark(self, way: SignInMethod) -> Option<&'static str> {
        (self.last == Some(way)).then_some(USED_LAST)
    }
}

#[component]
fn SignInCard(
    arrival: Arrival,
    notice: Option<Notice>,
    form_token: String,
    ways: Ways,
) -> impl IntoView {
    let request = arrival.field();
    let Arrival {
        request: place,
        waiting,
    } = arrival;
    let person = waiting
        .as_ref()
        .and_then(|waiting| waiting.person.clone())
        .map(|person| person.email);
    let (message, typed) = notice.map_or((None, None), |notice| {
        (Some(notice.message), Some(notice.email))
    });
    let email = typed.or_else(|| person.clone()).unwrap_or_default();
    let passkey = ways.mark(SignInMethod::Passkey);
    view! {
        <h1>{words::TITLE}</h1>
        {waiting.map(|waiting| view! { <Lead waiting/> })}
        {person.map(|person| view! { <Again person/> })}
        {ways.has_passkeys.then(|| view! {
            <div class="stack way needs-script">
                {passkey.map(|id| view! { <Mark id/> })}
                <SignInWithPasskey
                    form_token=form_token.clone() request=request.clone()
                    filled=ways.is_first(SignInMethod::Passkey) described_by=passkey.map(str::to_owned)
                />
            </div>
            <WithoutScript/>
            <Divider/>
        })}
        <form class="stack" method="post" action=SignIn::url()>
            <HiddenFields form_token request/>
            <WithPassword email message ways/>
        </form>
        <OtherWays request=place may_sign_up=ways.may_sign_up/>
    }
}

/// The boxes and the button of the form.
#[component]
fn WithPassword(email: String, message: Option<Message>, ways: Ways) -> impl IntoView {
    let password = ways.mark(SignInMethod::Password);
    let autocomplete = passkeys::autocomplete(ways.has_passkeys);
    view! {
        <Alert message=message.clone().filter(|message| message.subject() == Subject::Form) id="form-alert"/>
        <EmailField value=email autocomplete message=message.clone()/>
        <PasswordField message/>
        <div class="way">
            {password.map(|id| view! { <Mark id/> })}
            <button class="button" class:filled=ways.is_first(SignInMethod::Password) type="submit" aria-describedby=password>
                {common::SIGN_IN}
            </button>
        </div>
    }
}

/// Says of a button that it is the way that was used last. It stands on the button's line, and is
/// no part of its name.
#[component]
fn Mark(id: &'static str) -> impl IntoView {
    view! { <span class="mark" id=id>{words::USED_LAST}</span> }
}

/// Why a person who is signed in is asked to sign in (`prompt=login`).
#[component]
fn Again(person: String) -> impl IntoView {
    view! { <p class="quiet">{sentence!(words::AGAIN, email = view! { <bdi class="strong">{person}</bdi> })}</p> }
}

/// For whoever has neither passkey nor password at hand, or no account.
#[component]
fn OtherWays(request: Option<Slug>, may_sign_up: bool) -> impl IntoView {
    let sign_up = Place::SignUp(request.clone()).to_string();
    view! {
        <div class="links">
            <a class="link" href=Place::Recover(request).to_string()>{words::USE_RECOVERY_CODE}</a>
            {may_sign_up.then(|| view! { <a class="link" href=sign_up>{words::CREATE_ACCOUNT}</a> })}
        </div>
        <details class="fold">
            <summary>{words::TROUBLE}</summary>
            <p>{words::TROUBLE_HELP}</p>
        </details>
    }
}

//! The sign-in page.

use leptos::{prelude::*, server_fn::ServerFn};
use provider::SignInMethod;

use crate::{
    components::{
        Divider, EmailField, FormAlert, PasswordField, PostForm, WithoutScript, sentence,
    },
    context::PageContext,
    flash::Flash,
    islands::SignInWithPasskey,
    login::{
        actions::SignIn,
        arrival::{Arrival, Lead},
        messages,
    },
    messages::{Message, common},
    page::{PageError, PageView},
    pages::{OpaqueToken, PagePath},
    passkeys::ceremonies,
};

/// What describes the button of the way that was used last.
const USED_LAST: &str = "used-last";

/// `/login`, with `?request=` for a pending authorization request.
pub(crate) async fn load(context: PageContext) -> Result<PageView, PageError> {
    // Taken even if this page is skipped, so that no other page shows it.
    let flash = context.flash();
    let arrival = Arrival::of(&context).await?;
    let has_passkeys = context.provider.sign_in().has_passkeys();
    let last = context
        .browser
        .last_sign_in_method()
        .filter(|method| has_passkeys || *method != SignInMethod::Passkey);
    let methods = SignInMethods {
        last,
        may_sign_up: context.provider.settings().sign_up.is_open(),
        has_passkeys,
    };
    let body = view! { <SignInCard arrival flash form_token=context.form_token() methods/> };
    Ok(PageView::new(body).with_islands(has_passkeys))
}

/// The ways in, and the one that this browser remembers.
#[derive(Clone, Copy)]
struct SignInMethods {
    last: Option<SignInMethod>,
    may_sign_up: bool,
    has_passkeys: bool,
}

impl SignInMethods {
    /// Whether a method is highlighted: the one that was used last, or else the passkey, where there are
    /// any.
    fn is_first(self, method: SignInMethod) -> bool {
        let best = if self.has_passkeys {
            SignInMethod::Passkey
        } else {
            SignInMethod::Password
        };
        self.last.unwrap_or(best) == method
    }

    fn mark(self, method: SignInMethod) -> Option<&'static str> {
        (self.last == Some(method)).then_some(USED_LAST)
    }
}

#[component]
fn SignInCard(
    arrival: Arrival,
    flash: Option<Flash>,
    form_token: String,
    methods: SignInMethods,
) -> impl IntoView {
    let request = arrival.field();
    let Arrival {
        request: place,
        waiting,
    } = arrival;
    let user = waiting
        .as_ref()
        .and_then(|waiting| waiting.user.clone())
        .map(|user| user.email);
    let (message, typed) = flash.map_or((None, None), |flash| {
        (Some(flash.message), Some(flash.email))
    });
    let email = typed.or_else(|| user.clone()).unwrap_or_default();
    let passkey = methods.mark(SignInMethod::Passkey);
    view! {
        <h1>{messages::TITLE}</h1>
        {waiting.map(|waiting| view! { <Lead waiting/> })}
        {user.map(|user| view! { <SignInAgain user/> })}
        {methods.has_passkeys.then(|| view! {
            <div class="stack way needs-script">
                {passkey.map(|id| view! { <Mark id/> })}
                <SignInWithPasskey
                    form_token=form_token.clone() request=request.clone()
                    filled=methods.is_first(SignInMethod::Passkey) described_by=passkey.map(str::to_owned)
                />
            </div>
            <WithoutScript/>
            <Divider/>
        })}
        <PostForm action=SignIn::url() form_token request>
            <WithPassword email message methods/>
        </PostForm>
        <OtherWays request=place may_sign_up=methods.may_sign_up/>
    }
}

/// The boxes and the button of the form.
#[component]
fn WithPassword(email: String, message: Option<Message>, methods: SignInMethods) -> impl IntoView {
    let password = methods.mark(SignInMethod::Password);
    let autocomplete = ceremonies::autocomplete(methods.has_passkeys);
    view! {
        <FormAlert message=message.clone()/>
        <EmailField value=email autocomplete message=message.clone()/>
        <PasswordField message/>
        <div class="way">
            {password.map(|id| view! { <Mark id/> })}
            <button class="button" class:filled=methods.is_first(SignInMethod::Password) type="submit" aria-describedby=password>
                {common::SIGN_IN}
            </button>
        </div>
    }
}

/// Marks the button that was used last. It is not a part of the button's name.
#[component]
fn Mark(id: &'static str) -> impl IntoView {
    view! { <span class="mark" id=id>{messages::USED_LAST}</span> }
}

/// Why a signed-in user has to sign in again (`prompt=login`).
#[component]
fn SignInAgain(user: String) -> impl IntoView {
    view! { <p class="quiet">{sentence!(messages::AGAIN, email = view! { <bdi class="strong">{user}</bdi> })}</p> }
}

/// For users without an account, or without a usable passkey or password.
#[component]
fn OtherWays(request: Option<OpaqueToken>, may_sign_up: bool) -> impl IntoView {
    let sign_up = PagePath::SignUp(request.clone()).to_string();
    view! {
        <div class="links">
            <a class="link" href=PagePath::Recover(request).to_string()>{messages::USE_RECOVERY_CODE}</a>
            {may_sign_up.then(|| view! { <a class="link" href=sign_up>{messages::CREATE_ACCOUNT}</a> })}
        </div>
        <details class="fold">
            <summary>{messages::TROUBLE}</summary>
            <p>{messages::TROUBLE_HELP}</p>
        </details>
    }
}

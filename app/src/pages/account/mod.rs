//! The signed-in person's own page, and the front door that leads to it.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

mod activity;
mod applications;
mod email;
mod passkeys;
mod password;
mod recovery;
mod sessions;
#[cfg(test)]
mod tests;

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{AccountView, Role};

use self::{
    activity::{RecentActivity, with_resource_name},
    applications::ConnectedApplications,
    email::EmailAddress,
    passkeys::Passkeys,
    password::Password,
    recovery::RecoveryCodes,
    sessions::Sessions,
};
use super::{Halt, Page, admin::Unreadable, page};
use crate::{
    actions::sign_in::SignOut,
    components::{Alert, HiddenFields},
    context::PageContext,
    model::{Place, Section, Then},
    words::{
        Message, Subject,
        account::{self as words, Done},
        common,
    },
};

/// `/`: there is nothing here but the way on.
#[component]
pub(crate) fn Start() -> impl IntoView {
    page(
        async |context: PageContext| match context.provider.signed_in(&context.browser).await? {
            Some(_) => Err(Halt::Elsewhere(Place::Account)),
            None => Err(Halt::Elsewhere(Place::Login(None))),
        },
    )
}

/// `/account`.
#[component]
pub(crate) fn Account() -> impl IntoView {
    page(load)
}

/// What every section needs: proof that its forms are ours, and the time it is.
#[derive(Clone)]
struct Frame {
    form_token: String,
    now: Timestamp,
    /// Whether passkeys can be used here.
    has_passkeys: bool,
}

async fn load(context: PageContext) -> Result<Page, Halt> {
    let (provider, browser) = (&context.provider, &context.browser);
    let nobody = || Halt::Elsewhere(Place::Login(None));
    let account = provider.account(browser).await?.ok_or_else(nobody)?;
    let sessions = provider.sessions(browser).await?.ok_or_else(nobody)?;
    let connections = provider.connections(browser).await?.ok_or_else(nobody)?;
    let unreadable = sessions.unreadable + connections.unreadable;
    let events = provider
        .activity(browser)
        .await?
        .ok_or_else(nobody)?
        .into_iter();
    let events = events
        .map(|event| with_resource_name(event, &provider.settings().resources))
        .collect();
    let afterlife = provider.settings().lifetimes.access_token;
    let (message, typed) = match context.notice::<Message>() {
        Some(notice) => (Some(notice.message), notice.email),
        None => (None, String::new()),
    };
    let done = context.notice::<Done>().map(|notice| notice.message);
    let frame = Frame {
        form_token: context.form_token(),
        now: provider.now(),
        has_passkeys: provider.has_passkeys(),
    };
    let body = view! {
        <Head email=account.email.clone() role=account.role message=message.clone() done/>
        <Credentials account message typed frame=frame.clone()/>
        <Sessions sessions=sessions.rows frame=frame.clone()/>
        <Unreadable count=unreadable/>
        <ConnectedApplications connections afterlife frame=frame.clone()/>
        <RecentActivity events now=frame.now/>
        <form class="stack parting" method="post" action=SignOut::url()>
            <HiddenFields form_token=frame.form_token/>
            <button class="button" type="submit">{common::SIGN_OUT}</button>
        </form>
    };
    Ok(Page {
        title: words::TITLE,
        name: "account",
        awake: frame.has_passkeys,
        body: body.into_any(),
    })
}

#[component]
fn Head(email: String, role: Role, message: Option<Message>, done: Option<Done>) -> impl IntoView {
    let message = message.filter(|message| message.subject() == Subject::Form);
    let administers = role == Role::Administrator;
    view! {
        <h1>{words::TITLE}</h1>
        <p class="lead"><bdi class="strong">{email.clone()}</bdi></p>
        {provider::has_local_domain(&email).then(|| view! { <p class="quiet">{words::LOCAL_DOMAIN}</p> })}
        {done.map(|done| view! { <p class="alert calm" role="status">{done.text()}</p> })}
        {administers.then(|| view! {
            <div class="links"><a class="link" href=Place::Admin(Section::Accounts).to_string()>{words::ADMINISTRATION}</a></div>
        })}
        <Alert message id="form-alert"/>
    }
}

/// All that the person can sign in with.
#[component]
fn Credentials(
    account: AccountView,
    message: Option<Message>,
    typed: String,
    frame: Frame,
) -> impl IntoView {
    let AccountView {
        email,
        passkeys,
        has_password,
        password_set_at,
        recovery_codes,
        is_fresh,
        shortest_password,
        ..
    } = account;
    let has_passkey = !passkeys.is_empty() && frame.has_passkeys;
    let form_token = frame.form_token.clone();
    view! {
        {(!is_fresh).then(|| view! { <ConfirmFirst/> })}
        <Passkeys passkeys has_password frame=frame.clone()/>
        <Password
            email has_password chosen_at=password_set_at has_passkey fewest=shortest_password
            message=message.clone() frame=frame.clone()
        />
        <RecoveryCodes codes=recovery_codes now=frame.now form_token=form_token.clone()/>
        <EmailAddress typed message form_token/>
    }
}

/// Said before somebody types what would not be taken.
#[component]
fn ConfirmFirst() -> impl IntoView {
    view! {
        <p class="quiet">
            {words::CONFIRM_EXPLAINED}" "<a class="link" href=Place::Confirm(Then::Account).to_string()>{words::CONFIRM_NOW}</a>
        </p>
    }
}

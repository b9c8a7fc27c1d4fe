//! The signed-in user's own page, and the front door that leads to it.

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{AccountOverview, AccountView, Role};

use crate::{
    account::{
        activity::{RecentActivity, with_resource_name},
        connections::ConnectedClients,
        email::EmailAddress,
        messages::{self, Done},
        name::DisplayName,
        passkeys::Passkeys,
        password::Password,
        recovery::RecoveryCodes,
        sessions::Sessions,
    },
    components::{FormAlert, PostForm, Unreadable},
    context::PageContext,
    flash::Flash,
    login::actions::SignOut,
    messages::{Message, common},
    page::{PageError, PageView},
    pages::{AdminPage, PagePath, ReturnTo},
};

/// Where `/` leads to.
pub(crate) async fn start(context: PageContext) -> Result<PagePath, PageError> {
    Ok(
        match context
            .provider
            .sessions()
            .signed_in(&context.browser)
            .await?
        {
            Some(_) => PagePath::Account,
            None => PagePath::Login(None),
        },
    )
}

/// What every section needs: the form token and the current time.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) form_token: String,
    pub(crate) now: Timestamp,
    /// Whether passkeys can be used here.
    pub(crate) has_passkeys: bool,
}

/// `/account?after=`.
pub(crate) async fn load(context: PageContext) -> Result<PageView, PageError> {
    let provider = &context.provider;
    let browser = &context.browser;
    let to_login = || PageError::Elsewhere(PagePath::Login(None));
    let after = context.query_decoded("after");
    let AccountOverview {
        account,
        sessions,
        connections,
        events,
    } = provider
        .connections()
        .overview(browser, Some(&*after).filter(|after| !after.is_empty()))
        .await?
        .ok_or_else(to_login)?;
    let unreadable = sessions.unreadable + connections.unreadable;
    let events = events
        .into_iter()
        .map(|event| with_resource_name(event, &provider.settings().resources))
        .collect();
    let access_lifetime = provider.settings().lifetimes.access_token;
    let (message, typed) = Flash::parts(context.flash());
    let done = context.flash::<Done>().map(|flash| flash.message);
    let frame = Frame {
        form_token: context.form_token(),
        now: provider.now(),
        has_passkeys: provider.sign_in().has_passkeys(),
    };
    let body = view! {
        <Head email=account.email.clone() role=account.role message=message.clone() done/>
        <Credentials account message typed frame=frame.clone()/>
        <Sessions sessions=sessions.rows frame=frame.clone()/>
        <Unreadable count=unreadable/>
        <ConnectedClients connections after access_lifetime frame=frame.clone()/>
        <RecentActivity events now=frame.now/>
        <PostForm action=SignOut::url() class="stack parting" form_token=frame.form_token>
            <button class="button" type="submit">{common::SIGN_OUT}</button>
        </PostForm>
    };
    Ok(PageView::new(body).with_islands(frame.has_passkeys))
}

#[component]
pub(crate) fn Head(
    email: String,
    role: Role,
    message: Option<Message>,
    done: Option<Done>,
) -> impl IntoView {
    let has_local_domain = provider::has_local_domain(&email);
    view! {
        <h1>{messages::TITLE}</h1>
        <p class="lead"><bdi class="strong">{email}</bdi></p>
        {has_local_domain.then(|| view! { <p class="quiet">{messages::LOCAL_DOMAIN}</p> })}
        {done.map(|done| view! { <p class="alert calm" role="status">{done.text()}</p> })}
        {(role == Role::Administrator).then(|| view! { <ToAdministration/> })}
        <FormAlert message/>
    }
}

#[component]
fn ToAdministration() -> impl IntoView {
    let address = PagePath::Admin(AdminPage::Accounts).to_string();
    view! { <div class="links"><a class="link" href=address>{messages::ADMINISTRATION}</a></div> }
}

/// All that the user can sign in with.
#[component]
pub(crate) fn Credentials(
    account: AccountView,
    message: Option<Message>,
    typed: String,
    frame: Frame,
) -> impl IntoView {
    let has_password = account.has_password;
    let has_passkey = !account.passkeys.is_empty() && frame.has_passkeys;
    let form_token = frame.form_token.clone();
    let now = frame.now;
    let name_token = form_token.clone();
    let (name_typed, name_message) = (typed.clone(), message.clone());
    view! {
        {(!account.is_fresh).then(|| view! { <ConfirmFirst/> })}
        <Passkeys passkeys=account.passkeys has_password frame=frame.clone()/>
        <Password
            email=account.email has_password chosen_at=account.password_set_at has_passkey
            fewest=account.shortest_password message=message.clone() frame
        />
        <RecoveryCodes codes=account.recovery_codes now form_token=form_token.clone()/>
        <DisplayName name=account.name typed=name_typed message=name_message form_token=name_token/>
        <EmailAddress typed message form_token/>
    }
}

/// Shown before the user enters values that would be refused.
#[component]
fn ConfirmFirst() -> impl IntoView {
    view! {
        <p class="quiet">
            {messages::CONFIRM_EXPLAINED}" "<a class="link" href=PagePath::Confirm(ReturnTo::Account).to_string()>{messages::CONFIRM_NOW}</a>
        </p>
    }
}

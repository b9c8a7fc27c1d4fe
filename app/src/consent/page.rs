//! The consent page: who asks, for what, and where the browser is sent back to.

use leptos::{prelude::*, server_fn::ServerFn};
use provider::{ConsentError, ConsentView, Identity, Permission};

use crate::{
    clean,
    components::{Alert, Monogram, PostForm, sentence},
    consent::{actions::DecideConsent, messages},
    context::{PageContext, protect},
    error_page::ErrorPage,
    login::actions::SignOut,
    messages::{Message, common},
    page::{PageError, PageView},
    pages::{OpaqueToken, PagePath},
};

/// `/consent?request=`.
pub(crate) async fn load(context: PageContext) -> Result<PageView, PageError> {
    let asked = context.query("request");
    let request = OpaqueToken::parse(&asked).ok_or_else(ErrorPage::request_gone)?;
    let details = context
        .provider
        .authorization()
        .consent(request.as_str(), &context.browser)
        .await
        .map_err(|error| match error {
            ConsentError::SignInFirst => PageError::Elsewhere(PagePath::Login(Some(request))),
            ConsentError::Gone => ErrorPage::request_gone().into(),
            ConsentError::Unavailable(_) => ErrorPage::unavailable().into(),
        })?;
    protect(&details.answer_source);
    let message = context.flash().map(|flash| flash.message);
    let body = view! { <Decision details message form_token=context.form_token() request=asked/> };
    Ok(PageView::new(body))
}

#[component]
fn Decision(
    details: ConsentView,
    message: Option<Message>,
    form_token: String,
    request: String,
) -> impl IntoView {
    let client = clean::name(&details.client_name, common::NAMELESS_APPLICATION);
    let resource = clean::name(&details.resource_name, &details.resource_host);
    let client_host = match &details.identity {
        Identity::SelfNamed { host: Some(host) } | Identity::Proven { host } => host,
        Identity::SelfNamed { host: None } | Identity::Added => &details.redirect_host,
    };
    let pair = view! {
        <div class="pair">
            <Monogram name=&client host=client_host/>
            <svg class="pair-arrow" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 12h17m-6-6 6 6-6 6"/></svg>
            <Monogram name=&resource host=&details.resource_host/>
        </div>
    };
    view! {
        {pair}
        <h1 class="question">
            {sentence!(messages::QUESTION, client = view! { <bdi>{client}</bdi> }, resource = view! { <bdi>{resource}</bdi> })}
        </h1>
        <dl class="claims">
            <ClientIdentity identity=details.identity on_this_computer=details.redirect_is_loopback/>
            <RequestedAccess permissions=details.permissions resource_host=details.resource_host/>
            <RedirectTarget host=details.redirect_host on_this_computer=details.redirect_is_loopback/>
        </dl>
        <SwitchAccount email=details.email form_token=form_token.clone() request=request.clone()/>
        <Alert message id="form-alert"/>
        <Choice form_token request/>
        <Revocable/>
    }
}

#[component]
fn Choice(form_token: String, request: String) -> impl IntoView {
    view! {
        <PostForm action=DecideConsent::url() class="choice" form_token request>
            <button class="button" type="submit" name="decision" value="deny">{messages::DENY}</button>
            <button class="button filled" type="submit" name="decision" value="allow">{messages::ALLOW}</button>
        </PostForm>
    }
}

/// Says where the user can undo the decision later.
#[component]
fn Revocable() -> impl IntoView {
    let account = view! { <a href=PagePath::Account.to_string()>{messages::YOUR_ACCOUNT}</a> };
    view! { <p class="hint">{sentence!(messages::REVOCABLE, account = account)}</p> }
}

/// Who asks, and how far that is known (R-C10, T-D29).
#[component]
fn ClientIdentity(identity: Identity, on_this_computer: bool) -> impl IntoView {
    let (host, words) = match identity {
        Identity::SelfNamed { host } => (host, messages::NAMED_ITSELF),
        Identity::Added => (None, messages::ADDED_HERE),
        Identity::Proven { host } if on_this_computer => {
            (Some(host), messages::CLAIMED_ON_THIS_COMPUTER)
        }
        Identity::Proven { host } => (Some(host), messages::PROVEN_BY_ADDRESS),
    };
    view! {
        <dt>{messages::WHO}</dt>
        <dd>
            {host.map(|host| view! { <bdi class="host">{host}</bdi> })}
            <span>{words}</span>
        </dd>
    }
}

/// What the client can do, a line for each permission. Those that were not allowed before are marked
/// (R-K8).
#[component]
fn RequestedAccess(permissions: Vec<Permission>, resource_host: String) -> impl IntoView {
    let adds = permissions.iter().any(|permission| permission.new);
    view! {
        <dt>{messages::WHAT}</dt>
        <dd>
            <Permissions permissions/>
            {adds.then(|| view! {
                <span class="note">{messages::NEW_EXPLAINED}</span>
            })}
            <span class="note">{sentence!(messages::AT_HOST, host = view! { <bdi class="host">{resource_host}</bdi> })}</span>
        </dd>
    }
}

#[component]
fn Permissions(permissions: Vec<Permission>) -> impl IntoView {
    if permissions.is_empty() {
        return view! { <span>{messages::ON_YOUR_BEHALF}</span> }.into_any();
    }
    let lines = permissions.into_iter().map(|permission| {
        let mark = permission
            .new
            .then(|| view! { <span class="mark">{messages::NEW}</span>" " });
        view! { <li>{mark}{clean::sentence(&permission.sentence)}</li> }
    });
    view! { <ul class="permissions">{lines.collect_view()}</ul> }.into_any()
}

/// The redirect target; an application on this computer is marked clearly (R-C9).
#[component]
fn RedirectTarget(host: String, on_this_computer: bool) -> impl IntoView {
    let target = view! { <bdi class="host">{host}</bdi> };
    let target = if on_this_computer {
        sentence!(messages::TARGET_ON_THIS_COMPUTER, target = target).into_any()
    } else {
        target.into_any()
    };
    view! {
        <dt>{messages::REDIRECT_TARGET}</dt>
        <dd>
            <span>{target}</span>
            {on_this_computer.then(|| view! {
                <span class="caution">{messages::ONLY_IF_YOU_STARTED}</span>
            })}
        </dd>
    }
}

/// The account, and a form that signs out and returns to the same request for a different one.
#[component]
fn SwitchAccount(email: String, form_token: String, request: String) -> impl IntoView {
    view! {
        <PostForm action=SignOut::url() class="as-whom" form_token request>
            <span>{sentence!(messages::SIGNED_IN_AS, email = view! { <bdi class="strong">{email}</bdi> })}</span>
            <button class="link" type="submit">{common::USE_DIFFERENT_ACCOUNT}</button>
        </PostForm>
    }
}

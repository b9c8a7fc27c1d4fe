//! The signed-in person's own page, and the front door that leads to it.

#![expect(unreachable_pub, reason = "the component macro makes public what is public to this crate alone")]

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{AccountView, PasskeyView};

use super::{Halt, Page, connections::ConnectedApplications, page};
use crate::{
    actions::sign_in::SignOut,
    clean,
    components::{Ago, Alert, HiddenFields},
    context::Visit,
    islands::AddPasskey,
    model::Place,
    words::Message,
};

/// `/`: there is nothing here but the way on.
#[component]
pub(crate) fn Start() -> impl IntoView {
    page(async |visit: Visit| match visit.provider.signed_in(&visit.visitor).await? {
        Some(_) => Err(Halt::Elsewhere(Place::Account)),
        None => Err(Halt::Elsewhere(Place::Login(None))),
    })
}

/// `/account`.
#[component]
pub(crate) fn Account() -> impl IntoView {
    page(load)
}

async fn load(visit: Visit) -> Result<Page, Halt> {
    let (provider, visitor) = (&visit.provider, &visit.visitor);
    let (Some(account), Some(connections)) = (provider.account(visitor).await?, provider.connections(visitor).await?) else {
        return Err(Halt::Elsewhere(Place::Login(None)));
    };
    let afterlife = provider.settings().lifetimes.access_token;
    let message = visit.notice().map(|notice| notice.message);
    let (now, form_token) = (provider.now(), visit.form_token());
    let body = view! {
        <Overview account message now form_token=form_token.clone()>
            <ConnectedApplications connections afterlife now form_token=&form_token/>
        </Overview>
    };
    Ok(Page { title: "Your account", name: "account", awake: true, body: body.into_any() })
}

#[component]
fn Overview(
    account: AccountView,
    message: Option<Message>,
    now: Timestamp,
    form_token: String,
    children: Children,
) -> impl IntoView {
    view! {
        <h1>"Your account"</h1>
        <p class="lead"><bdi class="strong">{account.email}</bdi></p>
        <Alert message id="form-alert"/>
        <section aria-labelledby="passkeys">
            <h2 id="passkeys">"Passkeys"</h2>
            <Passkeys passkeys=account.passkeys now/>
            <div class="stack needs-script">
                <AddPasskey form_token=form_token.clone()/>
            </div>
            <noscript><p class="hint">"Creating a passkey needs JavaScript, which is switched off here."</p></noscript>
        </section>
        <section aria-labelledby="password-section">
            <h2 id="password-section">"Password"</h2>
            <p class="quiet">
                {if account.has_password {
                    "You can sign in with a password, too."
                } else {
                    "There is none, so nobody can guess it. You sign in with a passkey."
                }}
            </p>
        </section>
        {children()}
        <form class="stack parting" method="post" action=SignOut::url()>
            <HiddenFields form_token request=String::new()/>
            <button class="button" type="submit">"Sign out"</button>
        </form>
    }
}

#[component]
fn Passkeys(passkeys: Vec<PasskeyView>, now: Timestamp) -> impl IntoView {
    if passkeys.is_empty() {
        let words = "No passkey yet. With one you sign in by fingerprint, face or device PIN; create it here.";
        return view! { <p class="quiet">{words}</p> }.into_any();
    }
    let rows = passkeys.into_iter().map(|passkey| view! { <Passkey passkey now/> });
    view! { <ul class="rows">{rows.collect_view()}</ul> }.into_any()
}

#[component]
fn Passkey(passkey: PasskeyView, now: Timestamp) -> impl IntoView {
    view! {
        <li>
            <bdi class="strong">{clean::name(&passkey.name, "Passkey")}</bdi>
            <span class="quiet">
                " · added "<Ago then=passkey.created_at now/>
                {passkey.last_used_at.map(|used| view! { " · last used "<Ago then=used now/> })}
            </span>
        </li>
    }
}

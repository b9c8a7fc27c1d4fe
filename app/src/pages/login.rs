//! The sign-in page.

#![expect(unreachable_pub, reason = "the component macro makes public what is public to this crate alone")]

use leptos::{prelude::*, server_fn::ServerFn};
use provider::{RequestError, RequestView};

use super::{Halt, Page, page};
use crate::{
    actions::sign_in::SignIn,
    clean,
    components::{Alert, Divider, EmailField, HiddenFields, PasswordField, WithoutScript},
    context::Visit,
    islands::SignInWithPasskey,
    model::{Place, Slug},
    notice::Notice,
    problem::ProblemFacts,
    words::Subject,
};

/// `/login`, with `?request=` when an application waits for the answer.
#[component]
pub(crate) fn Login() -> impl IntoView {
    page(load)
}

async fn load(visit: Visit) -> Result<Page, Halt> {
    let asked = visit.query("request");
    let request = Slug::parse(&asked);
    if request.is_none() && !asked.is_empty() {
        return Err(ProblemFacts::request_gone().into());
    }
    let waiting = match &request {
        Some(request) => Some(visit.provider.request(request.as_str(), &visit.visitor).await?),
        None => None,
    };
    let settled = match &waiting {
        Some(waiting) => !waiting.needs_sign_in,
        None => visit.provider.signed_in(&visit.visitor).await?.is_some(),
    };
    if settled {
        return Err(Halt::Elsewhere(Place::after_sign_in(request)));
    }
    let body = view! { <SignInCard waiting notice=visit.notice() form_token=visit.form_token() request=asked/> };
    Ok(Page { title: "Sign in", name: "login", awake: true, body: body.into_any() })
}

impl From<RequestError> for ProblemFacts {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Gone => Self::request_gone(),
            RequestError::Unavailable(_) => Self::unavailable(),
        }
    }
}

#[component]
fn SignInCard(waiting: Option<RequestView>, notice: Option<Notice>, form_token: String, request: String) -> impl IntoView {
    let person = waiting.as_ref().and_then(|waiting| waiting.person.clone()).map(|person| person.email);
    let (message, typed) = notice.map_or((None, None), |notice| (Some(notice.message), Some(notice.email)));
    let email = typed.or_else(|| person.clone()).unwrap_or_default();
    view! {
        <h1>"Sign in"</h1>
        {waiting.map(|waiting| view! { <Lead waiting/> })}
        {person.map(|person| view! { <Again person/> })}
        <div class="stack needs-script">
            <SignInWithPasskey form_token=form_token.clone() request=request.clone()/>
        </div>
        <WithoutScript/>
        <Divider/>
        <form class="stack" method="post" action=SignIn::url()>
            <HiddenFields form_token request/>
            <Alert message=message.clone().filter(|message| message.subject() == Subject::Form) id="form-alert"/>
            <EmailField value=email signs_in=true message=message.clone()/>
            <PasswordField message/>
            <button class="button" type="submit">"Sign in"</button>
        </form>
        <Help/>
    }
}

/// Where signing in leads: "to let Claude (claude.ai) use Notes".
#[component]
fn Lead(waiting: RequestView) -> impl IntoView {
    let client = clean::name(&waiting.client_name, "an application");
    view! {
        <p class="lead">
            "to let "<bdi class="strong">{client}</bdi>
            {waiting.client_host.map(|host| view! { " ("<bdi class="host">{host}</bdi>")" })}
            " use "<bdi class="strong">{clean::name(&waiting.resource_name, "this server")}</bdi>
        </p>
    }
}

/// Why a person who is signed in is asked to sign in (`prompt=login`).
#[component]
fn Again(person: String) -> impl IntoView {
    view! {
        <p class="quiet">
            "You are signed in as "<bdi class="strong">{person}</bdi>". The application asks that you sign in again."
        </p>
    }
}

#[component]
fn Help() -> impl IntoView {
    view! {
        <details class="fold">
            <summary>"Trouble signing in?"</summary>
            <p>
                "Whoever runs this server can help you back in. They never need your password for it."
            </p>
        </details>
    }
}

//! Making an account for oneself, where the settings let people.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::prelude::*;
use provider::SignUp as Policy;

use super::{
    Halt, Page,
    arrival::{Arrival, Lead},
    invitation::{CredentialForm, Hidden, Labels},
    page,
};
use crate::{
    context::PageContext,
    model::Place,
    notice::Notice,
    problem::ProblemFacts,
    words::{common, invitation, sign_up as words},
};

const LABELS: Labels = Labels {
    password: common::PASSWORD,
    submit: invitation::CREATE_ACCOUNT,
};

/// `/sign-up`, with `?request=` when an application waits for the answer.
#[component]
pub(crate) fn SignUp() -> impl IntoView {
    page(load)
}

async fn load(context: PageContext) -> Result<Page, Halt> {
    let domains = match &context.provider.settings().sign_up {
        Policy::Invitation => return Err(ProblemFacts::not_found().into()),
        Policy::Open => None,
        Policy::Domains(domains) => {
            let domains: Vec<_> = domains
                .iter()
                .map(|domain| provider::domain_in_unicode(domain))
                .collect();
            Some(words::for_domains(&domains))
        }
    };
    let notice = context.notice();
    let arrival = Arrival::of(&context).await?;
    let has_passkeys = context.provider.has_passkeys();
    let body =
        view! { <SignUpCard arrival domains notice form_token=context.form_token() has_passkeys/> };
    Ok(Page {
        title: words::TITLE,
        name: "sign-up",
        awake: has_passkeys,
        body: body.into_any(),
    })
}

#[component]
fn SignUpCard(
    arrival: Arrival,
    domains: Option<String>,
    notice: Option<Notice>,
    form_token: String,
    has_passkeys: bool,
) -> impl IntoView {
    let hidden = Hidden {
        form_token,
        token: String::new(),
        request: arrival.field(),
        has_passkeys,
    };
    let (message, email) = notice.map_or((None, String::new()), |notice| {
        (Some(notice.message), notice.email)
    });
    view! {
        <h1>{words::TITLE}</h1>
        {arrival.waiting.map(|waiting| view! { <Lead waiting/> })}
        {domains.map(|domains| view! { <p class="quiet">{domains}</p> })}
        <CredentialForm hidden email fixed=false fewest=provider::SHORTEST_PASSWORD message labels=LABELS/>
        <div class="links">
            <a class="link" href=Place::Login(arrival.request).to_string()>{words::SIGN_IN_INSTEAD}</a>
        </div>
    }
}

//! Sign-up: a user creates an account, where the settings allow it.

use leptos::prelude::*;
use provider::SignUpPolicy as Policy;

use crate::{
    context::PageContext,
    enrolment::{
        messages as enrolment_messages,
        page::{CredentialForm, Hidden, Labels},
    },
    error_page::ErrorPage,
    flash::Flash,
    login::arrival::{Arrival, Lead},
    messages::common,
    page::{PageError, PageView},
    pages::PagePath,
    sign_up::messages,
};

const LABELS: Labels = Labels {
    password: common::PASSWORD,
    submit: enrolment_messages::CREATE_ACCOUNT,
};

/// `/sign-up`, with `?request=` for a pending authorization request.
pub(crate) async fn load(context: PageContext) -> Result<PageView, PageError> {
    let domains = match &context.provider.settings().sign_up {
        Policy::Invitation => return Err(ErrorPage::not_found().into()),
        Policy::Open => None,
        Policy::Domains(domains) => Some(for_domains(domains)),
    };
    let flash = context.flash();
    let arrival = Arrival::of(&context).await?;
    let has_passkeys = context.provider.sign_in().has_passkeys();
    let body =
        view! { <SignUpCard arrival domains flash form_token=context.form_token() has_passkeys/> };
    Ok(PageView::new(body).with_islands(has_passkeys))
}

fn for_domains(domains: &[String]) -> String {
    let domains: Vec<_> = domains
        .iter()
        .map(|domain| provider::domain_in_unicode(domain))
        .collect();
    messages::for_domains(&domains)
}

#[component]
fn SignUpCard(
    arrival: Arrival,
    domains: Option<String>,
    flash: Option<Flash>,
    form_token: String,
    has_passkeys: bool,
) -> impl IntoView {
    let hidden = Hidden {
        form_token,
        token: String::new(),
        request: arrival.field(),
        has_passkeys,
    };
    let (message, email) = Flash::parts(flash);
    view! {
        <h1>{messages::TITLE}</h1>
        {arrival.waiting.map(|waiting| view! { <Lead waiting/> })}
        {domains.map(|domains| view! { <p class="quiet">{domains}</p> })}
        <CredentialForm hidden email fixed=false fewest=provider::MIN_PASSWORD_LENGTH message labels=LABELS/>
        <div class="links">
            <a class="link" href=PagePath::Login(arrival.request).to_string()>{messages::SIGN_IN_INSTEAD}</a>
        </div>
    }
}

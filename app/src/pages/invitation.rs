//! One-time links: the first account of a server, and access to an account that waits for its person.

#![expect(unreachable_pub, reason = "the component macro makes public what is public to this crate alone")]

use leptos::{prelude::*, server_fn::ServerFn};
use provider::{EnrolError, Invitation, Purpose};

use super::{Halt, Page, page};
use crate::{
    actions::invitation::AcceptInvitation,
    components::{Alert, Divider, EmailField, HiddenFields, PasswordField, WithoutScript},
    context::Visit,
    islands::AcceptWithPasskey,
    model::Slug,
    notice::Notice,
    problem::ProblemFacts,
    words::Subject,
};

/// `/setup/{token}`: the first account.
#[component]
pub(crate) fn Setup() -> impl IntoView {
    page(load)
}

/// `/enroll/{token}`: a passkey or a password for an account that exists.
#[component]
pub(crate) fn Enroll() -> impl IntoView {
    page(load)
}

async fn load(visit: Visit) -> Result<Page, Halt> {
    let token = Slug::parse(visit.path_part(1)).ok_or_else(ProblemFacts::link_gone)?;
    let invitation = match visit.provider.invitation(token.as_str()).await {
        Ok(invitation) => invitation,
        Err(EnrolError::Unavailable) => return Err(ProblemFacts::unavailable().into()),
        Err(_) => return Err(ProblemFacts::link_gone().into()),
    };
    let (title, name) = match invitation.purpose {
        Purpose::FirstAccount => ("Create the first account", "setup"),
        Purpose::Enrolment => ("Set up your account", "enroll"),
    };
    let form = Hidden { form_token: visit.form_token(), token: token.as_str().to_owned(), request: visit.query("request") };
    let server_name = visit.server_name();
    let body = view! { <Invited title invitation server_name notice=visit.notice() form/> };
    Ok(Page { title, name, awake: true, body: body.into_any() })
}

/// What both ways to accept carry along.
#[derive(Clone)]
struct Hidden {
    form_token: String,
    token: String,
    request: String,
}

#[component]
fn Invited(
    title: &'static str,
    invitation: Invitation,
    server_name: String,
    notice: Option<Notice>,
    form: Hidden,
) -> impl IntoView {
    let (message, typed) = notice.map_or((None, String::new()), |notice| (Some(notice.message), notice.email));
    let fixed = invitation.email.is_some();
    let email = invitation.email.unwrap_or(typed);
    let lead = match invitation.purpose {
        Purpose::FirstAccount => "Nobody has an account here yet. This one is yours.".to_owned(),
        Purpose::Enrolment => format!("Choose how you will sign in to {server_name}."),
    };
    let button = form.clone();
    view! {
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
        <form class="stack" method="post" action=AcceptInvitation::url()>
            <HiddenFields form_token=form.form_token request=form.request/>
            <input type="hidden" name="token" value=form.token/>
            <Alert message=message.clone().filter(|message| message.subject() == Subject::Form) id="form-alert"/>
            <EmailField value=email fixed message=message.clone()/>
            <div class="stack needs-script">
                <AcceptWithPasskey form_token=button.form_token token=button.token request=button.request/>
                <p class="hint">"You then sign in with your fingerprint, face or device PIN. There is nothing to remember."</p>
            </div>
            <WithoutScript/>
            <Divider/>
            <PasswordField new=true message/>
            <button class="button" type="submit">"Create account"</button>
        </form>
    }
}

//! One-time links: for the first account, for an invitation, and for a reset.

use leptos::{prelude::*, server_fn::ServerFn};
use provider::{EnrolError, Invitation, Purpose};

use crate::{
    components::{Divider, EmailField, FormAlert, NewPasswordField, PostForm, WithoutScript},
    context::PageContext,
    enrolment::{actions::AcceptInvitation, messages},
    error_page::ErrorPage,
    flash::Flash,
    islands::AcceptWithPasskey,
    messages::{Message, common},
    page::{PageError, PageHead, PageView},
    pages::{OpaqueToken, PageId},
};

/// `/setup/{token}`, `/enroll/{token}` and `/reset/{token}`. The token determines the purpose.
pub(crate) async fn load(context: PageContext) -> Result<PageView, PageError> {
    let token = OpaqueToken::parse(context.path_part(1)).ok_or_else(ErrorPage::link_gone)?;
    let invitation = match context
        .provider
        .enrolment()
        .invitation(token.as_str())
        .await
    {
        Ok(invitation) => invitation,
        Err(EnrolError::Unavailable) => return Err(ErrorPage::unavailable().into()),
        Err(
            EnrolError::LinkGone
            | EnrolError::EmailInvalid
            | EnrolError::EmailUnavailable
            | EnrolError::Closed
            | EnrolError::TooManyAttempts { .. }
            | EnrolError::Password(_)
            | EnrolError::Busy(_)
            | EnrolError::CeremonyFailed,
        ) => return Err(ErrorPage::link_gone().into()),
    };
    let (page, title) = match invitation.purpose {
        Purpose::FirstAccount => (PageId::Setup, messages::FIRST_TITLE),
        Purpose::Enrolment => (PageId::Enroll, messages::ENROL_TITLE),
        Purpose::Reset => (PageId::Reset, messages::RESET_TITLE),
    };
    let head = PageHead {
        name: page.name(),
        title,
    };
    let has_passkeys = context.provider.sign_in().has_passkeys();
    let form_token = context.form_token();
    let token = token.as_str().to_owned();
    let hidden = Hidden {
        form_token,
        token,
        request: context.query("request"),
        has_passkeys,
    };
    let server_name = context.server_name();
    let body = view! { <Invited title invitation server_name flash=context.flash() hidden/> };
    Ok(PageView::new(body)
        .with_islands(has_passkeys)
        .shown_as(head))
}

#[component]
fn Invited(
    title: &'static str,
    invitation: Invitation,
    server_name: String,
    flash: Option<Flash>,
    hidden: Hidden,
) -> impl IntoView {
    let (message, typed) = Flash::parts(flash);
    let fixed = invitation.email.is_some();
    let fewest = invitation.shortest_password;
    let email = invitation.email.unwrap_or(typed);
    let lead = match invitation.purpose {
        Purpose::FirstAccount => messages::FIRST_LEAD.to_owned(),
        Purpose::Enrolment => messages::enrol_lead(&server_name),
        Purpose::Reset => messages::RESET_LEAD.to_owned(),
    };
    let explained = (invitation.purpose == Purpose::Reset).then_some(messages::RESET_EXPLAINED);
    let labels = match invitation.purpose {
        Purpose::Reset => Labels {
            password: common::NEW_PASSWORD,
            submit: common::SAVE_PASSWORD,
        },
        Purpose::FirstAccount | Purpose::Enrolment => Labels {
            password: common::PASSWORD,
            submit: messages::CREATE_ACCOUNT,
        },
    };
    view! {
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
        {explained.map(|explained| view! { <p>{explained}</p> })}
        <CredentialForm hidden email fixed fewest message labels/>
    }
}

/// The hidden fields of both ways to create an account.
#[derive(Clone)]
pub(crate) struct Hidden {
    pub(crate) form_token: String,
    /// The token of the link, or nothing when signing up.
    pub(crate) token: String,
    pub(crate) request: String,
    /// Whether a passkey is one of the two.
    pub(crate) has_passkeys: bool,
}

/// What the form calls its password box and its button.
#[derive(Clone, Copy)]
pub(crate) struct Labels {
    pub(crate) password: &'static str,
    pub(crate) submit: &'static str,
}

/// The user, and a passkey or a password.
#[component]
pub(crate) fn CredentialForm(
    hidden: Hidden,
    email: String,
    fixed: bool,
    /// The least number of characters of the password.
    fewest: usize,
    message: Option<Message>,
    labels: Labels,
) -> impl IntoView {
    let Hidden {
        form_token,
        token,
        request,
        has_passkeys,
    } = hidden.clone();
    view! {
        <PostForm action=AcceptInvitation::url() form_token=hidden.form_token request=hidden.request>
            <input type="hidden" name="token" value=hidden.token/>
            <FormAlert message=message.clone()/>
            <EmailField value=email fixed message=message.clone()/>
            {has_passkeys.then(|| view! {
                <div class="stack needs-script">
                    <AcceptWithPasskey form_token token request/>
                    <p class="hint">{messages::PASSKEY_HINT}</p>
                </div>
                <WithoutScript/>
                <Divider/>
            })}
            <NewPasswordField label=labels.password fewest message/>
            <button class="button" class:filled=!has_passkeys type="submit">{labels.submit}</button>
        </PostForm>
    }
}

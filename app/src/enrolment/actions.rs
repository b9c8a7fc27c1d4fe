//! Coming to an account: by a one-time link, or by signing up.

#![expect(
    missing_docs,
    reason = "the macro makes a public struct of each function and says nothing about it"
)]

use leptos::prelude::*;

use crate::messages::Message;
#[cfg(feature = "ssr")]
use {
    crate::{
        context::{Action, PageContext, Repetition, answer_form},
        pages::{OpaqueToken, PagePath},
        passkeys::ceremonies,
    },
    leptos::server_fn::ServerFn,
    provider::Purpose,
};

/// These actions, and whether each may be carried out twice.
#[cfg(feature = "ssr")]
pub(crate) const ACTIONS: &[Action] = &[(<AcceptInvitation as ServerFn>::PATH, Repetition::Once)];

/// Accepts with a password, and signs in. Without a token, it is a sign-up.
#[server(prefix = "/actions", endpoint = "accept_invitation")]
pub async fn accept_invitation(
    #[server(default)] form_token: String,
    #[server(default)] token: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] request: String,
) -> Result<(), Message> {
    let request = OpaqueToken::parse(&request);
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        let browser = &context.browser;
        let source = ceremonies::enrolment_source(&token);
        let signed_in = context
            .provider
            .enrolment()
            .accept_with_password(browser, source, &email, &password)
            .await?;
        context.keep_all(&signed_in.updates);
        Ok(PagePath::after_sign_in(request.clone()))
    };
    let outcome = attempt.await;
    answer_form(outcome, &page_of(&token, request).await, &email);
    Ok(())
}

/// What a link is for; `None` if it is invalid, or cannot be read.
#[cfg(feature = "ssr")]
async fn purpose_of(token: &OpaqueToken) -> Option<Purpose> {
    let context = PageContext::current().ok()?;
    let enrolment = context.provider.enrolment();
    let invitation = enrolment.invitation(token.as_str()).await.ok()?;
    Some(invitation.purpose)
}

/// The page a refused post leads back to. For an invalid link it shows the error.
#[cfg(feature = "ssr")]
async fn page_of(token: &str, request: Option<OpaqueToken>) -> PagePath {
    if token.is_empty() {
        return PagePath::SignUp(request);
    }
    let Some(token) = OpaqueToken::parse(token) else {
        return PagePath::Login(request);
    };
    match purpose_of(&token).await {
        Some(Purpose::FirstAccount) => PagePath::Setup(token, request),
        Some(Purpose::Reset) => PagePath::Reset(token, request),
        Some(Purpose::Enrolment) | None => PagePath::Enroll(token, request),
    }
}

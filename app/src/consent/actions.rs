//! The decision about a request.

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
    },
    leptos::server_fn::ServerFn,
    provider::{ConsentError, Decision},
};

/// These actions, and whether each may be carried out twice.
#[cfg(feature = "ssr")]
pub(crate) const ACTIONS: &[Action] = &[(<DecideConsent as ServerFn>::PATH, Repetition::Harmless)];

/// Allows or denies a request and leads to the client that asked.
#[server(prefix = "/actions", endpoint = "consent")]
pub async fn decide_consent(
    #[server(default)] form_token: String,
    #[server(default)] request: String,
    #[server(default)] decision: String,
) -> Result<(), Message> {
    // An invalid request leads to the consent page too, which shows the error.
    let Some(id) = OpaqueToken::parse(&request).or_else(|| OpaqueToken::parse("none")) else {
        return Ok(());
    };
    // Everything except an explicit yes is a no.
    let decision = if decision == "allow" {
        Decision::Allow
    } else {
        Decision::Deny
    };
    if let Err(message) = decide(&form_token, &id, decision).await {
        answer_form(Err(message), &PagePath::Consent(id), "");
    }
    Ok(())
}

/// Decides, and sends the browser on.
#[cfg(feature = "ssr")]
async fn decide(form_token: &str, id: &OpaqueToken, decision: Decision) -> Result<(), Message> {
    let context = PageContext::trusted(form_token)?;
    match context
        .provider
        .authorization()
        .decide(id.as_str(), &context.browser, decision, form_token)
        .await
    {
        Ok(location) => context.leave(&location),
        Err(ConsentError::SignInFirst) => context.go(&PagePath::Login(Some(id.clone()))),
        Err(ConsentError::Gone) => context.go(&PagePath::Consent(id.clone())),
        Err(ConsentError::Unavailable(_)) => return Err(Message::Unavailable),
    }
    Ok(())
}

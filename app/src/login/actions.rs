//! Signing in and out.

#![expect(
    missing_docs,
    reason = "the macro makes a public struct of each function and says nothing about it"
)]

use leptos::prelude::*;

use crate::messages::Message;
#[cfg(feature = "ssr")]
use crate::{
    context::{Action, PageContext, Repetition, answer_form},
    pages::{OpaqueToken, PagePath},
};
#[cfg(feature = "ssr")]
use leptos::server_fn::ServerFn;

/// These actions, and whether each may be carried out twice.
#[cfg(feature = "ssr")]
pub(crate) const ACTIONS: &[Action] = &[
    (<Recover as ServerFn>::PATH, Repetition::Once),
    (<SignIn as ServerFn>::PATH, Repetition::Harmless),
    (<SignOut as ServerFn>::PATH, Repetition::Harmless),
];

/// Signs in with email address and password, and continues with the pending request, or with the
/// page that asked for a confirmation.
#[server(prefix = "/actions", endpoint = "sign_in")]
pub async fn sign_in(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] request: String,
    #[server(default)] then: String,
) -> Result<(), Message> {
    let place = PagePath::sign_in(&request, &then);
    let attempt = async {
        let context = match PageContext::trusted(&form_token) {
            Err(Message::PageTooOld) if PageContext::current()?.has_just_signed_in().await? => {
                return Ok(place.onward(false));
            }
            context => context?,
        };
        let signed_in = context
            .provider
            .sign_in()
            .sign_in_with_password(&context.browser, &email, &password)
            .await;
        let signed_in = signed_in.inspect_err(|error| error.log(&context.browser, "password"));
        let signed_in = signed_in.map_err(|error| match place {
            PagePath::Confirm(_) => Message::from(error).for_confirmation(),
            _ => error.into(),
        })?;
        context.keep_all(&signed_in.updates);
        Ok(place.onward(signed_in.offers_passkey))
    };
    answer_form(attempt.await, &place, &email);
    Ok(())
}

/// Signs in with email address and recovery code, and continues with the pending request.
#[server(prefix = "/actions", endpoint = "recover")]
pub async fn recover(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
    #[server(default)] code: String,
    #[server(default)] request: String,
) -> Result<(), Message> {
    let place = PagePath::Recover(OpaqueToken::parse(&request));
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        let signed_in = context
            .provider
            .sign_in()
            .sign_in_with_recovery_code(&context.browser, &email, &code)
            .await;
        let signed_in = signed_in.inspect_err(|error| error.log(&context.browser, "recovery_code"));
        let signed_in = signed_in.map_err(|error| Message::from(error).for_code())?;
        context.keep_all(&signed_in.updates);
        Ok(place.onward(signed_in.offers_passkey))
    };
    answer_form(attempt.await, &place, &email);
    Ok(())
}

/// Signs out, and leads to the sign-in page of the same request, if there is one ("Use a different
/// account").
#[server(prefix = "/actions", endpoint = "sign_out")]
pub async fn sign_out(
    #[server(default)] form_token: String,
    #[server(default)] request: String,
) -> Result<(), Message> {
    let request = OpaqueToken::parse(&request);
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context.keep(
            &context
                .provider
                .sessions()
                .sign_out(&context.browser)
                .await?,
        );
        Ok(PagePath::Login(request.clone()))
    };
    let back = request.clone().map_or(PagePath::Account, PagePath::Consent);
    answer_form(attempt.await, &back, "");
    Ok(())
}

//! The passkey ceremonies, which the islands begin and end.

#![expect(
    missing_docs,
    reason = "the macro makes a public struct of each function and says nothing about it"
)]

use leptos::{prelude::*, server_fn::codec::Json};

#[cfg(feature = "ssr")]
use crate::{
    context::{Action, PageContext, Repetition, answer_script},
    pages::{OpaqueToken, PagePath},
    passkeys::ceremonies,
};
use crate::{messages::Message, model::CeremonyOptions};
#[cfg(feature = "ssr")]
use leptos::server_fn::ServerFn;

/// These actions, and whether each may be carried out twice.
#[cfg(feature = "ssr")]
pub(crate) const ACTIONS: &[Action] = &[
    (
        <FinishAcceptWithPasskey as ServerFn>::PATH,
        Repetition::Once,
    ),
    (<FinishAddingPasskey as ServerFn>::PATH, Repetition::Once),
    (<FinishPasskeySignIn as ServerFn>::PATH, Repetition::Once),
    (
        <StartAcceptWithPasskey as ServerFn>::PATH,
        Repetition::Harmless,
    ),
    (<StartAddingPasskey as ServerFn>::PATH, Repetition::Harmless),
    (<StartPasskeySignIn as ServerFn>::PATH, Repetition::Harmless),
];

/// Begins signing in with a passkey: because the button was pressed, or to offer passkeys in
/// the box "Email".
#[server(prefix = "/actions", endpoint = "start_passkey_sign_in", input = Json)]
pub async fn start_passkey_sign_in(
    form_token: String,
    #[server(default)] autofill: bool,
) -> Result<CeremonyOptions, Message> {
    let attempt = async {
        let context = ceremonies::trusted(&form_token)?;
        let started = context
            .provider
            .sign_in()
            .start_passkey_sign_in(&context.browser, autofill)
            .await;
        ceremonies::sent(started.map_err(|error| Message::from(error).for_passkey())?)
    };
    answer_script(attempt.await)
}

/// Ends signing in with a passkey; returns the path of the next page.
#[server(prefix = "/actions", endpoint = "finish_passkey_sign_in", input = Json)]
pub async fn finish_passkey_sign_in(
    form_token: String,
    ceremony: String,
    credential: String,
    request: String,
    #[server(default)] then: String,
) -> Result<String, Message> {
    let attempt = async {
        let context = ceremonies::trusted(&form_token)?;
        let credential = ceremonies::received(&credential)?;
        let place = PagePath::sign_in(&request, &then);
        let PageContext {
            provider, browser, ..
        } = &context;
        let signed_in = if matches!(place, PagePath::Confirm(_)) {
            provider
                .sign_in()
                .confirm_with_passkey(browser, &ceremony, &credential)
                .await
        } else {
            provider
                .sign_in()
                .finish_passkey_sign_in(browser, &ceremony, &credential)
                .await
        };
        let signed_in = signed_in.inspect_err(|error| error.log(browser, "passkey"));
        let signed_in = signed_in.map_err(|error| Message::from(error).for_passkey())?;
        context.keep_all(&signed_in.updates);
        Ok(place.onward(false).to_string())
    };
    answer_script(attempt.await)
}

/// Begins accepting with a new passkey.
#[server(prefix = "/actions", endpoint = "start_accept_with_passkey", input = Json)]
pub async fn start_accept_with_passkey(
    form_token: String,
    token: String,
    email: String,
) -> Result<CeremonyOptions, Message> {
    let attempt = async {
        let context = ceremonies::trusted(&form_token)?;
        ceremonies::sent(
            context
                .provider
                .enrolment()
                .start_accept_with_passkey(
                    &context.browser,
                    ceremonies::enrolment_source(&token),
                    &email,
                )
                .await?,
        )
    };
    answer_script(attempt.await)
}

/// Ends accepting with a new passkey, and signs in; returns the path of the next page.
#[server(prefix = "/actions", endpoint = "finish_accept_with_passkey", input = Json)]
pub async fn finish_accept_with_passkey(
    form_token: String,
    token: String,
    ceremony: String,
    credential: String,
    request: String,
) -> Result<String, Message> {
    let attempt = async {
        let context = ceremonies::trusted(&form_token)?;
        let credential = ceremonies::received(&credential)?;
        let signed_in = context
            .provider
            .enrolment()
            .finish_accept_with_passkey(
                &context.browser,
                ceremonies::enrolment_source(&token),
                &ceremony,
                &credential,
            )
            .await?;
        context.keep_all(&signed_in.updates);
        Ok(PagePath::after_sign_in(OpaqueToken::parse(&request)).to_string())
    };
    answer_script(attempt.await)
}

/// Begins adding a passkey.
#[server(prefix = "/actions", endpoint = "start_adding_passkey", input = Json)]
pub async fn start_adding_passkey(form_token: String) -> Result<CeremonyOptions, Message> {
    let attempt = async {
        let context = ceremonies::trusted(&form_token)?;
        ceremonies::sent(
            context
                .provider
                .credentials()
                .start_adding_passkey(&context.browser)
                .await?,
        )
    };
    answer_script(attempt.await)
}

/// Ends adding a passkey; returns the path of the next page.
#[server(prefix = "/actions", endpoint = "finish_adding_passkey", input = Json)]
pub async fn finish_adding_passkey(
    form_token: String,
    ceremony: String,
    credential: String,
    #[server(default)] request: String,
) -> Result<String, Message> {
    let attempt = async {
        let context = ceremonies::trusted(&form_token)?;
        let credential = ceremonies::received(&credential)?;
        context
            .provider
            .credentials()
            .finish_adding_passkey(&context.browser, &ceremony, &credential)
            .await?;
        Ok(PagePath::after_sign_in(OpaqueToken::parse(&request)).to_string())
    };
    answer_script(attempt.await)
}

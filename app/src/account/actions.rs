//! Changes to a user's own credentials, name and email address.

#![expect(
    missing_docs,
    reason = "the macro makes a public struct of each function and says nothing about it"
)]

use leptos::prelude::*;

use crate::messages::Message;
#[cfg(feature = "ssr")]
use crate::{
    account::{answer::answer_account, messages::Done},
    context::{Action, PageContext, Repetition, answer_form},
    pages::{OpaqueToken, PagePath},
};
#[cfg(feature = "ssr")]
use leptos::server_fn::ServerFn;

/// These actions, and whether each may be carried out twice.
#[cfg(feature = "ssr")]
pub(crate) const ACTIONS: &[Action] = &[
    (<ChangeEmail as ServerFn>::PATH, Repetition::Once),
    (<ChangeName as ServerFn>::PATH, Repetition::Harmless),
    (<ChangePassword as ServerFn>::PATH, Repetition::Once),
    (<DeclinePasskey as ServerFn>::PATH, Repetition::Harmless),
    (<MakeRecoveryCodes as ServerFn>::PATH, Repetition::Once),
    (<RemovePasskey as ServerFn>::PATH, Repetition::Once),
    (<RemovePassword as ServerFn>::PATH, Repetition::Once),
    (<RenamePasskey as ServerFn>::PATH, Repetition::Harmless),
];

/// Declines the offer of a passkey and continues.
#[server(prefix = "/actions", endpoint = "decline_passkey")]
pub async fn decline_passkey(
    #[server(default)] form_token: String,
    #[server(default)] request: String,
) -> Result<(), Message> {
    let request = OpaqueToken::parse(&request);
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context
            .provider
            .credentials()
            .decline_passkey(&context.browser)
            .await?;
        Ok(PagePath::after_sign_in(request.clone()))
    };
    answer_form(attempt.await, &PagePath::Offer(request.clone()), "");
    Ok(())
}

/// Renames a passkey.
#[server(prefix = "/actions", endpoint = "rename_passkey")]
pub async fn rename_passkey(
    #[server(default)] form_token: String,
    #[server(default)] passkey: String,
    #[server(default)] name: String,
) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context
            .provider
            .credentials()
            .rename_passkey(&context.browser, &passkey, &name)
            .await?;
        Ok(Done::PasskeyRenamed)
    };
    answer_account(attempt.await);
    Ok(())
}

/// Removes a passkey.
#[server(prefix = "/actions", endpoint = "remove_passkey")]
pub async fn remove_passkey(
    #[server(default)] form_token: String,
    #[server(default)] passkey: String,
) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context
            .provider
            .credentials()
            .remove_passkey(&context.browser, &passkey)
            .await?;
        Ok(Done::PasskeyRemoved)
    };
    answer_account(attempt.await);
    Ok(())
}

/// Sets a new password and signs out every other browser.
#[server(prefix = "/actions", endpoint = "change_password")]
pub async fn change_password(
    #[server(default)] form_token: String,
    #[server(default)] password: String,
) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context.keep_all(
            &context
                .provider
                .credentials()
                .change_password(&context.browser, &password)
                .await?
                .updates,
        );
        Ok(Done::PasswordSaved)
    };
    answer_account(attempt.await);
    Ok(())
}

/// Removes the password.
#[server(prefix = "/actions", endpoint = "remove_password")]
pub async fn remove_password(#[server(default)] form_token: String) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context
            .provider
            .credentials()
            .remove_password(&context.browser)
            .await?;
        Ok(Done::PasswordRemoved)
    };
    answer_account(attempt.await);
    Ok(())
}

/// Changes the user's email address.
#[server(prefix = "/actions", endpoint = "change_email")]
pub async fn change_email(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context
            .provider
            .credentials()
            .change_email(&context.browser, &email)
            .await?;
        Ok(Done::EmailChanged)
    };
    match attempt.await {
        Ok(done) => answer_account(Ok(done)),
        Err(message) => answer_form(Err(message), &PagePath::Account, &email),
    }
    Ok(())
}

/// Changes or removes the user's name.
#[server(prefix = "/actions", endpoint = "change_name")]
pub async fn change_name(
    #[server(default)] form_token: String,
    #[server(default)] name: String,
) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context
            .provider
            .credentials()
            .change_name(&context.browser, &name)
            .await?;
        Ok(Done::NameChanged)
    };
    match attempt.await {
        Err(message @ Message::NameUnfit) => answer_form(Err(message), &PagePath::Account, &name),
        answer => answer_account(answer),
    }
    Ok(())
}

/// Creates ten new recovery codes and leads to the page that shows them once.
#[server(prefix = "/actions", endpoint = "make_recovery_codes")]
pub async fn make_recovery_codes(#[server(default)] form_token: String) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context.keep(
            &context
                .provider
                .credentials()
                .make_recovery_codes(&context.browser)
                .await?,
        );
        Ok(PagePath::Codes)
    };
    answer_form(attempt.await, &PagePath::Account, "");
    Ok(())
}

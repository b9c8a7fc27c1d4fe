//! What administrators do. Each is a plain form post, answered by 303 to the page it came from,
//! which says what came of it.

#![expect(
    missing_docs,
    reason = "the macro makes a public struct of each function and says nothing about it"
)]

use leptos::prelude::*;

use crate::messages::Message;
#[cfg(feature = "ssr")]
use {
    crate::{
        admin::flash::{Attempt, Fault, FlashMessage},
        context::{PageContext, answer_form, answer_news},
        flash::{Flash, OneTimeSecret},
        pages::{AdminPage, PagePath},
    },
    provider::{Administration, NotAdministrator, Role},
};

/// Adds an account that waits for its person, and makes their one-time link.
#[server(prefix = "/actions", endpoint = "invite")]
pub async fn invite(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
    #[server(default)] role: String,
) -> Result<(), Message> {
    let attempt = Attempt::invite(&email, &role);
    let operation = async move |administration: Administration| {
        let role = Role::parse(&role).ok_or(Message::Gone)?;
        let added =
            administration
                .invite(&email, Some(role))
                .await
                .map_err(|error| match error {
                    provider::AdministrationError::Invalid(_) => Message::EmailInvalid.into(),
                    other => Fault::from(other),
                })?;
        Ok((
            FlashMessage::Invited {
                email: added.account.email,
            },
            added.enrolment_link,
        ))
    };
    administer(&form_token, AdminPage::Accounts, attempt, operation).await;
    Ok(())
}

/// Keeps an account from signing in.
#[server(prefix = "/actions", endpoint = "disable_account")]
pub async fn disable_account(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        administration.disable_account(&email).await?;
        Ok((FlashMessage::AccountDisabled { email }, None))
    };
    administer(&form_token, AdminPage::Accounts, Attempt::Button, operation).await;
    Ok(())
}

/// Lets a disabled account sign in again.
#[server(prefix = "/actions", endpoint = "enable_account")]
pub async fn enable_account(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        administration.enable_account(&email).await?;
        Ok((FlashMessage::AccountEnabled { email }, None))
    };
    administer(&form_token, AdminPage::Accounts, Attempt::Button, operation).await;
    Ok(())
}

/// Removes an account for good.
#[server(prefix = "/actions", endpoint = "remove_account")]
pub async fn remove_account(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        administration.remove_account(&email).await?;
        Ok((FlashMessage::AccountRemoved { email }, None))
    };
    administer(&form_token, AdminPage::Accounts, Attempt::Button, operation).await;
    Ok(())
}

/// Makes a link by which the person of an account chooses a new way to sign in.
#[server(prefix = "/actions", endpoint = "reset_account")]
pub async fn reset_account(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        let link = administration.reset_account(&email).await?;
        Ok((FlashMessage::ResetLinkMade { email }, Some(link)))
    };
    administer(&form_token, AdminPage::Accounts, Attempt::Button, operation).await;
    Ok(())
}

/// Lets the one-time link to an account open nothing any more.
#[server(prefix = "/actions", endpoint = "withdraw_link")]
pub async fn withdraw_link(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        administration.withdraw_link(&email).await?;
        Ok((FlashMessage::LinkWithdrawn { email }, None))
    };
    administer(&form_token, AdminPage::Accounts, Attempt::Button, operation).await;
    Ok(())
}

/// Gives an account another role.
#[server(prefix = "/actions", endpoint = "set_role")]
pub async fn set_role(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
    #[server(default)] role: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        let role = Role::parse(&role).ok_or(Message::Gone)?;
        administration.set_role(&email, role).await?;
        Ok((
            FlashMessage::RoleSet {
                email,
                administrator: role == Role::Administrator,
            },
            None,
        ))
    };
    administer(&form_token, AdminPage::Accounts, Attempt::Button, operation).await;
    Ok(())
}

/// Adds an application. Whatever the box "It can keep a secret" sends means yes.
#[server(prefix = "/actions", endpoint = "add_client")]
pub async fn add_client(
    #[server(default)] form_token: String,
    #[server(default)] name: String,
    #[server(default)] redirect_uris: String,
    #[server(default)] confidential: String,
) -> Result<(), Message> {
    let confidential = !confidential.is_empty();
    let attempt = Attempt::add_client(&name, &redirect_uris, confidential);
    let operation = async move |administration: Administration| {
        let uris: Vec<_> = redirect_uris
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let added = administration
            .add_client(&name, &uris, confidential)
            .await?;
        Ok((
            FlashMessage::ClientAdded {
                client_id: added.client_id,
            },
            added.client_secret,
        ))
    };
    administer(&form_token, AdminPage::Applications, attempt, operation).await;
    Ok(())
}

/// Adds a redirect URI that an application asked for in vain.
#[server(prefix = "/actions", endpoint = "add_redirect_uri")]
pub async fn add_redirect_uri(
    #[server(default)] form_token: String,
    #[server(default)] client_id: String,
    #[server(default)] redirect_uri: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        administration
            .add_redirect_uri(&client_id, &redirect_uri)
            .await?;
        Ok((FlashMessage::RedirectUriAdded { redirect_uri }, None))
    };
    administer(&form_token, AdminPage::Failures, Attempt::Button, operation).await;
    Ok(())
}

/// Removes an application.
#[server(prefix = "/actions", endpoint = "remove_client")]
pub async fn remove_client(
    #[server(default)] form_token: String,
    #[server(default)] client_id: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        administration.remove_client(&client_id).await?;
        Ok((FlashMessage::ClientRemoved, None))
    };
    administer(
        &form_token,
        AdminPage::Applications,
        Attempt::Button,
        operation,
    )
    .await;
    Ok(())
}

/// Ends everything that people allowed an application.
#[server(prefix = "/actions", endpoint = "disconnect_client")]
pub async fn disconnect_client(
    #[server(default)] form_token: String,
    #[server(default)] client_id: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        administration.disconnect_client(&client_id).await?;
        Ok((FlashMessage::ClientDisconnected, None))
    };
    administer(
        &form_token,
        AdminPage::Applications,
        Attempt::Button,
        operation,
    )
    .await;
    Ok(())
}

/// Keeps a host out.
#[server(prefix = "/actions", endpoint = "block_host")]
pub async fn block_host(
    #[server(default)] form_token: String,
    #[server(default)] host: String,
) -> Result<(), Message> {
    let attempt = Attempt::block_host(&host);
    let operation = async move |administration: Administration| {
        administration.block_host(&host).await?;
        Ok((
            FlashMessage::HostBlocked {
                host: host.trim().to_lowercase(),
            },
            None,
        ))
    };
    administer(&form_token, AdminPage::Applications, attempt, operation).await;
    Ok(())
}

/// Lets a blocked host in again.
#[server(prefix = "/actions", endpoint = "unblock_host")]
pub async fn unblock_host(
    #[server(default)] form_token: String,
    #[server(default)] host: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        administration.unblock_host(&host).await?;
        Ok((
            FlashMessage::HostUnblocked {
                host: host.trim().to_lowercase(),
            },
            None,
        ))
    };
    administer(
        &form_token,
        AdminPage::Applications,
        Attempt::Button,
        operation,
    )
    .await;
    Ok(())
}

/// Makes a new signing key.
#[server(prefix = "/actions", endpoint = "rotate_keys")]
pub async fn rotate_keys(#[server(default)] form_token: String) -> Result<(), Message> {
    let operation = async |administration: Administration| {
        administration.rotate_keys().await?;
        Ok((FlashMessage::KeysRotated, None))
    };
    administer(&form_token, AdminPage::Keys, Attempt::Button, operation).await;
    Ok(())
}

/// Takes a signing key out.
#[server(prefix = "/actions", endpoint = "revoke_key")]
pub async fn revoke_key(
    #[server(default)] form_token: String,
    #[server(default)] kid: String,
) -> Result<(), Message> {
    let operation = async move |administration: Administration| {
        administration.revoke_key(&kid).await?;
        Ok((FlashMessage::KeyRevoked, None))
    };
    administer(&form_token, AdminPage::Keys, Attempt::Button, operation).await;
    Ok(())
}

/// Carries out what an administrator posted on a page of theirs, and leads back there. What is to
/// be seen this once goes along.
#[cfg(feature = "ssr")]
async fn administer<Doing>(
    form_token: &str,
    section: AdminPage,
    attempt: Attempt,
    operation: impl FnOnce(Administration) -> Doing,
) where
    Doing: Future<Output = Result<(FlashMessage, Option<String>), Fault>>,
{
    let attempted = match admitted(form_token, section).await {
        Ok(Some(administration)) => operation(administration).await,
        Ok(None) => return,
        Err(message) => Err(message.into()),
    };
    let (message, secret) =
        attempted.unwrap_or_else(|why| (FlashMessage::Refused { attempt, why }, None));
    answer_news(
        section,
        &Flash {
            message,
            email: String::new(),
            secret: secret.map(OneTimeSecret),
        },
    );
}

/// The power to carry it out; `None` when another page has to come first, to which the answer leads
/// then.
#[cfg(feature = "ssr")]
async fn admitted(form_token: &str, section: AdminPage) -> Result<Option<Administration>, Message> {
    let (context, back) = (PageContext::trusted(form_token)?, PagePath::Admin(section));
    match context.provider.administrator(&context.browser).await {
        Ok(administration) => return Ok(Some(administration)),
        Err(NotAdministrator::NotSignedIn) => {
            answer_form(Err(Message::SignedOut), &PagePath::Login(None), "");
        }
        Err(NotAdministrator::ConfirmFirst) => answer_form(Err(Message::ConfirmFirst), &back, ""),
        // The page says why it is not for them.
        Err(NotAdministrator::WrongRole) => context.go(&back),
        Err(NotAdministrator::Unavailable) => return Err(Message::Unavailable),
    }
    Ok(None)
}

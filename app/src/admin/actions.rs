//! The operations of administrators. Each is a plain form post, answered by 303 to the page it came
//! from, which shows the outcome.

#![expect(
    missing_docs,
    reason = "the macro makes a public struct of each function and says nothing about it"
)]

use leptos::prelude::*;

use crate::messages::Message;
#[cfg(feature = "ssr")]
use {
    crate::{
        admin::{
            accounts::messages as accounts,
            applications::messages as applications,
            failures::messages as failures,
            flash::{Attempt, Fault, FlashMessage},
            keys::messages as keys,
            pagination::ListPlace,
        },
        context::{Action, PageContext, Repetition, answer_form, answer_telling, settle},
        flash::{Flash, OneTimeSecret},
        pages::{AdminPage, PagePath},
    },
    leptos::server_fn::ServerFn,
    provider::{
        AdminCommand, AdminReply, Administration, ClientProof, NewClient, NotAdministrator, Role,
    },
};

/// These actions, and whether each may be carried out twice.
#[cfg(feature = "ssr")]
pub(crate) const ACTIONS: &[Action] = &[
    (<AddClient as ServerFn>::PATH, Repetition::Once),
    (<AddRedirectUri as ServerFn>::PATH, Repetition::Harmless),
    (<BlockHost as ServerFn>::PATH, Repetition::Harmless),
    (<DisableAccount as ServerFn>::PATH, Repetition::Harmless),
    (<DisconnectClient as ServerFn>::PATH, Repetition::Once),
    (<EnableAccount as ServerFn>::PATH, Repetition::Harmless),
    (<Invite as ServerFn>::PATH, Repetition::Once),
    (<RemoveAccount as ServerFn>::PATH, Repetition::Once),
    (<RemoveClient as ServerFn>::PATH, Repetition::Once),
    (<ResetAccount as ServerFn>::PATH, Repetition::Once),
    (<RevokeKey as ServerFn>::PATH, Repetition::Once),
    (<RotateKeys as ServerFn>::PATH, Repetition::Once),
    (<SetName as ServerFn>::PATH, Repetition::Harmless),
    (<SetRole as ServerFn>::PATH, Repetition::Harmless),
    (<UnblockHost as ServerFn>::PATH, Repetition::Harmless),
    (<WithdrawLink as ServerFn>::PATH, Repetition::Once),
];

/// Adds an account without a credential, and makes the one-time link to it.
#[server(prefix = "/actions", endpoint = "invite")]
pub async fn invite(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
    #[server(default)] role: String,
) -> Result<(), Message> {
    let attempt = Attempt::invite(&email, &role);
    let form = Form::new(form_token, AdminPage::Accounts).with_attempt(attempt);
    let Some(role) = Role::parse(&role) else {
        return form.refuse(Message::Gone).await;
    };
    form.submit(AdminCommand::Invite { email, role }, told_of_invitation)
        .await
}

/// Keeps an account from signing in.
#[server(prefix = "/actions", endpoint = "disable_account")]
pub async fn disable_account(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let outcome = accounts::account_disabled(&email);
    Form::new(form_token, AdminPage::Accounts)
        .submit_for(AdminCommand::DisableAccount { email }, &outcome)
        .await
}

/// Lets a disabled account sign in again.
#[server(prefix = "/actions", endpoint = "enable_account")]
pub async fn enable_account(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let outcome = accounts::account_enabled(&email);
    Form::new(form_token, AdminPage::Accounts)
        .submit_for(AdminCommand::EnableAccount { email }, &outcome)
        .await
}

/// Removes an account permanently.
#[server(prefix = "/actions", endpoint = "remove_account")]
pub async fn remove_account(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let outcome = accounts::account_removed(&email);
    Form::new(form_token, AdminPage::Accounts)
        .submit_for(AdminCommand::RemoveAccount { email }, &outcome)
        .await
}

/// Makes a link with which the user of an account sets a new way to sign in.
#[server(prefix = "/actions", endpoint = "reset_account")]
pub async fn reset_account(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let command = AdminCommand::ResetAccount {
        email: email.clone(),
    };
    Form::new(form_token, AdminPage::Accounts)
        .submit(command, |reply| {
            let AdminReply::Link(link) = reply else {
                return unexpected();
            };
            let outcome = accounts::reset_link_made(&email);
            (FlashMessage::LinkMade { outcome, email }, Some(link))
        })
        .await
}

/// Cancels the one-time link to an account.
#[server(prefix = "/actions", endpoint = "withdraw_link")]
pub async fn withdraw_link(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
) -> Result<(), Message> {
    let outcome = accounts::link_withdrawn(&email);
    Form::new(form_token, AdminPage::Accounts)
        .submit_for(AdminCommand::WithdrawLink { email }, &outcome)
        .await
}

/// Gives the user of an account another name, or none.
#[server(prefix = "/actions", endpoint = "set_name")]
pub async fn set_name(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
    #[server(default)] name: String,
) -> Result<(), Message> {
    let outcome = accounts::name_set(&email, &name);
    Form::new(form_token, AdminPage::Accounts)
        .submit_for(AdminCommand::SetName { email, name }, &outcome)
        .await
}

/// Gives an account another role.
#[server(prefix = "/actions", endpoint = "set_role")]
pub async fn set_role(
    #[server(default)] form_token: String,
    #[server(default)] email: String,
    #[server(default)] role: String,
) -> Result<(), Message> {
    let form = Form::new(form_token, AdminPage::Accounts);
    let Some(role) = Role::parse(&role) else {
        return form.refuse(Message::Gone).await;
    };
    let outcome = accounts::role_set(&email, role);
    form.submit_for(AdminCommand::SetRole { email, role }, &outcome)
        .await
}

#[cfg(feature = "ssr")]
const fn proof(confidential: bool) -> ClientProof {
    if confidential {
        ClientProof::Secret
    } else {
        ClientProof::None
    }
}

/// Adds a client. Any value of the box "Confidential client" means yes.
#[server(prefix = "/actions", endpoint = "add_client")]
pub async fn add_client(
    #[server(default)] form_token: String,
    #[server(default)] name: String,
    #[server(default)] redirect_uris: String,
    #[server(default)] confidential: String,
) -> Result<(), Message> {
    let confidential = !confidential.is_empty();
    let attempt = Attempt::add_client(&name, &redirect_uris, confidential);
    let redirect_uris = redirect_uris.split_whitespace();
    let client = NewClient {
        id: None,
        name,
        redirect_uris: redirect_uris.map(str::to_owned).collect(),
        proof: proof(confidential),
    };
    Form::new(form_token, AdminPage::Applications)
        .with_attempt(attempt)
        .submit(AdminCommand::AddClient { client }, told_of_client)
        .await
}

/// Adds a redirect URI that was refused to a client.
#[server(prefix = "/actions", endpoint = "add_redirect_uri")]
pub async fn add_redirect_uri(
    #[server(default)] form_token: String,
    #[server(default)] client_id: String,
    #[server(default)] redirect_uri: String,
) -> Result<(), Message> {
    let outcome = failures::redirect_uri_added(&redirect_uri);
    let command = AdminCommand::AddRedirectUri {
        client_id,
        redirect_uri,
    };
    Form::new(form_token, AdminPage::Failures)
        .submit_for(command, &outcome)
        .await
}

/// Removes a client.
#[server(prefix = "/actions", endpoint = "remove_client")]
pub async fn remove_client(
    #[server(default)] form_token: String,
    #[server(default)] client_id: String,
) -> Result<(), Message> {
    Form::new(form_token, AdminPage::Applications)
        .submit_for(
            AdminCommand::RemoveClient { client_id },
            applications::CLIENT_REMOVED,
        )
        .await
}

/// Ends everything that users allowed a client.
#[server(prefix = "/actions", endpoint = "disconnect_client")]
pub async fn disconnect_client(
    #[server(default)] form_token: String,
    #[server(default)] client_id: String,
) -> Result<(), Message> {
    Form::new(form_token, AdminPage::Applications)
        .submit_for(
            AdminCommand::DisconnectClient { client_id },
            applications::CLIENT_DISCONNECTED,
        )
        .await
}

/// Blocks a host.
#[server(prefix = "/actions", endpoint = "block_host")]
pub async fn block_host(
    #[server(default)] form_token: String,
    #[server(default)] host: String,
) -> Result<(), Message> {
    let outcome = applications::host_blocked(&host);
    Form::new(form_token, AdminPage::Applications)
        .with_attempt(Attempt::block_host(&host))
        .submit_for(AdminCommand::BlockHost { host }, &outcome)
        .await
}

/// Unblocks a host.
#[server(prefix = "/actions", endpoint = "unblock_host")]
pub async fn unblock_host(
    #[server(default)] form_token: String,
    #[server(default)] host: String,
) -> Result<(), Message> {
    let outcome = applications::host_unblocked(&host);
    Form::new(form_token, AdminPage::Applications)
        .submit_for(AdminCommand::UnblockHost { host }, &outcome)
        .await
}

/// Lets the standby key sign.
#[server(prefix = "/actions", endpoint = "rotate_keys")]
pub async fn rotate_keys(#[server(default)] form_token: String) -> Result<(), Message> {
    Form::new(form_token, AdminPage::Keys)
        .submit_for(
            AdminCommand::RotateKeys { urgent: false },
            keys::KEYS_ROTATED,
        )
        .await
}

/// Revokes a signing key.
#[server(prefix = "/actions", endpoint = "revoke_key")]
pub async fn revoke_key(
    #[server(default)] form_token: String,
    #[server(default)] kid: String,
) -> Result<(), Message> {
    Form::new(form_token, AdminPage::Keys)
        .submit_for(AdminCommand::RevokeKey { kid }, keys::KEY_REVOKED)
        .await
}

/// A form that an administrator posted on one of the pages. Its answer leads back there, to the same
/// place of its list.
#[cfg(feature = "ssr")]
struct Form {
    token: String,
    page: AdminPage,
    attempt: Attempt,
}

#[cfg(feature = "ssr")]
impl Form {
    /// A form of one button.
    const fn new(token: String, page: AdminPage) -> Self {
        Self {
            token,
            page,
            attempt: Attempt::Button,
        }
    }

    /// Keeps what was typed, to show it again if the operation is refused.
    fn with_attempt(mut self, attempt: Attempt) -> Self {
        self.attempt = attempt;
        self
    }

    /// Carries out an operation that has nothing to show but its outcome.
    async fn submit_for(self, command: AdminCommand, outcome: &str) -> Result<(), Message> {
        self.submit(command, |_| (FlashMessage::done(outcome), None))
            .await
    }

    /// Carries out an operation; `told` makes the message of the reply, and the secret that is
    /// shown once.
    async fn submit(
        self,
        command: AdminCommand,
        told: impl FnOnce(AdminReply) -> (FlashMessage, Option<String>),
    ) -> Result<(), Message> {
        let outcome = match admitted(&self.token, self.page).await {
            Ok(Some(administration)) => administration.execute(command).await,
            Ok(None) => return Ok(()),
            Err(message) => {
                self.answer_refused(message.into());
                return Ok(());
            }
        };
        match outcome {
            Ok(reply) => {
                let (message, secret) = told(reply);
                self.answer(message, secret);
            }
            Err(error) => self.answer_refused(error.into()),
        }
        Ok(())
    }

    /// Refuses a form that names no operation, once it is known to be an administrator's.
    async fn refuse(self, message: Message) -> Result<(), Message> {
        match admitted(&self.token, self.page).await {
            Ok(Some(_)) => self.answer_refused(message.into()),
            Ok(None) => {}
            Err(message) => self.answer_refused(message.into()),
        }
        Ok(())
    }

    fn answer_refused(self, why: Fault) {
        let attempt = self.attempt.clone();
        self.answer(FlashMessage::Refused { attempt, why }, None);
    }

    fn answer(self, message: FlashMessage, secret: Option<String>) {
        let flash = Flash {
            message,
            email: String::new(),
            secret: secret.map(OneTimeSecret),
        };
        if !matches!(flash.message, FlashMessage::Refused { .. }) {
            settle();
        }
        let place = PageContext::current().map_or_else(
            |_| PagePath::Admin(self.page).to_string(),
            |context| ListPlace::of(&context).address(self.page),
        );
        answer_telling(&place, &flash);
    }
}

/// The message and the link of an invitation.
#[cfg(feature = "ssr")]
fn told_of_invitation(reply: AdminReply) -> (FlashMessage, Option<String>) {
    let AdminReply::AddedAccount(added) = reply else {
        return unexpected();
    };
    let email = added.account.email;
    let outcome = accounts::invited(&email);
    (
        FlashMessage::LinkMade { outcome, email },
        added.enrolment_link,
    )
}

/// The message and the secret of a client that was added.
#[cfg(feature = "ssr")]
fn told_of_client(reply: AdminReply) -> (FlashMessage, Option<String>) {
    let AdminReply::AddedClient(added) = reply else {
        return unexpected();
    };
    let message = FlashMessage::ClientAdded {
        outcome: applications::CLIENT_ADDED.to_owned(),
        client_id: added.client_id,
    };
    (message, added.client_secret)
}

/// For a reply that belongs to another operation, which [`Administration::execute`] never gives.
#[cfg(feature = "ssr")]
fn unexpected() -> (FlashMessage, Option<String>) {
    (FlashMessage::done(""), None)
}

/// The power to carry it out; `None` when another page has to come first, to which the answer leads
/// then.
#[cfg(feature = "ssr")]
async fn admitted(form_token: &str, page: AdminPage) -> Result<Option<Administration>, Message> {
    let context = PageContext::trusted(form_token)?;
    match context.provider.administrator(&context.browser).await {
        Ok(administration) => Ok(Some(administration)),
        Err(refusal) => {
            redirect_unadmitted(&context, refusal, &PagePath::Admin(page)).map(|()| None)
        }
    }
}

#[cfg(feature = "ssr")]
fn redirect_unadmitted(
    context: &PageContext,
    refusal: NotAdministrator,
    page: &PagePath,
) -> Result<(), Message> {
    match refusal {
        NotAdministrator::NotSignedIn => {
            answer_form(Err(Message::SignedOut), &PagePath::Login(None), "");
        }
        NotAdministrator::ConfirmFirst => answer_form(Err(Message::ConfirmFirst), page, ""),
        // The page says why they cannot see it.
        NotAdministrator::WrongRole => context.go(page),
        NotAdministrator::Unavailable => return Err(Message::Unavailable),
    }
    Ok(())
}

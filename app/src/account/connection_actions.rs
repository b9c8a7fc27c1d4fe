//! Ending a user's own sessions and connections.

#![expect(
    missing_docs,
    reason = "the macro makes a public struct of each function and says nothing about it"
)]

use leptos::prelude::*;

use crate::messages::Message;
#[cfg(feature = "ssr")]
use crate::{
    account::{answer::answer_account, messages::Done},
    context::{Action, PageContext, Repetition},
};
#[cfg(feature = "ssr")]
use leptos::server_fn::ServerFn;

/// These actions, and whether each may be carried out twice.
#[cfg(feature = "ssr")]
pub(crate) const ACTIONS: &[Action] = &[
    (<Disconnect as ServerFn>::PATH, Repetition::Once),
    (<DisconnectAll as ServerFn>::PATH, Repetition::Once),
    (<EndOtherSessions as ServerFn>::PATH, Repetition::Once),
    (<EndSession as ServerFn>::PATH, Repetition::Once),
];

/// Signs out another browser of the user.
#[server(prefix = "/actions", endpoint = "end_session")]
pub async fn end_session(
    #[server(default)] form_token: String,
    #[server(default)] session: String,
) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context
            .provider
            .sessions()
            .end_session(&context.browser, &session)
            .await?;
        Ok(Done::BrowserSignedOut)
    };
    answer_account(attempt.await);
    Ok(())
}

/// Signs out every other browser of the user.
#[server(prefix = "/actions", endpoint = "end_other_sessions")]
pub async fn end_other_sessions(#[server(default)] form_token: String) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context.keep(
            &context
                .provider
                .sessions()
                .end_other_sessions(&context.browser)
                .await?,
        );
        Ok(Done::OthersSignedOut)
    };
    answer_account(attempt.await);
    Ok(())
}

/// Disconnects a client and forgets the consent.
#[server(prefix = "/actions", endpoint = "disconnect")]
pub async fn disconnect(
    #[server(default)] form_token: String,
    #[server(default)] connection: String,
) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context
            .provider
            .connections()
            .disconnect(&context.browser, &connection)
            .await?;
        Ok(Done::Disconnected)
    };
    answer_account(attempt.await);
    Ok(())
}

/// Disconnects every client and forgets the consents.
#[server(prefix = "/actions", endpoint = "disconnect_all")]
pub async fn disconnect_all(#[server(default)] form_token: String) -> Result<(), Message> {
    let attempt = async {
        let context = PageContext::trusted(&form_token)?;
        context
            .provider
            .connections()
            .disconnect_all(&context.browser)
            .await?;
        Ok(Done::AllDisconnected)
    };
    answer_account(attempt.await);
    Ok(())
}

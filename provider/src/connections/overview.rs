//! All that a user sees of their own account.

use super::{ConnectedClients, Connections};
use crate::{
    accounts::{AccountView, SessionView},
    browser_context::BrowserContext,
    records::Listing,
    state::audit::Event,
    unavailable::Unavailable,
};

/// All that a user sees of their own account.
#[derive(Clone, Debug)]
pub struct AccountOverview {
    /// The account.
    pub account: AccountView,
    /// Where the user is signed in: see [`crate::Sessions::list`].
    pub sessions: Listing<SessionView>,
    /// A page of what the user has allowed.
    pub connections: Connections,
    /// The latest events, newest first.
    pub events: Vec<Event>,
}

impl ConnectedClients {
    /// All that the signed-in user sees of their account, with the connections after a name, the
    /// `next` of another page; `None` without a session. Session and account are read once, and the
    /// rest at the same time.
    pub async fn overview(
        &self,
        browser: &BrowserContext,
        after: Option<&str>,
    ) -> Result<Option<AccountOverview>, Unavailable> {
        let Some((session, account)) = self.sessions.signed_in_account(browser).await? else {
            return Ok(None);
        };
        let (sessions, connections, events) = tokio::try_join!(
            self.sessions.list_of(&account, browser),
            self.page_of(account.id(), after),
            self.sessions.activity_of(account.id())
        )?;
        Ok(Some(AccountOverview {
            account: self.sessions.view(&session, account),
            sessions,
            connections,
            events,
        }))
    }
}

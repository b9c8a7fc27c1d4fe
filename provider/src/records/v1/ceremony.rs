//! A passkey ceremony under way.

use std::borrow::Cow;

use oauth::{Digest, Id, Timestamp};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use crate::{
    records::V1,
    state::{PendingCeremony, Task},
};

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredCeremony<'a> {
    #[serde(default)]
    v: V1,
    #[serde(with = "crate::values")]
    browser: Digest,
    #[serde(with = "crate::values")]
    expires_at: Timestamp,
    task: StoredTask<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredTask<'a> {
    SignIn(Cow<'a, DiscoverableAuthentication>),
    Add {
        #[serde(with = "crate::values")]
        account: Id,
        state: Cow<'a, PasskeyRegistration>,
    },
    Accept {
        #[serde(default, with = "crate::values")]
        invitation: Option<Digest>,
        #[serde(with = "crate::values")]
        account: Id,
        email: Cow<'a, str>,
        state: Cow<'a, PasskeyRegistration>,
    },
}

impl<'a> From<&'a PendingCeremony> for StoredCeremony<'a> {
    fn from(ceremony: &'a PendingCeremony) -> Self {
        let task = match &ceremony.task {
            Task::SignIn(state) => StoredTask::SignIn(Cow::Borrowed(state)),
            Task::Add { account, state } => StoredTask::Add {
                account: *account,
                state: Cow::Borrowed(state),
            },
            Task::Accept {
                invitation,
                account,
                email,
                state,
            } => StoredTask::Accept {
                invitation: invitation.clone(),
                account: *account,
                email: Cow::Borrowed(email),
                state: Cow::Borrowed(state),
            },
        };
        Self {
            v: V1,
            browser: ceremony.browser.clone(),
            expires_at: ceremony.expires_at,
            task,
        }
    }
}

impl From<StoredCeremony<'_>> for PendingCeremony {
    fn from(stored: StoredCeremony<'_>) -> Self {
        let task = match stored.task {
            StoredTask::SignIn(state) => Task::SignIn(state.into_owned()),
            StoredTask::Add { account, state } => Task::Add {
                account,
                state: state.into_owned(),
            },
            StoredTask::Accept {
                invitation,
                account,
                email,
                state,
            } => Task::Accept {
                invitation,
                account,
                email: email.into_owned(),
                state: state.into_owned(),
            },
        };
        Self {
            browser: stored.browser,
            expires_at: stored.expires_at,
            task,
        }
    }
}

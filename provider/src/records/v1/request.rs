//! An authorization request, which waits for the user or is decided.

use std::borrow::Cow;

use oauth::{
    Digest, Id, Timestamp, authorize::AuthorizationRequest, client::ClientId, pkce::CodeChallenge,
    prompt, resource::ResourceIdentifier, scope::Scopes,
};
use serde::{Deserialize, Serialize};

use crate::{
    records::V1,
    state::{Decided, Decision, PendingAuthorization, ReauthRequirement, StoredRequest},
};

/// A decided request has a separate member, so that a release that knows only pending ones does not
/// read it as one.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum StoredPendingRequest<'a> {
    Decided {
        #[serde(default)]
        v: V1,
        decided: StoredDecision<'a>,
    },
    Pending {
        #[serde(default)]
        v: V1,
        request: Parameters<'a>,
        #[serde(with = "crate::values")]
        browser: Cow<'a, Digest>,
        #[serde(with = "crate::values")]
        expires_at: Timestamp,
        /// Set when the client required a new sign-in.
        #[serde(default)]
        sign_in_after: Option<SignInAfter<'a>>,
    },
}

#[derive(Serialize, Deserialize)]
pub(crate) struct StoredDecision<'a> {
    request: Parameters<'a>,
    #[serde(with = "crate::values")]
    browser: Cow<'a, Digest>,
    #[serde(default, with = "crate::values")]
    session: Option<Cow<'a, Digest>>,
    #[serde(with = "crate::values")]
    account: Id,
    decision: Decision,
    #[serde(with = "crate::values")]
    form: Cow<'a, Digest>,
    #[serde(with = "crate::values")]
    until: Timestamp,
    answered: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SignInAfter<'a> {
    #[serde(default, with = "crate::values")]
    session: Option<Cow<'a, Digest>>,
    #[serde(with = "crate::values")]
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Parameters<'a> {
    client_id: Cow<'a, str>,
    redirect_uri: Cow<'a, str>,
    state: Option<Cow<'a, str>>,
    #[serde(with = "crate::values")]
    challenge: Cow<'a, CodeChallenge>,
    #[serde(with = "crate::values")]
    resource: Cow<'a, ResourceIdentifier>,
    #[serde(with = "crate::values")]
    scopes: Cow<'a, Scopes>,
    #[serde(default)]
    prompt: Prompt,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Prompt {
    Nothing,
    Ask { sign_in: bool, consent: bool },
}

impl Default for Prompt {
    fn default() -> Self {
        prompt::Prompt::default().into()
    }
}

impl<'a> From<&'a StoredRequest> for StoredPendingRequest<'a> {
    fn from(request: &'a StoredRequest) -> Self {
        match request {
            StoredRequest::Decided { decided } => Self::Decided {
                v: V1,
                decided: (&**decided).into(),
            },
            StoredRequest::Pending(waiting) => Self::Pending {
                v: V1,
                request: (&waiting.request).into(),
                browser: Cow::Borrowed(&waiting.browser),
                expires_at: waiting.expires_at,
                sign_in_after: waiting.sign_in_after.as_ref().map(|before| SignInAfter {
                    session: before.session.as_ref().map(Cow::Borrowed),
                    at: before.at,
                }),
            },
        }
    }
}

impl From<StoredPendingRequest<'_>> for StoredRequest {
    fn from(stored: StoredPendingRequest<'_>) -> Self {
        match stored {
            StoredPendingRequest::Decided { decided, .. } => Self::Decided {
                decided: Box::new(decided.into()),
            },
            StoredPendingRequest::Pending {
                request,
                browser,
                expires_at,
                sign_in_after,
                ..
            } => Self::Pending(Box::new(PendingAuthorization {
                request: request.into(),
                browser: browser.into_owned(),
                expires_at,
                sign_in_after: sign_in_after.map(|after| ReauthRequirement {
                    session: after.session.map(Cow::into_owned),
                    at: after.at,
                }),
            })),
        }
    }
}

impl<'a> From<&'a Decided> for StoredDecision<'a> {
    fn from(decided: &'a Decided) -> Self {
        Self {
            request: (&decided.request).into(),
            browser: Cow::Borrowed(&decided.browser),
            session: decided.session.as_ref().map(Cow::Borrowed),
            account: decided.account,
            decision: decided.decision,
            form: Cow::Borrowed(&decided.form),
            until: decided.until,
            answered: decided.answered,
        }
    }
}

impl From<StoredDecision<'_>> for Decided {
    fn from(stored: StoredDecision<'_>) -> Self {
        Self {
            request: stored.request.into(),
            browser: stored.browser.into_owned(),
            session: stored.session.map(Cow::into_owned),
            account: stored.account,
            decision: stored.decision,
            form: stored.form.into_owned(),
            until: stored.until,
            answered: stored.answered,
        }
    }
}

impl<'a> From<&'a AuthorizationRequest> for Parameters<'a> {
    fn from(request: &'a AuthorizationRequest) -> Self {
        Self {
            client_id: Cow::Borrowed(&request.client_id),
            redirect_uri: Cow::Borrowed(&request.redirect_uri),
            state: request.state.as_deref().map(Cow::Borrowed),
            challenge: Cow::Borrowed(&request.challenge),
            resource: Cow::Borrowed(&request.resource),
            scopes: Cow::Borrowed(&request.scopes),
            prompt: request.prompt.into(),
        }
    }
}

impl From<Parameters<'_>> for AuthorizationRequest {
    fn from(stored: Parameters<'_>) -> Self {
        Self {
            client_id: ClientId::of(stored.client_id),
            redirect_uri: stored.redirect_uri.into_owned(),
            state: stored.state.map(Cow::into_owned),
            challenge: stored.challenge.into_owned(),
            resource: stored.resource.into_owned(),
            scopes: stored.scopes.into_owned(),
            prompt: stored.prompt.into(),
        }
    }
}

impl From<prompt::Prompt> for Prompt {
    fn from(prompt: prompt::Prompt) -> Self {
        match prompt {
            prompt::Prompt::None => Self::Nothing,
            prompt::Prompt::Ask { sign_in, consent } => Self::Ask { sign_in, consent },
        }
    }
}

impl From<Prompt> for prompt::Prompt {
    fn from(stored: Prompt) -> Self {
        match stored {
            Prompt::Nothing => Self::None,
            Prompt::Ask { sign_in, consent } => Self::Ask { sign_in, consent },
        }
    }
}

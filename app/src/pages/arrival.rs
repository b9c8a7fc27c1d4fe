//! Somebody who is not signed in yet, and where they are on their way to.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::prelude::*;
use provider::{RequestError, RequestView};

use super::Halt;
use crate::{
    clean,
    context::PageContext,
    model::{Place, Slug},
    problem::ProblemFacts,
    words::{common, login as words, sentence},
};

/// What the pages for signing in are shown for.
pub(super) struct Arrival {
    /// The waiting request by its id, or nothing.
    pub(super) request: Option<Slug>,
    /// What waits.
    pub(super) waiting: Option<RequestView>,
}

impl Arrival {
    /// Reads the request that a context is about. Whoever is signed in already goes on.
    pub(super) async fn of(context: &PageContext) -> Result<Self, Halt> {
        let asked = context.query("request");
        let request = Slug::parse(&asked);
        if request.is_none() && !asked.is_empty() {
            return Err(ProblemFacts::request_gone().into());
        }
        let waiting = match &request {
            Some(request) => Some(
                context
                    .provider
                    .request(request.as_str(), &context.browser)
                    .await?,
            ),
            None => None,
        };
        let settled = match &waiting {
            Some(waiting) => !waiting.needs_sign_in,
            None => context
                .provider
                .signed_in(&context.browser)
                .await?
                .is_some(),
        };
        if settled {
            Err(Halt::Elsewhere(Place::after_sign_in(request)))
        } else {
            Ok(Self { request, waiting })
        }
    }

    /// The request as forms carry it.
    pub(super) fn field(&self) -> String {
        self.request
            .as_ref()
            .map(|request| request.as_str().to_owned())
            .unwrap_or_default()
    }
}

impl From<RequestError> for ProblemFacts {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Gone => Self::request_gone(),
            RequestError::Unavailable(_) => Self::unavailable(),
        }
    }
}

/// Where signing in leads: "to let Claude (claude.ai) use Notes".
#[component]
pub(super) fn Lead(waiting: RequestView) -> impl IntoView {
    let client = view! { <bdi class="strong">{clean::name(&waiting.client_name, common::AN_APPLICATION)}</bdi> };
    let resource = view! { <bdi class="strong">{clean::name(&waiting.resource_name, common::THIS_SERVER)}</bdi> };
    let words = match waiting.client_host {
        Some(host) => {
            let host = view! { <bdi class="host">{host}</bdi> };
            sentence!(
                words::LEAD_WITH_HOST,
                client = client,
                host = host,
                resource = resource
            )
            .into_any()
        }
        None => sentence!(words::LEAD, client = client, resource = resource).into_any(),
    };
    view! { <p class="lead">{words}</p> }
}

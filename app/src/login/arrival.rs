//! A user who is not signed in yet, and the pending request.

use leptos::prelude::*;
use provider::{RequestError, RequestView};

use crate::{
    clean,
    components::sentence,
    context::PageContext,
    error_page::ErrorPage,
    login::messages,
    messages::common,
    page::PageError,
    pages::{OpaqueToken, PagePath},
};

/// The request for which a sign-in page is shown.
pub(crate) struct Arrival {
    /// The id of the pending request.
    pub(crate) request: Option<OpaqueToken>,
    /// The pending request.
    pub(crate) waiting: Option<RequestView>,
}

impl Arrival {
    /// Reads the pending request. A user who is already signed in continues to the next page.
    pub(crate) async fn of(context: &PageContext) -> Result<Self, PageError> {
        let asked = context.query("request");
        let request = OpaqueToken::parse(&asked);
        if request.is_none() && !asked.is_empty() {
            return Err(ErrorPage::request_gone().into());
        }
        let waiting = match &request {
            Some(request) => Some(
                context
                    .provider
                    .authorization()
                    .request(request.as_str(), &context.browser)
                    .await?,
            ),
            None => None,
        };
        if has_arrived(context, waiting.as_ref()).await? {
            Err(PageError::Elsewhere(PagePath::after_sign_in(request)))
        } else {
            Ok(Self { request, waiting })
        }
    }

    /// The request as forms carry it.
    pub(crate) fn field(&self) -> String {
        self.request
            .as_ref()
            .map(|request| request.as_str().to_owned())
            .unwrap_or_default()
    }
}

/// Whether the user need not sign in.
async fn has_arrived(
    context: &PageContext,
    waiting: Option<&RequestView>,
) -> Result<bool, PageError> {
    Ok(match waiting {
        Some(waiting) => !waiting.needs_sign_in,
        None => context
            .provider
            .sessions()
            .signed_in(&context.browser)
            .await?
            .is_some(),
    })
}

impl From<RequestError> for ErrorPage {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Gone => Self::request_gone(),
            RequestError::Unavailable(_) => Self::unavailable(),
        }
    }
}

/// Where signing in leads: "to let Claude (claude.ai) use Notes".
#[component]
pub(crate) fn Lead(waiting: RequestView) -> impl IntoView {
    let client = view! { <bdi class="strong">{clean::name(&waiting.client_name, common::AN_APPLICATION)}</bdi> };
    let resource = view! { <bdi class="strong">{clean::name(&waiting.resource_name, common::THIS_SERVER)}</bdi> };
    let words = match waiting.client_host {
        Some(host) => {
            let host = view! { <bdi class="host">{host}</bdi> };
            sentence!(
                messages::LEAD_WITH_HOST,
                client = client,
                host = host,
                resource = resource
            )
            .into_any()
        }
        None => sentence!(messages::LEAD, client = client, resource = resource).into_any(),
    };
    view! { <p class="lead">{words}</p> }
}

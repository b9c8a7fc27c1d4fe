//! Failed requests for administrators, with the current state of the client.

use std::collections::BTreeMap;

use oauth::error::LocalError;
use oauth_clients::{client::Client, error::ClientAuthenticationError};

use super::ClientRegistry;
use crate::{
    records::{self, keys},
    state::failure::{FailedRequest, FailedStep, FailureKind},
    step_error::StepError,
    unavailable::Unavailable,
};

/// A failure with the current state of its client: whether it would fail again, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureView {
    /// The recorded failure.
    pub failure: FailedRequest,
    /// The current redirect URIs of the client; none if it is unknown.
    pub registered: Vec<String>,
    /// The requested redirect URIs that may be added to the client.
    pub addable: Vec<String>,
}

impl ClientRegistry {
    /// The client of a failed request, and the failure for administrators: whether the client is
    /// unknown or blocked. The client itself only learns that it is not authenticated.
    pub(crate) async fn with_stored_client(
        &self,
        client_id: &str,
        reason: &StepError,
    ) -> (Option<Client>, StepError) {
        let unproved = matches!(
            reason,
            StepError::Authentication(ClientAuthenticationError::Failed { .. })
        );
        let key = keys::client(client_id);
        let Ok(client) = records::read(self.context.store(), &key).await else {
            return (None, reason.clone());
        };
        let why = match &client {
            Some(client) if unproved && self.blocked.blocks(client) => {
                LocalError::ClientBlocked.into()
            }
            Some(client) if self.is_registered(client) => reason.clone(),
            _ if unproved => self.why_unknown(client.as_ref()).into(),
            _ => reason.clone(),
        };
        (client, why)
    }

    pub(crate) async fn explained(
        &self,
        failures: Vec<FailedRequest>,
    ) -> Result<Vec<FailureView>, Unavailable> {
        let mut clients: BTreeMap<String, Option<Client>> = BTreeMap::new();
        let mut views = Vec::with_capacity(failures.len());
        for failure in failures {
            let is_about_redirect = failure.kind == FailureKind::WrongRedirect;
            if is_about_redirect && !clients.contains_key(&failure.client_id) {
                let client = records::find(self.context.store(), &keys::client(&failure.client_id))
                    .await?
                    .record();
                clients.insert(failure.client_id.clone(), client);
            }
            let client = clients
                .get(&failure.client_id)
                .and_then(Option::as_ref)
                .filter(|_| is_about_redirect);
            views.push(self.explain(failure, client));
        }
        Ok(views)
    }

    fn explain(&self, failure: FailedRequest, client: Option<&Client>) -> FailureView {
        let Some(client) = client else {
            return FailureView {
                failure,
                registered: Vec::new(),
                addable: Vec::new(),
            };
        };
        let registered = client
            .redirect_uris
            .iter()
            .map(|uri| uri.as_str().to_owned())
            .collect();
        // At the token endpoint the address only has to be that of the request before it.
        let may_help = failure.step == FailedStep::Authorize;
        let schemes = &self.context.settings().private_schemes;
        let asked = failure.attempts.iter().filter(|_| may_help);
        let addable = asked
            .filter_map(|attempt| attempt.asked.addable(client, schemes))
            .collect();
        FailureView {
            failure,
            registered,
            addable,
        }
    }
}

//! The authorization request (OAuth 2.1 section 4.1.1): three steps, each of which only the one
//! before makes possible.
//!
//! 1. [`client_id`] names the client to look up.
//! 2. [`destination`] validates the redirect URI. Until here every fault is a local page (R-O2).
//! 3. [`validate`] validates the rest. From here every fault goes to the client, with `state` and
//!    `iss`.

use primitives::Timestamp;

use crate::{
    client::{ClientId, ClientProfile},
    epoch::Epoch,
    error::{LocalError, RedirectError},
    grant::GrantDetails,
    parameters::Parameters,
    pkce::CodeChallenge,
    prompt::Prompt,
    redirect::ValidatedRedirectUri,
    resource::{Resource, ResourceIdentifier},
    resource_indicator,
    scope::Scopes,
};

/// The longest `state` that is kept for the answer, in bytes.
const LONGEST_STATE: usize = 8 * 1024;
/// The longest `state` that an error repeats at once, in bytes. Encoded it may be three times as
/// long, which browsers and web servers still take in a URL. Nothing of a longer one could be
/// repeated that its client would know again.
const LONGEST_REPEATED_STATE: usize = 2 * LONGEST_STATE;

/// A valid authorization request, as it waits for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// The client that asks.
    pub client_id: ClientId,
    /// Where the answer goes; validated again before it does.
    pub redirect_uri: String,
    /// Repeated in the answer (R-K13).
    pub state: Option<String>,
    /// What the token request has to answer.
    pub challenge: CodeChallenge,
    /// What the tokens will be for.
    pub resource: ResourceIdentifier,
    /// What they will allow.
    pub scopes: Scopes,
    /// What the client wants the user to be asked.
    pub prompt: Prompt,
}

impl AuthorizationRequest {
    /// What a user who allows this request allows, in this epoch of the client, as long as the
    /// account has withdrawn nothing.
    pub fn grant_details(
        &self,
        client: ClientProfile<'_>,
        now: Timestamp,
        epoch: Epoch,
    ) -> GrantDetails {
        GrantDetails {
            client_id: self.client_id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            challenge: self.challenge.clone(),
            resource: self.resource.clone(),
            scopes: self.scopes.clone(),
            may_refresh: client.may_refresh,
            allowed_at: now,
            epoch,
            withdrawal: Epoch::default(),
        }
    }
}

/// Reads the client's identifier.
///
/// # Errors
/// A missing, repeated or impossible one.
pub fn client_id(parameters: &Parameters) -> Result<ClientId, LocalError> {
    ClientId::parse(parameters.required("client_id")?).ok_or(LocalError::UnknownClient)
}

/// Validates where the answer goes.
///
/// # Errors
/// A missing, repeated or unregistered redirect URI. Also a state that no answer could carry there:
/// without it the client could not tell what the answer is to.
pub fn destination(
    parameters: &Parameters,
    client: ClientProfile<'_>,
) -> Result<ValidatedRedirectUri, LocalError> {
    let presented = parameters.required("redirect_uri")?;
    let destination = ValidatedRedirectUri::validate(client.redirect_uris, presented)?;
    match parameters.one("state") {
        Ok(Some(state)) if state.len() > LONGEST_REPEATED_STATE => Err(LocalError::StateTooLong),
        _ => Ok(destination),
    }
}

/// The state to repeat in the answer; `None` when it is absent, or came more than once.
pub fn state(parameters: &Parameters) -> Option<&str> {
    parameters.one("state").ok().flatten()
}

/// Validates everything else in the request. `default` is the resource that is meant when nothing
/// says which.
///
/// # Errors
/// The first fault, for the client.
pub fn validate(
    parameters: &Parameters,
    client: ClientProfile<'_>,
    destination: &ValidatedRedirectUri,
    resources: &[Resource],
    default: Option<&ResourceIdentifier>,
) -> Result<AuthorizationRequest, RedirectError> {
    if parameters.required("response_type")? != "code" {
        return Err(RedirectError::UnsupportedResponseType);
    }
    if !matches!(parameters.one("response_mode")?, None | Some("query")) {
        return Err(RedirectError::UnsupportedResponseMode);
    }
    let state = parameters.one("state")?;
    if state.is_some_and(|state| state.len() > LONGEST_STATE) {
        return Err(RedirectError::StateTooLong);
    }
    let challenge = CodeChallenge::read(parameters)?;
    let scope = parameters.one("scope")?;
    let resource = resource_indicator::select(
        resources,
        default,
        resource_indicator::requested(parameters)?,
        scope,
    )?;
    let scopes = Scopes::grantable(scope, resource)?;
    let prompt = Prompt::read(parameters)?;
    Ok(AuthorizationRequest {
        client_id: client.id.clone(),
        redirect_uri: destination.as_str().to_owned(),
        state: state.map(str::to_owned),
        challenge,
        resource: resource.identifier.clone(),
        scopes,
        prompt,
    })
}

#[cfg(test)]
mod tests;

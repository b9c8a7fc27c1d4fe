//! What a person allowed, remembered beyond the grants that came of it, and what that spares them
//! (R-A14, R-O19, T-D28).
//!
//! A remembered consent lets a request pass without the page only where the answer goes to a host
//! of the web: whoever has that host is who was allowed before. An application on the person's own
//! computer cannot be told from another one there, so for it the consent serves to mark what is
//! new, and the person is asked every time.

use std::time::Duration;

use primitives::{Digest, Id, Timestamp, web_address};

use crate::{
    authorize::AuthorizationRequest, client::ClientId, epoch::Epoch, error::RedirectError,
    prompt::Prompt, redirect::ValidatedRedirectUri, resource::ResourceIdentifier, scope::Scopes,
};

/// What a person has allowed one client, answering at one origin, at one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Another one whenever a consent begins anew: who reads the same one twice knows that it stood
    /// in between.
    pub id: Id,
    /// The client.
    pub client_id: ClientId,
    /// Where the answer went the last time.
    pub redirect_uri: String,
    /// What it may use.
    pub resource: ResourceIdentifier,
    /// All that was ever allowed while it stood.
    pub scopes: Scopes,
    /// When the person last said yes.
    pub allowed_at: Timestamp,
    /// When it lapses, by the lifetime that was set when it was given.
    pub expires_at: Timestamp,
    /// When the person last said yes to all of it; of records of earlier releases, `allowed_at`
    /// stands in.
    pub shown_at: Option<Timestamp>,
    /// The client's epoch at that time: a later one ends it.
    pub epoch: Epoch,
}

/// What a remembered consent is judged by, here and now.
#[derive(Clone, Copy, Debug)]
pub struct ConsentContext {
    /// What time it is.
    pub now: Timestamp,
    /// How long a consent is remembered by the settings of today; zero remembers none.
    pub lifetime: Duration,
    /// The client's epoch.
    pub epoch: Epoch,
}

impl Consent {
    /// What a consent is found by: client, origin of the redirect, and resource. Whatever differs
    /// in one of them is another's (T-D28: installations of one application share its client id,
    /// and answer elsewhere).
    pub fn name(client_id: &ClientId, redirect_uri: &str, resource: &ResourceIdentifier) -> Digest {
        // None of the three can hold a line feed.
        let origin = web_address::origin(redirect_uri);
        Digest::of(format!("{client_id}\n{origin}\n{resource}").as_bytes())
    }

    /// What stands after a person allowed `request`: the scopes of `earlier` besides, if that still
    /// stands. `id` is fresh.
    ///
    /// It lapses anew only when the person was shown all of it: a yes to little keeps nothing more
    /// alive.
    #[must_use]
    pub fn given(
        request: &AuthorizationRequest,
        earlier: Option<Self>,
        id: Id,
        context: ConsentContext,
    ) -> Self {
        let now = context.now;
        let fresh = Self {
            id,
            client_id: request.client_id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            resource: request.resource.clone(),
            scopes: request.scopes.clone(),
            allowed_at: now,
            expires_at: now.after(context.lifetime),
            shown_at: Some(now),
            epoch: context.epoch,
        };
        let Some(earlier) = earlier.filter(|earlier| earlier.is_valid(context)) else {
            return fresh;
        };
        let was_shown_all = request.scopes.includes(&earlier.scopes);
        let (shown_at, expires_at) = if was_shown_all {
            (fresh.shown_at, fresh.expires_at)
        } else {
            (Some(earlier.shown_at()), earlier.expires_at)
        };
        Self {
            id: earlier.id,
            scopes: earlier.scopes.union(&request.scopes),
            shown_at,
            expires_at,
            ..fresh
        }
    }

    fn shown_at(&self) -> Timestamp {
        self.shown_at.unwrap_or(self.allowed_at)
    }

    /// Whether it has neither lapsed nor been ended with everything else of its client. A lifetime
    /// that was shortened counts from the yes.
    pub fn is_valid(&self, context: ConsentContext) -> bool {
        let end = self.shown_at().after(context.lifetime).min(self.expires_at);
        !end.has_passed(context.now) && !context.epoch.ends(self.epoch)
    }

    /// Whether all of `scopes` were allowed, and that still stands.
    pub fn covers(&self, scopes: &Scopes, context: ConsentContext) -> bool {
        self.is_valid(context) && self.scopes.includes(scopes)
    }
}

/// What follows a valid authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction<'a> {
    /// The person signs in, then decides.
    Login,
    /// The person decides.
    Consent,
    /// The client gets a code: the person allowed all of it before.
    None(&'a Consent),
    /// The client gets an error.
    Error(RedirectError),
}

/// Decides how much the person has to be asked. `earlier` is what is remembered for this very
/// client, origin and resource.
pub fn interaction<'a>(
    request: &AuthorizationRequest,
    destination: &ValidatedRedirectUri,
    signed_in: bool,
    earlier: Option<&'a Consent>,
    context: ConsentContext,
) -> Interaction<'a> {
    let covering = earlier.filter(|consent| consent.covers(&request.scopes, context));
    let at_home = destination.targets_native_app();
    match (request.prompt, covering) {
        (Prompt::None, _) if !signed_in => Interaction::Error(RedirectError::LoginRequired),
        (Prompt::None, _) if at_home => Interaction::Error(RedirectError::InteractionRequired),
        (Prompt::None, None) => Interaction::Error(RedirectError::ConsentRequired),
        (Prompt::Ask { sign_in: true, .. }, _) => Interaction::Login,
        _ if !signed_in => Interaction::Login,
        (Prompt::Ask { consent: true, .. }, _) => Interaction::Consent,
        (_, Some(consent)) if !at_home => Interaction::None(consent),
        _ => Interaction::Consent,
    }
}

#[cfg(test)]
mod tests;

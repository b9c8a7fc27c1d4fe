//! Remembered consents: what a user allowed, beyond the lifetime of a grant (R-A14, R-O19, T-D28).
//!
//! A remembered consent replaces the page only if the redirect URI is on a web host: the owner of
//! the host is the client that was allowed before. Native applications of one computer cannot be
//! told apart. For them the user is asked every time, and the page marks new scopes.

use std::time::Duration;

use primitives::{Digest, Id, Timestamp, web_address};

use crate::{
    authorize::AuthorizationRequest, client::ClientId, epoch::Epoch, error::RedirectError,
    prompt::Prompt, redirect::ValidatedRedirectUri, resource::ResourceIdentifier, scope::Scopes,
};

/// What a user has allowed a client, for one redirect origin and one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// A new id for each new consent. Reading the same id twice shows that the consent was not
    /// withdrawn in between.
    pub id: Id,
    /// The client.
    pub client_id: ClientId,
    /// Where the answer went the last time.
    pub redirect_uri: String,
    /// What it may use.
    pub resource: ResourceIdentifier,
    /// All scopes that were allowed since it began.
    pub scopes: Scopes,
    /// When the user last allowed some of its scopes.
    pub allowed_at: Timestamp,
    /// When it expires, by the lifetime that was configured when it was given.
    pub expires_at: Timestamp,
    /// When the user last allowed all of its scopes; records of earlier releases have `allowed_at`
    /// instead.
    pub shown_at: Option<Timestamp>,
    /// The client's epoch at that time. A later one ends the consent.
    pub epoch: Epoch,
}

/// What the validity of a remembered consent depends on.
#[derive(Clone, Copy, Debug)]
pub struct ConsentContext {
    /// The time.
    pub now: Timestamp,
    /// The configured lifetime of consents. With zero, none is remembered.
    pub lifetime: Duration,
    /// The client's epoch.
    pub epoch: Epoch,
}

impl Consent {
    /// The name of a consent: a digest of client, redirect origin and resource. Installations of
    /// one application share its client id but not its redirect origin (T-D28).
    pub fn name(client_id: &ClientId, redirect_uri: &str, resource: &ResourceIdentifier) -> Digest {
        // None of the three can contain a line feed.
        let origin = web_address::origin(redirect_uri);
        Digest::of(format!("{client_id}\n{origin}\n{resource}").as_bytes())
    }

    /// The consent after a user allowed `request`, with the scopes of `earlier` if that is still
    /// valid. `id` is new.
    ///
    /// The expiry moves only if the user was shown all scopes: allowing one scope does not extend
    /// the others.
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

    /// Whether it has not expired and was not ended together with its client. A shorter lifetime
    /// applies from the time when the user allowed it.
    pub fn is_valid(&self, context: ConsentContext) -> bool {
        let end = self.shown_at().after(context.lifetime).min(self.expires_at);
        !end.has_passed(context.now) && !context.epoch.ends(self.epoch)
    }

    /// Whether it is valid and includes all of `scopes`.
    pub fn covers(&self, scopes: &Scopes, context: ConsentContext) -> bool {
        self.is_valid(context) && self.scopes.includes(scopes)
    }
}

/// What follows a valid authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction<'a> {
    /// The user signs in, then decides.
    Login,
    /// The user decides.
    Consent,
    /// The client gets a code: the user allowed all scopes before.
    None(&'a Consent),
    /// The client gets an error.
    Error(RedirectError),
}

/// Decides which interaction a request needs. `earlier` is the remembered consent for its client,
/// redirect origin and resource.
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

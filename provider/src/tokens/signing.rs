//! Access tokens of a grant.

use access_token::TokenSubject;
use oauth::{
    Id, Timestamp,
    grant::{GrantKey, IssuedTokens},
    resource::{Disclosed, Resource},
    scope::{EMAIL, NAME, Scopes},
};

use super::TokenEndpoint;
use crate::{
    key_ring::date_time, step_error::TokenError, token_response::TokenResponse,
    unavailable::Unavailable,
};

/// The subject of a token is an account, spelled so that no client id can be confused with it
/// (R-O21).
pub(super) const SUBJECT_PREFIX: &str = "acct_";

impl TokenEndpoint {
    /// Signs the access token: once, after the swap, outside of any lock. `client_id` is also the
    /// `device_id`. What the resource may know of the user is read for it.
    pub(super) async fn sign(
        &self,
        key: GrantKey,
        client_id: &str,
        issue: IssuedTokens,
        now: Timestamp,
    ) -> Result<TokenResponse, TokenError> {
        let resource = self.context.settings().resource(&issue.resource);
        let resource = resource.ok_or_else(Unavailable::interrupted)?;
        let known = self.disclosed(key.account, &issue.scopes, resource).await?;
        let subject = TokenSubject {
            sub: subject(key.account),
            aud: issue.resource.as_str().to_owned(),
            client_id: client_id.to_owned(),
            device_id: client_id.to_owned(),
            scope: issue.scopes.to_string(),
            grant: Some(key.grant.to_string()),
            email: known.email,
            name: known.name,
        };
        let issued = self
            .signing_keys
            .tokens
            .issue(
                date_time(now),
                self.context.entropy().bytes(),
                subject,
                resource.token_format,
            )
            .map_err(|error| {
                tracing::error!(%error, "an access token could not be issued");
                Unavailable::interrupted()
            })?;
        let refresh_token = issue.refresh_token.map(|token| token.encode());
        Ok(TokenResponse::bearer(
            issued.token,
            issued.expires_in,
            refresh_token,
            &issue.scopes,
        ))
    }
}

impl TokenEndpoint {
    /// What a resource may know of a user and was allowed to, as it is now. Nothing is read for
    /// another.
    pub(super) async fn disclosed(
        &self,
        account: Id,
        scopes: &Scopes,
        resource: &Resource,
    ) -> Result<KnownOfUser, Unavailable> {
        let Disclosed { email, name } = resource.disclosed;
        let (email, name) = (
            email && scopes.contains(EMAIL),
            name && scopes.contains(NAME),
        );
        if !(email || name) {
            return Ok(KnownOfUser::default());
        }
        let account = self.directory.active_account(account).await?;
        Ok(
            account.map_or_else(KnownOfUser::default, |account| KnownOfUser {
                email: email.then(|| account.record.email.clone()),
                name: account.record.name().filter(|_| name).map(str::to_owned),
            }),
        )
    }
}

/// What a resource knows of a user.
#[derive(Default)]
pub(super) struct KnownOfUser {
    /// The email address.
    pub(super) email: Option<String>,
    /// The name, if the user has one.
    pub(super) name: Option<String>,
}

/// The subject of an account's tokens.
fn subject(account: Id) -> String {
    format!("{SUBJECT_PREFIX}{account}")
}

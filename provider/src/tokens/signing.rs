//! Access tokens of a grant.

use access_token::TokenSubject;
use oauth::{
    Id, Timestamp,
    grant::{GrantKey, IssuedTokens},
    resource::Resource,
    scope::{EMAIL, Scopes},
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
    /// `device_id`. The user's address is read for a
    /// resource that may know it.
    pub(super) async fn sign(
        &self,
        key: GrantKey,
        client_id: &str,
        issue: IssuedTokens,
        now: Timestamp,
    ) -> Result<TokenResponse, TokenError> {
        let resource = self.context.settings().resource(&issue.resource);
        let resource = resource.ok_or_else(Unavailable::interrupted)?;
        let email = self
            .disclosed_email(key.account, &issue.scopes, resource)
            .await?;
        let subject = TokenSubject {
            sub: subject(key.account),
            aud: issue.resource.as_str().to_owned(),
            client_id: client_id.to_owned(),
            device_id: client_id.to_owned(),
            scope: issue.scopes.to_string(),
            grant: Some(key.grant.to_string()),
            email,
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
                tracing::error!(%error, "an access token was not issued");
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
    /// The e-mail address of a user as it is now, for a resource that may know it and was allowed
    /// to. Nothing is read for another.
    pub(super) async fn disclosed_email(
        &self,
        account: Id,
        scopes: &Scopes,
        resource: &Resource,
    ) -> Result<Option<String>, Unavailable> {
        if !(resource.discloses_email && scopes.contains(EMAIL)) {
            return Ok(None);
        }
        let account = self.directory.active_account(account).await?;
        Ok(account.map(|account| account.record.email.clone()))
    }
}

/// The subject of an account's tokens.
fn subject(account: Id) -> String {
    format!("{SUBJECT_PREFIX}{account}")
}

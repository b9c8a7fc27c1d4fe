//! Access tokens of a grant.

use access_token::TokenSubject;
use oauth::{
    Id, Timestamp,
    grant::{GrantKey, IssuedTokens},
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
    /// `device_id`.
    pub(super) fn sign(
        &self,
        key: GrantKey,
        client_id: &str,
        issue: IssuedTokens,
        now: Timestamp,
    ) -> Result<TokenResponse, TokenError> {
        let subject = TokenSubject {
            sub: subject(key.account),
            aud: issue.resource.as_str().to_owned(),
            client_id: client_id.to_owned(),
            device_id: client_id.to_owned(),
            scope: issue.scopes.to_string(),
            grant: Some(key.grant.to_string()),
        };
        let issued = self
            .signing_keys
            .tokens
            .issue(date_time(now), self.context.entropy().bytes(), subject)
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

/// The subject of an account's tokens.
fn subject(account: Id) -> String {
    format!("{SUBJECT_PREFIX}{account}")
}

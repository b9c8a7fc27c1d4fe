//! What follows a replayed code or refresh token.

use std::net::IpAddr;

use oauth::{
    error::{CodeError, RefreshTokenError, TokenRequestError},
    grant::{Grant, GrantKey, IssuedTokens},
};

use super::TokenEndpoint;
use crate::{
    records::{self, keys},
    state::audit::{Actor, AuditAction, RequestSource},
    step_error::{StepError, TokenError},
};

impl TokenEndpoint {
    /// After a replay the consent is removed, so that the user is asked before the client is
    /// connected again.
    pub(super) async fn forget_consent_after_replay(
        &self,
        key: &GrantKey,
        client_id: &str,
        address: IpAddr,
        answer: Result<IssuedTokens, TokenError>,
    ) -> Result<IssuedTokens, TokenError> {
        if let Err(TokenError::Refused(StepError::Token(reason))) = &answer
            && may_follow_replay(reason)
        {
            // First the steps that happen only once, since a second try finds a revoked grant.
            self.note_replay(key, client_id, address, reason).await;
            self.grants.forget_replayed_consent(key).await?;
        }
        answer
    }

    /// Records a replay, for administrators and for its user.
    async fn note_replay(
        &self,
        key: &GrantKey,
        client_id: &str,
        address: IpAddr,
        reason: &TokenRequestError,
    ) {
        let action = if *reason == TokenRequestError::Code(CodeError::Replayed) {
            AuditAction::CodeReplayed
        } else if *reason == TokenRequestError::RefreshToken(RefreshTokenError::Replayed) {
            AuditAction::RefreshTokenReplayed
        } else {
            return;
        };
        self.note_of_grant(action, key, client_id, address).await;
    }

    /// Records an event of a grant, caused by its client or by another party. Unreadable parts are
    /// omitted.
    pub(crate) async fn note_of_grant(
        &self,
        action: AuditAction,
        key: &GrantKey,
        client_id: &str,
        address: IpAddr,
    ) {
        let grant: Result<Option<Grant>, _> =
            records::read(self.context.store(), &keys::grant(key)).await;
        let resource = grant
            .ok()
            .flatten()
            .map(|grant| grant.details.resource.as_str().to_owned());
        self.grants
            .note_of_client(
                action,
                Actor::Client,
                key.account,
                RequestSource::of_program(address),
                client_id,
                resource,
            )
            .await;
    }
}

/// Whether a replay ended the grant, now or before: the store may have failed between the end of the
/// grant and that of its consent.
const fn may_follow_replay(reason: &TokenRequestError) -> bool {
    matches!(
        reason,
        TokenRequestError::Code(CodeError::Replayed | CodeError::Unknown)
            | TokenRequestError::RefreshToken(
                RefreshTokenError::Replayed | RefreshTokenError::GrantRevoked
            )
    )
}

//! Proving clients: by what they show, and by assertions, each of which counts once (RFC 7521 section 4.2, RFC 7523 section 3).

use oauth::{
    Reason,
    assertion::{Assertion, Verified},
    client::{Check, Client, Credentials, KeySource},
    jwk::Jwks,
};
use store::Keep;

use crate::{Provider, TokenError, keys, problem::Unavailable, record};

impl Provider {
    /// Proves a client by its credentials. `client` is what is known of it: `None` when nothing is.
    ///
    /// An assertion is spent by this, whatever becomes of the request: this is the last question before anything changes.
    pub(crate) async fn authenticate(&self, credentials: &Credentials, client: Option<&Client>) -> Result<(), TokenError> {
        let Check::Assertion(assertion, keys) = credentials.check(client)? else { return Ok(()) };
        let verified = self.verify_assertion(assertion, &credentials.client_id, keys).await?;
        if self.spend(&credentials.client_id, &verified).await? {
            Ok(())
        } else {
            Err(Reason::UnacceptableAssertion("it was used before: each needs a new jti").into())
        }
    }

    async fn verify_assertion(&self, assertion: &Assertion, client_id: &str, keys: &KeySource) -> Result<Verified, TokenError> {
        let issuer = &self.settings().issuer;
        let token_endpoint = issuer.url("/token");
        let audiences = [issuer.as_str(), &token_endpoint];
        let judge = |keys: &Jwks| assertion.verify(keys, client_id, &audiences, self.now());
        match keys {
            KeySource::Inline(keys) => Ok(judge(keys)?),
            KeySource::At(address) => self.verify_by_key_set(address, judge).await,
        }
    }

    /// Remembers the `jti`, in one atomic step (case C26). `false` when it was remembered already.
    async fn spend(&self, client_id: &str, verified: &Verified) -> Result<bool, Unavailable> {
        let key = keys::assertion(client_id, &verified.jti);
        let keep: Keep = record::keep(self.now().until(verified.expires_at));
        record::insert(self.store(), &key, &verified.expires_at, keep).await
    }
}

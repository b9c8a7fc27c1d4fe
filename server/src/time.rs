//! The provider's time in the form that access tokens use.

use std::sync::Arc;

use access_token::Clock;
use provider::Provider;
use time::OffsetDateTime;

/// What time it is, by the provider's clock.
pub(crate) fn time_of(provider: &Provider) -> OffsetDateTime {
    let seconds = i64::try_from(provider.now().seconds()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The provider's clock, for a verifier.
pub(crate) fn clock(provider: Provider) -> Clock {
    Arc::new(move || time_of(&provider))
}

//! What an account has withdrawn from its clients.

use std::{collections::BTreeMap, mem};

use oauth::{Timestamp, consent::Consent, epoch::Epoch, grant::GrantDetails};

/// The withdrawals of an account whose grants may not all be revoked yet. Each has a number, and
/// ends the grants that were allowed before it, whatever their records say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Withdrawals {
    /// The newest one. New grants note its number.
    pub(crate) latest: Epoch,
    /// The newest one of everything that the account had allowed; the first epoch without one.
    pub(crate) all: Epoch,
    /// The newest one of each connection, by the name of its consent.
    pub(crate) connections: BTreeMap<String, Epoch>,
}

impl Withdrawals {
    /// With the withdrawal of one connection.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, now: Timestamp) -> Self {
        self.latest = self.latest.next(now);
        self.connections.insert(name.to_owned(), self.latest);
        self
    }

    /// With the withdrawal of everything.
    #[must_use]
    pub(crate) fn with_all(self, now: Timestamp) -> Self {
        let latest = self.latest.next(now);
        Self {
            latest,
            all: latest,
            connections: BTreeMap::new(),
        }
    }

    /// Without those of `done` whose grants are all revoked.
    #[must_use]
    pub(crate) fn without(mut self, done: &Self) -> Self {
        if self.all == done.all {
            self.all = Epoch::default();
        }
        let connections = mem::take(&mut self.connections).into_iter();
        self.connections = connections
            .filter(|(name, number)| done.connections.get(name) != Some(number))
            .collect();
        self
    }

    /// Whether all that was withdrawn is revoked.
    pub(crate) fn is_done(&self) -> bool {
        self.all.is_first() && self.connections.is_empty()
    }

    /// Whether one of them ended a grant.
    pub(crate) fn ends(&self, details: &GrantDetails) -> bool {
        if self.all.ends(details.withdrawal) {
            return true;
        }
        if self.connections.is_empty() {
            return false;
        }
        let name = Consent::name(&details.client_id, &details.redirect_uri, &details.resource);
        let own = self.connections.get(name.as_str());
        own.is_some_and(|own| own.ends(details.withdrawal))
    }
}

/// What ends a grant beside its own record.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrantEpochs {
    /// The present epoch of its client.
    pub(crate) client: Epoch,
    /// The withdrawals of its account.
    pub(crate) withdrawals: Withdrawals,
}

impl GrantEpochs {
    /// Whether they end a grant.
    pub(crate) fn end(&self, details: &GrantDetails) -> bool {
        self.client.ends(details.epoch) || self.withdrawals.ends(details)
    }
}

#[cfg(test)]
mod tests {
    use oauth::{
        client::ClientId, parameters::Parameters, pkce::CodeChallenge,
        resource::ResourceIdentifier, scope::Scopes,
    };

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn details(client: &str, withdrawal: Epoch) -> GrantDetails {
        let challenge = b"code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
        GrantDetails {
            client_id: ClientId::of(client.to_owned()),
            redirect_uri: "https://app.example/callback".to_owned(),
            challenge: CodeChallenge::read(&Parameters::parse(challenge)).expect("a challenge"),
            resource: ResourceIdentifier::parse("https://notes.example/mcp")
                .expect("an identifier"),
            scopes: Scopes::parse("notes:read"),
            may_refresh: true,
            allowed_at: NOW,
            epoch: Epoch::default(),
            withdrawal,
        }
    }

    fn name(details: &GrantDetails) -> String {
        let name = Consent::name(&details.client_id, &details.redirect_uri, &details.resource);
        name.as_str().to_owned()
    }

    #[test]
    fn a_withdrawal_ends_what_was_allowed_before_it_to_its_client_alone() {
        let first = details("one", Epoch::default());
        let other = details("two", Epoch::default());
        let none = Withdrawals::default();
        assert!(!none.ends(&first) && none.is_done());
        let one = none.with(&name(&first), NOW);
        assert!(one.ends(&first) && !one.ends(&other) && !one.is_done());
        assert!(
            !one.ends(&details("one", one.latest)),
            "it was allowed again"
        );
        let twice = one.clone().with(&name(&first), NOW);
        assert!(
            twice.ends(&details("one", one.latest)),
            "in the same second"
        );
        let all = one.clone().with_all(NOW);
        assert!(all.ends(&first) && all.ends(&other) && all.ends(&details("two", one.latest)));
        assert!(!all.ends(&details("two", all.latest)));
    }

    #[test]
    fn what_is_done_is_left_out_and_what_came_since_stays() {
        let first = details("one", Epoch::default());
        let one = Withdrawals::default().with(&name(&first), NOW);
        let done = one.clone().without(&one);
        assert!(done.is_done() && done.latest == one.latest);
        let again = one.clone().with(&name(&first), NOW);
        assert!(
            again
                .clone()
                .without(&one)
                .ends(&details("one", one.latest))
        );
        let all = again.clone().with_all(NOW);
        assert!(!all.clone().without(&again).is_done());
        assert!(all.clone().without(&all).is_done());
    }
}

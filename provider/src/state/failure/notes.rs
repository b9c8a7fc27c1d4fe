//! The stored failures: equal ones together, with maximum numbers.

use oauth::Timestamp;

use super::{Attempt, FailedRequest};

/// The maximum number of different failures of one kind in one record.
pub(crate) const MOST_OF_A_KIND: usize = 20;
/// How many of them may be one client's.
const MOST_OF_A_CLIENT: usize = 5;
/// The maximum number of different requested values of one failure.
pub(crate) const MOST_ATTEMPTS: usize = 5;
/// The maximum number of request ids of one of those.
const MOST_REQUESTS: usize = 8;

impl FailedRequest {
    fn is_like(&self, other: &Self) -> bool {
        (&self.client_id, self.step, self.kind, &self.description)
            == (&other.client_id, other.step, other.kind, &other.description)
    }

    /// Adds it to others, merging equal ones. A new one replaces the oldest when there are too many
    /// of its client or of its kind.
    pub(crate) fn join(self, others: &mut Vec<Self>) {
        let Some(like) = others.iter_mut().find(|other| other.is_like(&self)) else {
            make_room(
                others,
                |other| other.kind == self.kind && other.client_id == self.client_id,
                MOST_OF_A_CLIENT,
            );
            make_room(others, |other| other.kind == self.kind, MOST_OF_A_KIND);
            others.push(self);
            return;
        };
        like.add(self);
    }

    /// Adds all of them, without limits.
    pub(crate) fn merge(self, others: &mut Vec<Self>) {
        match others.iter_mut().find(|other| other.is_like(&self)) {
            Some(like) => like.add(self),
            None => others.push(self),
        }
    }

    fn add(&mut self, other: Self) {
        self.times = self.times.saturating_add(other.times);
        self.first_at = self.first_at.min(other.first_at);
        if other.last_at >= self.last_at {
            (self.last_at, self.last_from) = (other.last_at, other.last_from);
            self.client_name = other.client_name.or_else(|| self.client_name.take());
        }
        self.standing = self.standing.min(other.standing);
        for attempt in other.attempts {
            attempt.join(&mut self.attempts);
        }
    }
}

impl Attempt {
    fn join(self, others: &mut Vec<Self>) {
        if let Some(like) = others.iter_mut().find(|other| other.asked == self.asked) {
            like.times = like.times.saturating_add(self.times);
            like.last_at = like.last_at.max(self.last_at);
            like.requests.extend(self.requests);
            let surplus = like.requests.len().saturating_sub(MOST_REQUESTS);
            like.requests.drain(..surplus);
            return;
        }
        // A client with the same repeated failure is not displaced by one that invents new ones.
        if others.len() >= MOST_ATTEMPTS
            && let Some(weakest) =
                position_of_least(others, |attempt| (attempt.times > 1, attempt.last_at))
        {
            others.remove(weakest);
        }
        others.push(self);
    }
}

fn make_room(
    others: &mut Vec<FailedRequest>,
    counts: impl Fn(&FailedRequest) -> bool,
    most: usize,
) {
    if others.iter().filter(|other| counts(other)).count() < most {
        return;
    }
    let oldest = position_of_least(others, |other| (!counts(other), other.last_at));
    if let Some(oldest) = oldest {
        others.remove(oldest);
    }
}

fn position_of_least<T>(items: &[T], rank: impl Fn(&T) -> (bool, Timestamp)) -> Option<usize> {
    items
        .iter()
        .enumerate()
        .min_by_key(|(_, item)| rank(item))
        .map(|(position, _)| position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::failure::{
        FailedStep, FailureKind, RequestedParameters, RequestedText, Standing,
    };

    fn failure(client_id: &str, kind: FailureKind, at: u64) -> FailedRequest {
        let at = Timestamp::from_seconds(at);
        FailedRequest {
            client_id: client_id.to_owned(),
            client_name: None,
            step: FailedStep::Authorize,
            kind,
            code: "invalid_client".to_owned(),
            description: "the client is unknown".to_owned(),
            times: 1,
            first_at: at,
            last_at: at,
            last_from: "192.0.2.1".to_owned(),
            standing: Standing::Stranger,
            attempts: Vec::new(),
        }
    }

    fn asking(uri: &str, at: u64) -> FailedRequest {
        let asked = RequestedParameters {
            redirect_uri: RequestedText::of(uri),
            ..RequestedParameters::default()
        };
        let attempt = Attempt {
            asked,
            requests: vec![format!("{at:016x}")],
            times: 1,
            last_at: Timestamp::from_seconds(at),
        };
        FailedRequest {
            attempts: vec![attempt],
            ..failure("vc_real", FailureKind::WrongRedirect, at)
        }
    }

    #[test]
    fn what_is_alike_is_counted_and_what_is_made_up_stays_within_its_bounds() {
        let mut all = Vec::new();
        for at in [5, 3, 9] {
            failure("vc_real", FailureKind::WrongRedirect, at).join(&mut all);
        }
        for number in 0..1000 {
            failure(
                &format!("made-up-{number}"),
                FailureKind::UnknownClient,
                number,
            )
            .join(&mut all);
        }
        assert_eq!(all.len(), MOST_OF_A_KIND + 1);
        let real = &all[0];
        assert_eq!(
            (real.times, real.first_at.seconds(), real.last_at.seconds()),
            (3, 3, 9)
        );
        assert_eq!(
            all.last().map(|last| last.client_id.as_str()),
            Some("made-up-999"),
            "the newest are there"
        );
    }

    #[test]
    fn one_client_does_not_take_the_place_of_the_others() {
        let mut all = Vec::new();
        failure("vc_real", FailureKind::MalformedRequest, 1).join(&mut all);
        for number in 2..100 {
            let one = FailedRequest {
                description: format!("the parameter {number} is missing"),
                ..failure("vc_busy", FailureKind::MalformedRequest, number)
            };
            one.join(&mut all);
        }
        assert_eq!(all.len(), MOST_OF_A_CLIENT + 1);
        assert_eq!(all[0].client_id, "vc_real");
    }

    #[test]
    fn what_is_asked_for_again_is_not_pushed_out_by_what_is_made_up() {
        let mut all = Vec::new();
        for at in 1..=20 {
            asking("https://real.example/cb", at).join(&mut all);
        }
        for at in 21..200 {
            asking(&format!("https://made-up.example/{at}"), at).join(&mut all);
        }
        let [one] = &all[..] else {
            panic!("one failure")
        };
        assert_eq!((one.times, one.attempts.len()), (199, MOST_ATTEMPTS));
        let real = &one.attempts[0];
        assert_eq!(
            real.asked
                .redirect_uri
                .as_ref()
                .map(|uri| uri.text.as_str()),
            Some("https://real.example/cb")
        );
        assert_eq!((real.times, real.requests.len()), (20, MOST_REQUESTS));
        assert_eq!(
            real.requests.last(),
            Some(&format!("{:016x}", 20)),
            "the latest requests are known"
        );
        assert_eq!(
            one.attempts.last().map(|last| last.last_at.seconds()),
            Some(199)
        );
    }
}

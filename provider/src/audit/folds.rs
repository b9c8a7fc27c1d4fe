//! Folding: repeated events of one account, or of guesses at it, are written a few times and then
//! counted. At the end of the window the count is written as one event, so that nothing is lost and
//! the audit log cannot be flooded.
//!
//! The counts are kept in memory by each server. They are written when their window ends and when
//! the server stops.

use std::{collections::HashMap, time::Duration};

use oauth::{Id, Timestamp};

use super::{AuditAction, Event};

/// How long alike events are counted as one.
pub(crate) const WINDOW: Duration = Duration::from_mins(5);
/// The number of events of one action of one account that are written in a window.
const OF_ONE_DEED: u64 = 20;
/// The same for all actions together; after that, the first of each further action.
const OF_ONE_ACCOUNT: u64 = 60;
/// The number of networks that are distinguished in a window for refusals about one account.
const SOURCES: usize = 16;
/// Of how many accounts, or addresses that have none, something is remembered.
const SUBJECTS: usize = 4096;

/// The subject of events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Account(Id),
    /// An address that has no account. Its events are never written; that they would not be is
    /// decided alike.
    UnknownAddress(String),
}

/// What happens to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is written.
    Write,
    /// It is counted, and written together with others later.
    Count,
}

/// The counts of all subjects.
#[derive(Default)]
pub(crate) struct Folds(HashMap<Subject, Window>);

/// What happened about one subject since its window began.
struct Window {
    began: Timestamp,
    written: u64,
    folds: Vec<Fold>,
}

/// Events that are alike.
struct Fold {
    action: AuditAction,
    /// The network of refusals; `None` for all others together, and for other actions.
    source: Option<String>,
    written: u64,
    counted: u64,
    /// The last of those that were counted.
    last: Option<Event>,
}

impl Folds {
    /// Decides about an event, which is `None` for an unknown account. `source` is given for
    /// refusals. Counts of windows that end because of it are added to `over`.
    pub(crate) fn add(
        &mut self,
        subject: Subject,
        (action, source): (AuditAction, Option<String>),
        event: Option<&Event>,
        now: Timestamp,
        over: &mut Vec<Event>,
    ) -> Verdict {
        if self
            .0
            .get(&subject)
            .is_some_and(|window| window.is_over(now))
        {
            over.extend(self.0.remove(&subject).into_iter().flat_map(Window::counts));
        }
        if !self.0.contains_key(&subject) {
            self.make_room(now, over);
        }
        let begin = || Window {
            began: now,
            written: 0,
            folds: Vec::new(),
        };
        self.0
            .entry(subject)
            .or_insert_with(begin)
            .add(action, source, event)
    }

    /// The counts of windows that have ended.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Event> {
        in_order(
            self.0
                .extract_if(|_, window| window.is_over(now))
                .flat_map(|(_, window)| window.counts()),
        )
    }

    /// The counts about one account.
    pub(crate) fn of(&mut self, account: Id) -> Vec<Event> {
        in_order(
            self.0
                .remove(&Subject::Account(account))
                .into_iter()
                .flat_map(Window::counts),
        )
    }

    /// All counts.
    pub(crate) fn all(&mut self) -> Vec<Event> {
        in_order(self.0.drain().flat_map(|(_, window)| window.counts()))
    }

    fn make_room(&mut self, now: Timestamp, over: &mut Vec<Event>) {
        if self.0.len() < SUBJECTS {
            return;
        }
        over.extend(self.due(now));
        if self.0.len() >= SUBJECTS {
            let began: Vec<_> = self.0.values().map(|window| window.began).collect();
            let middle = median(began);
            over.extend(
                self.0
                    .extract_if(|_, window| window.began <= middle)
                    .flat_map(|(_, window)| window.counts()),
            );
        }
    }
}

fn in_order(events: impl Iterator<Item = Event>) -> Vec<Event> {
    let mut events: Vec<_> = events.collect();
    events.sort_by_key(|event| event.at);
    events
}

/// The one in the middle.
fn median(mut moments: Vec<Timestamp>) -> Timestamp {
    moments.sort_unstable();
    moments
        .get(moments.len() / 2)
        .copied()
        .unwrap_or(Timestamp::from_seconds(0))
}

impl Window {
    fn is_over(&self, now: Timestamp) -> bool {
        self.began.after(WINDOW).has_passed(now)
    }

    fn add(
        &mut self,
        action: AuditAction,
        source: Option<String>,
        event: Option<&Event>,
    ) -> Verdict {
        let alone = if source.is_some() { 1 } else { OF_ONE_DEED };
        let few = self.written < OF_ONE_ACCOUNT;
        let fold = self.fold(action, source);
        if fold.written == 0 || (few && fold.written < alone) {
            fold.written += 1;
            self.written += 1;
            return Verdict::Write;
        }
        fold.counted += 1;
        fold.last = event.cloned();
        Verdict::Count
    }

    /// Where an event is counted. Refusals from too many parts of the network are counted together.
    fn fold(&mut self, action: AuditAction, source: Option<String>) -> &mut Fold {
        let place = |folds: &[Fold], source: &Option<String>| {
            folds
                .iter()
                .position(|fold| fold.action == action && fold.source == *source)
        };
        let known = place(&self.folds, &source);
        let room = self
            .folds
            .iter()
            .filter(|fold| fold.source.is_some())
            .count()
            < SOURCES;
        let source = source.filter(|_| room || known.is_some());
        let place = known
            .or_else(|| place(&self.folds, &source))
            .unwrap_or_else(|| {
                self.folds.push(Fold {
                    action,
                    source,
                    written: 0,
                    counted: 0,
                    last: None,
                });
                self.folds.len() - 1
            });
        &mut self.folds[place]
    }

    /// An event for each count.
    fn counts(self) -> impl Iterator<Item = Event> {
        self.folds.into_iter().filter_map(|fold| {
            // A deferred one is an event of its own.
            let times = Some(fold.counted).filter(|counted| *counted > 1);
            fold.last.map(|last| Event { times, ..last })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AccountName, Actor, RequestSource};

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn event(action: AuditAction, account: u8) -> Event {
        let subject = Some(AccountName {
            account: Id::new([account; 16]),
            email: String::new(),
        });
        let from = Some(RequestSource {
            address: String::new(),
            device: String::new(),
        });
        Event {
            at: START,
            action,
            by: Actor::User,
            subject,
            from,
            client: None,
            about: None,
            times: None,
        }
    }

    /// How many of this number of events are written, without the counts of windows that end for
    /// it.
    fn written(
        folds: &mut Folds,
        action: AuditAction,
        account: u8,
        source: Option<&str>,
        events: usize,
    ) -> usize {
        let subject = Subject::Account(Id::new([account; 16]));
        let event = event(action, account);
        let mut add = || {
            folds.add(
                subject.clone(),
                (action, source.map(str::to_owned)),
                Some(&event),
                START,
                &mut Vec::new(),
            )
        };
        (0..events).filter(|_| add() == Verdict::Write).count()
    }

    fn counts(events: Vec<Event>) -> Vec<(AuditAction, Option<u64>)> {
        let mut counts: Vec<_> = events
            .into_iter()
            .map(|event| (event.action, event.times))
            .collect();
        counts.sort_by_key(|(action, times)| (action.as_str().to_owned(), *times));
        counts
    }

    #[test]
    fn a_refusal_is_written_once_for_each_source_and_the_rest_is_counted() {
        let mut folds = Folds::default();
        assert_eq!(
            written(&mut folds, AuditAction::SignInRefused, 1, Some("a"), 5000),
            1
        );
        assert_eq!(
            written(&mut folds, AuditAction::SignInRefused, 1, Some("b"), 2),
            1
        );
        assert!(
            folds
                .due(START.after(WINDOW).before(Duration::from_secs(1)))
                .is_empty()
        );
        let due = folds.due(START.after(WINDOW));
        assert_eq!(
            counts(due),
            [
                (AuditAction::SignInRefused, None),
                (AuditAction::SignInRefused, Some(4999))
            ]
        );
        assert!(folds.all().is_empty(), "each count is written once");
        assert_eq!(
            written(&mut folds, AuditAction::SignInRefused, 1, Some("a"), 2),
            1,
            "a new window"
        );
    }

    #[test]
    fn from_however_many_sources_refusals_about_one_account_are_few() {
        let mut folds = Folds::default();
        let sources: usize = (0..1000)
            .map(|source| {
                written(
                    &mut folds,
                    AuditAction::SignInRefused,
                    1,
                    Some(&source.to_string()),
                    3,
                )
            })
            .sum();
        assert_eq!(sources, SOURCES + 1);
        let counted: u64 = folds
            .all()
            .into_iter()
            .map(|event| event.times.unwrap_or(1))
            .sum();
        assert_eq!(counted, 3000 - 17, "none is lost");
    }

    #[test]
    fn what_a_person_does_over_and_over_is_counted_and_another_deed_stands_out() {
        let mut folds = Folds::default();
        assert_eq!(
            written(&mut folds, AuditAction::PasskeyRenamed, 1, None, 500),
            20
        );
        assert_eq!(
            written(&mut folds, AuditAction::SignedOut, 1, None, 500),
            20
        );
        assert_eq!(written(&mut folds, AuditAction::Allowed, 1, None, 500), 20);
        assert_eq!(
            written(&mut folds, AuditAction::PasskeyAdded, 1, None, 500),
            1
        );
        assert_eq!(
            written(&mut folds, AuditAction::PasskeyAdded, 2, None, 3),
            3,
            "another person"
        );
        let expected = [
            AuditAction::Allowed,
            AuditAction::PasskeyAdded,
            AuditAction::PasskeyRenamed,
            AuditAction::SignedOut,
        ];
        let times = [480, 499, 480, 480].map(Some);
        assert_eq!(
            counts(folds.all()),
            expected.into_iter().zip(times).collect::<Vec<_>>()
        );
    }

    #[test]
    fn of_any_number_of_subjects_some_are_remembered_and_no_count_is_lost() {
        let mut folds = Folds::default();
        let mut over = Vec::new();
        for round in 0..2 {
            for number in 0..10_000_u64 {
                let subject = Subject::UnknownAddress(number.to_string());
                folds.add(
                    subject,
                    (AuditAction::SignInRefused, Some(String::new())),
                    None,
                    START.after(Duration::from_secs(number / 100)),
                    &mut over,
                );
            }
            assert!(folds.0.len() <= SUBJECTS, "{round}");
        }
        assert!(over.is_empty(), "nothing is written of an unknown address");
        assert_eq!(written(&mut folds, AuditAction::SignedOut, 1, None, 25), 20);
        let later = START.after(WINDOW);
        for number in 0..10_000_u64 {
            let subject = Subject::UnknownAddress(number.to_string());
            folds.add(
                subject,
                (AuditAction::SignInRefused, Some(String::new())),
                None,
                later,
                &mut over,
            );
        }
        assert_eq!(counts(over), [(AuditAction::SignedOut, Some(5))]);
    }
}

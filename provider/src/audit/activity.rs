//! Recording events: in the audit log, and the latest ones of each account for its user.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use identity::rate_limit::rate_limit_key;
use oauth::{Digest, Id, Timestamp};

use super::{
    AccountName, Actor, AuditAction, Event, RequestSource,
    folds::{Subject, Verdict},
    waiting::FollowUp,
};
use crate::{
    audit::AuditLog,
    browser_context::BrowserContext,
    records::{self, Batch, Versioned, keys},
    state::{Maybe, audit::Activity},
    unavailable::Unavailable,
};

/// The number of events on the account page.
const MOST: usize = 50;
/// The maximum number of refused sign-ins among them, so that guesses displace no other events.
const MOST_REFUSALS: usize = 5;
const A_MINUTE: Duration = Duration::from_mins(1);

impl Activity {
    /// With later events, each kept as long as the audit log keeps it.
    pub(super) fn with(mut self, events: Vec<Event>, lifetime: Duration) -> Self {
        for event in events {
            let oldest = event.at.before(lifetime);
            self.add(event, oldest);
        }
        self
    }

    fn contains(&self, event: &Event) -> bool {
        let mut known = self.0.iter().filter_map(Maybe::known);
        known.any(|there| there == event)
    }

    fn add(&mut self, event: Event, oldest: Timestamp) {
        self.0.insert(0, Maybe::Known(event));
        let mut refusals = 0;
        // Entries that this version cannot read are kept while there is space.
        self.0.retain(|event| {
            event.known().is_none_or(|event| {
                refusals += usize::from(event.action == AuditAction::SignInRefused);
                event.at > oldest
                    && (event.action != AuditAction::SignInRefused || refusals <= MOST_REFUSALS)
            })
        });
        self.0.truncate(MOST);
    }
}

impl AuditLog {
    /// Records an action of a user, or of a client that claimed to be the user.
    pub(crate) async fn note_by_user(
        &self,
        action: AuditAction,
        subject: AccountName,
        browser: &BrowserContext,
        about: impl Into<Option<String>>,
    ) {
        self.note(self.event_by_user(action, subject, browser, about.into()))
            .await;
    }

    fn event_by_user(
        &self,
        action: AuditAction,
        subject: AccountName,
        browser: &BrowserContext,
        about: Option<String>,
    ) -> Event {
        let at = self.context.now();
        let from = Some(RequestSource::of(browser));
        Event {
            at,
            action,
            by: Actor::User,
            subject: Some(subject),
            from,
            client: None,
            about,
            times: None,
        }
    }

    /// Records a refused sign-in after the response. `email` is the entered address. If it has no
    /// account, the same store operations are done, so that the time of this and the next response
    /// does not reveal whether there is one.
    pub(crate) async fn note_refusal(
        &self,
        action: AuditAction,
        subject: Option<AccountName>,
        email: &str,
        browser: &BrowserContext,
    ) {
        let counted = match &subject {
            Some(subject) => Subject::Account(subject.account),
            None => Subject::UnknownAddress(Digest::of(email.as_bytes()).as_str().to_owned()),
        };
        let event = subject.map(|subject| self.event_by_user(action, subject, browser, None));
        let source = Some(rate_limit_key(browser.address));
        let (verdict, over) = self.fold(counted, (action, source), event.as_ref());
        if verdict == Verdict::Count && over.is_empty() {
            return;
        }
        let mut events = over;
        events.extend(event.filter(|_| verdict == Verdict::Write));
        // They wait for the audit log from now on, in the order in which they happened.
        let waiting: Vec<_> = events
            .into_iter()
            .map(|event| self.enqueue(event))
            .collect();
        let log = self.clone();
        let work = async move {
            match waiting.last() {
                Some(last) => log.added(*last, &mut None).await,
                None => log.note_nothing().await,
            }
        };
        self.context.background().spawn(work).await;
    }

    /// Records an event. The operation is done already, so a failure undoes nothing, and the audit
    /// log gets the event later if possible. Repeated actions of an account are counted, and
    /// written when the window of the count ends.
    pub(crate) async fn note(&self, event: Event) {
        self.note_with(event, Batch::default()).await;
    }

    /// The same, with steps that are done too, in the same round trip if possible. Their results are
    /// not known.
    pub(crate) async fn note_with(&self, event: Event, also: Batch) {
        let account = event.subject.as_ref().map(|subject| subject.account);
        let (verdict, over) = match (&event.by, account) {
            (Actor::User | Actor::Client, Some(account)) => self.fold(
                Subject::Account(account),
                (event.action, None),
                Some(&event),
            ),
            (_, Some(account)) if event.action == AuditAction::AccountRemoved => {
                (Verdict::Write, self.folds().of(account))
            }
            _ => (Verdict::Write, Vec::new()),
        };
        let may_wait = event.action.is_routine();
        let event = Some(event).filter(|_| verdict == Verdict::Write);
        let events = over.into_iter().chain(event);
        if may_wait {
            self.write_soon(events).await;
            self.do_also(also).await;
        } else {
            self.write_all_with(events, also).await;
        }
    }

    async fn do_also(&self, also: Batch) {
        if let Err(error) = also.run(self.context.store()).await {
            tracing::warn!(%error, "the details of an audit event could not be stored");
        }
    }

    /// Writes the counts whose window has ended.
    pub(super) async fn write_due_counts(&self) {
        let due = self.folds().due(self.context.now());
        self.write_all(due).await;
    }

    /// Writes all counts before the server stops.
    pub(super) async fn write_all_counts(&self) {
        let all = self.folds().all();
        self.write_all(all).await;
    }

    fn fold(
        &self,
        subject: Subject,
        alike: (AuditAction, Option<String>),
        event: Option<&Event>,
    ) -> (Verdict, Vec<Event>) {
        let mut over = Vec::new();
        let verdict = self
            .folds()
            .add(subject, alike, event, self.context.now(), &mut over);
        (verdict, over)
    }

    /// Writes events, and returns once they are in the audit log, if the store takes them.
    async fn write_all(&self, events: impl IntoIterator<Item = Event>) {
        self.write_all_with(events, Batch::default()).await;
    }

    async fn write_all_with(&self, events: impl IntoIterator<Item = Event>, also: Batch) {
        let mut last = None;
        for event in events {
            last = Some(self.enqueue(event));
        }
        let mut also = Some(also);
        if let Some(last) = last {
            self.added(last, &mut also).await;
        }
        // Another task may have added the event.
        if let Some(also) = also {
            self.do_also(also).await;
        }
    }

    /// Writes events soon, together with others.
    async fn write_soon(&self, events: impl IntoIterator<Item = Event>) {
        let mut any = false;
        for event in events {
            self.enqueue(event);
            any = true;
        }
        if any {
            self.append_soon().await;
        }
    }

    /// Returns once a queued event, and all before it, are in the audit log. Takes `also` if it was
    /// done with them.
    async fn added(&self, id: Id, also: &mut Option<Batch>) {
        if let Err(error) = self.append(id, also).await {
            tracing::error!(%error, "an event is not in the audit log yet");
        }
    }

    /// Does what is left for events that are stored: renews the note of the newest one, and the
    /// activity of their accounts. What fails is tried again with the next events.
    pub(super) async fn follow_up(&self) {
        let mut noted = self.state.following.lock().await;
        let FollowUp {
            newest,
            events,
            may_be_noted,
        } = self.state.take_follow_up();
        // What has failed may be done.
        let mut undone = FollowUp {
            may_be_noted: true,
            ..FollowUp::default()
        };
        if let Some(newest) = newest
            && let Err(error) = self.note_latest(&mut noted, newest.clone()).await
        {
            tracing::error!(%error, "the newest event of the audit log could not be recorded yet");
            undone.newest = Some(newest);
        }
        let by_account = by_account(events);
        let noting = by_account.into_iter().map(async |(account, events)| {
            let noted = self.note_activity(account, &events, may_be_noted).await;
            noted.err().map(|error| (error, events))
        });
        for (error, events) in join_all(noting).await.into_iter().flatten() {
            tracing::error!(%error, "events are missing in the activity of an account");
            undone.events.extend(events);
        }
        if undone.newest.is_some() || !undone.events.is_empty() {
            self.state.give_back(undone);
        }
    }

    /// Does as many store operations as recording an event: three writes and a read.
    async fn note_nothing(&self) {
        let key = keys::counter("nothing", "", 0);
        for looks in [false, false, true] {
            if looks {
                self.context.plain_store().get(&key).await.ok();
            }
            self.context.plain_store().count(&key, A_MINUTE).await.ok();
        }
    }

    /// Adds events to the activity of their account. `may_be_noted` if some may be there already.
    async fn note_activity(
        &self,
        account: Id,
        events: &[Event],
        may_be_noted: bool,
    ) -> Result<(), Unavailable> {
        let key = keys::activity(account);
        let store = self.context.store();
        let known = self.state.take_activity(account);
        // A refused sign-in takes as many operations as one to an address without an account.
        let known = known.filter(|_| !events.iter().any(is_refusal));
        if events.iter().any(is_removal) {
            return records::remove(store, &key).await.map(drop);
        }
        let lifetime = self.context.settings().lifetimes.audit;
        let add = |activity: Option<Activity>| {
            let activity = activity.unwrap_or_default();
            let is_new = |event: &&Event| !may_be_noted || !activity.contains(event);
            let new: Vec<_> = events.iter().filter(is_new).cloned().collect();
            (activity.with(new, lifetime), records::ttl(lifetime))
        };
        let current = match known {
            None => Versioned::read(store, &key).await?,
            known => known,
        };
        let noted = records::put_from(store, &key, current, add).await?;
        self.state.keep_activity(account, noted);
        Ok(())
    }
}

/// Whether an event is a refused sign-in.
pub(super) fn is_refusal(event: &Event) -> bool {
    event.action == AuditAction::SignInRefused
}

/// Whether an event is the end of an account.
pub(super) fn is_removal(event: &Event) -> bool {
    event.action == AuditAction::AccountRemoved
}

/// Events by the account that they are about, each in their order.
pub(super) fn by_account(events: Vec<Event>) -> HashMap<Id, Vec<Event>> {
    let mut accounts: HashMap<Id, Vec<Event>> = HashMap::new();
    for event in events {
        if let Some(subject) = &event.subject {
            accounts.entry(subject.account).or_default().push(event);
        }
    }
    accounts
}

impl RequestSource {
    /// For the browser of a user.
    pub(crate) fn of(browser: &BrowserContext) -> Self {
        Self {
            address: browser.address.to_canonical().to_string(),
            device: browser.device.clone(),
        }
    }

    /// Of a program.
    pub(crate) fn of_program(address: std::net::IpAddr) -> Self {
        Self {
            address: address.to_canonical().to_string(),
            device: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_pushes_nothing_out() {
        let event = |action, at| {
            let at = Timestamp::from_seconds(at);
            Event {
                at,
                action,
                by: Actor::User,
                subject: None,
                from: None,
                client: None,
                about: None,
                times: None,
            }
        };
        let mut activity = Activity::default();
        activity.add(
            event(AuditAction::PasskeyAdded, 100),
            Timestamp::from_seconds(0),
        );
        for at in 101..400 {
            activity.add(
                event(AuditAction::SignInRefused, at),
                Timestamp::from_seconds(0),
            );
        }
        assert_eq!(activity.0.len(), MOST_REFUSALS + 1);
        let known = |place: usize| activity.0[place].known().expect("known").clone();
        assert_eq!(
            (known(0).at.seconds(), known(MOST_REFUSALS).action),
            (399, AuditAction::PasskeyAdded)
        );
        activity.add(
            event(AuditAction::SignedOut, 500),
            Timestamp::from_seconds(398),
        );
        assert_eq!(activity.0.len(), 2, "what is too old goes");
        for at in 501..700 {
            activity.add(
                event(AuditAction::SignedOut, at),
                Timestamp::from_seconds(0),
            );
        }
        assert_eq!(activity.0.len(), MOST);
    }
}
